//! Proofs over every step: each step's normal run is a scene, and what holds for all of them is proved of each.

mod at_terminal;
mod matrix;
pub(crate) mod permissions;
mod requests;
pub(crate) mod scenes;

use self::permissions::Variant;
use self::scenes::Scene;
use crate::hostile::{Hostile, Try};

/// What the proofs have to know of a step. Each step has one, as `UNDER_TEST` of `tests/it/<step>.rs` or of a file beside its tests.
pub(crate) struct StepUnderTest {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its normal runs, each in a world of its own: they succeed, succeed again, and are played by the matrix under every fault.
    pub(crate) scenes: &'static [Scene],
    /// The runs in which the permissions of the role are tried.
    pub(crate) role: &'static [Variant],
    /// The runs in which the permissions of the job's token are tried.
    pub(crate) token: &'static [Variant],
    /// The runs in which it shows most of a world in which all foreign text is hostile.
    pub(crate) hostile: fn(&Hostile) -> Vec<Try>,
}
