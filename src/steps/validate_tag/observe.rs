//! What validate-tag was asked and what it found, and what is said of each rule.

use crate::action::inputs::CommitSha;
use crate::github::{Ancestry, BranchName, Check, Verification};
use crate::outcome::Verdict;
use crate::rollout::release_tag::{Prefix, Release};

/// What was asked.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub release: &'a Release,
    pub prefix: &'a Prefix,
    pub component: &'a str,
    pub require_newer: bool,
    /// The commit that is to be deployed, when one was named.
    pub commit: Option<&'a CommitSha>,
    /// Names of the checks that must have succeeded.
    pub require_checks: &'a [String],
    /// Whether tag or commit must be signed.
    pub require_signed: bool,
    /// What the tag pointed at when the run began; empty when the run was not started on this tag.
    pub began_at: Vec<String>,
}

/// What was found.
#[derive(Debug)]
pub(super) struct Observed {
    /// Every object from the tag to its commit.
    pub objects: Vec<String>,
    /// The commit.
    pub commit: CommitSha,
    /// The branches looked at, in order, up to the first that holds the commit.
    pub branches: Vec<Branch>,
    /// The names of the tags that begin with the prefix.
    pub tags: Vec<String>,
    /// The checks of the commit, where some are required.
    pub checks: Vec<Check>,
    /// What GitHub says of the signatures.
    pub signature: Signature,
    /// What is said of the tag's protection.
    pub protection: Finding,
}

/// What GitHub says of the signatures on the way from the tag to its commit.
#[derive(Debug, Default)]
pub(super) struct Signature {
    /// Of the tag object; nothing of a lightweight tag.
    pub tag: Option<Verification>,
    /// Of the commit.
    pub commit: Verification,
}

/// A branch, and where the tag's commit stands to its tip.
#[derive(Debug)]
pub(super) struct Branch {
    pub name: BranchName,
    pub tip: CommitSha,
    pub standing: Ancestry,
}

impl Branch {
    /// An ancestor of the tip, or the tip itself, is on the branch.
    pub(super) fn holds_it(&self) -> bool {
        matches!(self.standing, Ancestry::Same | Ancestry::Older)
    }
}

/// What is said of one rule.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub name: String,
    pub observed: String,
    pub required: String,
    pub verdict: Verdict,
    pub source: &'static str,
}
