//! Watches what was just deployed, and judges it.
//!
//! How a step uses it: it makes a [`Watch`] of its inputs and of what it observed, hands over a [`Source`] and calls [`watch`]. The answer says what each check found,
//! and whether one is bad enough to put the previous version back; doing that is the step's own.

mod alarms;
mod answers;
mod assemble;
pub mod chart;
mod finding;
mod inputs;
mod latency;
mod lines;
mod live;
mod logs;
mod look;
mod plan;
mod rate;
mod readings;
mod run;
mod source;
pub mod statistics;
#[cfg(test)]
mod tests;
pub mod values;
mod watched;

pub use alarms::PreRed;
pub use assemble::{Measured, Observed, log_rules, measured};
pub use finding::{Check, Finding};
pub use inputs::{CommonGateInputs, GateInputs, OnUndecided};
pub use latency::{Latency, LatencyLimit};
pub use live::{Live, OfAws, Samples};
pub use logs::{AppLogs, LogRules};
pub use plan::{Watch, WatchedFunction};
pub use rate::{Previous, Rate, RateRules};
pub use run::watch;
pub use source::{Probed, Sampled, Source, passes_by_itself};
pub use watched::Watched;
