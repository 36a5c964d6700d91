//! Is it healthy? One check with growing waits, for health-check-with-backoff and for rollback, which looks after its write.
//!
//! How another step uses it: it takes [`HealthInputs`] with `#[serde(flatten)]`, has an input `attempts` with a default of its
//! own, calls [`HealthInputs::check`] where it checks its inputs, and then
//!
//! ```text
//! let targets = [Target { function, alias }];      // may be empty when `url` is given
//! let checker = Checker { calls: &cx.calls, report: &cx.report, lambda: async || cx.lambda().await };
//! match checker.verify(&inputs, &targets, attempts).await? {
//!     Health::Healthy(good) => ..,                 // good.reason: one line; good.figures
//!     Health::Unhealthy(bad) => ..,                // bad.class, bad.reason, bad.advice, bad.figures
//! }
//! ```
//!
//! With `url`, the addresses are asked and `targets` only explain a failure; without, every target is invoked through its
//! alias. [`HealthInputs::is_asked`] tells whether any of the inputs was given, for steps in which the check is optional.
//! [`Checker::verify`] adds checks and, on failure, the last answer to the report; it sets no outputs. An error means that nothing
//! could be told: a missing permission, or a cancellation. A passed deadline is an [`Unhealthy`] of its own words.

pub mod event;
pub mod expectation;
pub mod explain;
mod http;
mod inputs;
pub mod json;
pub mod lambda;
mod place;
mod run;
pub mod schedule;
mod sent;
mod tell;
pub mod values;

use std::fmt;
use std::time::Duration;

use anyhow::Result;

pub use crate::net::failure::Class;
pub use inputs::HealthInputs;

use crate::action::Report;
use crate::calls::Calls;
use crate::lambda::{FunctionName, Lambda, Qualifier};

/// A function, and how it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The function.
    pub function: FunctionName,
    /// The alias through which it is invoked, or `$LATEST`.
    pub alias: Qualifier,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.function, self.alias)
    }
}

/// What the check found.
#[derive(Clone, Debug)]
pub enum Health {
    /// Every place answered as expected.
    Healthy(Healthy),
    /// At least one did not, in all its attempts or before the deadline.
    Unhealthy(Unhealthy),
}

impl Health {
    /// What was counted and measured, either way.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        match self {
            Self::Healthy(good) => &good.figures,
            Self::Unhealthy(bad) => &bad.figures,
        }
    }
}

/// Every place answered as expected.
#[derive(Clone, Debug)]
pub struct Healthy {
    /// In one line.
    pub reason: String,
    /// What was counted and measured.
    pub figures: Figures,
}

/// At least one place did not answer as expected.
#[derive(Clone, Debug)]
pub struct Unhealthy {
    /// What kind of trouble the last attempt of the first bad place met.
    pub class: Class,
    /// In one line.
    pub reason: String,
    /// What to do about it, one item each.
    pub advice: Vec<String>,
    /// What was counted and measured.
    pub figures: Figures,
}

/// Counted and measured. Of several places, the figures are those of the first bad one, else of the first; attempts are the most
/// that one place took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Attempts made.
    pub attempts: u32,
    /// The status of the last answer, if it had one.
    pub status: Option<u16>,
    /// What was wrong with the last attempt.
    pub class: Option<Class>,
    /// The version the last answer told, if it was looked for.
    pub version: Option<String>,
    /// How long the last answer took, its body included.
    pub latency: Option<Duration>,
}

/// What a check works with.
pub struct Checker<'a, L> {
    /// The clock.
    pub calls: &'a Calls,
    /// Where it says what it finds.
    pub report: &'a Report,
    /// Connects to Lambda. It is called only when a function is asked.
    pub lambda: L,
}

impl<L> fmt::Debug for Checker<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checker").field("calls", self.calls).finish_non_exhaustive()
    }
}

impl<L: AsyncFn() -> Result<Lambda>> Checker<'_, L> {
    /// Asks until every place is healthy, the attempts are used up, or the deadline is near.
    ///
    /// # Errors
    /// When nothing could be told: AWS refused the invocation for want of a permission or of the function, or the step was
    /// cancelled.
    pub async fn verify(&self, inputs: &HealthInputs, targets: &[Target], attempts: u32) -> Result<Health> {
        tell::verified(self, inputs, targets, attempts).await
    }
}
