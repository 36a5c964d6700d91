//! The log of one version: read in overlapping spans, each event once, and judged.
//!
//! Events come late and out of order, so that who goes on after the last one that was seen misses some: each look reads the last
//! minutes again, and knows by their ids what was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::finding::{Check, Finding};
use super::lines::{self, Line};
use super::source::Source;
use crate::aws::logs::{LogClass, LogEvent, LogQuery};
use crate::lambda::{FunctionName, LogPlace, Version};
use crate::outcome::{Outcome, Step, Verdict};
use crate::smoke::Family;
use crate::text::{Foreign, message, number_of};

/// Where logs are read.
const SOURCE: &str = "logs:FilterLogEvents";
/// How far back each look reads again: ingestion takes seconds, seldom longer.
const OVERLAP: Duration = Duration::from_mins(2);
/// The most pages that one look reads of one stream prefix: each holds up to 1 MB.
const PAGES: usize = 50;
/// Environments that were started so long before midnight still write into the streams of that day.
const KEPT_WARM: Duration = Duration::from_hours(3);
/// The most bytes of a line that are shown.
const SHOWN: usize = 400;
/// Characters of a text that data protection leaves in place of what it hides.
const MASKED: &str = "****";

/// What absent lines of the application mean: the input `app-logs`.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum AppLogs {
    /// The release fails.
    #[default]
    Fail,
    /// A warning.
    Warn,
    /// They are not looked for.
    Off,
}

/// What is looked for in a log.
#[derive(Clone, Debug, Default)]
pub struct LogRules {
    /// Whether what does not start is looked for.
    pub init_errors: bool,
    /// Whether lines of the application are.
    pub app_logs: AppLogs,
    /// Lines that fail the release.
    pub patterns: Vec<Regex>,
    /// Lines that do not, whatever they say.
    pub allow: Vec<Regex>,
}

/// The log of one version.
#[derive(Debug)]
pub(super) struct Logs {
    function: FunctionName,
    version: Version,
    place: LogPlace,
    rules: LogRules,
    since: OffsetDateTime,
    /// That of its group, where there is one.
    class: Option<LogClass>,
    /// How many requests were counted when the group was looked for last.
    requests: Option<u64>,
    /// Where the next look begins, milliseconds since 1970.
    from: i64,
    /// Events that were seen, as far as they may be read again, by id.
    seen: BTreeMap<String, i64>,
    /// Whether the last look came to the end of the log.
    is_complete: bool,
    counts: Counts,
    /// The first line that fails the release.
    failure: Option<(Check, String, Option<Family>)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    lines: u64,
    finished: u64,
    application: u64,
    masked: u64,
    allowed: u64,
}

impl Logs {
    pub(super) fn new(of: (FunctionName, Version), place: LogPlace, rules: LogRules, since: OffsetDateTime) -> Self {
        let (function, version) = of;
        let (from, counts) = (millis(since), Counts::default());
        let (class, seen) = (None, BTreeMap::new());
        Self {
            function,
            version,
            place,
            rules,
            since,
            class,
            requests: None,
            from,
            seen,
            is_complete: false,
            counts,
            failure: None,
        }
    }

    /// Looks for the group. Refuses a log that cannot be read, before anything is waited for. `requests` is how many the function had by now, where
    /// they are counted.
    pub(super) async fn find(&mut self, source: &impl Source, requests: Option<u64>) -> Step<()> {
        let group = &self.place.group;
        self.class = source.log_class(group).await?;
        self.requests = requests;
        match self.class {
            None | Some(LogClass::Standard | LogClass::InfrequentAccess) => {}
            Some(class @ (LogClass::Delivery | LogClass::Essentials)) => {
                let reason = message!(
                    "log-class-not-readable",
                    "log group {group} of {} is of class {class}, which cannot be read here: that is no absence of lines",
                    self.function
                );
                return Err(Outcome::error(reason)
                    .advise("leave `init-errors` and `app-logs` out of `checks`, or let the function log to a group of class STANDARD")
                    .into());
            }
        }
        Ok(())
    }

    /// Reads what came since the last look, and the minutes before it once more.
    pub(super) async fn read(&mut self, source: &impl Source) -> Result<()> {
        if self.is_missing() {
            return Ok(());
        }
        let now = source.now();
        let mut is_complete = true;
        for prefix in self.prefixes(now) {
            let query = LogQuery { group: self.place.group.clone(), prefix, from: self.from, until: millis(now) };
            is_complete &= self.read_prefix(source, &query).await?;
        }
        self.is_complete = is_complete;
        if is_complete {
            let overlap = i64::try_from(OVERLAP.as_millis()).unwrap_or(i64::MAX);
            self.from = self.from.max(millis(now) - overlap);
            let from = self.from;
            self.seen.retain(|_, at| *at >= from);
        }
        Ok(())
    }

    /// Whether it was read to its end.
    async fn read_prefix(&mut self, source: &impl Source, query: &LogQuery) -> Result<bool> {
        if self.class == Some(LogClass::InfrequentAccess) {
            for event in source.insights(query).await? {
                self.take(event);
            }
            return Ok(true);
        }
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let page = source.log_page(query, next.as_deref()).await?;
            for event in page.events {
                self.take(event);
            }
            if page.next.is_none() {
                return Ok(true);
            }
            if page.next == next {
                bail!("the log of {} has a page that leads to itself", self.function);
            }
            next = page.next;
        }
        Ok(false)
    }

    /// The beginnings of the names of the version's streams: one a day, and the day before where its environments may still be warm.
    fn prefixes(&self, now: OffsetDateTime) -> Vec<String> {
        let utc = |at: OffsetDateTime| at.to_offset(time::UtcOffset::UTC).date();
        let (mut day, last) = (utc(self.since - KEPT_WARM), utc(now));
        let mut prefixes = Vec::new();
        while day <= last {
            let date = format!("{}/{:02}/{:02}", day.year(), u8::from(day.month()), day.day());
            prefixes.push(format!("{date}/{}", self.stream_part()));
            let Some(next) = day.next_day() else { break };
            day = next;
        }
        prefixes
    }

    /// `[42]`, and with the function's name where several functions share a group.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html>
    fn stream_part(&self) -> String {
        let name = if self.place.is_own(&self.function) { "" } else { self.function.as_str() };
        format!("{name}[{}]", self.version)
    }

    fn take(&mut self, event: LogEvent) {
        let part = self.stream_part();
        let is_ours = event.stream.get(11..).is_some_and(|rest| rest.starts_with(&part));
        if !is_ours || event.at < millis(self.since) || self.seen.insert(event.id, event.at).is_some() {
            return;
        }
        let text = event.message.raw();
        self.counts.lines += 1;
        self.counts.masked += u64::from(text.contains(MASKED));
        let line = lines::read(text);
        match line {
            Line::Finished => self.counts.finished += 1,
            Line::Application => self.counts.application += 1,
            Line::Platform | Line::NotStarted(_) => {}
        }
        let family = match line {
            Line::NotStarted(family) if self.rules.init_errors => Some(family),
            _ => None,
        };
        let matches = |patterns: &[Regex]| patterns.iter().any(|pattern| pattern.is_match(text));
        let is_forbidden = line == Line::Application && matches(&self.rules.patterns);
        if family.is_none() && !is_forbidden {
            return;
        }
        if matches(&self.rules.allow) {
            self.counts.allowed += 1;
        } else if self.failure.is_none() {
            let shown = Foreign::new(text.lines().take(3).collect::<Vec<_>>().join(" ")).for_message(SHOWN);
            self.failure = Some((Check::InitErrors, shown, family));
        }
    }

    /// Whether the group was not there when it was looked for last.
    pub(super) const fn is_missing(&self) -> bool {
        self.class.is_none()
    }

    /// What it means that there is no group. Lambda makes it with the first invocation: where there was one, the function's role may not
    /// write. Where nobody counts them, nobody knows; sample requests may still make it.
    pub(super) fn judge_missing(&self, is_end: bool, may_be_made: bool) -> Option<Finding> {
        let (group, function) = (&self.place.group, &self.function);
        let finding = |verdict, observed: String| {
            Finding::new(
                Check::InitErrors,
                format!("log of version {} of {function}", self.version),
                verdict,
                "logs:DescribeLogGroups",
            )
            .saw(observed, "there is one")
        };
        if self.requests == Some(0) {
            let observed = format!(
                "log group {group} does not exist yet: Lambda makes it with the first invocation, and there was none"
            );
            return is_end.then(|| finding(Verdict::Inconclusive, observed));
        }
        if self.requests.is_none() && may_be_made && !is_end {
            return None;
        }
        let observed =
            message!("no-log-group", "log group {group} of {function} does not exist: nothing can be said of its log");
        Some(finding(Verdict::Error, observed).advise(
            "allow logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents to the function's role (AWSLambdaBasicExecutionRole), \
             or leave `init-errors` and `app-logs` out of `checks`",
        ))
    }

    /// What decides now, and at the end all.
    pub(super) fn findings(&self, is_end: bool) -> Vec<Finding> {
        let of = format!("version {} of {}", self.version, self.function);
        let mut findings = Vec::new();
        if self.rules.init_errors || !self.rules.patterns.is_empty() {
            findings.extend(self.judge_init(&of, is_end));
        }
        if is_end && self.rules.app_logs != AppLogs::Off {
            findings.push(self.judge_application(&of));
        }
        findings
    }

    fn judge_init(&self, of: &str, is_end: bool) -> Option<Finding> {
        let name = format!("start of {of}");
        let finding = |verdict, observed: String| {
            Finding::new(Check::InitErrors, name.clone(), verdict, SOURCE)
                .saw(observed, "no line that says it does not start")
        };
        if let Some((_, line, family)) = &self.failure {
            return Some(match family {
                Some(family) => {
                    let observed = message!("does-not-start", "it does not start ({family}): {line}");
                    finding(Verdict::Fail, observed).advise(family.advice())
                }
                None => finding(Verdict::Fail, format!("a line that `log-patterns` names: {line}"))
                    .advise("see the line in the log; lines that are meant to be there are named by `log-allow`"),
            });
        }
        let notes = self.notes();
        is_end.then(|| match self.counts.lines {
            0 => finding(Verdict::Inconclusive, "no line at all: nothing ran".to_owned()),
            _ if !self.is_complete => {
                finding(Verdict::Inconclusive, "more lines than could be read in time".to_owned())
            }
            lines => finding(Verdict::Pass, format!("none among {lines} lines{notes}")),
        })
    }

    fn notes(&self) -> String {
        let Counts { masked, allowed, .. } = self.counts;
        let hidden = (masked > 0).then(|| {
            message!(
                "masked-lines",
                "{masked} of them hold masked text ({MASKED}), behind which nothing was looked for"
            )
        });
        let let_through = (allowed > 0).then(|| format!("{allowed} allowed by `log-allow`"));
        hidden.into_iter().chain(let_through).fold(String::new(), |all, note| all + "; " + &note)
    }

    /// Only what the platform writes: the application never came to say anything.
    fn judge_application(&self, of: &str) -> Finding {
        let Counts { finished, application, lines, .. } = self.counts;
        let finding = |verdict, observed: String| {
            let name = format!("application log of {of}");
            Finding::new(Check::AppLogs, name, verdict, SOURCE).saw(observed, "at least one line of the application")
        };
        if application > 0 {
            let observed =
                format!("{} of {}", number_of(usize(application), "line"), number_of(usize(finished), "invocation"));
            return finding(Verdict::Pass, observed);
        }
        if let Some(why) = self.place.hides_lines() {
            let observed = message!("app-logs-undecidable", "undecidable: {why}, so that absent lines say nothing");
            return finding(Verdict::Inconclusive, observed).advise("`app-logs: off` leaves this check out");
        }
        if finished == 0 {
            let observed = if lines == 0 { "no line at all" } else { "no invocation has ended" };
            return finding(Verdict::Inconclusive, format!("{observed}: nothing ran"));
        }
        let observed = message!(
            "only-platform-lines",
            "{} ended, and only the platform wrote lines (START, END, REPORT)",
            number_of(usize(finished), "invocation")
        );
        match self.rules.app_logs {
            AppLogs::Fail => finding(Verdict::Fail, observed).advise(
                "see whether the handler is the application's, and whether its logger writes to standard output; `app-logs: warn` where \
                 silence is normal",
            ),
            AppLogs::Warn | AppLogs::Off => finding(Verdict::Pass, observed.clone()).warn(format!("{of}: {observed}")),
        }
    }

    /// How far it has come, for the log.
    pub(super) fn progress(&self) -> String {
        format!("{} lines, {} of the application", self.counts.lines, self.counts.application)
    }

    pub(super) const fn function(&self) -> &FunctionName {
        &self.function
    }

    pub(super) const fn version(&self) -> Version {
        self.version
    }
}

fn millis(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
