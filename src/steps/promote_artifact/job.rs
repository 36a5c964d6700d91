//! One image on its way to one repository: from where to where, what is there, and what is to be done.

use super::places::Places;
use super::plan::{Observed, Plan};
use super::refused;
use crate::outcome::Stop;

/// One image on its way to one repository.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) places: Places,
    pub(super) observed: Observed,
    pub(super) plan: Plan,
}

/// What was carried over, of all jobs together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) bytes: u64,
    pub(super) copied: usize,
    pub(super) mounted: usize,
    pub(super) present: usize,
}

impl Job {
    /// How the step ends when a registry of this job refuses.
    pub(super) fn advise(&self, stop: Stop) -> Stop {
        refused::advise(stop, &self.places)
    }
}
