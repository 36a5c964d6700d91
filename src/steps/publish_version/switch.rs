//! `traffic: latest`: users call the function without an alias, so putting code into `$LATEST` is the switch. What serves is
//! published, captured and recorded first, and put back when anything fails.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;

use super::apply::{Deployment, Published, publish};
use super::{PublishVersion, Target, Traffic, explained, said};
use crate::action::inputs::CommitSha;
use crate::aws::Location;
use crate::calls::deadline::Ended;
use crate::calls::error_line;
use crate::context::Context;
use crate::lambda::{CodeId, Lambda, LastUpdate, Qualifier, Version};
use crate::outcome::{Outcome, Step, Verdict};
use crate::record::{self, Beside, History, Kind, OnConcurrent, Place, Previous, Record, Release};
use crate::rollout::latest::{by_hand, code_of, id_of};
use crate::rollout::state::Captured;
use crate::rollout::update_code::{Updated, put, settled};
use crate::steps::DeployStep as _;

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
    ) -> Result<Outcome> {
        for target in &mut targets {
            if target.plan.update
                && let Some(refusal) = self.capture(cx, lambda, target).await?
            {
                return Ok(refusal);
            }
        }
        let location = cx.aws().await?.location().await?;
        let recorded = |target: &Target| recorded(&location, cx.commit(), target);
        let switched: Vec<record::Target> = targets.iter().filter(|one| one.plan.update).map(recorded).collect();
        let record = if switched.is_empty() {
            None
        } else {
            // Before the first write, so that a cancelled step loses nothing that rollback needs.
            hand_over_state(cx, &switched);
            announce(cx, &targets);
            let commit = cx.commit();
            let (proof, undone) = (None, Vec::new());
            let release = Release { kind: Kind::Deploy, commit, proof, description: Self::NAME, undone, history };
            let asked: Vec<_> = targets.iter().map(recorded).collect();
            let record = Record::open(cx, &self.record, release, switched, &asked).await?;
            if let Some(record) = &record {
                hand_over_state(cx, record.targets());
            }
            record
        };
        let description = self.version_description(cx);
        let work = targets.iter().map(|target| {
            let deployment = Deployment { cx, lambda, target, description: &description };
            async move { deployment.deploy().await.unwrap_or_else(|error| Err(explained(&error))) }
        });
        let ended: Vec<Result<Published, Outcome>> = join_all(work).await;
        let mut outcome = said::outcome(&targets, &ended, &Qualifier::Latest);
        if cx.calls.deadline.is_cancelled() {
            return Ok(outcome);
        }
        let later = &cx.with_deadline(cx.calls.deadline.renewed(PUTTING_BACK));
        if !outcome.ending.verdict().is_good() {
            outcome = put_back(later, &targets, outcome).await?;
        }
        self.read_back(later, &later.lambda().await?).await;
        let recording = &cx.with_deadline(cx.calls.deadline.renewed(RECORDING));
        if outcome.ending.verdict().is_good() {
            said::outputs(cx, &targets, &ended);
            if let Some(record) = record {
                record.succeed(recording, Self::NAME, Self::FIGURES).await;
            } else {
                let serving: Vec<_> = targets.iter().map(recorded).collect();
                let replaced = Record::resume(cx, &self.record, Self::NAME, Self::FIGURES, &serving).await;
                if !replaced.is_empty() {
                    hand_over_state(cx, &replaced);
                }
            }
        } else if let Some(record) = record {
            record.fail(recording, Self::NAME, &outcome).await;
        }
        Ok(outcome)
    }

    /// Who else is about to put code into the same functions. With `traffic: alias` nobody's users meet it.
    pub(super) async fn beside(&self, cx: &Context, targets: &[Target]) -> Step<Beside> {
        if self.traffic == Traffic::Alias || !targets.iter().any(|one| one.plan.update) {
            return Ok(Beside::Clear(None));
        }
        let location = cx.aws().await?.location().await?;
        let changed = targets.iter().filter(|one| one.plan.update);
        let changed: Vec<_> = changed.map(|one| recorded(&location, cx.commit(), one)).collect();
        record::beside(cx, &self.record, OnConcurrent::Fail, &changed).await
    }

    /// Makes sure that there is a version of what serves, to go back to. The function is read again after that.
    async fn capture(&self, cx: &Context, lambda: &Lambda, target: &mut Target) -> Result<Option<Outcome>> {
        let name = target.function.name.clone();
        if let LastUpdate::Failed(_) = &target.function.last_update {
            cx.report.warn(format!(
                "the last update of {name} failed, so what serves is not what $LATEST names: there is no version of it to go \
                 back to by `state`"
            ));
            return Ok(None);
        }
        let serves = id_of(&target.function)?;
        if let Some(version) = lambda.version_with_code(&name, &serves).await? {
            target.previous = Some(version);
            return Ok(None);
        }
        tracing::info!(
            "{name}: what serves ({}) was never published: it is now, to have it to go back to",
            serves.shown()
        );
        let description = match cx.commit() {
            Some(commit) => format!("what served before {}", commit.short()),
            None => "what served before a deployment".to_owned(),
        };
        let newest = target.newest_version();
        let version = publish(cx, lambda, target.function.clone(), &serves, newest, &description).await?;
        let now = settled(cx, lambda, &name).await?;
        let (Some(version), true) = (version, serves.is_in(&now)) else {
            return Ok(Some(superseded(target)));
        };
        target.function = now;
        target.previous = Some(lambda.function(&name, Some(version)).await?);
        target.newest.clone_from(&target.previous);
        Ok(None)
    }
}

/// What was found, for rollback.
fn hand_over_state(cx: &Context, replaced: &[record::Target]) {
    cx.report.output("state", Captured::new(record::this_run(cx), replaced.to_vec()).to_string());
}

fn superseded(target: &Target) -> Outcome {
    let name = &target.function.name;
    Outcome::superseded(format!(
        "somebody else updated the function {name} before our update: nothing that serves was changed by this step"
    ))
    .advise(format!("see who else deploys {name}, and give both the same `concurrency:` group"))
    .advise("run this step again if this release is meant to win")
}

/// What goes into the record and into `state`: what `$LATEST` is to hold, and what it leaves.
fn recorded(location: &Location, commit: Option<CommitSha>, target: &Target) -> record::Target {
    let left = target.previous.as_ref().map(|version| {
        let code = CodeId::of(version);
        Previous {
            version: version.version,
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
        let Some(before) = &target.previous else {
            tracing::info!("{name}: users meet {} once its update has ended", target.id.shown());
            continue;
        };
        let number = before.version.map(|version| version.to_string()).unwrap_or_default();
        tracing::info!(
            "{name}: users meet {} once its update has ended; before it version {number}",
            target.id.shown()
        );
        tracing::info!("  to put back by hand: {}", by_hand(before));
        cx.report.section("To put back by hand", [by_hand(before)]);
    }
}

/// Puts back what served before into every function that this step changed, after `ended` came up.
async fn put_back(cx: &Context, targets: &[Target], mut ended: Outcome) -> Result<Outcome> {
    let lambda = cx.lambda().await?;
    let mut left = Vec::new();
    for target in targets.iter().rev().filter(|target| target.plan.update) {
        let name = &target.function.name;
        match back(cx, &lambda, target).await {
            Ok(Back::Untouched) => {}
            Ok(Back::Moved) => {
                ended.reason = format!("{}; {name} was moved on by somebody else, and is left alone", ended.reason);
            }
            Ok(Back::Done(number)) => {
                ended.reason = format!("{}; {name} was put back to version {number}", ended.reason);
            }
            Ok(Back::Answers(why)) => {
                ended.reason = format!("{}; {name} still answers with what was there before, but {why}", ended.reason);
            }
            Ok(Back::Going) => {
                ended.reason = format!(
                    "{}; the update of {name} has not ended: what was there before answers until then, and the new code after it",
                    ended.reason
                );
                ended.advice.push(format!("run rollback with `mode: code` once the update of {name} has ended"));
            }
            Ok(Back::Left(why)) => left.push(format!("{name} could not be put back: {why}")),
            Err(error) => left.push(format!("{name} could not be put back: {}", error_line(&error))),
        }
        if let (false, Some(before)) = (left.is_empty(), &target.previous) {
            ended.advice.push(format!("to put back by hand: {}", by_hand(before)));
        }
    }
    if left.is_empty() {
        return Ok(ended);
    }
    let mut bad = Outcome::bad_version_serves(format!("{}; {}", ended.reason, left.join("; ")));
    bad.advice = ended.advice;
    Ok(bad)
}

/// What became of putting one function back.
enum Back {
    /// Our code never came there.
    Untouched,
    /// Somebody else's code is there.
    Moved,
    /// The code of this version is in use again.
    Done(Version),
    /// It could not be written, and the update before it failed too: AWS goes on with what was there before.
    Answers(String),
    /// AWS still works on the update.
    Going,
    /// Our code serves.
    Left(String),
}

async fn back(cx: &Context, lambda: &Lambda, target: &Target) -> Result<Back> {
    let name = &target.function.name;
    let now = match settled(cx, lambda, name).await {
        Err(error) if error.chain().any(|cause| cause.downcast_ref() == Some(&Ended::Deadline)) => {
            return Ok(Back::Going);
        }
        now => now?,
    };
    let failed = matches!(now.last_update, LastUpdate::Failed(_));
    if !target.id.is_in(&now) && !failed {
        let before = CodeId::of(&target.function);
        return Ok(if before.is_some_and(|before| before.is_in(&now)) { Back::Untouched } else { Back::Moved });
    }
    let left = |why: String| if failed { Back::Answers(why) } else { Back::Left(why) };
    let Some(before) = &target.previous else {
        return Ok(left("there is no version of it".to_owned()));
    };
    let id = id_of(before)?;
    let Some(number) = before.version else { return Ok(left("there is no version of it".to_owned())) };
    let before = lambda.function(name, Some(number)).await?;
    let code = match code_of(cx, lambda, &before).await? {
        Ok(code) => code,
        Err(refusal) => return Ok(left(refusal.reason)),
    };
    let updated = match put(cx, lambda, &now, &id, &code).await {
        Ok(updated) => updated,
        Err(error) => return Ok(left(error_line(&error))),
    };
    Ok(match updated {
        Updated::Done(function) => {
            cx.report.check(
                format!("{name} put back"),
                CodeId::of(&function).map(|code| code.to_string()).unwrap_or_default(),
                id.to_string(),
                Verdict::Pass,
                "lambda:GetFunction",
            );
            Back::Done(number)
        }
        Updated::Superseded(_) => Back::Moved,
        Updated::Failed(why) => left(format!("the update failed: {why}")),
        Updated::Other(hash) => left(format!("Lambda took other code, {hash}")),
        Updated::Unreadable(error) => left(error_line(&error)),
    })
}
