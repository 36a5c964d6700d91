//! What is watched, as data: a step makes it of its inputs and of what it observed.

use std::time::Duration;

use time::OffsetDateTime;

use super::alarms::PreRed;
use super::latency::Latency;
use super::logs::LogRules;
use super::rate::{Rate, RateRules};
use crate::lambda::{Alias, LogPlace, Version};

/// What is watched, when, and by which rules.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Functions behind aliases.
    pub functions: Vec<WatchedFunction>,
    /// When the release came, by AWS's or GitHub's clock.
    pub since: OffsetDateTime,
    /// How long after that is watched.
    pub window: Duration,
    /// How long late metrics are waited for.
    pub settle: Duration,
    /// Error rates.
    pub rates: Vec<(Rate, RateRules)>,
    /// Latencies.
    pub latencies: Vec<Latency>,
    /// What is looked for in the logs of the functions.
    pub log_rules: Option<LogRules>,
    /// Alarms by their names.
    pub alarms: Vec<String>,
    /// What one means that was red before.
    pub pre_red: PreRed,
    /// Addresses as they are named in the report; the source asks them by their number.
    pub addresses: Vec<String>,
    /// Another system that must show the release, and how long after the window it may come.
    pub probe: Option<(String, Duration)>,
    /// Requests that are sent to each function, to have a sample.
    pub synthetic_requests: u32,
    /// True when the watch goes on after a failure that is not bad enough to put the previous version back.
    pub goes_on_to_roll_back: bool,
}

/// A function behind an alias.
#[derive(Clone, Debug)]
pub struct WatchedFunction {
    /// The alias as it was found.
    pub alias: Alias,
    /// The version that is watched.
    pub version: Version,
    /// Its log, where that is looked at.
    pub log: Option<LogPlace>,
}

impl WatchedFunction {
    /// `shop-api:live, version 42`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}, version {}", self.alias.function, self.alias.name, self.version)
    }

    /// How the alias was found, where it is no longer as it was. That AWS moves its traffic once provisioned concurrency is ready is
    /// nobody's write.
    pub(super) fn moved_on(&self, now: Option<&Alias>) -> Option<String> {
        let was = &self.alias;
        let Some(now) = now else { return Some(format!("alias {} of {} is gone", was.name, was.function)) };
        let is_same = now.version == was.version
            && (now.weights == was.weights
                || now.weights.is_empty() && was.weights.values().any(|weight| *weight >= 1.0));
        (!is_same)
            .then(|| format!("alias {} of {} was at version {was}, and is at version {now}", was.name, was.function))
    }
}
