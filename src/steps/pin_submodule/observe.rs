//! What pin-submodule reads before it decides.

use anyhow::Context as _;

use super::job::{Found, Job};
use super::report;
use crate::github::Content;
use crate::outcome::Step;

/// Everything that the decision needs.
pub(super) async fn observe(job: &Job<'_>) -> Step<Found> {
    let github = &job.github;
    let Some(tip) = github.branch_tip(&job.branch).await? else { return Err(report::no_branch(job).into()) };
    let content = github.content(&tip, job.path).await?;
    let ancestry = match &content {
        Some(Content::Submodule(at, Some(repository))) => {
            Some(github.of(repository).ancestry(at, &job.to).await.context(report::COMPARE)?)
        }
        _ => None,
    };
    let (mut proposed, mut request) = (None, None);
    if let Some(from) = &job.proposal {
        let (there, found) = tokio::try_join!(github.branch_tip(from), github.pull_request(from, &job.branch))?;
        (proposed, request) = (there, found);
    }
    Ok(Found { tip, content, ancestry, proposed, request })
}
