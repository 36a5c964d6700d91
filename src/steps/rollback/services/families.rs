//! Families without a service that a deployment moved beside its services (`tasks` of deploy-service): they go back with them, so that what a
//! schedule starts by their newest revision is again what was there before. After the services, and beside following them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use futures_util::future::join_all;

use super::super::conclude::{places_back, read_record, recording, undone_records};
use super::super::known_releases::KnownReleases;
use super::super::place::{Place as _, Revision, ServicePlace};
use super::super::plan::Staying;
use super::observe::pin;
use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::context::Context;
use crate::ecs::{self, ContainerName, Family};
use crate::oci::Digest;
use crate::outcome::{Outcome, Verdict};
use crate::record::{Identity, Place, Previous, Target};
use crate::rollout::services::register;
use crate::text::message;

/// A family that was moved.
#[derive(Debug)]
pub(super) struct Moved {
    family: Family,
    /// What it was given, the newest first.
    given: Vec<ecs::Revision>,
    /// What was the newest before the first of them, and what its containers had.
    before: ecs::Revision,
    images: BTreeMap<ContainerName, Digest>,
}

/// What became of them.
#[derive(Debug, Default)]
pub(super) struct Families {
    /// What goes into the record.
    pub(super) targets: Vec<Target>,
    back: Vec<String>,
    failures: Vec<String>,
}

impl Families {
    /// How the step ends, the families included.
    pub(super) fn conclude(self, outcome: Outcome) -> Outcome {
        let told = self.back.into_iter().chain(self.failures.iter().cloned());
        let reason = std::iter::once(outcome.reason.clone()).chain(told).collect::<Vec<_>>().join("; ");
        let is_good = outcome.ending.verdict().is_good();
        match outcome.ending.verdict() {
            _ if is_good && !self.failures.is_empty() => Outcome::error(reason)
                .advise_all(outcome.advice)
                .advise("run the step again, or deregister what was deployed: `aws ecs deregister-task-definition`"),
            Verdict::Skipped if reason != outcome.reason => Outcome { advice: outcome.advice, ..Outcome::pass(reason) },
            _ => Outcome { reason, ..outcome },
        }
    }
}

/// What the deployments moved that are undone where these places go back: as the record has it, and the state.
pub(super) async fn moved(cx: &Context, releases: &KnownReleases<'_>, back: &[(ServicePlace, Revision)]) -> Vec<Moved> {
    let undone = undone_records(cx, releases, back).await;
    let places: Vec<Place> = back.iter().map(|(place, _)| place.in_records(&releases.location)).collect();
    let mut all: Vec<Moved> = Vec::new();
    for target in releases.beside(&undone, &places) {
        let (Identity::EcsTask { family }, Some(given)) = (&target.place.identity, &target.task_definition) else {
            continue;
        };
        let Some(previous) = target.previous.as_ref() else { continue };
        let Some(before) = previous.task_definition.clone().filter(|before| before != given) else { continue };
        let images = previous.images.clone();
        match all.iter_mut().find(|one| one.family == *family) {
            Some(one) => {
                one.given.push(given.clone());
                (one.before, one.images) = (before, images);
            }
            None => all.push(Moved { family: family.clone(), given: vec![given.clone()], before, images }),
        }
    }
    all
}

/// Says what would go back.
pub(super) fn announce(moved: &[Moved]) {
    for one in moved {
        tracing::info!("family {} goes back to what {} says", one.family, one.before);
    }
}

/// Those that an earlier attempt left, which was killed after the services.
pub(super) async fn left<'a>(
    cx: &Context,
    releases: &mut KnownReleases<'a>,
    staying: &[Staying<ServicePlace>],
) -> Families {
    let back = places_back([], staying);
    if back.is_empty() || cx.is_dry_run() {
        return Families::default();
    }
    read_record(&recording(cx), releases).await;
    put_back(cx, releases, &back, None).await
}

/// Puts them back.
pub(super) async fn put_back(
    cx: &Context,
    releases: &KnownReleases<'_>,
    back: &[(ServicePlace, Revision)],
    commit: Option<&CommitSha>,
) -> Families {
    let cx = &recording(cx);
    let moved = moved(cx, releases, back).await;
    let each = moved.iter().map(async |one| (one, put_one_back(cx, one, commit).await));
    let mut families = Families::default();
    for (one, done) in join_all(each).await {
        let family = &one.family;
        match done {
            Ok(None) => {}
            Ok(Some(revision)) => {
                tracing::info!("family {family}: registered {revision}, which is {} again", one.before);
                families.back.push(format!("family {family} has {revision}, which is {} again", one.before));
                let previous =
                    Previous { task_definition: one.given.first().cloned(), ..Previous::default() };
                families.targets.push(Target {
                    task_definition: Some(revision),
                    images: one.images.clone(),
                    previous: Some(previous),
                    ..Target::new(Place::of_task(&releases.location, family), None, None)
                });
            }
            Err(error) => families.failures.push(message!(
                "family-not-put-back",
                "family {family} still has what was deployed: {}",
                error_line(&error)
            )),
        }
    }
    families
}

/// Registers what was there before as the newest revision; none where it is that already, or somebody else has registered another since.
async fn put_one_back(
    cx: &Context,
    one: &Moved,
    commit: Option<&CommitSha>,
) -> anyhow::Result<Option<ecs::Revision>> {
    let ecs = &cx.ecs().await?;
    let newest = ecs.definition(one.family.as_str()).await?;
    let before = ecs.definition(&one.before.to_string()).await?;
    let mut wanted = before.with_context(|| format!("{} does not exist any more", one.before))?;
    pin(&mut wanted, &one.images);
    if newest.as_ref().is_some_and(|newest| newest.says_the_same(&wanted)) {
        return Ok(None);
    }
    let newest = newest.and_then(|newest| newest.revision());
    if let Some(other) = newest.as_ref().filter(|newest| !one.given.contains(newest)) {
        cx.report.warn(message!(
            "family-given-since",
            "family {} stays as it is: it was given {other} since, which nothing that is undone brought",
            one.family
        ));
        return Ok(None);
    }
    let commit = wanted.commit().or_else(|| commit.cloned());
    cx.report.note_change();
    register(ecs, &wanted, newest.as_ref(), commit.as_ref()).await.map(Some)
}
