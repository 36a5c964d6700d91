//! resolve: turns the event that started the run into what to deploy, and where. Reads the event file and GitHub; needs neither
//! AWS nor a checkout.

mod decision;
mod event;
mod named;
mod plan;
mod rules;
mod subject;

use std::time::Duration;

use anyhow::{Context as _, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use self::decision::{Decision, Deploy, Request};
use self::event::{Event, Place, RefKind, WorkflowRun};
use self::named::{GivenRef, Named, tagged};
use self::plan::{plan, unknown_kind};
use self::rules::{Rule, TagRequired, usual};
use self::subject::describe;
use super::{DeployStep, Output};
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{CommitSha, Flag, Inputs, Lines, Problems, Span, is_made_of, text_value};
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Ancestry, BranchName, End};
use crate::outcome::Verdict;
use crate::outcome::{Outcome, Step};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record::status_line::Figure;
use crate::record::{self, History};
use crate::rollout::tag_format::{TagFormat, Values, committed_at};

/// How long the record is asked what serves. Only `previous-sha` depends on it.
const PATIENCE: Duration = Duration::from_secs(10);

text_value!(
    /// A workflow, by its file or its name.
    name pub struct WorkflowName, "a workflow: its file, e.g. `ci.yml`, or its name, letters, digits, blanks and `._-`, at most 100", "ci.yml",
    |text| is_made_of(text, 100, |c| c.is_ascii_alphanumeric() || " ._-".contains(c))
);

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Resolve {
    /// Which event goes where, one rule a line; the first that matches wins. `*` is anything but `/`, `**` anything; in tags
    /// `*.*.*` is a version and `{component}` a component.
    #[serde(default = "defaults::rules")]
    rules: Lines<Rule>,
    /// What is deployed in place of what the event is about; the rules still say where. `refs/heads/` or `refs/tags/` before it
    /// says which is meant where both exist.
    #[serde(rename = "ref")]
    git_ref: Option<GivenRef>,
    /// Deploy pull requests of forks too: whoever may open one has code run in that environment.
    #[serde(default)]
    allow_forks: Flag,
    /// The workflow whose success is required for the commit. A run that `workflow_run` started must have been one of it.
    ci_workflow: Option<WorkflowName>,
    /// The form of `image-tag`. Placeholders: `{environment}` `{component}` `{sha}` `{short-sha}` `{version}`, and `{date}` `{time}`
    /// of the commit, UTC.
    #[serde(default = "TagFormat::usual")]
    tag_format: TagFormat,
    /// Environments that are deployed from tags only, one a line; with `warn` behind it a commit without tag is just said.
    require_tag: Option<Lines<TagRequired>>,
}

mod defaults {
    use super::{Lines, Rule, usual};

    pub(super) fn rules() -> Lines<Rule> {
        Lines(usual())
    }
}

impl Inputs for Resolve {
    fn check(&self, problems: &mut Problems) {
        let named_once = |one: &TagRequired| {
            let environment = &one.environment;
            self.require_tag.iter().flatten().filter(|other| other.environment == *environment).count() == 1
        };
        problems.add_if(
            !self.require_tag.iter().flatten().all(named_once),
            "input `require-tag` must name each environment once",
        );
    }
}

impl DeployStep for Resolve {
    const NAME: &'static str = "resolve";
    const ABOUT: &'static str = "Turns the event that started the run into what to deploy, and where.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("should-deploy", "`true`, or `false` and `reason` says why not"),
        Output::value(
            "action",
            "`deploy`; `end` for a pull request that was closed; empty where there is nothing to do",
        ),
        Output::value("environment", "Where to deploy"),
        Output::value("sha", "The commit to deploy"),
        Output::value("short-sha", "Its first seven digits"),
        Output::value(
            "ref",
            "The branch, tag or head of a pull request, with `refs/..`; empty for a commit that was named",
        ),
        Output::value("tag", "The tag; empty for a branch"),
        Output::value("version", "The version in the tag's name, or as it was asked for; without a tag `short-sha`"),
        Output::value("component", "The component: of the tag, else the input, else the name of the repository"),
        Output::value("image-tag", "The tag of the image, by `tag-format`"),
        Output::value("previous-sha", "The commit that serves there, by the record; empty if none is known"),
    ];
    const FIGURES: &'static [Figure] = &[Figure::Value("version", "version")];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("contents: read").when(When::TagOrDated),
            GithubPermission::needs("actions: read").when(When::CiWorkflow),
            GithubPermission::needs("deployments: read").when(When::Released),
            GithubPermission::needs("deployments: read").optional("`previous-sha`"),
        ],
    };
    const TIMEOUT: Span = Span::minutes(1);
    const ATTACHES: bool = false;

    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        problems.add_if(
            self.git_ref.is_some() && common.sha.is_some(),
            "`ref` and `sha` both name what is deployed: give one of them",
        );
    }

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        cx.report.output("should-deploy", "false");
        let mut event = observe(cx)?;
        let named = match &self.git_ref {
            Some(given) => Some(given.look_up(cx).await?),
            None => None,
        };
        let asked = Request {
            rules: &self.rules.0,
            environment: cx.common.environment.as_ref(),
            component: cx.common.component.as_ref(),
            ci_workflow: self.ci_workflow.as_ref().map(WorkflowName::as_str),
            tag_required: self.require_tag.as_ref().map_or(&[], |lines| &lines.0),
            named: named.as_ref(),
            allow_forks: self.allow_forks.0,
        };
        if let Some(run) = unknown_kind(&event, &asked) {
            event = of_kind(cx, run).await?;
        }
        let decision = plan(&event, &asked);
        report(cx, &event, &decision);
        match decision {
            Decision::Skip(why) => Ok(Outcome::skipped(format!("nothing is deployed: {why}"))),
            Decision::Refuse { reason, advice } => Ok(Outcome::fail(reason).advise(advice)),
            Decision::End(over) => Ok(end(cx, &event, &over)?),
            Decision::Deploy(deploy) => self.deploy(cx, &event, &deploy, named.as_ref()).await,
        }
    }
}

/// The event; the end of the step where it lacks something.
fn observe(cx: &Context) -> Step<Event> {
    let commit = cx.runner.github_sha.as_deref().and_then(|sha| sha.parse().ok());
    let place = Place {
        event: cx.runner.github_event_name.as_deref().unwrap_or_default(),
        git_ref: cx.runner.github_ref.as_deref().unwrap_or_default(),
        commit: commit.as_ref(),
    };
    Ok(Event::read(place, &cx.runner.event()?).map_err(Outcome::error)?)
}

/// A run of another workflow, and whether it was for a branch or for a tag: `head_branch` holds the name of either. It is for
/// the branch only if the commit is on it, so that who may push tags passes no rule for a branch.
async fn of_kind(cx: &Context, run: &WorkflowRun) -> Step<Event> {
    let (name, commit) = (&run.name, &run.commit);
    let github = &cx.github().await?;
    let tip = match name.parse::<BranchName>() {
        Ok(branch) => github.branch_tip(&branch).await?,
        Err(_reads_otherwise) => None,
    };
    let on_branch = match &tip {
        Some(tip) => matches!(github.ancestry_of_known(tip, commit).await?, Ancestry::Same | Ancestry::Older),
        None => false,
    };
    let kind = if on_branch {
        Some(RefKind::Branch)
    } else {
        let end = github.tag(name).await?.map(|tag| tag.end);
        (end == Some(End::Commit(commit.clone()))).then_some(RefKind::Tag)
    };
    let (observed, verdict) = match kind {
        Some(RefKind::Branch) => (format!("on branch {name}"), Verdict::Pass),
        Some(RefKind::Tag) => (format!("tag {name}"), Verdict::Pass),
        None => ("on no branch and no tag of that name".to_owned(), Verdict::Skipped),
    };
    let source = "GET /repos/{owner}/{repo}/git/ref/{ref}, ../compare/{basehead}";
    cx.report.check(format!("commit {}", commit.short()), observed, format!("on {name}"), verdict, source);
    if kind.is_none() {
        let why = format!("commit {} is not on a branch {name} now, and no tag {name} points at it", commit.short());
        cx.report.warn(&why);
        return Ok(Event::Other(why));
    }
    Ok(Event::WorkflowRun(WorkflowRun { kind, ..run.clone() }))
}

/// The records there. Ends the step with nothing deployed when another run has one of the same commit: that of `published`.
async fn unrecorded(cx: &Context, deploy: &Deploy, component: &str, commit: &CommitSha) -> Step<History> {
    let history = History::of_component(cx, &deploy.environment, component).await?;
    let this = record::this_run(cx);
    let other = history
        .entries
        .iter()
        .find(|entry| entry.payload.brought(commit) && !record::is_same_run(entry.payload.run, this));
    let observed = other.map_or_else(|| "none".to_owned(), |entry| format!("deployment {}", entry.id));
    let verdict = if other.is_none() { Verdict::Pass } else { Verdict::Skipped };
    let name = format!("record of another run in {}", deploy.environment);
    cx.report.check(name, observed, "none", verdict, "GET /repos/{owner}/{repo}/deployments");
    let Some(entry) = other else { return Ok(history) };
    let why = format!(
        "nothing is deployed: {} brought commit {} to {} already, and `released` comes beside `published`",
        record::doer(entry.payload.run),
        commit.short(),
        deploy.environment
    );
    Err(Outcome::skipped(why).into())
}

fn report(cx: &Context, event: &Event, decision: &Decision) {
    let (observed, verdict) = match decision {
        Decision::Deploy(deploy) | Decision::End(deploy) => {
            (format!("{}: rule `{}`", describe(event), deploy.rule), Verdict::Pass)
        }
        Decision::Skip(why) => (why.clone(), Verdict::Skipped),
        Decision::Refuse { reason, .. } => (reason.clone(), Verdict::Fail),
    };
    cx.report.check("event", observed, "a rule that matches", verdict, "GITHUB_EVENT_PATH");
    if let Decision::Deploy(deploy) = decision
        && let Some(warning) = &deploy.warning
    {
        cx.report.warn(warning);
    }
}

impl Resolve {
    /// Finds the commit, asks for CI, and tells everything the next jobs need.
    async fn deploy(&self, cx: &Context, event: &Event, deploy: &Deploy, named: Option<&Named>) -> Step<Outcome> {
        let commit = commit(cx, deploy).await?;
        self.ask_for_ci(cx, deploy, &commit).await?;
        let component = deploy.component.clone().unwrap_or_else(|| record::component(cx));
        let mut history = None;
        if deploy.unless_recorded {
            history = Some(unrecorded(cx, deploy, &component, &commit).await?);
        }
        let version = deploy.version.clone().unwrap_or_else(|| commit.short().to_owned());
        let committed_at = committed_at(cx, &self.tag_format, &commit).await?;
        let values = Values {
            environment: Some(deploy.environment.as_str()),
            component: &component,
            commit: &commit,
            version: &version,
            committed_at: committed_at.as_deref(),
        };
        let image_tag = self.tag_format.fill(&values);
        let image_tag = image_tag.map_err(|why| Outcome::error(why).advise("give another `tag-format`"))?;
        let previous = previous(cx, deploy, &component, history).await?;
        names(cx, deploy, &commit, &component)?;
        let outputs = [
            ("tag", deploy.tag.as_deref().unwrap_or_default()),
            ("version", &version),
            ("image-tag", image_tag.as_str()),
            ("previous-sha", &previous),
            ("action", "deploy"),
            ("should-deploy", "true"),
        ];
        for (name, value) in outputs {
            cx.report.value(name, value)?;
        }
        let to = &deploy.environment;
        let what = named.map_or_else(|| describe(event), |named| format!("{named}, named by `ref`,"));
        Ok(Outcome::pass(format!("{what} goes to {to}: commit {}, image tag {image_tag}", commit.short())))
    }

    /// Ends the step with nothing deployed, unless the workflow that was named has succeeded for the commit.
    async fn ask_for_ci(&self, cx: &Context, deploy: &Deploy, commit: &CommitSha) -> Step<()> {
        let Some(workflow) = self.ci_workflow.as_ref().filter(|_| deploy.needs_ci) else { return Ok(()) };
        let succeeded =
            cx.github().await?.has_succeeded(workflow.as_str(), commit, deploy.head_repository.as_deref()).await?;
        let verdict = if succeeded { Verdict::Pass } else { Verdict::Skipped };
        cx.report.check(
            format!("{workflow} for commit {}", commit.short()),
            if succeeded { "succeeded" } else { "no run has succeeded" },
            "a run that succeeded",
            verdict,
            "GET /repos/{owner}/{repo}/actions/runs",
        );
        if succeeded {
            return Ok(());
        }
        let why = format!("nothing is deployed: {workflow} has not succeeded for commit {}", commit.short());
        Err(Outcome::skipped(why).into())
    }
}

/// Says which environment ends with its pull request.
fn end(cx: &Context, event: &Event, over: &Deploy) -> Step<Outcome> {
    let Some(commit) = &over.commit else { return Err(Outcome::error("the event names no commit").into()) };
    names(cx, over, commit, &record::component(cx))?;
    cx.report.value("action", "end")?;
    Ok(Outcome::pass(format!("{} was closed: {} ends, and nothing is deployed", describe(event), over.environment)))
}

/// The commit: the input `sha`, else the event's, else the one its tag points at now.
async fn commit(cx: &Context, deploy: &Deploy) -> Step<CommitSha> {
    if let Some(commit) = cx.common.sha.as_ref().or(deploy.commit.as_ref()) {
        return Ok(commit.clone());
    }
    let Some(name) = &deploy.tag else {
        return Err(Outcome::error("the event names no commit").advise("give the input `sha`").into());
    };
    let tag = cx.github().await?.tag(name).await?;
    let absent = || {
        Outcome::fail(format!("there is no tag {name}")).advise(format!("git push origin {name}, or name another tag"))
    };
    let commit = tagged(name, tag.ok_or_else(absent)?.end)?;
    cx.report.check(
        format!("tag {name}"),
        format!("commit {}", commit.short()),
        "a commit",
        Verdict::Pass,
        "GET /repos/{owner}/{repo}/git/ref/{ref}",
    );
    Ok(commit)
}

/// What is deployed or ends, and where.
fn names(cx: &Context, deploy: &Deploy, commit: &CommitSha, component: &str) -> Result<(), Outcome> {
    let outputs = [
        ("environment", deploy.environment.as_str()),
        ("sha", commit.as_str()),
        ("short-sha", commit.short()),
        ("ref", &deploy.git_ref),
        ("component", component),
    ];
    outputs.into_iter().try_for_each(|(name, value)| cx.report.value(name, value))
}

/// What serves there, by the record, which is read unless it is known. Nobody is held up for it: it tells, and decides nothing.
async fn previous(cx: &Context, deploy: &Deploy, component: &str, known: Option<History>) -> Result<String> {
    let environment = &deploy.environment;
    let asked = &cx.with_deadline(cx.calls.deadline.at_most(PATIENCE));
    let read = async {
        let history = match known {
            Some(known) => known,
            None => History::of_component(asked, environment, component).await?,
        };
        let serving = history.serving(asked, component).await?;
        // Where places serve different commits, the one that is furthest behind: what changed since is then complete.
        let oldest = serving.into_iter().min_by_key(|(_, entry)| entry.id);
        let commit = oldest.and_then(|(place, entry)| entry.payload.commit_at(&place));
        anyhow::Ok(commit.map(|commit| commit.to_string()))
    };
    match read.await.with_context(|| format!("read what serves in {environment}")) {
        Ok(Some(commit)) => {
            let at = commit.get(..7).unwrap_or(&commit);
            cx.report.check(
                format!("serves in {environment}"),
                format!("commit {at}, by the record"),
                "nothing",
                Verdict::Pass,
                "GET /repos/{owner}/{repo}/deployments",
            );
            Ok(commit)
        }
        Ok(None) => Ok(String::new()),
        Err(error) => {
            cx.calls.deadline.check()?;
            cx.report.warn(format!("`previous-sha` is empty: {}", error_line(&error)));
            Ok(String::new())
        }
    }
}
