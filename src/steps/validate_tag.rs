//! validate-tag: a tag may be released when it names a version, its commit is on the branch, and it is newer than what was
//! released before. Asks GitHub only; needs neither AWS nor a checkout.

mod observe;
mod plan;
mod proofs;
mod protection;
mod rules;

use anyhow::Result;
use futures_util::future::{join_all, join3, join4};
use schemars::JsonSchema;
use serde::Deserialize;

use self::observe::{Branch, Observed, Request, Signature};
use self::plan::{Plan, plan};
use self::rules::tag_again;
use super::{DeployStep, Output};
use crate::action::inputs::{CommitSha, Flag, Inputs, Lines, Problems, Span, Text};
use crate::context::Context;
use crate::github::{BranchName, End, Github, TagName};
use crate::outcome::{Ending, Outcome, Step};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record::status_line::Figure;
use crate::rollout::release_tag::{self, Prefix, Release};
use crate::text::message;

/// Each branch costs two requests.
const MOST_BRANCHES: usize = 20;

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct ValidateTag {
    /// The tag. Without it, the tag on which the run was started.
    tag: Option<TagName>,
    /// The branch that must hold the tag's commit. Of several, one a line, any will do.
    #[serde(default = "defaults::branch")]
    branch: Lines<BranchName>,
    /// What stands before the version in the tag's name. Without it, `v`; with `component`, `v-<component>-`.
    prefix: Option<Prefix>,
    /// Refuse a version that is not greater than that of every other release of the component.
    #[serde(default = "defaults::require_newer")]
    require_newer: Flag,
    /// Names of check runs and commit statuses that must have succeeded on the commit, one a line.
    #[schemars(example = &"test")]
    require_checks: Option<Lines<Text>>,
    /// Refuse a tag when GitHub has verified the signature of neither the tag object nor the commit.
    #[serde(default)]
    require_signed: Flag,
}

mod defaults {
    use super::{BranchName, Flag, Lines};

    pub(super) fn branch() -> Lines<BranchName> {
        Lines("main".parse().into_iter().collect())
    }

    pub(super) fn require_newer() -> Flag {
        Flag(true)
    }
}

impl Inputs for ValidateTag {
    fn check(&self, problems: &mut Problems) {
        problems.add_if(
            self.branch.iter().count() > MOST_BRANCHES,
            format!("input `branch` must hold at most {MOST_BRANCHES} lines"),
        );
    }
}

impl DeployStep for ValidateTag {
    const NAME: &'static str = "validate-tag";
    const ABOUT: &'static str =
        "Refuses a release tag that is not on the branch, was moved, or is not newer than what was released.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("version", "The version in the tag's name, without the prefix"),
        Output::value("tag", "The tag"),
        Output::value("sha", "The commit the tag points at, all annotated tags peeled off"),
        Output::value("tree", "The tree of that commit: equal trees hold equal files"),
        Output::value("component", "The component: the input, else the name of the repository"),
        Output::text("prerelease", "`true` for a version such as `1.3.0-rc.1`"),
        Output::value(
            "previous-tag",
            "The tag of the greatest release below this one, of a full release the greatest full one; empty if there is none",
        ),
        Output::value("previous-version", "The version of `previous-tag`; empty if there is none"),
    ];
    const FIGURES: &'static [Figure] =
        &[Figure::Value("version", "version"), Figure::Value("previous", "previous-version")];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("contents: read"),
            GithubPermission::needs("checks: read").when(When::RequireChecks),
            GithubPermission::needs("statuses: read").when(When::RequireChecks),
        ],
    };
    const TIMEOUT: Span = Span::minutes(1);

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let Some(name) = self.name(cx) else { return Ok(no_tag(cx)) };
        let component = cx.common.component.as_ref().map(ToString::to_string);
        let prefix = self.prefix.clone().unwrap_or_else(|| Prefix::of(component.as_deref()));
        let component = component.or_else(|| cx.runner.repository_name().map(str::to_owned)).unwrap_or_default();
        let Some(release) = Release::read(&name, &prefix) else { return Ok(release_tag::refusal(&name, &prefix)) };
        cx.report.output("tag", &release.tag);
        cx.report.output("version", release.version.to_string());
        cx.report.output("component", &component);
        cx.report.output("prerelease", release.is_prerelease().to_string());

        let require_checks: Vec<String> = self.require_checks.iter().flatten().map(ToString::to_string).collect();
        let asked = Request {
            release: &release,
            prefix: &prefix,
            component: &component,
            require_newer: self.require_newer.0,
            commit: cx.common.sha.as_ref(),
            require_checks: &require_checks,
            require_signed: self.require_signed.0,
            began_at: began_at(cx, &release.tag)?,
        };
        let observed = self.observe(cx, &asked).await?;
        Ok(report(cx, plan(&observed, &asked)))
    }
}

impl ValidateTag {
    /// The tag's name, from the input or from the run.
    fn name(&self, cx: &Context) -> Option<String> {
        let of_run = || cx.runner.github_ref.as_deref()?.strip_prefix("refs/tags/").map(str::to_owned);
        self.tag.as_ref().map(ToString::to_string).or_else(of_run)
    }

    /// Reads everything the decision needs; or an outcome that needs no more.
    async fn observe(&self, cx: &Context, asked: &Request<'_>) -> Step<Observed> {
        let name = &asked.release.tag;
        let github = &cx.github().await?;
        let tips = join_all(self.branch.iter().map(|branch| github.branch_tip(branch)));
        let tags = github.tags_beginning(asked.prefix.as_str());
        let (tag, tags, tips, rulesets) = join4(github.tag(name), tags, tips, protection::read(cx, github)).await;
        let tag = tag?.ok_or_else(|| missing(asked))?;
        let commit = match tag.end {
            End::Commit(commit) => commit,
            End::Other(kind) => return Err(no_commit(name, &format!("a {kind}")).into()),
            End::TooDeep => return Err(no_commit(name, "tags of tags, deeper than this step looks").into()),
        };
        cx.report.output("sha", commit.as_str());
        let checks =
            async { if asked.require_checks.is_empty() { Ok(Vec::new()) } else { github.checks(&commit).await } };
        let of_commit = github.tree_and_signature(&commit);
        let (branches, of_commit, checks) = join3(self.branches(github, &commit, tips), of_commit, checks).await;
        let branches = branches?;
        let (tree, of_commit) = of_commit?;
        cx.report.output("tree", tree);
        let tags = tags?;
        if !tags.contains(name) {
            return Err(Outcome::error(format!("GitHub's list of tags lacks {name}, so others may be missing too"))
                .advise("run the step again: the tag may just have been pushed, or deleted")
                .into());
        }
        Ok(Observed {
            objects: tag.objects,
            commit,
            branches,
            tags,
            checks: checks?,
            signature: Signature { tag: tag.signature, commit: of_commit },
            protection: protection::finding(name, &rulesets),
        })
    }

    /// The branches up to the first that holds the commit, each by its tip: a branch that moves while it is compared cannot
    /// mislead. Or that one of them does not exist.
    async fn branches(
        &self,
        github: &Github,
        commit: &CommitSha,
        tips: Vec<Result<Option<CommitSha>>>,
    ) -> Step<Vec<Branch>> {
        let mut branches: Vec<Branch> = Vec::new();
        for (name, tip) in self.branch.iter().zip(tips) {
            let tip = tip?.ok_or_else(|| no_branch(name))?;
            let standing = github.ancestry_of_known(&tip, commit).await?;
            let found = Branch { name: name.clone(), tip, standing };
            let enough = found.holds_it();
            branches.push(found);
            if enough {
                break;
            }
        }
        Ok(branches)
    }
}

/// What the tag pointed at when the run began, as the run tells it: `after` of the push, which is the tag object of an annotated
/// tag, and `GITHUB_SHA`, which is its commit. Nothing, when the run was not started on this tag.
/// <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>
fn began_at(cx: &Context, tag: &str) -> Result<Vec<String>> {
    let reference = format!("refs/tags/{tag}");
    if cx.runner.github_ref.as_deref() != Some(&reference) {
        return Ok(Vec::new());
    }
    let event = cx.runner.event()?;
    let after = event["after"].as_str().filter(|_| event["ref"].as_str() == Some(&reference)).map(str::to_owned);
    let mut all: Vec<String> = after.into_iter().chain(cx.runner.github_sha.clone()).collect();
    all.dedup();
    Ok(all)
}

fn report(cx: &Context, plan: Plan) -> Outcome {
    for found in plan.findings {
        cx.report.check(found.name, found.observed, found.required, found.verdict, found.source);
    }
    if let Some(previous) = plan.previous {
        cx.report.output("previous-tag", &previous.tag);
        cx.report.output("previous-version", previous.version.to_string());
    }
    plan.outcome
}

fn no_tag(cx: &Context) -> Outcome {
    let on = cx.runner.github_ref.as_deref().unwrap_or("nothing");
    Outcome {
        ending: Ending::BadInput,
        reason: format!("input `tag` is not given, and the run was not started on a tag but on {on}"),
        advice: vec!["nothing was attempted; give the input `tag`, or start the workflow by `on: push: tags:` (docs/steps/validate-tag.md)".to_owned()],
    }
}

fn missing(asked: &Request<'_>) -> Outcome {
    let tag = &asked.release.tag;
    let outcome = Outcome::error(message!("no-such-tag", "tag {tag} does not exist"));
    let outcome = if asked.began_at.is_empty() {
        outcome.advise(format!("correct the input `tag`, or push the tag: git push origin {tag}"))
    } else {
        outcome.advise("it was deleted since this run began: push it again, which starts a new run")
    };
    outcome.advise("in a private repository the token needs `contents: read` to see it")
}

fn no_commit(tag: &str, what: &str) -> Outcome {
    let refusal = Outcome::fail(format!("tag {tag} points at {what}, not at a commit: delete it, tag a commit"));
    refusal.advise_all(tag_again(tag, None))
}

fn no_branch(branch: &BranchName) -> Outcome {
    Outcome::error(message!(
        "no-such-branch",
        "branch {branch} does not exist, so whether it holds the tag cannot be told"
    ))
    .advise("correct the input `branch`")
    .advise("in a private repository the token needs `contents: read` to see it")
}
