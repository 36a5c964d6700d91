//! The watch itself: looks at everything again and again, until something is decided or the window is over.

use std::time::Duration;

use super::answers::Address;
use super::finding::{Check, Finding};
use super::look::Run;
use super::plan::Watch;
use super::rate::RateGate;
use super::source::Source;
use super::watched::{Watched, rank};
use crate::calls::{Deadline, Ended};
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

/// Watches until something is decided or the window is over and all that is late has come.
///
/// # Errors
/// A refusal before anything is waited for; a cancellation.
pub async fn watch(source: &impl Source, deadline: &Deadline, watch: &Watch) -> Step<Watched> {
    let mut run = Run::new(source, watch);
    for logs in &mut run.logs {
        logs.find(source, None).await?;
    }
    let often = (watch.window / 30).clamp(OFTEN.0, OFTEN.1);
    let mut told = source.now();
    loop {
        if let Some(superseded) = run.moved().await? {
            return Ok(Watched { superseded: Some(superseded), ..run.watched(true) });
        }
        run.find_logs().await?;
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

impl<S: Source> Run<'_, S> {
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
            let may_be_made = self.watch.synthetic_requests > 0;
            for logs in &self.logs {
                if logs.is_missing() {
                    all.extend(logs.judge_missing(is_end, may_be_made));
                } else {
                    all.extend(logs.findings(is_end));
                }
            }
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
        let sent = self.samples.iter().filter(|samples| samples.is_asked());
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
