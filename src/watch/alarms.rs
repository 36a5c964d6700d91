//! Alarms, judged by their transition since the release: a state that was there before says nothing of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::finding::{Check, Finding};
use crate::aws::cloudwatch::{Alarm, AlarmKind, AlarmState};
use crate::outcome::Verdict;
use crate::text::{Foreign, message};

/// Where alarms are read.
const SOURCE: &str = "cloudwatch:DescribeAlarms";
/// The most bytes of an alarm's reason that are shown.
const SHOWN: usize = 300;

/// What an alarm that was red before the release means.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum PreRed {
    /// Nothing, as long as it stays red: it is reported.
    #[default]
    Ignore,
    /// The release fails.
    Fail,
}

/// The alarms that are watched, and what was seen of each.
#[derive(Debug)]
pub(super) struct Alarms {
    since: OffsetDateTime,
    pre_red: PreRed,
    seen: BTreeMap<String, Seen>,
    /// What is known besides of those that went red: mutes, contributors.
    notes: BTreeMap<String, Vec<String>>,
}

#[derive(Debug)]
struct Seen {
    /// As it was read first.
    first: Alarm,
    /// As it was read last.
    last: Alarm,
    /// Whether it was `OK` at any look.
    was_ok: bool,
    /// Whether it went red after the release, and when.
    went_red: Option<OffsetDateTime>,
    /// Why, when it did.
    reason: Foreign,
}

impl Alarms {
    pub(super) fn new(since: OffsetDateTime, pre_red: PreRed) -> Self {
        Self { since, pre_red, seen: BTreeMap::new(), notes: BTreeMap::new() }
    }

    /// Takes in what was read.
    ///
    /// # Errors
    /// The name of one that is not there.
    pub(super) fn take(&mut self, names: &[String], read: Vec<Alarm>) -> Result<(), String> {
        if let Some(missing) = names.iter().find(|name| !read.iter().any(|alarm| alarm.name == **name)) {
            return Err(missing.clone());
        }
        for alarm in read {
            let since = (alarm.state == AlarmState::Alarm).then_some(alarm.transitioned).flatten();
            let since = since.filter(|at| *at > self.since);
            let seen = self.seen.entry(alarm.name.clone()).or_insert_with(|| Seen {
                first: alarm.clone(),
                last: alarm.clone(),
                was_ok: false,
                went_red: None,
                reason: Foreign::default(),
            });
            if let Some(at) = since.filter(|_| seen.went_red.is_none()) {
                seen.went_red = Some(at);
                seen.reason = alarm.reason.clone();
            }
            seen.was_ok |= alarm.state == AlarmState::Ok;
            seen.last = alarm;
        }
        Ok(())
    }

    /// The alarms that are red since the release and of which more is to be learned.
    pub(super) fn without_notes(&self) -> Vec<(String, AlarmKind)> {
        let red =
            self.seen.values().filter(|seen| seen.went_red.is_some() && !self.notes.contains_key(&seen.last.name));
        red.map(|seen| (seen.last.name.clone(), seen.last.kind)).collect()
    }

    pub(super) fn note(&mut self, alarm: &str, notes: Vec<String>) {
        self.notes.insert(alarm.to_owned(), notes);
    }

    /// Those that decide now, and at the end of the watch all of them.
    pub(super) fn findings(&self, is_end: bool) -> Vec<Finding> {
        self.seen.values().filter_map(|seen| self.judge(seen, is_end)).collect()
    }

    fn judge(&self, seen: &Seen, is_end: bool) -> Option<Finding> {
        let alarm = &seen.last;
        let name = format!("{} {}", alarm.kind, alarm.name);
        let finding = |verdict, observed: String| {
            Finding::new(Check::Alarms, name.clone(), verdict, SOURCE).saw(observed, "no ALARM since the release")
        };
        let reason = |text: &Foreign| {
            if text.is_empty() { String::new() } else { format!(": {}", text.for_message(SHOWN)) }
        };
        let reconfigured = alarm.configured.filter(|at| *at > self.since);
        if let Some(at) = reconfigured {
            let observed = message!(
                "alarm-reconfigured",
                "{}; its setting was changed at {}, after the release: it starts anew, and says nothing of it",
                alarm.state,
                clock(at)
            );
            let advice = "change alarms before the release, or in a job of its own after it";
            return is_end.then(|| finding(Verdict::Inconclusive, observed).advise(advice));
        }
        if let Some(at) = seen.went_red {
            let notes =
                self.notes.get(&alarm.name).into_iter().flatten().fold(String::new(), |all, note| all + "; " + note);
            let observed = format!("ALARM since {}{}{notes}", clock(at), reason(&seen.reason));
            let advice = format!("look at what alarm {} watches; its transition came after the release", alarm.name);
            return Some(finding(Verdict::Fail, observed).advise(advice));
        }
        let was_red = seen.first.state == AlarmState::Alarm;
        if was_red && self.pre_red == PreRed::Fail {
            let observed = format!("ALARM already before the release{}", reason(&seen.first.reason));
            return Some(finding(Verdict::Fail, observed).advise("`pre-red: ignore` lets a fix through a red alarm"));
        }
        if !is_end {
            return None;
        }
        Some(match (alarm.state, alarm.evaluation) {
            (AlarmState::Alarm, _) => {
                let warning = message!(
                    "alarm-red-before",
                    "alarm {} was red before the release and stayed red: it judged nothing",
                    alarm.name
                );
                finding(Verdict::Skipped, format!("ALARM since before the release{}", reason(&alarm.reason)))
                    .warn(warning)
            }
            (state, Some(evaluation)) => finding(
                Verdict::Inconclusive,
                format!("{state}, but its evaluation is {evaluation}{}", reason(&alarm.reason)),
            ),
            (AlarmState::InsufficientData, None) if !seen.was_ok => {
                let why = if alarm.warms_up { ", it warms up after a change of its setting" } else { "" };
                finding(Verdict::Inconclusive, format!("INSUFFICIENT_DATA through the whole window{why}"))
                    .advise(format!("see that the metric of alarm {} has data, or leave the alarm out", alarm.name))
            }
            (AlarmState::Ok | AlarmState::InsufficientData, None) if was_red => {
                finding(Verdict::Pass, "ALARM before the release, OK since".to_owned())
            }
            (state, None) => finding(Verdict::Pass, state.to_string()),
        })
    }
}

/// `12:03:04` UTC.
pub(super) fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    format!("{:02}:{:02}:{:02} UTC", at.hour(), at.minute(), at.second())
}
