//! What a watch asks at each look, and what it remembers of the answers.

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
use super::source::{Sampled, Source, passes_by_itself};
use crate::aws::cloudwatch::{Alarm, AlarmKind};
use crate::aws::refusal;
use crate::calls::{Ended, ServiceError as _, error_line};
use crate::outcome::{Step, Stop, Verdict};
use crate::text::message;

/// A watch that goes on.
pub(super) struct Run<'a, S> {
    pub(super) source: &'a S,
    pub(super) watch: &'a Watch,
    pub(super) end: OffsetDateTime,
    pub(super) logs: Vec<Logs>,
    pub(super) alarms: Alarms,
    pub(super) addresses: Vec<Address>,
    /// Requests that were sent for a sample, by the function.
    pub(super) samples: Vec<Address>,
    pub(super) shown: Option<Shown>,
    pub(super) readings: Readings,
    pub(super) rates: Vec<RateGate>,
    pub(super) latencies: Vec<LatencyGate>,
    /// What could not be read last, and since when.
    pub(super) troubles: BTreeMap<Check, (OffsetDateTime, String)>,
    /// Checks that ended in an error.
    pub(super) errors: Vec<Finding>,
    /// When each check was read last.
    pub(super) read_at: BTreeMap<Check, OffsetDateTime>,
    pub(super) invoked: u32,
}

impl<'a, S: Source> Run<'a, S> {
    pub(super) fn new(source: &'a S, watch: &'a Watch) -> Self {
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
    pub(super) async fn moved(&mut self) -> Result<Option<String>> {
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

    /// Looks for the logs that were not there yet. What cannot be read is refused.
    pub(super) async fn find_logs(&mut self) -> Step<()> {
        for place in 0..self.logs.len() {
            if !self.logs[place].is_missing() {
                continue;
            }
            let requests = self.requests_of(place);
            match self.logs[place].find(self.source, requests).await {
                Err(Stop::Error(error)) => {
                    self.known(Check::InitErrors, Err::<(), _>(error))?;
                }
                found => found?,
            }
        }
        Ok(())
    }

    /// How many requests of the version with this log were counted, where anybody counts them.
    fn requests_of(&self, log: usize) -> Option<u64> {
        let log = &self.logs[log];
        let is_of = |one: &&WatchedFunction| one.alias.function == *log.function() && one.version == log.version();
        let one = self.watch.functions.iter().find(is_of)?;
        let mine = self.rates.iter().filter(|rate| rate.name().starts_with(&one.name()));
        mine.map(|rate| rate.figures(&self.readings).0.requests()).max()
    }

    /// One look at everything.
    pub(super) async fn look(&mut self) -> Result<()> {
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
                match answer {
                    Sampled::Good => self.samples[function].take(None),
                    Sampled::Bad(problem) => self.samples[function].take(Some(problem)),
                    Sampled::ByAnother => {}
                }
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
    async fn send_samples(&self) -> Result<(u32, Vec<(usize, Sampled)>)> {
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
}
