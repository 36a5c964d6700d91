//! `traffic: latest`: users call the function without an alias, so putting code into `$LATEST` is the switch. What serves is
//! published, captured and recorded first, and put back when anything fails.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::{join_all, try_join_all};

use super::apply::{Ended, publish};
use super::inputs::PublishVersion;
use super::plan::Target;
use super::report;
use crate::context::Context;
use crate::lambda::{CodeId, Function, Lambda, LastUpdate, Qualifier};
use crate::outcome::{Outcome, Step};
use crate::record::{self, Concurrency, History, Kind, OnConcurrent, Place, Previous, Record, Release};
use crate::rollout::latest::{by_hand, id_of};
use crate::rollout::put_back::{self, Before};
use crate::rollout::state::hand_over;
use crate::rollout::update_code::wait_until_settled;
use crate::steps::DeployStep as _;
use crate::text::message;

/// Putting things back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(2);
/// Recording may take this long, also after the step's own deadline.
const RECORDING: Duration = Duration::from_secs(30);

impl PublishVersion {
    /// Who else is about to put code into the same functions. With `traffic: alias` it takes nobody's traffic.
    pub(super) async fn look_for_others(&self, cx: &Context, plan: &[Target]) -> Step<Concurrency> {
        if !plan.iter().any(Target::switches) {
            return Ok(Concurrency::Clear(None));
        }
        let changed = record_targets(cx, plan.iter().filter(|one| one.switches())).await?;
        record::look_for_others(cx, &self.record, OnConcurrent::Fail, &changed).await
    }

    /// Makes sure of what serves, to put it back, hands it over and opens the record: before the switch, so that a cancelled step loses
    /// nothing that rollback needs. With `traffic: alias` nothing that serves is replaced.
    pub(super) async fn open_record(
        &self,
        cx: &Context,
        plan: &mut [Target],
        history: Option<History>,
    ) -> Step<Option<Record>> {
        if !plan.iter().any(Target::switches) {
            return Ok(None);
        }
        let lambda = &cx.lambda().await?;
        try_join_all(plan.iter_mut().filter(|one| one.switches()).map(|one| capture(cx, lambda, one))).await?;
        let replaced = record_targets(cx, plan.iter().filter(|one| one.switches())).await?;
        let floor = self.record.floor_above(history.as_ref(), &replaced);
        hand_over(cx, replaced.clone(), floor.clone())?;
        announce(cx, plan);
        let (commit, proof, undone) = (cx.commit(), None, Vec::new());
        let release = Release { kind: Kind::Deploy, commit, proof, description: Self::NAME, undone, history };
        let all = record_targets(cx, plan.iter().filter(|one| one.is_latest())).await?;
        let record = Record::open(cx, &self.record, release, replaced, &all).await?;
        if let Some(record) = &record {
            hand_over(cx, record.targets().to_vec(), floor)?;
        }
        Ok(record)
    }

    /// After a failure everything that was replaced is put back. In any case the record says how it ended.
    pub(super) async fn conclude_switch(
        &self,
        cx: &Context,
        plan: &[Target],
        ended: &[Ended],
        record: Option<Record>,
    ) -> Step<Outcome> {
        let mut outcome = report::outcome(plan, ended);
        if cx.calls.deadline.is_cancelled() {
            return Ok(outcome);
        }
        let later = &cx.with_deadline(cx.calls.deadline.renew(PUTTING_BACK));
        if !outcome.ending.verdict().is_good() {
            let lambda = &later.lambda().await?;
            let changed = plan.iter().rev().filter(|one| one.switches());
            let backs = changed.map(|Target { observed: one, previous, .. }| {
                put_back::code(later, lambda, &one.function, &one.id, previous.as_ref())
            });
            outcome = put_back::outcome(outcome, join_all(backs).await);
        }
        self.report_serving(later).await?;
        let recording = &cx.with_deadline(cx.calls.deadline.renew(RECORDING));
        if !outcome.ending.verdict().is_good() {
            if let Some(record) = record {
                record.fail(recording, Self::NAME, &outcome).await;
            }
            return Ok(outcome);
        }
        report::set_outputs(cx, plan, ended);
        if let Some(record) = record {
            record.succeed(recording, Self::NAME, Self::FIGURES).await;
        } else {
            let serving = record_targets(cx, plan.iter().filter(|one| one.is_latest())).await?;
            let replaced = Record::resume(cx, &self.record, Kind::Deploy, Self::NAME, Self::FIGURES, &serving).await;
            if !replaced.is_empty() {
                let floor = self.record.floor_above(None, &replaced);
                hand_over(cx, replaced, floor)?;
            }
        }
        Ok(outcome)
    }
}

/// Makes sure that there is a version of what serves, to go back to, and that it can be put back. The function is read again after
/// that.
async fn capture(cx: &Context, lambda: &Lambda, target: &mut Target) -> Step<()> {
    let (lambda, name) = (&lambda.separate(), target.observed.function.name.clone());
    if let LastUpdate::Failed(_) = &target.observed.function.last_update {
        cx.report.warn(format!(
            "the last update of {name} failed, so what serves is not what $LATEST names: there is no version of it to go back \
             to by `state`"
        ));
        return Ok(());
    }
    let serves = id_of(&target.observed.function)?;
    let known = lambda.version_with_code(&name, &serves).await?.and_then(|version| version.version);
    let version = match known {
        Some(version) => lambda.function(&name, Some(version)).await?,
        None => publish_what_serves(cx, lambda, target, &serves).await?,
    };
    target.previous = Some(Before::fetch(cx, lambda, version).await?);
    Ok(())
}

async fn publish_what_serves(cx: &Context, lambda: &Lambda, target: &mut Target, serves: &CodeId) -> Step<Function> {
    let name = target.observed.function.name.clone();
    tracing::info!("{name}: what serves ({}) was never published: it is now, to have it to go back to", serves.label());
    let description = match cx.commit() {
        Some(commit) => format!("what served before {}", commit.short()),
        None => "what served before a deployment".to_owned(),
    };
    let newest = target.observed.newest_version();
    let version = publish(cx, lambda, target.observed.function.clone(), serves, newest, &description).await?;
    let now = wait_until_settled(cx, lambda, &name).await?;
    let (Some(version), true) = (version, serves.is_in(&now)) else {
        return Err(superseded(target).into());
    };
    target.observed.function = now;
    let version = lambda.function(&name, Some(version)).await?;
    target.observed.newest = Some(version.clone());
    Ok(version)
}

fn superseded(target: &Target) -> Outcome {
    let name = &target.observed.function.name;
    Outcome::superseded(message!(
        "function-updated-by-others",
        "somebody else updated the function {name} before our update: nothing that serves was changed by this step"
    ))
    .advise(format!("see who else deploys {name}, and give both the same `concurrency:` group"))
    .advise("run this step again if this release is meant to win")
}

/// What goes into the record and into `state`: what `$LATEST` is to hold, and what it leaves.
async fn record_targets(cx: &Context, targets: impl Iterator<Item = &Target>) -> Result<Vec<record::Target>> {
    let location = cx.aws().await?.location().await?;
    let targets = targets.map(|Target { observed: one, previous, .. }| record::Target {
        commit: cx.commit(),
        previous: previous
            .as_ref()
            .map(|Before { version, .. }| Previous::new(version.version, CodeId::of(version).as_ref())),
        ..record::Target::new(Place::of(&location, &one.function.name, &Qualifier::Latest), None, Some(&one.id))
    });
    Ok(targets.collect())
}

/// Reports what will happen, and how to put back what serves by hand.
fn announce(cx: &Context, plan: &[Target]) {
    for target in plan.iter().filter(|target| target.switches()) {
        let name = &target.observed.function.name;
        let Some(Before { version: before, .. }) = &target.previous else {
            tracing::info!("{name}: users get {} once its update has ended", target.observed.id.label());
            continue;
        };
        let number = before.number();
        tracing::info!(
            "{name}: users get {} once its update has ended; before it version {number}",
            target.observed.id.label()
        );
        tracing::info!("  to put back by hand: {}", by_hand(before));
        cx.report.section("To put back by hand", [by_hand(before)]);
    }
}
