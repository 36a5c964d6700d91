//! What inventory reads: the records, the default branch, what serves, and what becomes of what is kept outside.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use futures_util::future::{join_all, try_join_all};
use time::OffsetDateTime;

use super::model::{Known, Listed, Live, Observed, Recorded, Role, Seen, Stored, Wanted};
use super::targets::{Named, TargetsInput, read};
use super::{Inventory, live};
use crate::action::inputs::EnvironmentName;
use crate::aws::s3::{S3, S3Url};
use crate::aws::{Location, is_denied};
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{State, Status};
use crate::insight::{Branch, Figures, Outcome as Ended, Records, Window, read_statuses, releases};
use crate::oci::{Digest, EcrRegistry};
use crate::outcome::{Outcome, Step};
use crate::record::status_line::StatusLine;
use crate::record::{self, Entry, History, Kind as RecordKind, Place, Standing};
use crate::registry::ecr::Ecr;
use crate::registry::retention::Fate;
use crate::text::message;

/// Targets that are asked for at the same time.
const AT_ONCE: usize = 8;
/// Deployments that are looked at, and records whose end is read for the history.
const DEPLOYMENTS: usize = 500;
const JUDGED: usize = 100;
/// The largest file of targets, in bytes.
const LARGEST: u64 = 1024 * 1024;
/// The window of the page's figures, in days.
const DAYS: i64 = 90;

impl Inventory {
    pub(super) async fn observe(&self, cx: &Context) -> Step<Observed> {
        let named = self.named(cx)?;
        let environments = cx.common.environments(self.environments.as_ref());
        let records = async {
            match Records::read(cx, &environments, |so_far| so_far.len() >= DEPLOYMENTS).await {
                Ok(records) => Ok((records, None)),
                // With targets there is something to show all the same.
                Err(error) if named.is_some() && record::unreadable(&error) => {
                    Ok((Records::default(), Some(error_line(&error))))
                }
                Err(error) => Err(error.context("read the deployments")),
            }
        };
        // Without the records nothing else is asked for.
        let ((records, unrecorded), branch, here) =
            tokio::try_join!(records, async { Ok(Branch::read(cx).await) }, async {
                cx.aws().await?.location().await
            })?;
        read_what_decides(cx, &records).await?;
        let wanted = match named {
            Some(named) => named
                .into_iter()
                .filter(|one| environments.is_empty() || environments.contains(&one.environment))
                .map(|one| Wanted { place: one.place(&here), environment: one.environment, component: one.component })
                .collect(),
            None => places(cx, &records).await?,
        };
        if wanted.is_empty() {
            return Err(nothing(&environments, self.targets.is_some()).into());
        }
        let mut seen = look(cx, &wanted, &here, &records).await?;
        judge_what_is_kept(cx, &mut seen).await?;
        let (deployments, figures) = listed(&records, branch.as_ref());
        Ok(Observed { seen, branch, deployments, figures, unrecorded })
    }

    /// What the input names.
    fn named(&self, cx: &Context) -> Step<Option<Vec<Named>>> {
        let path = match &self.targets {
            None => return Ok(None),
            Some(TargetsInput::Inline(_, named)) => return Ok(Some(named.clone())),
            Some(TargetsInput::File(path)) => path,
        };
        let refuse = |why: String| Outcome::error(format!("input `targets`: {why}"));
        let file = cx.runner.workspace().file(path).map_err(|error| refuse(format!("{path}: {error}")))?;
        let (file, size) = file.ok_or_else(|| {
            refuse(format!("there is no file {path} in the workspace"))
                .advise("check the repository out before this step, or write the map itself")
        })?;
        if size > LARGEST {
            return Err(refuse(format!("{path} is larger than {LARGEST} bytes")).into());
        }
        let text = std::fs::read_to_string(file).map_err(|error| refuse(format!("{path}: {error}")))?;
        Ok(Some(read(&text).map_err(|why| refuse(format!("{path} {why}")))?))
    }
}

fn nothing(environments: &[EnvironmentName], has_targets: bool) -> Outcome {
    let names: Vec<&str> = environments.iter().map(EnvironmentName::as_str).collect();
    let of = if names.is_empty() { String::new() } else { format!(" of {}", names.join(", ")) };
    if has_targets {
        return Outcome::error(message!("no-target-found", "no target was found{of}"))
            .advise("name environments that `targets` has");
    }
    Outcome::error(message!("no-target-found", "no target was found{of}"))
        .advise("name them in `targets`, until a deployment by this action has left a record")
}

/// Reads what became of the newest record of each place, of those that decide, and of the newest of all.
async fn read_what_decides(cx: &Context, records: &Records) -> Result<()> {
    let mut first: BTreeSet<(&str, &Place)> = BTreeSet::new();
    let mut wanted: Vec<(&History, &Entry)> = Vec::new();
    for (number, (environment, history, entry)) in by_time(records).into_iter().enumerate() {
        let mut is_first = false;
        for target in &entry.payload.targets {
            is_first |= first.insert((environment.as_str(), &target.place));
        }
        if is_first || number < JUDGED {
            wanted.push((history, entry));
        }
    }
    read_statuses(cx, &wanted).await
}

/// All records, newest first.
fn by_time(records: &Records) -> Vec<(&EnvironmentName, &History, &Entry)> {
    let mut all: Vec<_> = records.each().collect();
    all.sort_by_key(|(_, _, entry)| std::cmp::Reverse(entry.id));
    all
}

/// The places of the records, of what serves.
async fn places(cx: &Context, records: &Records) -> Result<Vec<Wanted>> {
    let mut all = Vec::new();
    for (environment, history) in &records.environments {
        let components: BTreeSet<&str> = history.entries.iter().map(|entry| entry.payload.component.as_str()).collect();
        for component in components {
            for place in history.places(cx, component).await?.into_iter().filter(|place| place.served().is_some()) {
                all.push(Wanted { environment: environment.clone(), component: component.to_owned(), place });
            }
        }
    }
    all.sort_by_key(|one| {
        let name = one.environment.in_records();
        (!one.environment.is_production(), name, one.component.clone(), one.place.clone())
    });
    Ok(all)
}

async fn look(cx: &Context, wanted: &[Wanted], here: &Location, records: &Records) -> Result<Vec<Seen>> {
    let mut seen = Vec::new();
    for some in wanted.chunks(AT_ONCE) {
        let each = some.iter().map(async |one| {
            let live = live::read(cx, one, here).await?;
            let history = records.environments.iter().find(|(name, _)| *name == one.environment).map(|(_, all)| all);
            let known = match history {
                Some(history) => known(cx, history, &one.place).await?,
                None => Known::default(),
            };
            anyhow::Ok(Seen { wanted: one.clone(), live, known, fates: Vec::new() })
        });
        seen.extend(try_join_all(each).await?);
    }
    Ok(seen)
}

/// What the records say of a place.
async fn known(cx: &Context, history: &History, place: &Place) -> Result<Known> {
    let mut known = Known::default();
    for entry in history.at(place) {
        match history.standing(cx, entry).await? {
            Standing::Succeeded => {
                let statuses = history.statuses(cx, entry).await?;
                known.serves = recorded(entry, place, &statuses);
                break;
            }
            Standing::Open if known.open.is_none() && history.is_open(cx, entry).await? => {
                known.open = recorded(entry, place, &[]);
            }
            Standing::Open | Standing::Failed => {}
        }
    }
    known.held = history.holds_at(cx, place).await?.iter().map(ToString::to_string).collect();
    Ok(known)
}

fn recorded(entry: &Entry, place: &Place, statuses: &[Status]) -> Option<Recorded> {
    let success = statuses.iter().find(|status| status.state == State::Success);
    Some(Recorded {
        id: entry.id,
        target: entry.payload.target(place)?.clone(),
        commit: entry.payload.commit_at(place),
        at: success.map_or_else(|| entry.created_at.clone(), |status| status.created_at.clone()),
        run: entry.payload.run.map(|run| run.id),
        actor: entry.payload.actor.clone(),
        release: entry.payload.version.clone(),
    })
}

/// What is kept outside for a target: of what serves, and of what its record says that a rollback goes back to.
fn kept_for(seen: &Seen) -> Vec<(Role, Stored)> {
    let Live::Serves { parts, .. } = &seen.live else { return Vec::new() };
    let serving = parts.iter().flat_map(|part| part.stored.iter().cloned());
    let mut all: Vec<(Role, Stored)> = serving.map(|stored| (Role::Serves, stored)).collect();
    let previous = seen.known.serves.as_ref().and_then(|recorded| recorded.target.previous.as_ref());
    for stored in parts.first().into_iter().flat_map(|part| &part.stored) {
        let Stored::Image { registry, repository, container, .. } = stored else { continue };
        let digest = previous.and_then(|previous| match container {
            None => previous.digest.as_ref(),
            Some(container) => previous.images.iter().find(|(name, _)| name.as_str() == container).map(|(_, one)| one),
        });
        if let Some(digest) = digest {
            let (registry, repository) = (registry.clone(), repository.clone());
            let (container, digest) = (container.clone(), digest.clone());
            all.push((Role::RollsBack, Stored::Image { registry, repository, container, digest }));
        }
    }
    all.sort();
    all.dedup();
    all
}

/// Asks ECR and S3 what becomes of what is kept: three requests for each repository, one for each archive that stays in its bucket.
async fn judge_what_is_kept(cx: &Context, seen: &mut [Seen]) -> Result<()> {
    let mut kept: Vec<Vec<(Role, Stored)>> = seen.iter().map(kept_for).collect();
    let mut images: BTreeMap<(EcrRegistry, String), BTreeSet<Digest>> = BTreeMap::new();
    let mut objects = BTreeSet::new();
    for (_, stored) in kept.iter().flatten() {
        match stored {
            Stored::Image { registry, repository, digest, .. } => {
                images.entry((registry.clone(), repository.clone())).or_default().insert(digest.clone());
            }
            Stored::Object { .. } => {
                objects.insert(stored.clone());
            }
        }
    }
    if images.is_empty() && objects.is_empty() {
        return Ok(());
    }
    let aws = cx.aws().await?;
    let of_images = try_join_all(images.iter().map(async |((registry, repository), digests)| {
        let fates = Ecr::new(&aws, registry.clone()).fates(repository, digests).await;
        let fates = fates.with_context(|| format!("see whether images of repository {repository} are kept"));
        fates.map(|fates| ((registry.clone(), repository.clone()), fates))
    }));
    let s3 = S3::new(aws.clone());
    let of_objects = join_all(objects.iter().map(async |stored| (stored.clone(), object_fate(&s3, stored).await)));
    let (of_images, of_objects) = tokio::join!(of_images, of_objects);
    let (of_images, of_objects): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (of_images?.into_iter().collect(), of_objects.into_iter().collect());
    for (seen, kept) in seen.iter_mut().zip(&mut kept) {
        for (role, stored) in kept.drain(..) {
            let fate = match &stored {
                Stored::Image { registry, repository, digest, .. } => {
                    of_images.get(&(registry.clone(), repository.clone())).and_then(|fates| fates.get(digest)).cloned()
                }
                Stored::Object { .. } => of_objects.get(&stored).cloned(),
            };
            let fate = fate.unwrap_or_else(|| Fate::Unknown("nobody was asked".to_owned()));
            seen.fates.push((role, stored, fate));
        }
    }
    Ok(())
}

/// Whether an archive that Lambda runs from its bucket is still there.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-self-managed-storage.html>
async fn object_fate(s3: &S3, stored: &Stored) -> Fate {
    let Stored::Object { bucket, key, version } = stored else { return Fate::Kept };
    let url = S3Url { bucket: bucket.clone(), key: key.clone() };
    match s3.has(&url, version.as_deref()).await {
        Ok(true) => Fate::Kept,
        Ok(false) => Fate::Gone,
        Err(error) => {
            let denied = is_denied(&error);
            let more = if denied { ", or it is gone: S3 says the same of both without s3:ListBucket" } else { "" };
            Fate::Unknown(format!("{}{more}", error_line(&error)))
        }
    }
}

/// The deployments as they are listed, newest first, and the figures of the last three months.
fn listed(records: &Records, branch: Option<&Branch>) -> (Vec<Listed>, Option<Figures>) {
    let now = OffsetDateTime::now_utc();
    let all = by_time(records);
    let statuses: Vec<Option<Vec<Status>>> =
        all.iter().map(|(_, history, entry)| history.known_statuses(entry)).collect();
    let ended = |place: usize| {
        let (statuses, made) = (statuses[place].as_ref()?, all[place].2.made()?);
        Some(Ended::of(statuses, made, now))
    };
    let before = |place: usize| {
        let (environment, _, entry) = &all[place];
        let is_before = |other: &usize| {
            let (elsewhere, _, older) = &all[*other];
            elsewhere == environment
                && older.payload.component == entry.payload.component
                && older.payload.serves
                && ended(*other).is_none_or(|ended| ended == Ended::Succeeded)
        };
        (place + 1..all.len()).find(is_before).map(|other| all[other].2.payload.commit.clone())
    };
    let deployments = all.iter().enumerate().map(|(place, (environment, _, entry))| {
        let payload = &entry.payload;
        let last = statuses[place].as_ref().and_then(|statuses| {
            let bad = statuses.iter().find(|status| matches!(status.state, State::Failure | State::Error))?;
            Some(StatusLine::of(bad).map_or_else(
                || bad.description.clone().unwrap_or_default(),
                |line| format!("{}: {}", line.step, line.reason()),
            ))
        });
        let ended = ended(place);
        Listed {
            id: entry.id,
            at: entry.created_at.clone(),
            environment: environment.to_string(),
            component: payload.component.clone(),
            kind: if payload.kind == RecordKind::Rollback { "rollback" } else { "deploy" },
            commit: payload.commit.clone(),
            before: before(place).filter(|before| *before != payload.commit),
            release: payload.version.clone(),
            outcome: ended.map(Ended::word),
            why: last.filter(|_| ended.is_some_and(|ended| ended != Ended::Succeeded)),
            run: payload.run.map(|run| run.id),
            actor: payload.actor.clone(),
            to: payload.targets.iter().map(to).collect(),
        }
    });
    let deployments: Vec<Listed> = deployments.collect();
    let judged = all
        .iter()
        .zip(&statuses)
        .filter_map(|((environment, _, entry), statuses)| Some((environment.as_str(), *entry, statuses.as_deref()?)));
    let window = Window { since: now - time::Duration::days(DAYS), now };
    let releases = releases(judged, now);
    let figures = (!releases.is_empty()).then(|| Figures::of(&releases, branch, window));
    (deployments, figures)
}

/// `shop-api:live 42`.
fn to(target: &record::Target) -> String {
    let what = target.version.map(|version| version.to_string());
    let what = what.or_else(|| target.task_definition.as_ref().map(ToString::to_string));
    let what = what.or_else(|| target.release.as_ref().map(ToString::to_string));
    match what {
        Some(what) => format!("{} {what}", target.place.identity),
        None => target.place.identity.to_string(),
    }
}
