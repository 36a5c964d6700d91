//! Whether the reference may be moved, decided without asking anybody.

use super::job::{Found, Job};
use super::report;
use crate::github::{Ancestry, Content};
use crate::outcome::Outcome;

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

/// Decides. Only forward: an older commit, and one of another history, are refused.
pub(super) fn plan(job: &Job<'_>, found: &Found) -> Result<Plan, Outcome> {
    match &found.content {
        Some(Content::Submodule(at, _)) if *at == job.to => return Ok(Plan::Keep),
        Some(Content::Submodule(..)) => {}
        Some(Content::Other(kind)) => return Err(report::no_submodule(job, kind.word())),
        None => return Err(report::no_submodule(job, "nothing")),
    }
    match found.ancestry {
        Some(Ancestry::Newer) => {}
        Some(Ancestry::Same) => return Ok(Plan::Keep),
        Some(Ancestry::Older) => return Err(report::older(job, found)),
        Some(Ancestry::Diverged) => return Err(report::diverged(job, found)),
        None => return Err(report::not_comparable(job)),
    }
    if job.proposal.is_none() {
        return Ok(Plan::Move);
    }
    Ok(if found.request.is_some() { Plan::Keep } else { Plan::Propose })
}
