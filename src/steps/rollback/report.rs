//! What a rollback reports: before the writes, in the record, and when it is done.

use super::inputs::{Rollback, RollbackMode};
use super::known_releases::KnownReleases;
use super::place::{FunctionPlace, Place, Revision};
use super::plan::{Going, Plan, Write};
use crate::aws::Location;
use crate::context::Context;
use crate::lambda::{Alias, CodeId, Function, Serving};
use crate::outcome::Outcome;
use crate::outcome::{Ending, Verdict};
use crate::record::{Previous, Target};
use crate::rollout::latest;
use crate::rollout::move_alias;
use crate::rollout::targets::lines;

/// What was decided for each place, what will happen, and how to undo that by hand.
pub(super) fn plan(cx: &Context, step: &Rollback, plan: &Plan<Going, FunctionPlace>) {
    let check = |place: &FunctionPlace, required: String, verdict| {
        let read_by = match place {
            FunctionPlace::Alias(_) => "lambda:GetAlias",
            FunctionPlace::Latest(_) => "lambda:GetFunction",
        };
        cx.report.check(place.to_string(), place.label(), required, verdict, read_by);
    };
    for one in &plan.staying {
        check(&one.place, "nothing to undo".to_owned(), Verdict::Skipped);
    }
    let mode = match step.mode {
        RollbackMode::Alias => "alias",
        RollbackMode::Code => "code",
    };
    for one in &plan.going {
        let place = &one.place;
        check(place, format!("{} ({})", one.to, one.source.word()), Verdict::Pass);
        tracing::info!("{place} goes back from {} to {} ({mode})", place.label(), to(one));
        if let FunctionPlace::Alias(alias) = place {
            tracing::info!("  to undo this by hand: {}", move_alias::put_back_by_hand(alias));
        }
    }
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, going: &[Going]) -> Outcome {
    for one in going.iter().filter(|one| one.sleeps()) {
        let version = one.target.number();
        tracing::info!("version {version} of {} is {}: it would be woken", one.target.name, one.target.state);
    }
    cx.report.note_change();
    Outcome::pass(format!("dry run, nothing was changed: {}", description(going, "would go back")))
}

/// What goes back to what.
pub(super) fn label(going: &[Going]) -> String {
    description(going, "goes back")
}

/// How to undo by hand what went back in `$LATEST`, once it is known which version held what was there.
pub(super) fn log_undo(one: &Going) {
    let place = &one.place;
    match (place, &one.left) {
        (FunctionPlace::Alias(_), _) => {}
        (FunctionPlace::Latest(_), Some(left)) => {
            tracing::info!("{place}: to undo this by hand: {}", latest::by_hand(left));
        }
        (FunctionPlace::Latest(_), None) => {
            tracing::info!(
                "{place}: no version is known to hold what served: there is no command to undo this by hand"
            );
        }
    }
}

/// The command that goes back by hand.
pub(super) fn by_hand(one: &Going) -> String {
    match (&one.place, &one.write) {
        (FunctionPlace::Alias(alias), Write::Move(version)) => move_alias::by_hand(alias, *version),
        _ => latest::by_hand(&one.target),
    }
}

/// Where one goes, in words.
fn to(one: &Going) -> String {
    let version = one.target.number();
    match &one.to {
        Revision::Version(_) => version,
        Revision::Code(code) => format!("{}, that of version {version}", code.label()),
        Revision::Definition(revision) => revision.to_string(),
        Revision::Release(release) => release.to_string(),
    }
}

/// Where a place is back already, as a record of it would say.
pub(super) fn target_there(location: &Location, place: &impl Place, point: &Revision) -> Target {
    let (version, code, task_definition) = match point {
        Revision::Version(version) => (Some(*version), None, None),
        Revision::Code(code) => (None, Some(code), None),
        Revision::Definition(revision) => (None, None, Some(revision.clone())),
        Revision::Release(release) => {
            return Target { release: Some(release.clone()), ..Target::new(place.in_records(location), None, None) };
        }
    };
    Target { task_definition, ..Target::new(place.in_records(location), version, code) }
}

/// What goes into the record.
pub(super) fn record_target(releases: &KnownReleases<'_>, one: &Going) -> Target {
    let place = &one.place;
    let left = one.left.as_ref();
    let previous = match place {
        FunctionPlace::Latest(_) => {
            let served = match place.serves() {
                Some(Revision::Code(code)) => Some(code),
                _ => left.and_then(CodeId::of),
            };
            Previous::new(left.and_then(|left| left.version), served.as_ref())
        }
        FunctionPlace::Alias(alias) => Previous::of(alias, left),
    };
    Target {
        commit: one.target.commit().or_else(|| releases.commit(place, &one.to)),
        previous: Some(previous),
        ..Target::new(place.in_records(&releases.location), one.target.version, CodeId::of(&one.target).as_ref())
    }
}

/// What serves once one has gone back.
pub(super) fn serving_now(one: &Going) -> Serving {
    match &one.place {
        FunctionPlace::Alias(alias) => {
            let now = Alias { version: one.target.version, weights: [].into(), ..alias.clone() };
            Serving::of(&now, Some(&one.target))
        }
        FunctionPlace::Latest(_) => {
            Serving::latest(&Function { version: None, ..one.target.clone() }, Some(&one.target))
        }
    }
}

/// The outputs.
pub(super) fn set_outputs(cx: &Context, moved: &[&Going]) {
    let name = |one: &Going| one.place.function().clone();
    let now = moved.iter().filter_map(|one| Some((name(one), one.target.version?)));
    let left = |one: &Going| match &one.place {
        FunctionPlace::Alias(alias) => alias.serving(),
        FunctionPlace::Latest(_) => one.left.as_ref()?.version,
    };
    let before = moved.iter().filter_map(|one| Some((name(one), left(one)?)));
    if let [one] = moved {
        cx.report.output("version", one.target.number());
        cx.report.output("previous-version", left(one).map(|version| version.to_string()).unwrap_or_default());
        cx.report.output("digest", one.target.digest().map(ToString::to_string).unwrap_or_default());
    } else {
        cx.report.output("version", lines(now));
        cx.report.output("previous-version", lines(before));
    }
    if let Some(one) = moved.first() {
        cx.report.output("target-source", one.source.word());
    }
}

/// What went where, in words.
pub(super) fn description<G: std::borrow::Borrow<Going>>(going: &[G], did: &str) -> String {
    let each = going.iter().map(|one| {
        let one = one.borrow();
        let place = &one.place;
        let commit = one.target.commit().map_or_else(String::new, |commit| format!(", commit {}", commit.short()));
        format!("{place} {did} from {} to {}{commit} ({})", place.label(), to(one), one.source.word())
    });
    each.collect::<Vec<_>>().join("; ")
}

/// Those that went back stay there; those that did not are named.
pub(super) fn merge(moved: &[&Going], failures: Vec<Outcome>) -> Outcome {
    let bad = failures.iter().any(|outcome| outcome.ending == Ending::BadVersionServes);
    let worst = Verdict::worst(failures.iter().map(|outcome| outcome.ending.verdict())).unwrap_or(Verdict::Error);
    let mut reasons: Vec<String> = failures.iter().map(|outcome| outcome.reason.clone()).collect();
    if !moved.is_empty() {
        reasons.push(description(moved, "went back"));
    }
    let ending = if bad { Ending::BadVersionServes } else { Ending::Judged(worst) };
    let advice = failures.into_iter().flat_map(|outcome| outcome.advice).collect();
    Outcome { ending, reason: reasons.join("; "), advice }
}
