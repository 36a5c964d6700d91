//! `traffic: latest`: users call the function without an alias, so putting code into `$LATEST` is the switch. What serves is
//! published, captured and recorded first, and put back when anything fails.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};

use super::apply::publish;
use super::target::Target;
use super::{PublishVersion, Traffic, report};
use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::context::Context;
use crate::lambda::{CodeId, Function, Lambda, LastUpdate, Qualifier};
use crate::outcome::{Outcome, Step};
use crate::record::{self, Concurrency, History, Kind, OnConcurrent, Place, Previous, Record, Release};
use crate::rollout::latest::{by_hand, id_of};
use crate::rollout::put_back::{self, Before};
use crate::rollout::state::hand_over;
use crate::rollout::update_code::settled;
use crate::steps::DeployStep as _;
use crate::text::message;

/// Putting things back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(2);
/// Recording may take this long, also after the step's own deadline.
const RECORDING: Duration = Duration::from_secs(30);

impl PublishVersion {
    /// Puts the code into `$LATEST` of all functions or of none, and publishes a version of it.
    pub(super) async fn switch(
        &self,
        cx: &Context,
        lambda: &Lambda,
        mut targets: Vec<Target>,
        history: Option<History>,
    ) -> Step<Outcome> {
        let captured = targets.iter_mut().filter(|target| target.plan.update);
        try_join_all(captured.map(|target| capture(cx, lambda, target))).await?;
        let location = cx.aws().await?.location().await?;
        let recorded = |target: &Target| recorded(&location, cx.commit(), target);
        let switched: Vec<record::Target> = targets.iter().filter(|one| one.plan.update).map(recorded).collect();
        let record = if switched.is_empty() {
            None
        } else {
            // Before the first write, so that a cancelled step loses nothing that rollback needs.
            if let Err(refusal) = hand_over(cx, switched.clone()) {
                return Ok(refusal);
            }
            announce(cx, &targets);
            let commit = cx.commit();
            let (proof, undone) = (None, Vec::new());
            let release = Release { kind: Kind::Deploy, commit, proof, description: Self::NAME, undone, history };
            let asked: Vec<_> = targets.iter().map(recorded).collect();
            let record = Record::open(cx, &self.record, release, switched, &asked).await?;
            if let Some(record) = &record
                && let Err(refusal) = hand_over(cx, record.targets().to_vec())
            {
                return Ok(refusal);
            }
            record
        };
        let ended = self.deploy(cx, lambda, &targets).await;
        let mut outcome = report::outcome(&targets, &ended, &Qualifier::Latest);
        if cx.calls.deadline.is_cancelled() {
            return Ok(outcome);
        }
        let later = &cx.with_deadline(cx.calls.deadline.renewed(PUTTING_BACK));
        if !outcome.ending.verdict().is_good() {
            let lambda = &later.lambda().await?;
            let changed = targets.iter().rev().filter(|target| target.plan.update);
            let backs = changed
                .map(|target| put_back::code(later, lambda, &target.function, &target.id, target.previous.as_ref()));
            outcome = put_back::outcome(outcome, join_all(backs).await);
        }
        self.read_back(later, &later.lambda().await?).await;
        let recording = &cx.with_deadline(cx.calls.deadline.renewed(RECORDING));
        if outcome.ending.verdict().is_good() {
            report::outputs(cx, &targets, &ended);
            if let Some(record) = record {
                record.succeed(recording, Self::NAME, Self::FIGURES).await;
            } else {
                let serving: Vec<_> = targets.iter().map(recorded).collect();
                let replaced =
                    Record::resume(cx, &self.record, Kind::Deploy, Self::NAME, Self::FIGURES, &serving).await;
                if !replaced.is_empty()
                    && let Err(refusal) = hand_over(cx, replaced)
                {
                    return Ok(refusal);
                }
            }
        } else if let Some(record) = record {
            record.fail(recording, Self::NAME, &outcome).await;
        }
        Ok(outcome)
    }

    /// Who else is about to put code into the same functions. With `traffic: alias` it takes nobody's traffic.
    pub(super) async fn beside(&self, cx: &Context, targets: &[Target]) -> Step<Concurrency> {
        if self.traffic == Traffic::Alias || !targets.iter().any(|one| one.plan.update) {
            return Ok(Concurrency::Clear(None));
        }
        let location = cx.aws().await?.location().await?;
        let changed = targets.iter().filter(|one| one.plan.update);
        let changed: Vec<_> = changed.map(|one| recorded(&location, cx.commit(), one)).collect();
        record::look_for_others(cx, &self.record, OnConcurrent::Fail, &changed).await
    }
}

/// Makes sure that there is a version of what serves, to go back to, and that it can be put back. The function is read again after
/// that.
async fn capture(cx: &Context, lambda: &Lambda, target: &mut Target) -> Step<()> {
    let (lambda, name) = (&lambda.separate(), target.function.name.clone());
    if let LastUpdate::Failed(_) = &target.function.last_update {
        cx.report.warn(format!(
            "the last update of {name} failed, so what serves is not what $LATEST names: there is no version of it to go back \
             to by `state`"
        ));
        return Ok(());
    }
    let serves = id_of(&target.function)?;
    let known = lambda.version_with_code(&name, &serves).await?.and_then(|version| version.version);
    let version = match known {
        Some(version) => lambda.function(&name, Some(version)).await?,
        None => publish_what_serves(cx, lambda, target, &serves).await?,
    };
    target.previous = Some(Before::fetch(cx, lambda, version).await?);
    Ok(())
}

async fn publish_what_serves(cx: &Context, lambda: &Lambda, target: &mut Target, serves: &CodeId) -> Step<Function> {
    let name = target.function.name.clone();
    tracing::info!("{name}: what serves ({}) was never published: it is now, to have it to go back to", serves.label());
    let description = match cx.commit() {
        Some(commit) => format!("what served before {}", commit.short()),
        None => "what served before a deployment".to_owned(),
    };
    let newest = target.newest_version();
    let version = publish(cx, lambda, target.function.clone(), serves, newest, &description).await?;
    let now = settled(cx, lambda, &name).await?;
    let (Some(version), true) = (version, serves.is_in(&now)) else {
        return Err(superseded(target).into());
    };
    target.function = now;
    let version = lambda.function(&name, Some(version)).await?;
    target.newest = Some(version.clone());
    Ok(version)
}

fn superseded(target: &Target) -> Outcome {
    let name = &target.function.name;
    Outcome::superseded(message!(
        "function-updated-by-others",
        "somebody else updated the function {name} before our update: nothing that serves was changed by this step"
    ))
    .advise(format!("see who else deploys {name}, and give both the same `concurrency:` group"))
    .advise("run this step again if this release is meant to win")
}

/// What goes into the record and into `state`: what `$LATEST` is to hold, and what it leaves.
fn recorded(location: &Location, commit: Option<CommitSha>, target: &Target) -> record::Target {
    let left = target.previous.as_ref().map(|before| {
        let code = CodeId::of(&before.version);
        Previous {
            version: before.version.version,
            digest: code.as_ref().and_then(CodeId::digest).cloned(),
            code_sha256: code.as_ref().and_then(CodeId::sha256).cloned(),
            ..Previous::default()
        }
    });
    record::Target {
        place: Place::of(location, &target.function.name, &Qualifier::Latest),
        version: None,
        digest: target.id.digest().cloned(),
        code_sha256: target.id.sha256().cloned(),
        commit,
        previous: left,
    }
}

/// Says what will happen, and how to put back what serves by hand.
fn announce(cx: &Context, targets: &[Target]) {
    for target in targets.iter().filter(|target| target.plan.update) {
        let name = &target.function.name;
        let Some(Before { version: before, .. }) = &target.previous else {
            tracing::info!("{name}: users get {} once its update has ended", target.id.label());
            continue;
        };
        let number = before.version.map(|version| version.to_string()).unwrap_or_default();
        tracing::info!("{name}: users get {} once its update has ended; before it version {number}", target.id.label());
        tracing::info!("  to put back by hand: {}", by_hand(before));
        cx.report.section("To put back by hand", [by_hand(before)]);
    }
}
