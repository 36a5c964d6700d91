//! What is said of services that go back.

use std::borrow::Borrow;

use super::super::known_releases::KnownReleases;
use super::super::place::{Place as _, ServicePlace};
use super::super::plan::Plan;
use super::apply::Sent;
use super::plan::{First, Going};
use crate::context::Context;
use crate::ecs::{Revision, ServiceRevision};
use crate::outcome::{Ending, Outcome, Verdict};
use crate::record::{Previous, Target};
use crate::rollout::services::{self, Followed, outcome, told};
use crate::text::message;

/// What was decided for each service, and how to undo it by hand.
pub(super) fn plan(cx: &Context, plan: &Plan<Going, ServicePlace>) {
    let check = |place: &ServicePlace, required: String, verdict| {
        cx.report.check(place.to_string(), place.label(), required, verdict, "ecs:DescribeServices");
    };
    for one in &plan.staying {
        check(&one.place, "nothing to undo".to_owned(), Verdict::Skipped);
    }
    for one in &plan.going {
        let place = &one.place;
        check(place, format!("{} ({})", one.to, one.source.word()), Verdict::Pass);
        tracing::info!("{place} goes back from {} to {}: {}", place.label(), one.to, way(one));
        for (container, digest) in &one.found.images {
            tracing::info!("  {container}: {digest}");
        }
        let unknown =
            one.found.wanted.containers().into_iter().filter(|container| !one.found.images.contains_key(container));
        for container in unknown {
            cx.report.warn(message!(
                "image-by-tag",
                "what container {container} of {} ran is not known, and its image is named by a tag, which may lead elsewhere since: it is not proved",
                one.to
            ));
        }
        tracing::info!(
            "  to undo this by hand: {}",
            services::by_hand(&place.cluster, &place.service.name, &place.has)
        );
    }
}

/// How it goes back, in words.
fn way(one: &Going) -> String {
    let ended = match &one.first {
        None => None,
        Some(First::Wait) => Some("its deployment goes back already".to_owned()),
        Some(First::Stop) => Some("its deployment is rolled back".to_owned()),
        Some(First::Answer(hook)) => Some(format!("hook {hook} of its deployment is answered with ROLLBACK")),
    };
    let given = if one.found.is_there {
        "it is given that revision"
    } else {
        "that revision is registered anew, by the digests that ran, and given to it"
    };
    match ended {
        Some(ended) if one.comes_back_by_itself() => ended,
        Some(ended) => format!("{ended}, and then {given}"),
        None => given.to_owned(),
    }
}

/// The command that goes back by hand.
pub(super) fn by_hand(one: &Going) -> String {
    services::by_hand(&one.place.cluster, &one.place.service.name, &one.to)
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, going: &[Going]) -> Outcome {
    cx.report.note_change();
    Outcome::pass(format!("dry run, nothing was changed: {}", description(going, "would go back")))
}

/// What goes where, in words.
pub(super) fn description<G: Borrow<Going>>(going: &[G], did: &str) -> String {
    let each = going.iter().map(|one| {
        let one = one.borrow();
        format!("{} {did} from {} to {} ({})", one.place, one.place.label(), one.to, one.source.word())
    });
    each.collect::<Vec<_>>().join("; ")
}

/// What goes into the record.
pub(super) fn target(releases: &KnownReleases<'_>, one: &Going, revision: &Revision) -> Target {
    let place = &one.place;
    // What it leaves is what its deployment brought, of which the digests are known where it has run.
    let running = place.running.as_ref().filter(|_| place.runs().as_ref() == Some(&place.has));
    let previous = Previous {
        task_definition: Some(place.has.clone()),
        images: running.map(ServiceRevision::digests).unwrap_or_default(),
        ..Previous::default()
    };
    Target {
        commit: one.commit(releases),
        task_definition: Some(revision.clone()),
        images: one.found.images.clone(),
        previous: Some(previous),
        ..Target::new(place.in_records(&releases.location), None, None)
    }
}

/// The outputs.
pub(super) fn set_outputs(cx: &Context, sent: &[(&Going, Sent)]) {
    let lines = |line: &dyn Fn(&Going, &Sent) -> String| {
        sent.iter().map(|(one, sent)| line(one, sent)).collect::<Vec<_>>().join("\n")
    };
    cx.report.output("task-definitions", lines(&|one, sent| format!("{}={}", one.place.service.name, sent.revision)));
    cx.report
        .output("previous-task-definitions", lines(&|one, _| format!("{}={}", one.place.service.name, one.place.has)));
    let images = sent.iter().flat_map(|(one, _)| {
        one.found.images.iter().map(|(container, digest)| format!("{}/{container}={digest}", one.place.service.name))
    });
    cx.report.output("images", images.collect::<Vec<_>>().join("\n"));
    if let Some((one, _)) = sent.first() {
        cx.report.output("target-source", one.source.word());
    }
}

/// How it ended, by what runs: where what was to be replaced still does, that is the worst there is.
pub(super) fn judge(cx: &Context, back: Vec<(&Going, Followed)>, failures: Vec<Outcome>) -> Outcome {
    let count = back.len() + failures.len();
    let missed = back.iter().filter(|(_, followed)| !followed.is_good());
    let by_hand: Vec<String> = missed.map(|(one, _)| format!("by hand: {}", by_hand(one))).collect();
    let back: Vec<Followed> = back.into_iter().map(|(_, followed)| followed).collect();
    told(cx, count, &back);
    let ended = outcome(cx, &back, failures).advise_all(by_hand);
    match ended.ending {
        Ending::Judged(Verdict::Fail) => Outcome {
            ending: Ending::BadVersionServes,
            reason: format!("BAD VERSION STILL SERVES: {}", ended.reason),
            advice: ended.advice,
        },
        _ => ended,
    }
}
