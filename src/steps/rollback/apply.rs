//! Carries a rollback out: the record, the writes, the health check, and what becomes of the records that are undone.

use std::time::Duration;

use anyhow::Result;

use super::memory::Memory;
use super::place::{Place, Point};
use super::target::{Going, How};
use super::{Rollback, tell};
use crate::calls::error_line;
use crate::context::Context;
use crate::explain::explain;
use crate::health::{self, Health};
use crate::lambda::{Code, CodeId, Function, Lambda, serving};
use crate::outcome::{Outcome, Stop};
use crate::record::{self, Kind, OnConcurrent, Record, RecordInputs, Release};
use crate::rollout::move_alias::{Moved, move_alias};
use crate::rollout::update_code::{Updated, put, unreadable};
use crate::steps::DeployStep as _;

/// Recording may take this long, also after the step's own deadline.
const RECORDING: Duration = Duration::from_secs(30);

impl Rollback {
    pub(super) async fn apply(
        &self,
        cx: &Context,
        lambda: &Lambda,
        memory: &Memory<'_>,
        going: Vec<Going>,
    ) -> Result<Outcome> {
        let targets: Vec<record::Target> = going.iter().map(|one| tell::recorded(memory, one)).collect();
        let release = Self::release(memory, &going).await;
        let record = Record::open(cx, &self.record, release, targets.clone(), &targets).await?;
        let mut moved = Vec::new();
        let mut failures: Vec<Outcome> = Vec::new();
        for one in &going {
            match write(cx, lambda, one).await {
                Ok(None) => moved.push(one),
                Ok(Some(failure)) => failures.push(failure),
                Err(error) if cx.calls.deadline.is_cancelled() => return Err(error),
                Err(error) => {
                    let explained = explain(&error);
                    let advice = explained.advice.into_iter().chain([format!("by hand: {}", tell::by_hand(one))]);
                    failures.push(Outcome { advice: advice.collect(), ..Outcome::error(explained.reason) });
                }
            }
        }
        tell::outputs(cx, &moved);
        if !failures.is_empty() {
            let ended = tell::together(&moved, failures);
            let cx = &cx.with_deadline(cx.calls.deadline.renewed(RECORDING));
            self.withdraw(cx, memory, &gone_back(&moved)).await;
            if let Some(record) = record {
                record.fail(cx, Self::NAME, &ended).await;
            }
            return Ok(ended);
        }
        cx.report.serving(serving::line(moved.iter().map(|one| tell::serving_now(one))));
        self.prove(cx, memory, &moved, record).await
    }

    /// The record of what was undone; then the health check, if one is asked for.
    async fn prove(
        &self,
        cx: &Context,
        memory: &Memory<'_>,
        moved: &[&Going],
        record: Option<Record>,
    ) -> Result<Outcome> {
        self.withdraw(&cx.with_deadline(cx.calls.deadline.renewed(RECORDING)), memory, &gone_back(moved)).await;
        let reason = tell::described(moved, "went back");
        let health = self.health_of(cx, moved).await;
        let recording = &cx.with_deadline(cx.calls.deadline.renewed(RECORDING));
        let ended = match health {
            Err(error) if cx.calls.deadline.is_cancelled() => return Err(error),
            Err(error) => {
                let explained = explain(&error);
                let told = format!("{reason}; whether it is healthy could not be told: {}", explained.reason);
                Outcome { advice: explained.advice, ..Outcome::error(told) }
            }
            Ok(Some(Health::Unhealthy(bad))) => {
                let told = format!("BAD VERSION STILL SERVES: {reason}, and it is not healthy either: {}", bad.reason);
                Outcome { advice: bad.advice, ..Outcome::bad_version_serves(told) }
                    .advise("name another version with the input `to`; this step does not try a second one by itself")
            }
            Ok(health) => {
                self.tidy(recording, memory).await;
                if let Some(record) = record {
                    record.succeed(recording, Self::NAME, Self::FIGURES).await;
                }
                if health.is_none() {
                    let told =
                        "not checked after the rollback: give `url`, or `path` with the function, to have it checked";
                    cx.report.section("Health", [told.to_owned()]);
                }
                return Ok(Outcome::pass(reason).advise(
                    "what was taken back stays held as long as the record says so: revert it or fix it, and deploy a newer commit",
                ));
            }
        };
        if let Some(record) = record {
            record.fail(recording, Self::NAME, &ended).await;
        }
        Ok(ended)
    }

    /// What other runs left open, now that the bad version serves no more: closed where the run is over, else said.
    async fn tidy(&self, cx: &Context, memory: &Memory<'_>) {
        let (Some(history), Some(environment)) = (&memory.history, self.record.kept_in(cx)) else { return };
        let asked = RecordInputs { on_concurrent: Some(OnConcurrent::Ignore), ..self.record.clone() };
        if let Err(Stop::Error(error)) = record::among(cx, &asked, OnConcurrent::Ignore, environment, history).await {
            cx.report
                .warn(format!("whether another run is at the same targets could not be told: {}", error_line(&error)));
        }
    }

    async fn health_of(&self, cx: &Context, moved: &[&Going]) -> Result<Option<Health>> {
        if !self.health.is_asked() {
            return Ok(None);
        }
        let target = |one: &&Going| health::Target {
            function: one.observed.place.function().clone(),
            alias: one.observed.place.qualifier(),
        };
        let targets: Vec<health::Target> = moved.iter().map(target).collect();
        health::verify(cx, &self.health, &targets, self.attempts.0).await.map(Some)
    }

    /// Every record that this rollback undoes no longer counts as succeeded.
    pub(super) async fn withdraw(&self, cx: &Context, memory: &Memory<'_>, back: &[(Place, Point)]) {
        let memory = Memory {
            cx,
            location: memory.location.clone(),
            state: memory.state,
            history: memory.history.clone(),
            this_run: memory.this_run,
            needed: memory.needed,
        };
        let reason = cx.common.reason.as_ref().map_or_else(|| "rolled back".to_owned(), |reason| reason.0.clone());
        let mut ids = std::collections::BTreeSet::new();
        for (place, point) in back {
            match memory.undone(place, point).await {
                Ok(undone) => ids.extend(undone),
                Err(error) => {
                    cx.report.warn(format!("the record of what was undone could not be read: {}", error_line(&error)));
                }
            }
        }
        for id in ids {
            let Some(history) = &memory.history else { continue };
            match record::withdraw(cx, history, id, Self::NAME, &reason).await {
                Ok(()) => tracing::info!("record: deployment {id} is withdrawn"),
                Err(error) => {
                    cx.report.warn(format!("deployment {id} was not withdrawn in the record: {}", error_line(&error)));
                }
            }
        }
    }

    async fn release<'a>(memory: &Memory<'a>, going: &[Going]) -> Release<'a> {
        let mut undone = Vec::new();
        for one in going {
            undone.extend(memory.undone(&one.observed.place, &one.to).await.unwrap_or_default());
        }
        Release {
            kind: Kind::Rollback,
            commit: going
                .iter()
                .find_map(|one| one.target.commit().or_else(|| memory.commit(&one.observed.place, &one.to))),
            proof: None,
            description: memory.cx.common.reason.as_ref().map_or("rollback", |reason| &reason.0),
            undone,
            history: memory.history.clone(),
        }
    }
}

fn gone_back(moved: &[&Going]) -> Vec<(Place, Point)> {
    moved.iter().map(|one| (one.observed.place.clone(), one.to.clone())).collect()
}

/// The one write of a function; `None` when it went back.
async fn write(cx: &Context, lambda: &Lambda, one: &Going) -> Result<Option<Outcome>> {
    match (&one.observed.place, &one.how) {
        (Place::Alias(alias), How::Move(version)) => Ok(match move_alias(cx, lambda, alias, *version).await? {
            Moved::Done(_) => None,
            Moved::Superseded(now) => {
                let found = now.map_or_else(|| "is gone".to_owned(), |now| format!("is at version {now}"));
                Some(superseded(one, &format!("it {found}")))
            }
        }),
        (Place::Latest(function), How::Put(id, code)) => put_code(cx, lambda, one, function, id, code).await,
        _ => anyhow::bail!("{} cannot go back like this: this is a bug, please report it", one.observed.place),
    }
}

async fn put_code(
    cx: &Context,
    lambda: &Lambda,
    one: &Going,
    function: &Function,
    id: &CodeId,
    code: &Code,
) -> Result<Option<Outcome>> {
    let name = &function.name;
    Ok(match put(cx, lambda, function, id, code).await? {
        Updated::Done(_) => None,
        Updated::Superseded(_) => Some(superseded(one, "it holds other code")),
        Updated::Failed(reason) => Some(
            Outcome::bad_version_serves(format!(
                "the update of {name} back to {} failed: {reason}; what was to be replaced still answers",
                id.shown()
            ))
            .advise(format!("mend what the reason names; by hand: {}", tell::by_hand(one))),
        ),
        Updated::Other(hash) => Some(Outcome::bad_version_serves(format!(
            "Lambda took other code into {name} than was sent: code {hash}, not {}",
            id.shown()
        ))),
        Updated::Unreadable(error) => Some(unreadable(&error, None)),
    })
}

fn superseded(one: &Going, found: &str) -> Outcome {
    Outcome::superseded(format!(
        "{} was changed by somebody else between the reading and the write: {found}",
        one.observed.place
    ))
    .advise("look at what serves before rolling back again")
}
