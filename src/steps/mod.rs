//! The steps, and the list of them: the only place that knows them all.

pub mod common;
pub mod proof;
mod step;
pub mod targets;

pub use step::{Definition, Invocation, Outcome, Output, Step};

/// Every step, in the order in which a release meets them.
#[must_use]
pub fn all() -> Vec<Definition> {
    vec![]
}
