//! Making a record, or finding the one that this run left open.

use anyhow::{Context as _, Result};

use super::close::held_after;
use super::history::{Entry, History, Standing};
use super::inputs::RecordInputs;
use super::payload::{Kind, Payload, Read, is_same_run};
use super::place::{Identity, Place};
use super::release::{Record, Release};
use super::run::{actor, component, places, this_run};
use super::target::Target;
use crate::action::inputs::EnvironmentName;
use crate::calls::log_not_determined;
use crate::context::Context;
use crate::github::{self, GithubError, NewDeployment};
use crate::text::message_str;

/// What a record says of a commit that nobody knows.
const UNKNOWN: &str = "unknown";

pub(super) async fn make(
    cx: &Context,
    inputs: &RecordInputs,
    environment: &EnvironmentName,
    release: Release<'_>,
    targets: Vec<Target>,
) -> Result<Record> {
    let github = &cx.github().await?;
    let known = release.commit.clone().or_else(|| cx.commit());
    let sha = known.context("no commit is known: give the input `sha`")?;
    let tree = github.tree(&sha).await.ok();
    let commit = sha.to_string();
    // A run that goes back was started for another release: neither its tag nor its commit is what serves now.
    let going_back = release.kind == Kind::Rollback;
    let tag = cx.runner.github_ref.as_deref().and_then(|name| name.strip_prefix("refs/tags/"));
    let tag = tag.filter(|_| !going_back).map(str::to_owned);
    let unknown = going_back && release.commit.is_none();
    let mut admitted = release.history.as_ref().map(|history| history.admitted.clone()).unwrap_or_default();
    if let (true, Some(history)) = (going_back, &release.history) {
        admitted.hold = held_after(cx, history, &release.undone, &places(&targets)).await?;
    }
    let (migrations, schema_floor) = inputs.applied();
    let payload = Payload {
        schema: Payload::SCHEMA,
        component: component(cx),
        kind: release.kind,
        version: tag.or_else(|| commit.get(..7).filter(|_| !unknown).map(str::to_owned)),
        commit: if unknown { UNKNOWN.to_owned() } else { commit.clone() },
        tree: tree.filter(|_| !unknown),
        targets,
        serves: inputs.serves.0,
        proof: release.proof,
        migrations,
        schema_floor,
        release: inputs.release.as_ref().filter(|_| !going_back).map(ToString::to_string),
        hold: admitted.hold,
        released: admitted.released,
        run: this_run(cx),
        actor: actor(cx).await,
    };
    let payload = if going_back && payload.to_value().is_none() {
        cx.report.warn(message_str!(
            "record-too-large",
            "the record would be larger than 16 KiB: the details of what was replaced are left out of it"
        ));
        payload.without_details()
    } else {
        payload
    };
    let written = payload.to_value().context(message_str!(
        "record-too-large",
        "the record would be larger than 16 KiB: deploy fewer functions at a time"
    ))?;
    let environment_name = environment.in_records();
    let new = NewDeployment {
        r#ref: &commit,
        task: release.kind.task(),
        environment: &environment_name,
        payload: &written,
        description: release.description,
        auto_merge: false,
        required_contexts: [],
        production_environment: inputs.is_production(environment),
    };
    let created = match (github.create_deployment(&new).await, cx.runner.github_sha.as_deref()) {
        // The commit of a version may be another repository's: GitHub knows the run's own, and the payload names the other.
        (Err(error), Some(own)) if own != commit && GithubError::is(&error, &github::Kind::NoRef) => {
            tracing::info!("this repository has no commit {}: the record is made for the run's own", sha.short());
            github.create_deployment(&NewDeployment { r#ref: own, ..new }).await
        }
        (created, _) => created,
    };
    // A deployment whose answer was lost may have been made: it is looked for, and not made twice.
    let id = match created {
        Ok(made) => made.id,
        Err(error) if GithubError::is_unanswered(&error) => find_made(cx, environment, &payload).await?.ok_or(error)?,
        Err(error) => return Err(error),
    };
    let url = inputs.environment_url.as_ref().map(ToString::to_string);
    Ok(Record { id, environment: environment.clone(), payload, url, mode: inputs.record, history: None })
}

async fn find_made(cx: &Context, environment: &EnvironmentName, payload: &Payload) -> Result<Option<u64>> {
    let listed = cx.github().await?.deployments(environment, |_| true).await?;
    let same = |read: Read| matches!(read, Read::Ours(found) if *found == *payload);
    Ok(listed.entries.iter().find(|made| same(Payload::read(&made.payload))).map(|made| made.id))
}

/// The newest record, when this run made it for all these targets and no others than were asked for, and it is open: the run was
/// killed before it had moved them. When GitHub does not show it, a new one is made.
pub(super) async fn left_open(
    cx: &Context,
    earlier: Option<&History>,
    kind: Kind,
    targets: &[Target],
    asked: &[Target],
) -> Option<Entry> {
    // What an earlier attempt has brought there leaves nothing any more: the record says what it left.
    let is_of = |target: &Target, known: &Target| known == target || target.stays() && target.leads_where(known);
    let was_asked = |target: &Target| asked.iter().any(|one| target.leads_where(one));
    let ours = |payload: &Payload| {
        payload.kind == kind
            && targets.iter().all(|target| payload.targets.iter().any(|known| is_of(target, known)))
            && payload.targets.iter().all(was_asked)
    };
    match newest_open(cx, earlier?, &places(asked), ours).await {
        Ok(found) => found,
        Err(error) => {
            log_not_determined("whether this run left a record open", &error);
            None
        }
    }
}

/// The newest record, when this run made it for such a step, it is open, and it names what serves.
pub(super) async fn find_open(
    cx: &Context,
    environment: &EnvironmentName,
    kind: Kind,
    serving: &[Target],
) -> Result<(History, Option<Entry>)> {
    // A family without a service serves nobody.
    let serves_nobody = |target: &Target| matches!(target.place.identity, Identity::EcsTask { .. });
    let serves = |target: &Target| serves_nobody(target) || serving.iter().any(|now| target.leads_where(now));
    let ours = |payload: &Payload| payload.kind == kind && payload.targets.iter().all(serves);
    let places = places(serving);
    let history = History::read(cx, environment, &component(cx), &places).await?;
    let found = newest_open(cx, &history, &places, ours).await?;
    Ok((history, found))
}

/// The newest record of this run at these places, when it is one of those and open. Another run's may have come after it.
async fn newest_open(
    cx: &Context,
    history: &History,
    places: &[Place],
    wanted: impl Fn(&Payload) -> bool,
) -> Result<Option<Entry>> {
    let is_ours = |entry: &&Entry| is_same_run(entry.payload.run, this_run(cx)) && entry.payload.touches(places);
    let ours = history.entries.iter().find(is_ours);
    let Some(newest) = ours.filter(|newest| wanted(&newest.payload)) else { return Ok(None) };
    Ok((history.standing(cx, newest).await? == Standing::Open).then(|| newest.clone()))
}
