//! One dispatch, and what is known of what it started.

use super::inputs::Dispatch;
use crate::context::Context;
use crate::github::Github;
use crate::outcome::Outcome;

/// One dispatch, with what it needs.
pub(super) struct Job<'a> {
    pub(super) step: &'a Dispatch,
    pub(super) cx: &'a Context,
    /// Our repository.
    pub(super) ours: &'a Github,
    /// The one that is asked.
    pub(super) github: Github,
    /// The correlation id.
    pub(super) id: String,
}

/// What is known of what was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Started {
    /// The run.
    Run(u64),
    /// GitHub took it; which run it became is not known.
    Unseen,
}

/// Nobody can say which run is ours.
pub(super) fn unclear(told: &str) -> Outcome {
    Outcome::error(told.to_owned()).advise("let one workflow show it: take the id out of the `run-name:` of the others")
}
