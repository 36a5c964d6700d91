//! Smoke tests: a published version is invoked itself, before it receives traffic.

pub mod cases;
pub mod classify;
pub mod log;
mod run;

pub use cases::{Case, Cases};
pub use classify::{Family, Phase, classify};
pub use run::{Failure, Readiness, Tested, readiness, tested};
