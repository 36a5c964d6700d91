//! What a check works with, and what it finds.

use std::fmt;
use std::time::Duration;

use url::Url;

use super::run::{End, Found};
use crate::action::Report;
use crate::calls::Calls;
use crate::lambda::{FunctionName, Qualifier};
use crate::net::failure::Class;
use crate::text::Foreign;

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

/// What the check found, in one line, with what was counted and measured. Of several places, the figures are those of the first bad one,
/// else of the first; attempts are the most that one place took.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Whether every place answered as expected; else at least one did not, in all its attempts or before the deadline.
    pub is_healthy: bool,
    /// In one line.
    pub reason: String,
    /// What to do about it, one item each.
    pub advice: Vec<String>,
    /// Attempts made.
    pub attempts: u32,
    /// The status of the last answer, if it had one.
    pub status: Option<u16>,
    /// What was wrong with the last attempt.
    pub class: Option<Class>,
    /// The version the last answer reported, if it was looked for.
    pub version: Option<String>,
    /// How long the last answer took, its body included.
    pub latency: Option<Duration>,
}

/// What one place brought.
pub(super) struct Place {
    /// As it is named in the log.
    pub(super) name: String,
    pub(super) subject: Subject,
    /// What its attempts found.
    pub(super) found: Found,
    /// The end of the log of the last invocation.
    pub(super) log: Foreign,
}

impl Place {
    pub(super) fn is_healthy(&self) -> bool {
        self.found.end == End::Healthy
    }
}

/// What is asked.
pub(super) enum Subject {
    Url(Url),
    Function(Target),
}

impl Subject {
    /// The call by which it is asked.
    pub(super) const fn source(&self) -> &'static str {
        match self {
            Self::Url(_) => "HTTP",
            Self::Function(_) => "lambda:InvokeFunction",
        }
    }
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
