//! pin-submodule: moves a submodule's reference forward to the commit that has passed, by GitHub's API: nothing is checked out.

mod apply;
mod job;
mod observe;
mod path;
mod plan;
mod report;

use anyhow::Context as _;
use schemars::JsonSchema;
use serde::Deserialize;

use self::apply::{apply, read_back};
use self::job::Job;
use self::observe::observe;
pub use self::path::SubmodulePath;
use self::plan::{Plan, plan};
use super::{DeployStep, Output};
use crate::action::inputs::{Flag, Inputs, Problems, Span, Text};
use crate::context::Context;
use crate::github::{BranchName, RepositoryName};
use crate::outcome::{Outcome, Step};
use crate::permissions::{GithubPermission, Permissions, When};
use crate::record::status_line::Figure;

/// The longest message of a commit, in characters.
const LONGEST_MESSAGE: usize = 2000;

/// Its inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PinSubmodule {
    /// The repository that holds the submodule. Without it, this one.
    repository: Option<RepositoryName>,
    /// Its branch that is moved. Without it, its default branch.
    branch: Option<BranchName>,
    /// Where the submodule is, as in `.gitmodules`.
    path: SubmodulePath,
    /// What the commit says. Without it, what was moved, and from where to where.
    message: Option<Text>,
    /// Open a pull request in place of moving the branch, which may be protected.
    #[serde(default)]
    pull_request: Flag,
}

impl Inputs for PinSubmodule {
    fn check(&self, problems: &mut Problems) {
        problems.add_if(
            self.message.as_ref().is_some_and(|message| message.0.chars().count() > LONGEST_MESSAGE),
            format!("input `message` must have at most {LONGEST_MESSAGE} characters"),
        );
    }
}

impl DeployStep for PinSubmodule {
    const NAME: &'static str = "pin-submodule";
    const ABOUT: &'static str = "Moves a submodule's reference to the commit that has passed.";
    const OUTPUTS: &'static [Output] = &[
        Output::value("commit", "The commit that holds the new reference; empty when nothing was moved"),
        Output::text("pull-request-url", "The page of the pull request; empty without `pull-request: true`"),
    ];
    const PERMISSIONS: Permissions = Permissions {
        aws: &[],
        github: &[
            GithubPermission::needs("contents: write"),
            GithubPermission::needs("pull-requests: write").when(When::PullRequest),
        ],
    };
    const TIMEOUT: Span = Span::minutes(2);
    const FIGURES: &'static [Figure] = &[Figure::Value("commit", "commit")];

    async fn run(&self, cx: &Context) -> Step<Outcome> {
        let job = &self.job(cx).await?;
        let explain = |stop| report::explain(job, stop);
        let observed = observe(job).await.map_err(explain)?;
        report::found(job, &observed);
        let plan = plan(job, &observed)?;
        if let Plan::Keep = plan {
            return Ok(report::nothing_to_do(job, &observed));
        }
        if cx.is_dry_run() {
            return Ok(report::not_applied(job, &observed));
        }
        cx.confirm(&report::label(job, &observed)).await?;
        let applied = apply(job, observed, plan).await.map_err(explain)?;
        read_back(job, &applied).await.map_err(explain)
    }
}

impl PinSubmodule {
    async fn job<'a>(&'a self, cx: &'a Context) -> Step<Job<'a>> {
        let ours = cx.github().await?;
        let github = self.repository.as_ref().map_or_else(|| ours.clone(), |repository| ours.of(repository));
        let to = cx.commit().ok_or_else(report::no_commit)?;
        let branch = if let Some(branch) = &self.branch {
            branch.clone()
        } else {
            let name = github.default_branch().await?;
            name.parse().map_err(anyhow::Error::msg).context("read the default branch")?
        };
        let path = self.path.as_str();
        let proposal = self.pull_request.0.then(|| job::proposal(path, &to)).transpose();
        let proposal = proposal.map_err(anyhow::Error::msg).context("name the branch of the pull request")?;
        let message = self.message.as_ref().map(|message| message.0.as_str());
        Ok(Job { cx, github, branch, path, to, message, proposal })
    }
}
