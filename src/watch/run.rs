//! The watch itself: looks at everything again and again, until something is decided or the window is over.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use time::OffsetDateTime;

use super::alarms::Alarms;
use super::answers::{Address, Shown};
use super::finding::{Check, Finding};
use super::latency::LatencyGate;
use super::logs::Logs;
use super::plan::{Watch, WatchedFunction};
use super::rate::RateGate;
use super::readings::{Looked, Readings};
use super::source::{Source, passes_by_itself};
use super::watched::{Watched, rank};
use crate::aws::cloudwatch::{Alarm, AlarmKind};
use crate::aws::refusal;
use crate::calls::{Deadline, Ended, ServiceError as _, error_line};
use crate::outcome::{Step, Verdict};
use crate::text::{human_duration, message};

/// A look is taken so often.
const OFTEN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Lines of a log, and other systems' words, may come so late after the window.
const LINES_COME: Duration = Duration::from_secs(30);
/// What could not be read at its end is tried for so long.
const GIVE_UP: Duration = Duration::from_mins(1);
/// A line about where it is, so often.
const PROGRESS: Duration = Duration::from_mins(1);

/// A watch that goes on.
struct Run<'a, S> {
    source: &'a S,
    watch: &'a Watch,
    end: OffsetDateTime,
    logs: Vec<Logs>,
    alarms: Alarms,
    addresses: Vec<Address>,
    /// Requests that were sent for a sample, by the function.
    samples: Vec<Address>,
    shown: Option<Shown>,
    readings: Readings,
    rates: Vec<RateGate>,
    latencies: Vec<LatencyGate>,
    /// What could not be read last, and since when.
    troubles: BTreeMap<Check, (OffsetDateTime, String)>,
    /// Checks that ended in an error.
    errors: Vec<Finding>,
    /// When each check was read last.
    read_at: BTreeMap<Check, OffsetDateTime>,
    invoked: u32,
}

/// Watches until something is decided or the window is over and all that is late has come.
///
/// # Errors
/// A refusal before anything is waited for; a cancellation.
pub async fn watch(source: &impl Source, deadline: &Deadline, watch: &Watch) -> Step<Watched> {
    let mut run = Run::new(source, watch);
    for logs in &mut run.logs {
        logs.find(source).await?;
    }
    let often = (watch.window / 30).clamp(OFTEN.0, OFTEN.1);
    let mut told = source.now();
    loop {
        if let Some(superseded) = run.moved().await? {
            return Ok(Watched { superseded: Some(superseded), ..run.watched(true) });
        }
        run.look().await?;
        let (findings, is_over) = run.findings();
        let decides = |finding: &Finding| match finding.verdict {
            Verdict::Fail => finding.rolls_back || !watch.goes_on_to_roll_back,
            verdict => verdict == Verdict::Error,
        };
        if is_over || findings.iter().any(decides) {
            return Ok(run.watched(false));
        }
        if source.now() - told >= PROGRESS {
            told = source.now();
            run.tell_progress(deadline);
        }
        match deadline.sleep(often).await {
            Ok(()) => {}
            Err(Ended::Deadline) => return Ok(run.watched(true)),
            Err(Ended::Cancelled) => return Err(Ended::Cancelled.into()),
        }
    }
}

impl<'a, S: Source> Run<'a, S> {
    fn new(source: &'a S, watch: &'a Watch) -> Self {
        let window = (watch.since, watch.window);
        let first_look = watch.rates.first().map_or(watch.window, |(_, rules)| {
            rules.rule.statistic.looks(watch.window).first().copied().unwrap_or(watch.window)
        });
        let first = watch.since + first_look.min(Duration::from_mins(1)) + watch.settle;
        let mut readings = Readings::new(Vec::new(), watch.since - watch.window, first, watch.settle);
        let rates = watch.rates.iter().map(|(rate, rules)| RateGate::new(rate.clone(), *rules, window, &mut readings));
        let rates = rates.collect();
        let latencies = watch.latencies.iter().map(|latency| LatencyGate::new(latency.clone(), window, &mut readings));
        let latencies = latencies.collect();
        let logs = watch.functions.iter().filter_map(|function| {
            let (place, rules) = (function.log.clone()?, watch.log_rules.clone()?);
            Some(Logs::new((function.alias.function.clone(), function.version), place, rules, watch.since))
        });
        Self {
            source,
            watch,
            end: watch.since + watch.window,
            logs: logs.collect(),
            alarms: Alarms::new(watch.since, watch.pre_red),
            addresses: watch.addresses.iter().map(|name| Address::new(name.clone())).collect(),
            samples: watch
                .functions
                .iter()
                .map(|one| Address::new(format!("sample requests to {}", one.name())))
                .collect(),
            shown: watch.probe.clone().map(|(name, grace)| Shown::new(name, grace)),
            readings,
            rates,
            latencies,
            troubles: BTreeMap::new(),
            errors: Vec::new(),
            read_at: BTreeMap::new(),
            invoked: 0,
        }
    }

    /// How an alias was found that somebody else moved. One that cannot be read now is read at the next look.
    async fn moved(&mut self) -> Result<Option<String>> {
        let functions: &[WatchedFunction] = &self.watch.functions;
        let reads = functions.iter().map(|one| self.source.alias(&one.alias.function, &one.alias.name));
        for (one, read) in functions.iter().zip(join_all(reads).await) {
            if let Some(now) = self.known(Check::Routing, read)?
                && let Some(how) = one.moved_on(now.as_ref())
            {
                return Ok(Some(how));
            }
        }
        Ok(None)
    }

    /// What was read; nothing where it could not be, which is kept.
    fn known<T>(&mut self, check: Check, read: Result<T>) -> Result<Option<T>> {
        let now = self.source.now();
        let error = match read {
            Ok(read) => {
                if self.troubles.remove(&check).is_some() {
                    tracing::info!("{} can be read again", check.word());
                }
                self.read_at.insert(check, now);
                return Ok(Some(read));
            }
            Err(error) => error,
        };
        if error.chain().any(|cause| cause.downcast_ref() == Some(&Ended::Cancelled)) {
            return Err(error);
        }
        let line = error_line(&error);
        if passes_by_itself(&error) {
            tracing::info!("{} could not be read, and is tried again: {line}", check.word());
            self.troubles.entry(check).or_insert((now, line));
        } else {
            let advice = refusal(&error).map(|refusal| refusal.advice().join("; ")).filter(|advice| !advice.is_empty());
            self.fail_to_read(check, line, advice);
        }
        Ok(None)
    }

    fn fail_to_read(&mut self, check: Check, line: String, advice: Option<String>) {
        if self.errors.iter().any(|known| known.check == check) {
            return;
        }
        let finding = Finding::new(check, check.word(), Verdict::Error, "AWS").saw(line, "can be read");
        self.errors.push(Finding { advice, ..finding });
    }

    /// One look at everything.
    async fn look(&mut self) -> Result<()> {
        let source = self.source;
        let mut logs = std::mem::take(&mut self.logs);
        let sample = self.send_samples();
        let reads = join_all(logs.iter_mut().map(|logs| logs.read(source)));
        let alarms = async {
            if self.watch.alarms.is_empty() { Ok(Vec::new()) } else { source.alarms(&self.watch.alarms).await }
        };
        let answers = join_all((0..self.addresses.len()).map(|place| source.ask(place)));
        let is_probed = self.shown.as_ref().is_some_and(|shown| !shown.is_shown());
        let probed = async { if is_probed { Some(source.probe().await) } else { None } };
        let (sample, reads, (alarms, answers), probed) =
            tokio::join!(sample, reads, async { tokio::join!(alarms, answers) }, probed);
        self.logs = logs;
        if let Some((sent, answers)) = self.known(Check::Url, sample)? {
            self.invoked += sent;
            for (function, answer) in answers {
                self.samples[function].take(answer);
            }
        }
        for read in reads {
            self.known(Check::InitErrors, read)?;
        }
        self.take_alarms(alarms).await?;
        for (place, answer) in answers.into_iter().enumerate() {
            if let Some(answer) = self.known(Check::Url, answer)? {
                self.addresses[place].take(answer);
            }
        }
        if let Some(probed) = probed
            && let Some(probed) = self.known(Check::Probe, probed)?
            && let Some(shown) = &mut self.shown
        {
            shown.take(probed);
        }
        self.read_metrics().await
    }

    async fn take_alarms(&mut self, read: Result<Vec<Alarm>>) -> Result<()> {
        let Some(alarms) = self.known(Check::Alarms, read)? else { return Ok(()) };
        if let Err(missing) = self.alarms.take(&self.watch.alarms, alarms) {
            let line = message!("no-such-alarm", "alarm {missing} does not exist in this account and region");
            self.fail_to_read(
                Check::Alarms,
                line,
                Some("see the name under `alarms`: it is compared with capitals".to_owned()),
            );
        }
        for (alarm, kind) in self.alarms.without_notes() {
            let mut notes = Vec::new();
            let mutes = self.source.mutes(&alarm).await;
            match mutes {
                Ok(mutes) if mutes.is_empty() => {}
                Ok(mutes) => {
                    notes.push(message!("alarm-muted", "it is muted by {}, so that it tells nobody", mutes.join(", ")));
                }
                Err(error) => notes.push(format!("whether it is muted is not known: {}", error_line(&error))),
            }
            if matches!(kind, AlarmKind::Log | AlarmKind::PromQl) {
                match self.source.contributors(&alarm).await {
                    Ok(all) if all.is_empty() => {}
                    Ok(all) => notes.push(format!("by {}", all.join("; "))),
                    Err(error) => notes.push(format!("by what is not known: {}", error_line(&error))),
                }
            }
            self.alarms.note(&alarm, notes);
        }
        Ok(())
    }

    async fn read_metrics(&mut self) -> Result<()> {
        if self.readings.is_empty() {
            return Ok(());
        }
        let read = self.readings.read(self.source).await;
        if matches!(read, Ok(Looked::NotYet)) {
            return Ok(());
        }
        let trouble = self.troubles.get(&Check::ErrorRate).map(|(since, _)| *since);
        match self.known(Check::ErrorRate, read)? {
            Some(Looked::Whole) => {
                for rate in &mut self.rates {
                    rate.look(&self.readings);
                }
            }
            Some(Looked::Partial(status)) => {
                let line = format!("CloudWatch answered {status}: not all points");
                tracing::info!("{line}; they are read again");
                let since = trouble.unwrap_or_else(|| self.source.now());
                self.troubles.insert(Check::ErrorRate, (since, line));
            }
            Some(Looked::Forbidden) => {
                let line =
                    message!("metrics-forbidden", "CloudWatch answered Forbidden: these metrics may not be read");
                let advice = "allow cloudwatch:GetMetricData to the role of this job";
                self.fail_to_read(Check::ErrorRate, line, Some(advice.to_owned()));
            }
            Some(Looked::NotYet) | None => {}
        }
        Ok(())
    }

    /// Sends the requests that are due of those that were asked for: spread over the first half of the window.
    async fn send_samples(&self) -> Result<(u32, Vec<(usize, Option<String>)>)> {
        let asked = self.watch.synthetic_requests;
        if asked <= self.invoked || self.watch.functions.is_empty() {
            return Ok((0, Vec::new()));
        }
        let passed: Duration = (self.source.now() - self.watch.since).try_into().unwrap_or_default();
        let share = (passed.as_secs_f64() / (self.watch.window.as_secs_f64() / 2.0).max(1.0)).clamp(0.1, 1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between nothing and what was asked for"
        )]
        let due = (f64::from(asked) * share).ceil() as u32;
        let count = due.min(asked).saturating_sub(self.invoked);
        let all = (0..self.watch.functions.len()).flat_map(|function| (0..count).map(move |_| function));
        let sent = all.map(async |function| Ok((function, self.source.invoke(function).await?)));
        Ok((count, join_all(sent).await.into_iter().collect::<Result<_>>()?))
    }

    /// What is decided, and whether the watch is over.
    fn findings(&self) -> (Vec<Finding>, bool) {
        let mut all = Vec::new();
        let mut is_over = true;
        // Read once more after what may come late has come.
        let mut has_ended = |check: Check, late: Duration, is_done: bool| {
            let read = self.read_at.get(&check).is_some_and(|at| *at >= self.end + late);
            let ended = read && is_done && !self.troubles.contains_key(&check);
            is_over &= ended;
            ended
        };
        let lines_come = LINES_COME.min(self.watch.settle);
        if !self.logs.is_empty() {
            let is_end = has_ended(Check::InitErrors, lines_come, true);
            all.extend(self.logs.iter().flat_map(|logs| logs.findings(is_end)));
        }
        if !self.watch.alarms.is_empty() {
            let is_end = has_ended(Check::Alarms, self.watch.settle, true);
            all.extend(self.alarms.findings(is_end));
        }
        if !self.addresses.is_empty() {
            let is_end = has_ended(Check::Url, Duration::ZERO, !self.addresses.iter().any(Address::is_undecided));
            all.extend(self.addresses.iter().filter_map(|address| address.finding(is_end)));
        }
        // They are all sent before the window ends.
        let is_end = self.source.now() >= self.end;
        let sent = self.samples.iter().filter(|_| self.invoked > 0);
        all.extend(sent.filter_map(|samples| samples.finding(is_end)));
        if let Some(shown) = &self.shown {
            let is_end = shown.is_shown() || has_ended(Check::Probe, shown.grace, true);
            all.extend(shown.finding(is_end));
        }
        if !self.rates.is_empty() {
            has_ended(Check::ErrorRate, Duration::ZERO, self.rates.iter().all(RateGate::is_done));
            all.extend(self.rates.iter().filter_map(RateGate::finding));
        }
        if !self.latencies.is_empty() {
            let is_done = self.latencies.iter().all(|latency| latency.is_done(&self.readings));
            let is_end = has_ended(Check::ErrorRate, Duration::ZERO, is_done);
            all.extend(self.latencies.iter().filter_map(|latency| latency.finding(&self.readings, is_end)));
        }
        let given_up = self.troubles.iter().filter(|(check, (since, _))| {
            let late = if **check == Check::InitErrors { lines_come } else { self.watch.settle };
            **check != Check::Routing && self.source.now() >= (self.end + late).max(*since) + GIVE_UP
        });
        all.extend(given_up.map(|(check, (_, line))| {
            let observed = message!("could-not-be-read", "it could not be read to the end: {line}");
            Finding::new(*check, check.word(), Verdict::Error, "AWS").saw(observed, "can be read")
        }));
        all.extend(self.errors.iter().cloned());
        (all, is_over)
    }

    /// All that was seen. What decides stands first; of what was not decided it is said.
    fn watched(&self, is_cut: bool) -> Watched {
        let (mut findings, _) = self.findings();
        findings.sort_by_key(|finding| std::cmp::Reverse(Verdict::worst([finding.verdict]).map(rank)));
        let has = |check: Check, findings: &[Finding]| findings.iter().any(|finding| finding.check == check);
        let expected = [
            (Check::InitErrors, !self.logs.is_empty()),
            (Check::ErrorRate, !self.rates.is_empty()),
            (Check::Alarms, !self.watch.alarms.is_empty()),
            (Check::Url, !self.addresses.is_empty()),
            (Check::Latency, !self.latencies.is_empty()),
            (Check::Probe, self.shown.is_some()),
        ];
        for (check, is_watched) in expected {
            if is_watched && !has(check, &findings) {
                // A failure of another check ended the watch: this one was not judged, and is not held against anybody.
                let verdict = if is_cut { Verdict::Inconclusive } else { Verdict::Skipped };
                let why = if is_cut {
                    "not decided when the time was over"
                } else {
                    "not decided: another check ended the watch"
                };
                findings.push(Finding::new(check, check.word(), verdict, "").saw(why, "decided"));
            }
        }
        let failed = self.rates.iter().find(|rate| rate.finding().is_some_and(|one| one.verdict == Verdict::Fail));
        let rate = failed.or_else(|| self.rates.first()).map(|rate| rate.figures(&self.readings));
        let evidence = self.rates.iter().map(|rate| rate.evidence(&self.readings));
        let latencies = self.latencies.iter().map(|latency| latency.evidence(&self.readings));
        let minutes = self.rates.iter().map(|rate| (rate.name().to_owned(), rate.minutes(&self.readings)));
        Watched {
            findings,
            superseded: None,
            is_early: self.source.now() < self.end + self.watch.settle,
            rate,
            minutes: minutes.collect(),
            evidence: evidence.chain(latencies).collect(),
        }
    }

    fn tell_progress(&self, deadline: &Deadline) {
        let passed: Duration = (self.source.now() - self.watch.since).try_into().unwrap_or_default();
        let whole = |span: Duration| human_duration(Duration::from_secs(span.as_secs()));
        let logs: Vec<String> =
            self.logs.iter().map(|logs| format!("{}: {}", logs.function(), logs.progress())).collect();
        let rates = self.rates.iter().map(|rate| {
            let sample = rate.figures(&self.readings).0;
            format!("{}: {} requests, {} errors", rate.name(), sample.requests(), sample.errors())
        });
        let all: Vec<String> = rates.chain(logs).collect();
        tracing::info!(
            "watched {} of {}, at most {} more: {}",
            whole(passed),
            whole(self.watch.window),
            whole(deadline.remaining()),
            if all.is_empty() { "nothing to report".to_owned() } else { all.join("; ") }
        );
    }
}
