//! What is there: the records that were named, or those of the places that were given up.

use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join3;

use super::plan::{Found, Observed};
use super::{FinishDeployment, Status, duration};
use crate::action::inputs::EnvironmentName;
use crate::calls::error_line;
use crate::context::Context;
use crate::outcome::{Outcome, Step, Stop};
use crate::record::{self, History, NamedRecord, Place, Standing};

/// What is only told, and decides nothing, is waited for at most so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads all that the decision needs.
pub(super) async fn observe(asked: &FinishDeployment, cx: &Context) -> Step<Observed> {
    let observed = match asked.status() {
        Some(Status::Ended) | None => given_up(asked, cx).await,
        Some(status) => of_job(asked, cx, status).await,
    };
    observed.map_err(|stop| name_permission(cx, stop))
}

/// The records of the job, and what a success of them replaces.
async fn of_job(asked: &FinishDeployment, cx: &Context, status: Status) -> Step<Observed> {
    let mut observed = Observed {
        status,
        records: Vec::new(),
        about: String::new(),
        earlier: Vec::new(),
        of_jobs: Vec::new(),
        took: None,
    };
    if cx.common.deployment_id.is_none() {
        return Ok(observed);
    }
    let succeeds = status == Status::Success;
    let took = async { if succeeds && asked.max_duration.is_some() { duration(cx).await } else { None } };
    let (named, took, location) = join3(record::read_named(cx), took, location(cx)).await;
    let named = named?;
    for target in named.iter().flat_map(|record| &record.payload.targets) {
        // Functions of this name elsewhere are others.
        if location.as_ref() == Some(&target.place.location)
            && let Some(served) = target.served()
        {
            cx.read_back_at_end(served);
        }
    }
    if succeeds && named.iter().any(|record| record.standing() == Standing::Open) {
        let patient = &cx.with_deadline(cx.calls.deadline.at_most(PATIENCE));
        if let Err(error) = before(patient, &named, &mut observed).await {
            cx.report.warn(format!("earlier records were not made inactive: {}", error_line(&error)));
        }
    }
    let records = named.into_iter().map(|record| Found {
        id: record.id,
        environment: record.environment.to_string(),
        places: record::places(&record.payload.targets),
        statuses: record.statuses,
    });
    Ok(Observed { records: records.collect(), took, ..observed })
}

/// GitHub names what reading takes; a token that may do no more gets the next refusal.
fn name_permission(cx: &Context, stop: Stop) -> Stop {
    match stop {
        Stop::Error(error) if record::is_denied(&error) && !cx.is_dry_run() => Outcome::error(error_line(&error))
            .advise(
                "give the job the permission `deployments: write` under `permissions:`: the record is read and closed",
            )
            .into(),
        stop => stop,
    }
}

/// How long the run took; nothing when that cannot be told.
async fn duration(cx: &Context) -> Option<Duration> {
    match duration::so_far(cx).await {
        Ok(took) => Some(took),
        Err(error) => {
            cx.report.warn(format!("whether `max-duration` was kept could not be determined: {}", error_line(&error)));
            None
        }
    }
}

/// Where the credentials lead; nothing without any.
async fn location(cx: &Context) -> Option<crate::aws::Location> {
    let patient = &cx.with_deadline(cx.calls.deadline.at_most(PATIENCE));
    let asked = async { patient.aws().await?.location().await };
    asked.await.map_err(|error| tracing::info!("what serves is not read: {}", error_line(&error))).ok()
}

/// What was before the records: of each environment and component by one reading.
async fn before(cx: &Context, named: &[NamedRecord], observed: &mut Observed) -> Result<()> {
    let mut groups: Vec<(&EnvironmentName, &str, u64, Vec<Place>)> = Vec::new();
    for record in named {
        let (environment, component) = (&record.environment, record.payload.component.as_str());
        let places = record::places(&record.payload.targets);
        match groups.iter_mut().find(|group| group.0 == environment && group.1 == component) {
            Some((_, _, first, known)) => {
                *first = record.id.min(*first);
                known.extend(places);
            }
            None => groups.push((environment, component, record.id, places)),
        }
    }
    for (environment, component, first, places) in groups {
        let history = History::read(cx, environment, component, &places).await?;
        observed.of_jobs.extend(history.of_job.map(|id| (environment.to_string(), id)));
        observed.earlier.extend(history.list_replaced(cx, first, &places).await?);
    }
    Ok(())
}

/// The records of the places that the component has there: the newest of each, and those that are still active.
async fn given_up(asked: &FinishDeployment, cx: &Context) -> Step<Observed> {
    let environment = cx.common.environment.as_ref().context("there is no environment")?;
    let component = record::component(cx);
    let history = History::all_of_component(cx, environment, &component).await?;
    let mut places = history.places(cx, &component).await?;
    places.retain(|place| asked.region.as_ref().is_none_or(|region| *region == place.location.region));
    let newest = places.iter().filter_map(|place| history.at_newest(place));
    let mut entries: Vec<_> = newest.chain(history.active(cx, &places).await?).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    entries.dedup_by_key(|entry| entry.id);
    let mut records = Vec::new();
    for entry in entries {
        let is_newest = |place: &&Place| history.at_newest(place).is_some_and(|newest| newest.id == entry.id);
        records.push(Found {
            id: entry.id,
            environment: environment.to_string(),
            places: places.iter().filter(is_newest).cloned().collect(),
            statuses: history.statuses(cx, entry).await?,
        });
    }
    let about = format!("{component} in {environment}");
    Ok(Observed { status: Status::Ended, records, about, earlier: Vec::new(), of_jobs: Vec::new(), took: None })
}
