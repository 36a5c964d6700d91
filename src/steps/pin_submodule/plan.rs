//! Whether the reference may be moved, decided without asking anybody.

use super::{Job, report};
use crate::action::inputs::CommitSha;
use crate::github::{Ancestry, BranchName, Content, PullRequest};
use crate::outcome::Outcome;

/// What is there.
#[derive(Debug)]
pub(super) struct Found {
    /// The commit the branch ends at.
    pub tip: CommitSha,
    /// What is at the path.
    pub content: Option<Content>,
    /// Where the wanted commit stands to the one that is referred to; `None` where that cannot be asked.
    pub ancestry: Option<Ancestry>,
    /// What the branch of the pull request ends at, if there is one.
    pub proposed: Option<CommitSha>,
    /// The newest pull request of that branch.
    pub request: Option<PullRequest>,
}

impl Found {
    /// The commit that is referred to.
    pub(super) fn at(&self) -> Option<&CommitSha> {
        match &self.content {
            Some(Content::Submodule(at, _)) => Some(at),
            _ => None,
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// It is there already, or proposed.
    Keep,
    /// The branch is moved.
    Move,
    /// A branch and a pull request are made; the branch may be there.
    Propose,
}

/// The name of the branch for a pull request: one for each path and commit, so that a run that is repeated finds it.
pub(super) fn proposal(path: &str, to: &CommitSha) -> Result<BranchName, String> {
    let word = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let path: String = path.chars().map(word).take(100).collect();
    format!("pin-submodule/{}-{}", path.trim_matches('-'), to.short()).parse()
}

/// Decides. Only forward: an older commit, and one of another history, are refused.
pub(super) fn plan(job: &Job<'_>, found: &Found) -> Result<Plan, Outcome> {
    let repository = match &found.content {
        Some(Content::Submodule(_, repository)) => repository.as_ref(),
        Some(Content::Other(kind)) => return Err(report::no_submodule(job, kind.word())),
        None => return Err(report::no_submodule(job, "nothing")),
    };
    if found.at() == Some(&job.to) {
        return Ok(Plan::Keep);
    }
    match (found.ancestry, repository) {
        (Some(Ancestry::Newer), _) => {}
        (Some(Ancestry::Same), _) => return Ok(Plan::Keep),
        (Some(Ancestry::Older), _) => return Err(report::older(job, found)),
        (Some(Ancestry::Diverged), _) => return Err(report::diverged(job, found)),
        (None, _) => return Err(report::not_comparable(job)),
    }
    if job.proposal.is_none() {
        return Ok(Plan::Move);
    }
    Ok(if found.request.is_some() { Plan::Keep } else { Plan::Propose })
}
