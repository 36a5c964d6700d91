//! What goes into a new record, and one that was opened.

use super::history::History;
use super::inputs::Mode;
use super::payload::{Kind, Payload};
use crate::action::inputs::{CommitSha, EnvironmentName};

/// A record that was opened by this step.
#[derive(Debug)]
pub struct Record {
    pub(super) id: u64,
    pub(super) environment: EnvironmentName,
    pub(super) payload: Payload,
    pub(super) url: Option<String>,
    pub(super) mode: Mode,
    /// The records before it, where they were read.
    pub(super) history: Option<History>,
}

/// What goes into a new record besides the targets.
#[derive(Debug)]
pub struct Release<'a> {
    /// Forward or back.
    pub kind: Kind,
    /// The commit that will serve; the run's own when it is unknown.
    pub commit: Option<CommitSha>,
    /// Whether a smoke test proved it.
    pub proof: Option<bool>,
    /// One line for people.
    pub description: &'a str,
    /// The records that a rollback undoes.
    pub undone: Vec<u64>,
    /// The records so far, as they were read to see who else is at the same targets; going back does not wait for GitHub.
    pub history: Option<History>,
}
