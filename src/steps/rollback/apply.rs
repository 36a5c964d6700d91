//! Carries a rollback out: the writes of all functions at the same time, and only then the record, the health check, and what becomes of
//! the records that are undone. A bad version serves until the writes are done, so that nothing waits for GitHub before them.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::{join, join_all};

use super::known_releases::KnownReleases;
use super::place::{Place, Revision};
use super::target::{Going, Write, left};
use super::{Rollback, report};
use crate::calls::error_line;
use crate::context::Context;
use crate::explain::{error_outcome, explain};
use crate::health::{self, Checker, Health};
use crate::lambda::{Alias, Code, CodeId, Function, Lambda, serving};
use crate::outcome::{Outcome, Step, Stop};
use crate::record::{self, Kind, Mode, OnConcurrent, Record, RecordInputs, Release};
use crate::rollout::image;
use crate::rollout::move_alias::{self, Moved, found_at, move_alias};
use crate::rollout::provisioned::{self, Arrived, Provision, arrived};
use crate::rollout::update_code::{Updated, put, unreadable};
use crate::steps::DeployStep as _;
use crate::text::message;

/// Recording may take this long, also after the step's own deadline.
const RECORDING: Duration = Duration::from_secs(30);
/// What is only said, or noted in the record, may take this long beside the writes.
const NOTING: Duration = Duration::from_secs(5);

/// Whether users meet what was gone back to.
enum Served {
    /// They do; and its health, if that was asked for.
    Now(Option<Health>),
    /// They do not, and how the step ends for it.
    NotYet(Outcome),
}

impl Rollback {
    pub(super) async fn apply(
        &self,
        cx: &Context,
        lambda: &Lambda,
        mut memory: KnownReleases<'_>,
        mut going: Vec<Going>,
        back: Vec<(Place, Revision)>,
    ) -> Step<Outcome> {
        let written = written(cx, lambda, &mut going).await;
        join_all(going.iter().map(|one| tell_of_executions(cx, lambda, one))).await;
        let mut moved = Vec::new();
        let mut aliases = Vec::new();
        let mut failures: Vec<Outcome> = Vec::new();
        for (one, written) in going.iter().zip(written) {
            match written {
                Ok(alias) => {
                    moved.push(one);
                    aliases.push(alias);
                }
                Err(Stop::Ended(failure)) => failures.push(failure),
                Err(Stop::Error(error)) if cx.calls.deadline.is_cancelled() => return Err(error.into()),
                Err(Stop::Error(error)) => {
                    let outcome = error_outcome(&error);
                    failures.push(outcome.advise(format!("by hand: {}", report::by_hand(one))));
                }
            }
        }
        report::outputs(cx, &moved);
        for one in &moved {
            report::undo(one);
        }
        if !failures.is_empty() {
            let ended = report::together(&moved, failures);
            match self.recorded(cx, &mut memory, &going, gone_back(&moved, back)).await {
                Ok(Some(record)) => {
                    record.fail(&cx.with_deadline(cx.calls.deadline.renewed(RECORDING)), Self::NAME, &ended).await;
                }
                Ok(None) => {}
                Err(error) => warn_unrecorded(cx, &error),
            }
            return Ok(ended);
        }
        let recorded = Box::pin(self.recorded(cx, &mut memory, &going, gone_back(&moved, back)));
        let met = Box::pin(async {
            if let Some(ended) = arrivals(cx, lambda, &moved, &aliases).await? {
                return Ok(Served::NotYet(ended));
            }
            cx.report.serving(serving::line(moved.iter().map(|one| report::serving_now(one))));
            self.health_of(cx, &moved).await.map(Served::Now)
        });
        let (recorded, met) = join(recorded, met).await;
        let reason = report::described(&moved, "went back");
        self.judge(cx, &memory, reason, recorded, met).await
    }

    /// Makes the record, and withdraws those of what was undone. An error where it is required; else it is said.
    async fn recorded(
        &self,
        cx: &Context,
        memory: &mut KnownReleases<'_>,
        going: &[Going],
        back: Vec<(Place, Revision)>,
    ) -> Result<Option<Record>> {
        let cx = &cx.with_deadline(cx.calls.deadline.renewed(RECORDING));
        remember(cx, memory).await;
        let targets: Vec<record::Target> = going.iter().map(|one| report::recorded(memory, one)).collect();
        let undone = undone(cx, memory, &back).await;
        let release = Self::release(cx, memory, going, undone.iter().copied().collect());
        let record = match Record::open(cx, &self.record, release, targets.clone(), &targets).await {
            Err(error) if self.record.record != Mode::Require => {
                warn_unrecorded(cx, &error);
                Ok(None)
            }
            record => record,
        };
        self.withdraw(cx, memory, undone).await;
        record
    }

    /// How it ends, and with it its record: by the health that was asked for.
    async fn judge(
        &self,
        cx: &Context,
        memory: &KnownReleases<'_>,
        reason: String,
        recorded: Result<Option<Record>>,
        met: Step<Served>,
    ) -> Step<Outcome> {
        let recording = &cx.with_deadline(cx.calls.deadline.renewed(RECORDING));
        let (record, unrecorded) = match recorded {
            Ok(record) => (record, None),
            Err(error) => (None, Some(error)),
        };
        let ended = match met {
            Err(stop) if cx.calls.deadline.is_cancelled() => return Err(stop),
            Err(stop) => {
                let explained = match stop {
                    Stop::Ended(outcome) => outcome,
                    Stop::Error(error) => error_outcome(&error),
                };
                let told = format!("{reason}; whether it is healthy could not be determined: {}", explained.reason);
                Outcome { advice: explained.advice, ..Outcome::error(told) }
            }
            Ok(Served::NotYet(ended)) => ended,
            Ok(Served::Now(Some(Health::Unhealthy(bad)))) => {
                let told = message!(
                    "bad-version-serves",
                    "BAD VERSION STILL SERVES: {reason}, and it is not healthy either: {}",
                    bad.reason
                );
                Outcome { advice: bad.advice, ..Outcome::bad_version_serves(told) }
                    .advise("name another version with the input `to`; this step does not try a second one by itself")
            }
            Ok(Served::Now(health)) => {
                if let Some(record) = record {
                    self.tidy(recording, memory).await;
                    record.succeed(recording, Self::NAME, Self::FIGURES).await;
                }
                if health.is_none() {
                    let told =
                        "not checked after the rollback: give `url`, or `path` with the function, to have it checked";
                    cx.report.section("Health", [told.to_owned()]);
                }
                if let Some(error) = unrecorded {
                    let explained = explain(&error);
                    let told = format!(
                        "{reason}; the record that `record: require` asks for was not made: {}",
                        explained.reason
                    );
                    return Ok(Outcome { advice: explained.advice, ..Outcome::error(told) });
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

    /// What an earlier attempt, which was killed after its write, did not come to record.
    pub(super) async fn complete(&self, cx: &Context, mut memory: KnownReleases<'_>, back: &[(Place, Revision)]) {
        if back.is_empty() {
            return;
        }
        let cx = &cx.with_deadline(cx.calls.deadline.renewed(RECORDING));
        remember(cx, &mut memory).await;
        let undone = undone(cx, &memory, back).await;
        self.withdraw(cx, &memory, undone).await;
        let there: Vec<_> = back.iter().map(|(place, point)| report::there(&memory.location, place, point)).collect();
        Record::resume(cx, &self.record, Kind::Rollback, Self::NAME, Self::FIGURES, &there).await;
    }

    /// What other runs left open, now that the bad version serves no more: closed where the run is over, else said.
    async fn tidy(&self, cx: &Context, memory: &KnownReleases<'_>) {
        let (Some(history), Some(environment)) = (&memory.history, self.record.kept_in(cx)) else { return };
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

    async fn health_of(&self, cx: &Context, moved: &[&Going]) -> Step<Option<Health>> {
        if !self.health.is_asked() {
            return Ok(None);
        }
        let target = |one: &&Going| health::Target {
            function: one.observed.place.function().clone(),
            alias: one.observed.place.qualifier(),
        };
        let targets: Vec<health::Target> = moved.iter().map(target).collect();
        let checker = Checker { calls: &cx.calls, report: &cx.report, lambda: async || cx.lambda().await };
        checker.verify(&self.health, &targets, self.attempts.0).await.map(Some)
    }

    /// Every record that this rollback undoes no longer counts as succeeded.
    async fn withdraw(&self, cx: &Context, memory: &KnownReleases<'_>, undone: BTreeSet<u64>) {
        let reason = cx.common.reason.as_ref().map_or_else(|| "rolled back".to_owned(), |reason| reason.0.clone());
        for id in undone {
            let Some(history) = &memory.history else { continue };
            match record::withdraw(cx, history, id, Self::NAME, &reason).await {
                Ok(()) => tracing::info!("record: deployment {id} is withdrawn"),
                Err(error) => {
                    cx.report.warn(format!("deployment {id} was not withdrawn in the record: {}", error_line(&error)));
                }
            }
        }
    }

    fn release<'a>(cx: &'a Context, memory: &KnownReleases<'_>, going: &[Going], undone: Vec<u64>) -> Release<'a> {
        Release {
            kind: Kind::Rollback,
            commit: going
                .iter()
                .find_map(|one| one.target.commit().or_else(|| memory.commit(&one.observed.place, &one.to))),
            proof: None,
            description: cx.common.reason.as_ref().map_or("rollback", |reason| &reason.0),
            undone,
            history: memory.history.clone(),
        }
    }
}

/// Reads the record, for what is undone in it, if it was not read before the write.
async fn remember(cx: &Context, memory: &mut KnownReleases<'_>) {
    if let Err(error) = memory.read(cx).await {
        cx.report.warn(format!("the record could not be read, so nothing in it is withdrawn: {}", error_line(&error)));
    }
}

/// The records that are undone by what went back, and by that alone.
async fn undone(cx: &Context, memory: &KnownReleases<'_>, back: &[(Place, Revision)]) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    for (place, point) in back {
        match memory.undone(cx, place, point).await {
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

fn gone_back(moved: &[&Going], back: Vec<(Place, Revision)>) -> Vec<(Place, Revision)> {
    moved.iter().map(|one| (one.observed.place.clone(), one.to.clone())).chain(back).collect()
}

/// Waits until all aliases serve what they point to: AWS keeps the traffic where it was until provisioned concurrency is ready. How the
/// step ends when that comes to nothing.
async fn arrivals(
    cx: &Context,
    lambda: &Lambda,
    moved: &[&Going],
    aliases: &[Option<Alias>],
) -> Result<Option<Outcome>> {
    let mut failures = Vec::new();
    let each = moved.iter().zip(aliases).map(async |(one, now)| match (&one.observed.place, &one.how, now) {
        (Place::Alias(before), Write::Move(to), Some(now)) => {
            Some((one, before, *to, arrived(cx, lambda, before, (now, *to), &Provision::Unknown).await))
        }
        _ => None,
    });
    for (one, before, to, arrived) in join_all(each).await.into_iter().flatten() {
        let by_hand = format!("by hand: {}", report::by_hand(one));
        failures.push(match arrived {
            Ok(Arrived::Ready(_)) => continue,
            Ok(Arrived::Superseded(now)) => Outcome::superseded(format!(
                "{} was changed by somebody else after it went back: it {}",
                one.observed.place,
                found_at(now.as_ref())
            )),
            Ok(Arrived::Failed(why)) => provisioned::advised(Outcome::bad_version_serves(format!(
                "{}; what was to be replaced still serves",
                provisioned::failed(before, to, &why)
            )))
            .advise(format!(
                "without provisioned concurrency the alias moves at once: `aws lambda delete-provisioned-concurrency-config \
                 --function-name {} --qualifier {}`, and then {by_hand}",
                one.observed.place.function(),
                one.observed.place.qualifier()
            )),
            Err(error) if cx.calls.deadline.is_cancelled() => return Err(error),
            Err(error) => error_outcome(&error).advise(format!(
                "AWS goes on moving {} by itself: look at what it serves; {by_hand}",
                one.observed.place
            )),
        });
    }
    Ok((!failures.is_empty()).then(|| report::together(&[], failures)))
}

/// Writes to all functions at the same time, and learns beside that what is only said or recorded.
async fn written(cx: &Context, lambda: &Lambda, going: &mut [Going]) -> Vec<Step<Option<Alias>>> {
    let noting = cx.calls.until(cx.calls.deadline.renewed(NOTING));
    let noting = lambda.with_calls(noting);
    let all: &[Going] = going;
    let writes = join_all(all.iter().map(|one| write(cx, lambda, one)));
    let lefts = join_all(all.iter().map(|one| left(&noting, one)));
    let images = join_all(all.iter().map(|one| warn_of_a_gone_image(cx, one)));
    let (written, (lefts, _)) = join(Box::pin(writes), Box::pin(join(lefts, images))).await;
    for (one, left) in going.iter_mut().zip(lefts) {
        one.left = left;
    }
    written
}

/// The image of a version behind an alias answers as long as Lambda has it. Code that goes into `$LATEST` is refused without its image.
async fn warn_of_a_gone_image(cx: &Context, one: &Going) {
    if matches!(one.how, Write::Move(_)) && image::is_gone(cx, &one.target).await {
        cx.report.warn(message!(
            "image-gone", "the image of version {} is gone from its repository: it answers now, and fails once Lambda fetches it again",
            one.target.version.map(|version| version.to_string()).unwrap_or_default()
        ));
    }
}

/// What waking a durable function started is stopped. What goes on on the version that was taken back is told: no rollback brings it back.
async fn tell_of_executions(cx: &Context, lambda: &Lambda, one: &Going) {
    let name = one.observed.place.function();
    health::stop_executions(&cx.report, lambda, name, &format!("waking {name}")).await;
    let Some(version) = one.left.as_ref().filter(|left| left.durable.is_some()).and_then(|left| left.version) else {
        return;
    };
    let late = lambda.with_calls(cx.calls.until(cx.calls.deadline.renewed(NOTING)));
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

/// The one write of a function; the alias as it was read back.
async fn write(cx: &Context, lambda: &Lambda, one: &Going) -> Step<Option<Alias>> {
    match (&one.observed.place, &one.how) {
        (Place::Alias(alias), Write::Move(version)) => {
            match move_alias::read_back(cx, move_alias(cx, lambda, alias, *version).await?).await? {
                Moved::Done(alias) => Ok(Some(alias)),
                Moved::Superseded(now) => Err(superseded(one, &format!("it {}", found_at(now.as_ref())))),
            }
        }
        (Place::Latest(function), Write::Put(id, code)) => {
            put_code(cx, lambda, one, function, id, code).await.map(|()| None)
        }
        _ => {
            Err(anyhow::anyhow!("{} cannot go back like this: this is a bug, please report it", one.observed.place)
                .into())
        }
    }
}

async fn put_code(
    cx: &Context,
    lambda: &Lambda,
    one: &Going,
    function: &Function,
    id: &CodeId,
    code: &Code,
) -> Step<()> {
    let name = &function.name;
    let function = &function.clone().kept_as(&one.target.storage);
    let updated = match put(cx, lambda, function, id, code).await {
        Err(_) if image::is_gone(cx, &one.target).await => {
            let number = one.target.version.map(|version| version.to_string()).unwrap_or_default();
            return Err(Outcome::fail(message!(
                "image-gone",
                "the image of version {number} of {name} is gone from its repository: it cannot be put back"
            ))
            .advise("name another version with the input `to`, or promote the image into its repository again")
            .into());
        }
        updated => updated?,
    };
    match updated {
        Updated::Done(_) => Ok(()),
        Updated::Superseded(_) => Err(superseded(one, "it holds other code")),
        Updated::Failed(reason) => Err(Outcome::bad_version_serves(format!(
            "the update of {name} back to {} failed: {reason}; what was to be replaced still answers",
            id.label()
        ))
        .advise(format!("fix what the reason names; by hand: {}", report::by_hand(one)))
        .into()),
        Updated::Other(hash) => Err(Outcome::bad_version_serves(format!(
            "Lambda took other code into {name} than was sent: code {hash}, not {}",
            id.label()
        ))
        .into()),
        Updated::Unreadable(error) => Err(unreadable(&error, None).into()),
    }
}

fn superseded(one: &Going, found: &str) -> Stop {
    Outcome::superseded(message!(
        "changed-in-between",
        "{} was changed by somebody else between the reading and the write: {found}",
        one.observed.place
    ))
    .advise("look at what serves before rolling back again")
    .into()
}
