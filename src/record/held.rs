//! A commit that is held at a place.

use std::fmt;

use super::payload::{Released, Run, doer};
use super::place::Place;
use super::status_line::StatusLine;
use crate::action::inputs::CommitSha;
use crate::text::message;

/// A commit that is held at a place.
#[derive(Clone, Debug)]
pub struct Held {
    /// The commit.
    pub commit: CommitSha,
    /// The place.
    pub place: Place,
    /// The run that had brought it; absent when that was done at a terminal.
    pub run: Option<Run>,
    /// The status of the step that took it back.
    pub status: StatusLine,
}

impl fmt::Display for Held {
    /// `commit 8f3c1b2 is held at shop-api:live, since rollback took it back from run 700: checkout is broken`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (commit, place, step, run) = (self.commit.short(), &self.place.identity, &self.status.step, doer(self.run));
        f.write_str(&message!(
            "commit-held",
            "commit {commit} is held at {place}, since {step} took it back from {run}: {}",
            self.status.reason()
        ))
    }
}

/// What the holds at some places say of what is about to be put there.
#[derive(Clone, Debug, Default)]
pub struct Admitted {
    /// Who let a held commit through.
    pub released: Option<Released>,
    /// The commits that stay held.
    pub hold: Vec<CommitSha>,
}
