//! What is searched for, by what, and what a look finds.

use std::collections::BTreeMap;

use super::inputs::PromoteArtifact;
use crate::action::inputs::{CommitSha, EnvironmentName};
use crate::changes::Trees;
use crate::context::Context;
use crate::oci::Digest;
use crate::outcome::Outcome;
use crate::record::{Entry, History};
use crate::registry::{Repository, Stored};

/// What is to be promoted.
#[derive(Debug)]
pub(super) struct Artifact {
    pub(super) digest: Digest,
    pub(super) matched: Match,
    /// The commit of the record that named it.
    pub(super) commit: Option<CommitSha>,
    /// Its manifest, when it has been read.
    pub(super) stored: Option<Stored>,
}

/// How it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// By the input `source`.
    Explicit,
    /// By the record of this commit.
    Commit,
    /// By the record of another commit with the same files.
    Tree,
    /// By the record of another commit that differs in files of others only.
    Component,
}

impl Match {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Explicit => "explicit",
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Component => "component",
        }
    }

    /// How the commit whose record named it is related to the one to be deployed.
    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Explicit => "as `source` says",
            Self::Commit => "the one to be deployed",
            Self::Tree => "another one with the same files",
            Self::Component => "another one that differs in files of others only",
        }
    }
}

impl Artifact {
    pub(super) const fn explicit(digest: Digest, stored: Option<Stored>) -> Self {
        Self { digest, matched: Match::Explicit, commit: None, stored }
    }
}

/// The search in one environment.
pub(super) struct Search<'a> {
    pub(super) cx: &'a Context,
    pub(super) environment: &'a EnvironmentName,
    pub(super) component: String,
    pub(super) source: &'a Repository,
    /// Whether the inputs name it.
    pub(super) source_is_given: bool,
    pub(super) inputs: &'a PromoteArtifact,
    pub(super) commit: CommitSha,
    pub(super) history: History,
    pub(super) trees: &'a Trees,
    pub(super) purpose: Purpose,
}

/// A commit that succeeded, and the first file in which it differs, where that could be determined.
pub(super) type Near<'e> = (&'e Entry, Option<String>);

/// The trees of commits.
#[derive(Debug)]
pub(super) struct SameFiles {
    pub(super) own: Option<String>,
    pub(super) of: BTreeMap<String, Option<String>>,
    /// Why the commit's own could not be read, where that is the token's fault.
    pub(super) denied: Option<anyhow::Error>,
}

impl SameFiles {
    pub(super) fn same(&self, commit: &str) -> bool {
        self.own.is_some() && self.of.get(commit) == Some(&self.own)
    }
}

/// What a look for the source found.
#[derive(Debug)]
pub(super) enum Found<T> {
    /// It is there.
    There(T),
    /// It may come: how things stand, and the refusal if it is waited for no longer.
    NotYet(String, Outcome),
}

/// What a look is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// More looks follow: a refusal needs no explanation.
    Wait,
    /// It is the last one.
    Conclude,
}
