//! What resolve decides, from the event and the rules. No I/O.

use super::decision::{Decision, Deploy, Request};
use super::event::{Event, PullRequestState, RefKind, ReleaseAction, WorkflowRun};
use super::rules::{Parts, Rule};
use super::subject::{SHOWN, Subject, describe, is_wanted, passed_on, subject, succeeded};
use crate::action::inputs::EnvironmentName;
use crate::github::is_plain;
use crate::text;

/// Decides what an event deploys.
pub(super) fn plan(event: &Event, asked: &Request<'_>) -> Decision {
    match decide(event, asked) {
        Ok(deploy) if is_over(event) => Decision::End(Box::new(deploy)),
        Ok(deploy) => Decision::Deploy(Box::new(deploy)),
        Err(decision) => decision,
    }
}

fn decide(event: &Event, asked: &Request<'_>) -> Result<Deploy, Decision> {
    let of_event = subject(event, asked)?;
    let rule = asked
        .rules
        .iter()
        .find(|rule| matches(rule, event, &of_event))
        .ok_or_else(|| Decision::Skip(format!("no rule is about {}", describe(event))))?;
    if let Event::PullRequest(request) = event {
        is_wanted(request, asked.allow_forks)?;
    }
    let environment = environment(rule, event, asked)?;
    let named = asked.named.filter(|_| !is_over(event));
    let subject = named.map_or(of_event, |named| Subject::named(named, asked.rules));
    passed_on(event, &subject)?;
    if let Some(given) = asked.environment.filter(|given| **given != environment) {
        return Err(Decision::Skip(format!(
            "{} goes to {environment}, and this step is about {given}",
            describe(event)
        )));
    }
    let component = subject.parts.component.clone();
    if let (Some(given), Some(other)) = (asked.component, &component)
        && given.as_str() != other
    {
        return Err(Decision::Skip(format!("{} is about the component {other}, not {given}", describe(event))));
    }
    let warning = if is_over(event) { None } else { tag_required(&environment, &subject, asked)? };
    let of_ci = matches!(event, Event::WorkflowRun(_)) && named.is_none();
    Ok(Deploy {
        rule: rule.to_string(),
        environment,
        git_ref: subject.git_ref,
        tag: subject.tag,
        commit: subject.commit,
        version: subject.version,
        component,
        needs_ci: asked.ci_workflow.is_some() && !of_ci,
        unless_recorded: matches!(event, Event::Release { action: ReleaseAction::Released, .. }),
        head_repository: match event {
            Event::PullRequest(request) => request.head_repository.clone(),
            _ => None,
        },
        warning,
    })
}

/// Whether a pull request was closed, and its environment ends.
fn is_over(event: &Event) -> bool {
    matches!(event, Event::PullRequest(request) if request.state == PullRequestState::JustClosed)
}

/// The run whose name has to be looked at, because a rule may be about it: the event does not say whether it is that of a branch
/// or of a tag.
pub(super) fn unknown_kind<'e>(event: &'e Event, asked: &Request<'_>) -> Option<&'e WorkflowRun> {
    let Event::WorkflowRun(run) = event else { return None };
    let may_match = |rule: &Rule| match rule {
        Rule::WorkflowRun(pattern, _) | Rule::Tag(pattern, _) => pattern.fits(&run.name),
        Rule::Prerelease(_) => Parts::of(&run.name, asked.rules).is_prerelease(),
        _ => false,
    };
    let wanted = succeeded(run, asked.ci_workflow).is_ok() && is_plain(&run.name);
    (wanted && asked.rules.iter().any(may_match)).then_some(run)
}

fn matches(rule: &Rule, event: &Event, subject: &Subject) -> bool {
    match (rule, event) {
        (Rule::Branch(pattern, _), Event::Branch { name, .. }) => pattern.fits(name),
        (Rule::Tag(pattern, _), Event::Tag { name, .. }) => pattern.parts(name).is_some(),
        (Rule::Release(_), Event::Release { .. })
        | (Rule::Dispatch(_), Event::Dispatch(_))
        | (Rule::PullRequest(_), Event::PullRequest(_)) => true,
        (Rule::Prerelease(_), Event::Release { prerelease, .. }) => *prerelease || subject.parts.is_prerelease(),
        (Rule::Prerelease(_), Event::Tag { .. }) => subject.parts.is_prerelease(),
        (Rule::WorkflowRun(pattern, _), Event::WorkflowRun(run)) => {
            run.kind == Some(RefKind::Branch) && pattern.fits(&run.name)
        }
        (Rule::Tag(pattern, _), Event::WorkflowRun(run)) => {
            run.kind == Some(RefKind::Tag) && pattern.parts(&run.name).is_some()
        }
        (Rule::Prerelease(_), Event::WorkflowRun(run)) => {
            run.kind == Some(RefKind::Tag) && subject.parts.is_prerelease()
        }
        _ => false,
    }
}

fn environment(rule: &Rule, event: &Event, asked: &Request<'_>) -> Result<EnvironmentName, Decision> {
    let given = match event {
        Event::Dispatch(dispatch) => dispatch.environment.as_deref(),
        _ => None,
    };
    match (rule, given) {
        (Rule::Prerelease(None), _) => {
            Err(Decision::Skip(format!("{} is a pre-release, which goes nowhere", describe(event))))
        }
        (Rule::Dispatch(None), Some(given)) => given.parse().map_err(|why: String| Decision::Refuse {
            reason: format!("the environment that was asked for, \"{}\", {why}", text::truncated(given, SHOWN)),
            advice: "start the run again with the name of an environment".to_owned(),
        }),
        (Rule::Dispatch(None), None) => asked.environment.cloned().ok_or_else(|| Decision::Refuse {
            reason: "the run was asked for without an environment".to_owned(),
            advice: "add the input `environment` to `workflow_dispatch`, or write a rule such as `dispatch -> stg`"
                .to_owned(),
        }),
        (Rule::PullRequest(preview), _) => {
            let Event::PullRequest(request) = event else { return Err(Decision::Skip(describe(event))) };
            preview.of(request.number).map_err(|why| Decision::Refuse {
                reason: format!("the environment of {} {why}", describe(event)),
                advice: "shorten the name in the rule".to_owned(),
            })
        }
        (
            Rule::Branch(_, to)
            | Rule::Tag(_, to)
            | Rule::Release(to)
            | Rule::WorkflowRun(_, to)
            | Rule::Prerelease(Some(to))
            | Rule::Dispatch(Some(to)),
            _,
        ) => Ok(to.clone()),
    }
}

/// Refuses, or warns, where an environment takes tags only.
fn tag_required(
    environment: &EnvironmentName,
    subject: &Subject,
    asked: &Request<'_>,
) -> Result<Option<String>, Decision> {
    let required = asked.tag_required.iter().find(|one| one.environment == *environment);
    let Some(required) = required.filter(|_| subject.tag.is_none()) else { return Ok(None) };
    let what = match (subject.git_ref.as_str(), &subject.commit) {
        ("", Some(commit)) => format!("commit {}", commit.short()),
        (git_ref, _) => text::truncated(git_ref, SHOWN),
    };
    let reason = format!("{environment} is only deployed from tags, and {what} is not a tag");
    if required.only_warns {
        return Ok(Some(reason));
    }
    Err(Decision::Refuse { reason, advice: "name a tag when you start the run, or push one".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::super::event::{Dispatch, PullRequest};
    use super::super::named::Named;
    use super::super::rules::{TagRequired, usual};
    use super::*;
    use crate::action::inputs::CommitSha;

    const HEAD: &str = "4fe2c1a9d4e5f60718293a4b5c6d7e8f9a0b1c2d";

    fn commit() -> CommitSha {
        HEAD.parse().unwrap()
    }

    fn branch(name: &str) -> Event {
        Event::Branch { name: name.to_owned(), commit: commit() }
    }

    fn tag(name: &str) -> Event {
        Event::Tag { name: name.to_owned(), commit: commit() }
    }

    fn release(tag: &str, prerelease: bool) -> Event {
        Event::Release { tag: tag.to_owned(), prerelease, action: ReleaseAction::Published }
    }

    fn dispatch(environment: &str, tag: &str, git_ref: &str) -> Event {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Event::Dispatch(Dispatch {
            environment: given(environment),
            tag: given(tag),
            version: None,
            git_ref: git_ref.to_owned(),
            commit: Some(commit()),
        })
    }

    fn run(branch: &str, conclusion: &str) -> Event {
        Event::WorkflowRun(WorkflowRun {
            name: branch.to_owned(),
            kind: Some(RefKind::Branch),
            commit: commit(),
            workflow: "CI".to_owned(),
            file: "ci.yml".to_owned(),
            conclusion: conclusion.to_owned(),
        })
    }

    fn asked(rules: &[Rule]) -> Request<'_> {
        Request {
            rules,
            environment: None,
            component: None,
            ci_workflow: None,
            tag_required: &[],
            named: None,
            allow_forks: false,
        }
    }

    /// The decision in a few words: where to, from which tag, in which version.
    fn brief(decision: &Decision) -> String {
        match decision {
            Decision::Deploy(deploy) => [
                Some(deploy.environment.to_string()),
                deploy.component.as_ref().map(|name| format!("component {name}")),
                deploy.tag.as_ref().map(|tag| format!("tag {tag}")),
                deploy.version.as_ref().map(|version| format!("version {version}")),
                deploy.commit.is_none().then(|| "commit of the tag".to_owned()),
                deploy.warning.as_ref().map(|_| "warning".to_owned()),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", "),
            Decision::End(over) => format!("end of {}", over.environment),
            Decision::Skip(why) => format!("skip: {why}"),
            Decision::Refuse { reason, .. } => format!("refuse: {reason}"),
        }
    }

    #[test]
    fn the_usual_rules() {
        let table = [
            (branch("dev"), "dev"),
            (branch("main"), "stg"),
            (branch("feature/x"), "skip: no rule is about branch feature/x"),
            (tag("v1.2.3"), "prd, tag v1.2.3, version 1.2.3"),
            (tag("v1.3.0-rc.1"), "prd, tag v1.3.0-rc.1, version 1.3.0-rc.1"),
            (tag("v-line-0.1.0"), "prd, component line, tag v-line-0.1.0, version 0.1.0"),
            (tag("nightly"), "skip: no rule is about tag nightly"),
            (release("v1.2.3", false), "prd, tag v1.2.3, version 1.2.3, commit of the tag"),
            (release("v-line-0.1.0", false), "prd, component line, tag v-line-0.1.0, version 0.1.0, commit of the tag"),
            (release("spring", false), "prd, tag spring, version spring, commit of the tag"),
            (run("main", "success"), "skip: no rule is about a run of CI on main"),
            (dispatch("stg", "", "refs/heads/main"), "stg"),
            (dispatch("prd", "v1.2.3", "refs/heads/main"), "prd, tag v1.2.3, version 1.2.3, commit of the tag"),
            (dispatch("prd", "", "refs/tags/v1.2.3"), "prd, tag v1.2.3, version 1.2.3"),
            (dispatch("", "", "refs/heads/main"), "refuse: the run was asked for without an environment"),
            (
                dispatch("a?b", "", "refs/heads/main"),
                "refuse: the environment that was asked for, \"a?b\", must be an environment name: letters, digits, `.`, `_`, `-`, and `/` inside, at most 64",
            ),
            (
                dispatch("prd", "v1;x", "refs/heads/main"),
                "refuse: the tag that was asked for, \"v1;x\", cannot be used: it holds ';', and not only letters, digits and `._-+/@`",
            ),
            (branch("fix/#12"), "skip: no rule is about branch fix/#12"),
            (
                release("v1;x", false),
                "refuse: the name of the tag cannot be passed on, for release v1;x: it holds ';', and not only letters, digits and `._-+/@`",
            ),
            (
                release("@scope/pkg@1.2.3", false),
                "prd, tag @scope/pkg@1.2.3, version @scope/pkg@1.2.3, commit of the tag",
            ),
            (Event::Other("no rule is about the event issues".to_owned()), "skip: no rule is about the event issues"),
        ];
        let rules = usual();
        for (event, expected) in table {
            assert_eq!(brief(&plan(&event, &asked(&rules))), expected, "{event:?}");
        }
    }

    #[test]
    fn the_first_rule_that_matches_wins() {
        let rules: Vec<Rule> = [
            "workflow-run main -> dev",
            "prerelease -> none",
            "tag v*.*.* -> prd",
            "release -> prd",
            "branch release/* -> stg",
            "branch * -> dev",
            "dispatch -> stg",
        ]
        .iter()
        .map(|rule| rule.parse().unwrap())
        .collect();
        let table = [
            (run("main", "success"), "dev"),
            (run("main", "failure"), "skip: CI ended with failure for commit 4fe2c1a"),
            (run("other", "success"), "skip: no rule is about a run of CI on other"),
            (tag("v1.3.0-rc.1"), "skip: tag v1.3.0-rc.1 is a pre-release, which goes nowhere"),
            (release("v1.3.0", true), "skip: release v1.3.0 is a pre-release, which goes nowhere"),
            (release("v1.3.0", false), "prd, tag v1.3.0, version 1.3.0, commit of the tag"),
            (branch("release/1.x"), "stg"),
            (branch("main"), "dev"),
            (dispatch("prd", "", "refs/heads/main"), "stg"),
        ];
        for (event, expected) in table {
            assert_eq!(brief(&plan(&event, &asked(&rules))), expected, "{event:?}");
        }
    }

    /// The name of a run's branch may be that of a tag: only what was looked at counts.
    #[test]
    fn a_run_for_a_tag_is_a_tag() {
        let rules: Vec<Rule> =
            ["workflow-run * -> dev", "tag v*.*.* -> prd"].iter().map(|rule| rule.parse().unwrap()).collect();
        let run = |name: &str, kind: Option<RefKind>| match run(name, "success") {
            Event::WorkflowRun(run) => Event::WorkflowRun(WorkflowRun { kind, ..run }),
            other => other,
        };
        let table = [
            ("v1.2.3", Some(RefKind::Tag), "prd, tag v1.2.3, version 1.2.3"),
            ("v1.2.3", Some(RefKind::Branch), "dev"),
            ("main", Some(RefKind::Tag), "skip: no rule is about a run of CI on tag main"),
            ("main", None, "skip: no rule is about a run of CI on main"),
        ];
        for (name, kind, expected) in table {
            let event = run(name, kind);
            assert_eq!(brief(&plan(&event, &asked(&rules))), expected, "{event:?}");
            assert!(unknown_kind(&event, &asked(&rules)).is_some());
        }
        for event in [run("a/b", None), tag("v1.2.3")] {
            assert!(unknown_kind(&event, &asked(&rules)).is_none(), "{event:?}");
        }
    }

    #[test]
    fn a_job_of_one_environment_or_component_passes_the_others_by() {
        let rules = usual();
        let (stg, line) = ("stg".parse().unwrap(), "line".parse().unwrap());
        let of_stg = Request { environment: Some(&stg), ..asked(&rules) };
        assert_eq!(brief(&plan(&branch("main"), &of_stg)), "stg");
        assert_eq!(brief(&plan(&dispatch("", "", "refs/heads/main"), &of_stg)), "stg");
        assert_eq!(brief(&plan(&tag("v1.2.3"), &of_stg)), "skip: tag v1.2.3 goes to prd, and this step is about stg");
        let of_line = Request { component: Some(&line), ..asked(&rules) };
        assert_eq!(
            brief(&plan(&tag("v-telegram-1.0.0"), &of_line)),
            "skip: tag v-telegram-1.0.0 is about the component telegram, not line"
        );
        assert_eq!(brief(&plan(&branch("main"), &of_line)), "stg");
    }

    #[test]
    fn ci_is_the_one_that_was_named() {
        let rules = vec!["workflow-run main -> dev".parse().unwrap(), "branch main -> stg".parse().unwrap()];
        for (name, expected) in
            [("CI", "dev"), ("ci.yml", "dev"), ("lint.yml", "skip: the run was one of CI, not of lint.yml")]
        {
            let asked = Request { ci_workflow: Some(name), ..asked(&rules) };
            assert_eq!(brief(&plan(&run("main", "success"), &asked)), expected);
            let Decision::Deploy(pushed) = plan(&branch("main"), &asked) else { panic!() };
            assert!(pushed.needs_ci);
        }
    }

    #[test]
    fn a_pull_request_has_an_environment_of_its_own() {
        let rules = vec!["branch main -> stg".parse().unwrap(), "pull-request -> pr-{number}".parse().unwrap()];
        let request = |fork: bool, state: PullRequestState| {
            let head_repository = Some(if fork { "evil/shop" } else { "org/shop" }.to_owned());
            Event::PullRequest(PullRequest { number: 12, commit: commit(), head_repository, is_fork: fork, state })
        };
        let refused = "refuse: pull request 12 is of a fork, evil/shop: its code is not deployed";
        let table = [
            (false, PullRequestState::Open, false, "pr-12"),
            (false, PullRequestState::JustClosed, false, "end of pr-12"),
            (false, PullRequestState::Closed, false, "skip: pull request 12 is closed"),
            (true, PullRequestState::Open, false, refused),
            (true, PullRequestState::Open, true, "pr-12"),
            (true, PullRequestState::JustClosed, true, "end of pr-12"),
            (
                true,
                PullRequestState::JustClosed,
                false,
                "skip: pull request 12 is of a fork, and nothing was deployed for it",
            ),
        ];
        for (fork, state, allow_forks, expected) in table {
            let asked = Request { allow_forks, ..asked(&rules) };
            assert_eq!(brief(&plan(&request(fork, state), &asked)), expected, "{fork} {state:?} {allow_forks}");
        }
        assert_eq!(
            brief(&plan(&request(false, PullRequestState::Open), &asked(&usual()))),
            "skip: no rule is about pull request 12"
        );
    }

    #[test]
    fn a_name_given_is_deployed_where_the_rules_say() {
        let rules = usual();
        let required: Vec<TagRequired> = vec!["prd".parse().unwrap()];
        let tagged = Named::Tag("v1.2.3".parse().unwrap(), commit());
        let table = [
            (branch("main"), &tagged, "stg, tag v1.2.3, version 1.2.3"),
            (dispatch("prd", "", "refs/heads/main"), &tagged, "prd, tag v1.2.3, version 1.2.3"),
            (branch("feature/x"), &tagged, "skip: no rule is about branch feature/x"),
            (branch("main"), &Named::Commit(commit()), "stg"),
            (
                dispatch("prd", "v1.2.3", "refs/heads/main"),
                &Named::Branch("main".parse().unwrap(), commit()),
                "refuse: prd is only deployed from tags, and refs/heads/main is not a tag",
            ),
        ];
        for (event, named, expected) in table {
            let asked = Request { named: Some(named), tag_required: &required, ..asked(&rules) };
            assert_eq!(brief(&plan(&event, &asked)), expected, "{event:?}");
        }
    }

    #[test]
    fn an_environment_may_take_tags_only() {
        let rules = usual();
        let required: Vec<TagRequired> = vec!["prd".parse().unwrap(), "stg warn".parse().unwrap()];
        let asked = Request { tag_required: &required, ..asked(&rules) };
        assert_eq!(
            brief(&plan(&dispatch("prd", "", "refs/heads/main"), &asked)),
            "refuse: prd is only deployed from tags, and refs/heads/main is not a tag"
        );
        assert_eq!(brief(&plan(&branch("main"), &asked)), "stg, warning");
        assert_eq!(brief(&plan(&tag("v1.2.3"), &asked)), "prd, tag v1.2.3, version 1.2.3");
    }
}
