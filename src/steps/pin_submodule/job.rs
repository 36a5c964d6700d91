//! What is to be done, and what is there.

use crate::action::inputs::CommitSha;
use crate::context::Context;
use crate::github::{Ancestry, BranchName, Content, Github, PullRequest};

/// What is to be done, and with what.
pub(super) struct Job<'a> {
    pub(super) cx: &'a Context,
    /// The repository that holds the submodule.
    pub(super) github: Github,
    /// The branch that is moved, or that the pull request is for.
    pub(super) branch: BranchName,
    /// Where the submodule is.
    pub(super) path: &'a str,
    /// The commit of the submodule.
    pub(super) to: CommitSha,
    pub(super) message: Option<&'a str>,
    /// The branch that the pull request comes from.
    pub(super) proposal: Option<BranchName>,
}

/// What is there.
#[derive(Debug)]
pub(super) struct Found {
    /// The commit the branch ends at.
    pub(super) tip: CommitSha,
    /// What is at the path.
    pub(super) content: Option<Content>,
    /// Where the wanted commit stands to the one that is referred to; `None` where that cannot be asked.
    pub(super) ancestry: Option<Ancestry>,
    /// What the branch of the pull request ends at, if there is one.
    pub(super) proposed: Option<CommitSha>,
    /// The newest pull request of that branch.
    pub(super) request: Option<PullRequest>,
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

/// The name of the branch for a pull request: one for each path and commit, so that a run that is repeated finds it.
pub(super) fn proposal(path: &str, to: &CommitSha) -> Result<BranchName, String> {
    let word = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    let path: String = path.chars().map(word).take(100).collect();
    format!("pin-submodule/{}-{}", path.trim_matches('-'), to.short()).parse()
}
