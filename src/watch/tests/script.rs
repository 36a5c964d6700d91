//! A source that follows a script, on the paused clock: what happened, and when it can be read.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;
use tokio::time::Instant;

use crate::aws::cloudwatch::{Alarm, AlarmKind, AlarmState, Metric, Series, SeriesStatus, Stretch};
use crate::aws::logs::{LogClass, LogEvent, LogPage, LogQuery};
use crate::aws::{AwsError, Kind};
use crate::calls::Deadline;
use crate::lambda::{Alias, AliasName, AliasRevision, FunctionName, LogPlace, Version};
use crate::outcome::{Outcome, Stop, Verdict};
use crate::text::Foreign;
use crate::watch::statistics::{Division, Rule, Statistic};
use crate::watch::{
    Check, Finding, LogRules, PreRed, Previous, Probed, Rate, RateRules, Sampled, Source, Watch, Watched,
    WatchedFunction, watch,
};

/// 2026-11-20 10:00:00 UTC, the beginning of a minute.
pub(super) const SINCE: i64 = 1_795_168_800;

/// What happens. Times are seconds after the release.
pub(super) struct Script {
    pub(super) since: OffsetDateTime,
    began: Instant,
    /// When the watch begins.
    pub(super) begins: u64,
    /// Metric, minute (seconds after the release), value, and when it can be read.
    pub(super) points: Vec<(Metric, i64, f64, u64)>,
    /// Answers to the next readings of metrics; then all are whole.
    pub(super) statuses: RefCell<VecDeque<SeriesStatus>>,
    pub(super) queried: RefCell<Vec<Metric>>,
    pub(super) metric_reads: Cell<u32>,
    /// Errors of the next reads of anything, by its name.
    pub(super) faults: RefCell<BTreeMap<&'static str, VecDeque<AwsError>>>,
    pub(super) class: Option<LogClass>,
    /// Stream, when it happened, message, and when it can be read.
    pub(super) events: Vec<(String, i64, String, u64)>,
    /// How many empty pages come before the events.
    pub(super) empty_pages: u32,
    pub(super) prefixes: RefCell<Vec<String>>,
    /// Each alarm as it is from a moment on.
    pub(super) alarms: Vec<(u64, Alarm)>,
    pub(super) mutes: Vec<String>,
    pub(super) contributors: Vec<String>,
    /// The alias as it is from a moment on.
    pub(super) aliases: Vec<(u64, Option<Alias>)>,
    /// What is wrong with answers from a moment on.
    pub(super) answers: Vec<(u64, Option<String>)>,
    pub(super) shows: Vec<(u64, Probed)>,
    pub(super) invocations: Cell<u32>,
}

impl Script {
    pub(super) fn new() -> Self {
        Self {
            since: OffsetDateTime::from_unix_timestamp(SINCE).unwrap(),
            began: Instant::now(),
            begins: 0,
            points: Vec::new(),
            statuses: RefCell::default(),
            queried: RefCell::default(),
            metric_reads: Cell::default(),
            faults: RefCell::default(),
            class: Some(LogClass::Standard),
            events: Vec::new(),
            empty_pages: 0,
            prefixes: RefCell::default(),
            alarms: Vec::new(),
            mutes: Vec::new(),
            contributors: Vec::new(),
            aliases: vec![(0, Some(alias(42, &[])))],
            answers: vec![(0, None)],
            shows: vec![(0, Probed::NotYet("no trace".to_owned()))],
            invocations: Cell::default(),
        }
    }

    /// Requests and errors of each minute by a rate, readable `late` seconds after the minute began. No errors: no point, as CloudWatch has it.
    pub(super) fn traffic(mut self, rate: &Rate, minutes: &[(u32, u32)], late: u64) -> Self {
        self.add(&rate.requests, &rate.errors, minutes, late, 0);
        self
    }

    pub(super) fn add(&mut self, requests: &Metric, errors: &Metric, minutes: &[(u32, u32)], late: u64, first: i64) {
        for (place, (all, failed)) in (0_i64..).zip(minutes) {
            let at = first + place * 60;
            let readable = u64::try_from(at.max(0)).unwrap() + late;
            for (metric, value) in [(requests, *all), (errors, *failed)] {
                if value > 0 {
                    self.points.push((metric.clone(), at, f64::from(value), readable));
                }
            }
        }
    }

    pub(super) fn event(mut self, stream: &str, at: i64, message: &str) -> Self {
        self.events.push((stream.to_owned(), at, message.to_owned(), u64::try_from(at.max(0)).unwrap() + 2));
        self
    }

    fn elapsed(&self) -> u64 {
        self.begins + self.began.elapsed().as_secs()
    }

    /// The last of these that came.
    fn latest<T: Clone>(&self, all: &[(u64, T)]) -> T {
        all.iter().rev().find(|(from, _)| *from <= self.elapsed()).unwrap().1.clone()
    }

    fn fault(&self, of: &str) -> Result<()> {
        match self.faults.borrow_mut().get_mut(of).and_then(VecDeque::pop_front) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    fn found(&self, query: &LogQuery) -> Vec<LogEvent> {
        self.prefixes.borrow_mut().push(query.prefix.clone());
        let now = self.elapsed();
        let readable = self.events.iter().enumerate().filter(|(_, (_, _, _, at))| *at <= now);
        let event = |(id, (stream, at, message, _)): (usize, &(String, i64, String, u64))| LogEvent {
            id: id.to_string(),
            stream: stream.clone(),
            at: (self.since.unix_timestamp() + at) * 1000,
            message: Foreign::new(message),
        };
        let mut events: Vec<LogEvent> = readable.map(event).collect();
        events.retain(|one| one.stream.starts_with(&query.prefix) && (query.from..=query.until).contains(&one.at));
        events.sort_by_key(|one| one.at);
        events
    }

    /// Runs the watch on this script.
    pub(super) async fn run(&self, plan: &Watch) -> Watched {
        self.run_for(plan, Duration::from_mins(90)).await.unwrap()
    }

    pub(super) async fn run_for(&self, plan: &Watch, limit: Duration) -> Result<Watched, Outcome> {
        let (deadline, _cancel) = Deadline::new(limit);
        match watch(self, &deadline, plan).await {
            Ok(watched) => Ok(watched),
            Err(Stop::Ended(outcome)) => Err(outcome),
            Err(Stop::Error(error)) => panic!("{error:?}"),
        }
    }
}

impl Source for Script {
    fn now(&self) -> OffsetDateTime {
        self.since + Duration::from_secs(self.begins) + self.began.elapsed()
    }

    async fn alias(&self, _: &FunctionName, _: &AliasName) -> Result<Option<Alias>> {
        self.fault("alias")?;
        Ok(self.latest(&self.aliases))
    }

    async fn metrics(&self, metrics: &[Metric], span: Stretch) -> Result<Vec<Series>> {
        self.fault("metrics")?;
        self.metric_reads.set(self.metric_reads.get() + 1);
        self.queried.borrow_mut().extend(metrics.iter().cloned());
        let status = self.statuses.borrow_mut().pop_front().unwrap_or(SeriesStatus::Complete);
        let now = self.elapsed();
        let of = |metric: &Metric| {
            let mut points = BTreeMap::new();
            for (_, at, value, _) in self.points.iter().filter(|(of, _, _, readable)| of == metric && *readable <= now)
            {
                let at = self.since.unix_timestamp() + at;
                if (span.from.unix_timestamp()..span.until.unix_timestamp()).contains(&at)
                    && status == SeriesStatus::Complete
                {
                    *points.entry(at).or_insert(0.0) += value;
                }
            }
            Series { status, points }
        };
        Ok(metrics.iter().map(of).collect())
    }

    async fn log_class(&self, _: &str) -> Result<Option<LogClass>> {
        Ok(self.class)
    }

    async fn log_page(&self, query: &LogQuery, next: Option<&str>) -> Result<LogPage> {
        self.fault("logs")?;
        let page: u32 = next.map_or(0, |next| next.parse().unwrap());
        if page < self.empty_pages {
            return Ok(LogPage { events: Vec::new(), next: Some((page + 1).to_string()) });
        }
        Ok(LogPage { events: self.found(query), next: None })
    }

    async fn insights(&self, query: &LogQuery) -> Result<Vec<LogEvent>> {
        self.fault("insights")?;
        Ok(self.found(query))
    }

    async fn alarms(&self, names: &[String]) -> Result<Vec<Alarm>> {
        self.fault("alarms")?;
        let now = self.elapsed();
        let latest = |name: &String| {
            let mine = self.alarms.iter().rev().find(|(from, alarm)| alarm.name == *name && *from <= now);
            mine.map(|(_, alarm)| alarm.clone())
        };
        Ok(names.iter().filter_map(latest).collect())
    }

    async fn mutes(&self, _: &str) -> Result<Vec<String>> {
        Ok(self.mutes.clone())
    }

    async fn contributors(&self, _: &str) -> Result<Vec<String>> {
        Ok(self.contributors.clone())
    }

    async fn ask(&self, _: usize) -> Result<Option<String>> {
        Ok(self.latest(&self.answers))
    }

    async fn probe(&self) -> Result<Probed> {
        Ok(self.latest(&self.shows))
    }

    async fn invoke(&self, _: usize) -> Result<Sampled> {
        self.fault("invoke")?;
        self.invocations.set(self.invocations.get() + 1);
        Ok(self.latest(&self.answers).map_or(Sampled::Good, Sampled::Bad))
    }
}

pub(super) fn throttled(times: usize) -> VecDeque<AwsError> {
    vec![error(Kind::Throttled(None), "ThrottlingException"); times].into()
}

pub(super) fn error(kind: Kind, code: &str) -> AwsError {
    AwsError {
        operation: "cloudwatch:GetMetricData",
        kind,
        code: code.to_owned(),
        message: Foreign::new("no"),
        reason: None,
        request_id: None,
    }
}

pub(super) fn version(number: u32) -> Version {
    number.to_string().parse().unwrap()
}

pub(super) fn alias(number: u32, weights: &[(u32, f64)]) -> Alias {
    Alias {
        function: "api".parse().unwrap(),
        name: "live".parse().unwrap(),
        version: Some(version(number)),
        weights: weights.iter().map(|(number, weight)| (version(*number), *weight)).collect(),
        revision: AliasRevision::default(),
    }
}

/// A metric of a version of `api:live`.
pub(super) fn metric(name: &'static str, of: u32) -> Metric {
    let dimensions = vec![
        ("FunctionName", "api".to_owned()),
        ("Resource", "api:live".to_owned()),
        ("ExecutedVersion", of.to_string()),
    ];
    Metric { namespace: "AWS/Lambda", name, dimensions, statistic: "Sum".to_owned() }
}

/// The error rate of version 42, as Lambda counts it.
pub(super) fn rate() -> Rate {
    let name = "api:live, version 42 (Lambda)".to_owned();
    Rate { name, requests: metric("Invocations", 42), errors: metric("Errors", 42), previous: None, per_version: true }
}

/// The same compared with version 41.
pub(super) fn compared(is_before: bool) -> Rate {
    let (requests, errors) = (metric("Invocations", 41), metric("Errors", 41));
    Rate { previous: Some(Previous { requests, errors, is_before, is_compared: true }), ..rate() }
}

/// The rules of the defaults for a window.
pub(super) fn rules(window: Duration) -> RateRules {
    let rule = Rule { statistic: Statistic::Exact, threshold: 0.05, min_samples: 20 };
    let looks = u32::try_from(rule.statistic.looks(window).len()).unwrap();
    let division = Division { alpha: 0.05, gates: 1, functions: 1, sources: 1, looks };
    RateRules { rule, rollback_above: 0.05, division }
}

/// A watch of this many minutes that looks at nothing yet.
pub(super) fn nothing(minutes: u64) -> Watch {
    Watch {
        functions: vec![WatchedFunction { alias: alias(42, &[]), version: version(42), log: None }],
        since: OffsetDateTime::from_unix_timestamp(SINCE).unwrap(),
        window: Duration::from_mins(minutes),
        settle: Duration::from_mins(2),
        rates: Vec::new(),
        latencies: Vec::new(),
        log_rules: None,
        alarms: Vec::new(),
        pre_red: PreRed::Ignore,
        addresses: Vec::new(),
        probe: None,
        synthetic_requests: 0,
        goes_on_to_roll_back: false,
    }
}

/// A watch of the error rate.
pub(super) fn of_rate(minutes: u64, rate: Rate) -> Watch {
    let window = Duration::from_mins(minutes);
    Watch { rates: vec![(rate, rules(window))], ..nothing(minutes) }
}

/// A watch of the log of version 42.
pub(super) fn of_log(minutes: u64, group: &str, hidden: Option<&'static str>) -> Watch {
    let mut watch = nothing(minutes);
    watch.functions[0].log = Some(LogPlace::in_group(group, hidden));
    watch.log_rules = Some(LogRules { init_errors: true, ..LogRules::default() });
    watch
}

/// A watch of alarms.
pub(super) fn of_alarms(minutes: u64, names: &[&str]) -> Watch {
    Watch { alarms: names.iter().map(|name| (*name).to_owned()).collect(), ..nothing(minutes) }
}

/// An alarm in a state since a moment, in seconds after the release.
pub(super) fn alarm(name: &str, state: AlarmState, since: i64) -> Alarm {
    Alarm {
        name: name.to_owned(),
        kind: AlarmKind::Metric,
        state,
        reason: Foreign::new("Threshold Crossed"),
        transitioned: Some(OffsetDateTime::from_unix_timestamp(SINCE + since).unwrap()),
        configured: Some(OffsetDateTime::from_unix_timestamp(SINCE - 86_400).unwrap()),
        evaluation: None,
        warms_up: false,
        actions: Vec::new(),
        has_actions: true,
    }
}

/// The one finding of a check.
pub(super) fn found(watched: &Watched, check: Check) -> &Finding {
    let mut all = watched.findings.iter().filter(|finding| finding.check == check);
    all.next().unwrap_or_else(|| panic!("{:?} has nothing of {check:?}", watched.findings))
}

/// Asserts the verdict of a watch, and that a finding says this.
#[track_caller]
pub(super) fn assert_says(watched: &Watched, verdict: Verdict, words: &str) {
    let all: Vec<String> = watched
        .findings
        .iter()
        .map(|one| format!("{} {}: {} / {:?}", one.verdict, one.name, one.observed, one.warns))
        .collect();
    assert_eq!(watched.verdict(), verdict, "{all:#?}");
    assert!(all.iter().any(|line| line.contains(words)), "no {words:?} in {all:#?}");
}

impl Script {
    /// Whether so many seconds after the release have not passed yet.
    pub(super) fn now_is_before(&self, seconds: u64) -> bool {
        self.elapsed() < seconds
    }
}
