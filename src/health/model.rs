//! What a check works with, and what it finds.

use std::fmt;
use std::time::Duration;

use crate::action::Report;
use crate::calls::Calls;
use crate::lambda::{FunctionName, Qualifier};
use crate::net::failure::Class;

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
