//! Is it healthy? One check with growing waits, for health-check-with-backoff and for rollback, which looks after its write.
//!
//! How another step uses it: it takes [`HealthInputs`] with `#[serde(flatten)]`, has an input `attempts` with a default of its
//! own, calls [`HealthInputs::check`] where it checks its inputs, and then
//!
//! ```text
//! let targets = [Target { function, alias }];      // may be empty when `url` is given
//! let checker = Checker { calls: &cx.calls, report: &cx.report, lambda: async || cx.lambda().await };
//! let health = checker.verify(&inputs, &targets, attempts).await?;
//! // health.is_healthy, health.reason: one line, health.advice
//! ```
//!
//! With `url`, the addresses are asked and `targets` only explain a failure; without, every target is invoked through its
//! alias. [`HealthInputs::is_asked`] tells whether any of the inputs was given, for steps in which the check is optional.
//! [`Checker::verify`] adds checks and, on failure, the last answer to the report; it sets no outputs. An error means that nothing
//! could be determined: a missing permission, or a cancellation. A passed deadline is no health, in words of its own.

mod asking;
pub mod event;
mod executions;
pub mod expectation;
pub mod explain;
mod http;
mod inputs;
pub mod json;
pub mod lambda;
mod model;
mod once;
mod report;
mod returned;
mod run;
pub mod schedule;
mod sent;
pub mod values;

pub use crate::net::failure::Class;
pub use asking::Asking;
pub use executions::stop_executions;
pub use inputs::HealthInputs;
pub use model::{Checker, Health, Target};
pub use once::{Address, Asked};
pub use sent::Payload;
