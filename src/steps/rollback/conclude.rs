//! What follows the writes of a rollback: the record of it beside the health check, and what becomes of the records that are undone.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::{join, join_all};

use super::apply::NOTING;
use super::inputs::Rollback;
use super::known_releases::KnownReleases;
use super::place::{FunctionPlace, Place, Revision};
use super::plan::{Going, Plan, Staying, Write};
use super::report;
use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::context::Context;
use crate::explain::{explain, failure};
use crate::health::{self, Checker, Health};
use crate::lambda::{Alias, Lambda, serving};
use crate::outcome::{Outcome, Step, Stop};
use crate::record::{self, Kind, Mode, OnConcurrent, Record, RecordInputs, Release};
use crate::rollout::move_alias::found_at;
use crate::rollout::provisioned::{self, Arrived, Provision, wait_for_arrival};
use crate::steps::DeployStep as _;
use crate::text::message;

/// Recording may take this long, also after the step's own deadline.
const RECORDING: Duration = Duration::from_secs(30);

/// Whether users get what was gone back to.
pub(super) enum Served {
    /// They do; and its health, if that was asked for.
    Now(Option<Health>),
    /// They do not, and how the step ends for it.
    NotYet(Outcome),
}

impl Rollback {
    /// Records what went back, and judges it.
    pub(super) async fn conclude(
        &self,
        cx: &Context,
        mut releases: KnownReleases<'_>,
        plan: &Plan<Going, FunctionPlace>,
        serving: Vec<Step<Option<Alias>>>,
    ) -> Step<Outcome> {
        let (lambda, going) = (&cx.lambda().await?, &plan.going);
        join_all(going.iter().map(|one| report_executions(cx, lambda, one))).await;
        let mut moved = Vec::new();
        let mut failures: Vec<Outcome> = Vec::new();
        for (one, serving) in going.iter().zip(serving) {
            match serving {
                Ok(alias) => moved.push((one, alias)),
                Err(stop) => {
                    let unexplained = matches!(stop, Stop::Error(_));
                    let outcome = failure(&cx.calls.deadline, stop)?;
                    let by_hand = unexplained.then(|| format!("by hand: {}", report::by_hand(one)));
                    failures.push(outcome.advise_all(by_hand));
                }
            }
        }
        let back: Vec<&Going> = moved.iter().map(|(one, _)| *one).collect();
        report::set_outputs(cx, &back);
        for one in &back {
            report::log_undo(one);
        }
        let places = places_back(back.iter().map(|one| (one.place.clone(), one.to.clone())), &plan.staying);
        let recorded = Box::pin(async {
            read_record(&recording(cx), &mut releases).await;
            let targets = going.iter().map(|one| report::record_target(&releases, one)).collect();
            let commit =
                going.iter().find_map(|one| one.target.commit().or_else(|| releases.commit(&one.place, &one.to)));
            self.make_record(cx, &releases, targets, commit, &places).await
        });
        if !failures.is_empty() {
            let ended = Ok(Served::NotYet(report::merge(&back, failures)));
            let recorded = recorded.await;
            return self.judge(cx, &releases, String::new(), recorded, ended).await;
        }
        let served = Box::pin(async {
            if let Some(ended) = arrivals(cx, lambda, &moved).await? {
                return Ok(Served::NotYet(ended));
            }
            cx.report.serving(serving::line(back.iter().map(|one| report::serving_now(one))));
            let target =
                |one: &&Going| health::Target { function: one.place.function().clone(), alias: one.place.qualifier() };
            let targets: Vec<health::Target> = back.iter().map(target).collect();
            self.health_of(cx, &targets).await.map(Served::Now)
        });
        let (recorded, served) = join(recorded, served).await;
        self.judge(cx, &releases, report::description(&back, "went back"), recorded, served).await
    }

    /// Makes the record, and withdraws those of what was undone. An error where it is required; else it is reported.
    pub(super) async fn make_record<P: Place>(
        &self,
        cx: &Context,
        releases: &KnownReleases<'_>,
        targets: Vec<record::Target>,
        commit: Option<CommitSha>,
        back: &[(P, Revision)],
    ) -> Result<Option<Record>> {
        let cx = &recording(cx);
        let undone = undone_records(cx, releases, back).await;
        let release = Release {
            kind: Kind::Rollback,
            commit,
            proof: None,
            description: cx.common.reason.as_ref().map_or("rollback", |reason| &reason.0),
            undone: undone.iter().copied().collect(),
            history: releases.history.clone(),
        };
        let record = match Record::open(cx, &self.record, release, targets.clone(), &targets).await {
            Err(error) if self.record.record != Mode::Require => {
                warn_unrecorded(cx, &error);
                Ok(None)
            }
            record => record,
        };
        self.withdraw(cx, releases, undone).await;
        record
    }

    /// How it ends, and with it its record: by the health that was asked for.
    pub(super) async fn judge(
        &self,
        cx: &Context,
        releases: &KnownReleases<'_>,
        reason: String,
        recorded: Result<Option<Record>>,
        served: Step<Served>,
    ) -> Step<Outcome> {
        let recording = &recording(cx);
        let (record, unrecorded) = match recorded {
            Ok(record) => (record, None),
            Err(error) => (None, Some(error)),
        };
        let ended = match served {
            Err(stop) if cx.calls.deadline.is_cancelled() => return Err(stop),
            Err(stop) => {
                let Outcome { reason: why, advice, .. } = failure(&cx.calls.deadline, stop)?;
                let reason = format!("{reason}; whether it is healthy could not be determined: {why}");
                Outcome { advice, ..Outcome::error(reason) }
            }
            Ok(Served::NotYet(ended)) => ended,
            Ok(Served::Now(Some(bad))) if !bad.is_healthy => {
                let reason = message!(
                    "bad-version-serves",
                    "BAD VERSION STILL SERVES: {reason}, and it is not healthy either: {}",
                    bad.reason
                );
                Outcome { advice: bad.advice, ..Outcome::bad_version_serves(reason) }
                    .advise("name another version with the input `to`; this step does not try a second one by itself")
            }
            Ok(Served::Now(health)) => {
                if let Some(record) = record {
                    self.close_others(recording, releases).await;
                    record.succeed(recording, Self::NAME, Self::FIGURES).await;
                }
                if health.is_none() {
                    let unchecked =
                        "not checked after the rollback: give `url`, or `path` with the function, to have it checked";
                    cx.report.section("Health", [unchecked.to_owned()]);
                }
                if let Some(error) = unrecorded {
                    let explained = explain(&error);
                    let reason = format!(
                        "{reason}; the record that `record: require` asks for was not made: {}",
                        explained.reason
                    );
                    return Ok(Outcome { advice: explained.advice, ..Outcome::error(reason) });
                }
                return Ok(Outcome::pass(reason).advise(
                    "what was taken back stays held as long as the record says so: revert it or fix it, and deploy a newer commit",
                ));
            }
        };
        if let Some(record) = record {
            record.fail(recording, Self::NAME, &ended).await;
        }
        if let Some(error) = unrecorded {
            warn_unrecorded(cx, &error);
        }
        Ok(ended)
    }

    /// Completes the record of an earlier attempt, which was killed after its write.
    pub(super) async fn nothing_to_do<P: Place>(
        &self,
        cx: &Context,
        mut releases: KnownReleases<'_>,
        staying: &[Staying<P>],
    ) -> Outcome {
        let back = places_back([], staying);
        if !cx.is_dry_run() && !back.is_empty() {
            let cx = &recording(cx);
            read_record(cx, &mut releases).await;
            let undone = undone_records(cx, &releases, &back).await;
            self.withdraw(cx, &releases, undone).await;
            let target = |(place, point): &(P, Revision)| report::target_there(&releases.location, place, point);
            let there: Vec<_> = back.iter().map(target).collect();
            Record::resume(cx, &self.record, Kind::Rollback, Self::NAME, Self::FIGURES, &there).await;
        }
        Outcome::skipped(staying.iter().map(|one| one.why.as_str()).collect::<Vec<_>>().join("; "))
    }

    /// What other runs left open, now that the bad version serves no more: closed where the run is over, else reported.
    async fn close_others(&self, cx: &Context, releases: &KnownReleases<'_>) {
        let (Some(history), Some(environment)) = (&releases.history, self.record.kept_in(cx)) else { return };
        let asked = RecordInputs { on_concurrent: Some(OnConcurrent::Ignore), ..self.record.clone() };
        if let Err(Stop::Error(error)) =
            record::look_among(cx, &asked, OnConcurrent::Ignore, environment, history).await
        {
            cx.report.warn(format!(
                "whether another run is at the same targets could not be determined: {}",
                error_line(&error)
            ));
        }
    }

    /// The health that was asked for, of these functions, or of the addresses that were given.
    pub(super) async fn health_of(&self, cx: &Context, targets: &[health::Target]) -> Step<Option<Health>> {
        if !self.health.is_asked() {
            return Ok(None);
        }
        let checker = Checker { calls: &cx.calls, report: &cx.report, lambda: async || cx.lambda().await };
        checker.verify(&self.health, targets, self.attempts.0).await.map(Some)
    }

    /// Every record that this rollback undoes no longer counts as succeeded.
    async fn withdraw(&self, cx: &Context, releases: &KnownReleases<'_>, undone: BTreeSet<u64>) {
        let reason = cx.common.reason.as_ref().map_or_else(|| "rolled back".to_owned(), |reason| reason.0.clone());
        for id in undone {
            let Some(history) = &releases.history else { continue };
            match record::withdraw(cx, history, id, Self::NAME, &reason).await {
                Ok(()) => tracing::info!("record: deployment {id} is withdrawn"),
                Err(error) => {
                    cx.report.warn(format!("deployment {id} was not withdrawn in the record: {}", error_line(&error)));
                }
            }
        }
    }
}

/// What is recorded may take a moment longer than the step.
pub(super) fn recording(cx: &Context) -> Context {
    cx.with_deadline(cx.calls.deadline.renew(RECORDING))
}

/// Reads the record, for what is undone in it, if it was not read before the write.
pub(super) async fn read_record(cx: &Context, releases: &mut KnownReleases<'_>) {
    if let Err(error) = releases.read(cx).await {
        cx.report.warn(format!("the record could not be read, so nothing in it is withdrawn: {}", error_line(&error)));
    }
}

/// The records that are undone by what went back, and by that alone.
pub(super) async fn undone_records<P: Place>(
    cx: &Context,
    releases: &KnownReleases<'_>,
    back: &[(P, Revision)],
) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    for (place, point) in back {
        match releases.undone_by(cx, place, point).await {
            Ok(undone) => ids.extend(undone),
            Err(error) => {
                cx.report.warn(format!("the record of what was undone could not be read: {}", error_line(&error)));
            }
        }
    }
    ids
}

fn warn_unrecorded(cx: &Context, error: &anyhow::Error) {
    cx.report.warn(message!("rollback-not-recorded", "no record is kept of this rollback: {}", error_line(error)));
}

/// The places that are back where they were: now, and since an earlier attempt.
pub(super) fn places_back<P: Place>(
    moved: impl IntoIterator<Item = (P, Revision)>,
    staying: &[Staying<P>],
) -> Vec<(P, Revision)> {
    moved.into_iter().chain(staying.iter().filter_map(|one| Some((one.place.clone(), one.back.clone()?)))).collect()
}

/// Waits until all aliases serve what they point to: AWS keeps the traffic where it was until provisioned concurrency is ready. How the
/// step ends when that comes to nothing.
async fn arrivals(cx: &Context, lambda: &Lambda, moved: &[(&Going, Option<Alias>)]) -> Step<Option<Outcome>> {
    let mut failures = Vec::new();
    let each = moved.iter().map(async |(one, now)| match (&one.place, &one.write, now) {
        (FunctionPlace::Alias(before), Write::Move(to), Some(now)) => {
            Some((one, before, *to, wait_for_arrival(cx, lambda, before, (now, *to), &Provision::Unknown).await))
        }
        _ => None,
    });
    for (one, before, to, arrived) in join_all(each).await.into_iter().flatten() {
        let by_hand = format!("by hand: {}", report::by_hand(one));
        failures.push(match arrived {
            Ok(Arrived::Ready(_)) => continue,
            Ok(Arrived::Superseded(now)) => Outcome::superseded(format!(
                "{} was changed by somebody else after it went back: it {}",
                one.place,
                found_at(now.as_ref())
            )),
            Ok(Arrived::Failed(why)) => provisioned::with_advice(Outcome::bad_version_serves(format!(
                "{}; what was to be replaced still serves",
                provisioned::failure_reason(before, to, &why)
            )))
            .advise(format!(
                "without provisioned concurrency the alias moves at once: `aws lambda delete-provisioned-concurrency-config \
                 --function-name {} --qualifier {}`, and then {by_hand}",
                one.place.function(),
                one.place.qualifier()
            )),
            Err(error) => failure(&cx.calls.deadline, error)?.advise(format!(
                "AWS goes on moving {} by itself: look at what it serves; {by_hand}",
                one.place
            )),
        });
    }
    Ok((!failures.is_empty()).then(|| report::merge(&[], failures)))
}

/// What waking a durable function started is stopped. What runs on on the version that was taken back is reported: no rollback brings it back.
async fn report_executions(cx: &Context, lambda: &Lambda, one: &Going) {
    let name = one.place.function();
    health::stop_executions(&cx.report, lambda, name, &format!("waking {name}")).await;
    let Some(version) = one.left.as_ref().filter(|left| left.durable.is_some()).and_then(|left| left.version) else {
        return;
    };
    let late = lambda.with_calls(cx.calls.until(cx.calls.deadline.renew(NOTING)));
    let running = match late.executions_on(name, version).await {
        Ok(0) => return,
        Ok(count) => format!("{count} durable executions of {name} go on on version {version}, which was taken back"),
        Err(error) => format!(
            "whether durable executions of {name} go on on version {version}, which was taken back, could not be determined: {}",
            error_line(&error)
        ),
    };
    cx.report.warn(format!(
        "{running}: look at them with `aws lambda list-durable-executions-by-function --function-name {name} --qualifier {version} \
         --statuses RUNNING`, and stop those that do harm with `aws lambda stop-durable-execution`"
    ));
}
