//! A site in the record.

use std::time::Duration;

use super::edge::Front;
use crate::aws::Location;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record::status_line::Figure;
use crate::record::{History, Kind, Place, Previous, Record, RecordInputs, Release, Target};
use crate::rollout::state::hand_over;
use crate::site::{Manifest, Marker, MarkerPath, Site};

/// The record is ended in this time, also after the step's own deadline.
pub(super) const RECORDING: Duration = Duration::from_mins(1);

/// What a switch leaves.
#[must_use]
pub fn previous(marker: &Marker) -> Option<Previous> {
    marker.release.as_ref()?;
    Some(Previous { release: marker.release.clone(), digest: marker.digest.clone(), ..Previous::default() })
}

/// What a switch brings to a site, and what is needed to take it back.
#[must_use]
pub fn target(
    location: &Location,
    site: &Site,
    fronts: &[Front],
    wanted: &Manifest,
    previous: Option<Previous>,
) -> Target {
    Target {
        distributions: fronts.iter().map(|front| front.id.clone()).collect(),
        marker: Some(site.marker.clone()).filter(|marker| *marker != MarkerPath::usual()),
        release: Some(wanted.release.clone()),
        digest: Some(wanted.digest.clone()),
        commit: wanted.commit.clone(),
        previous,
        ..Target::new(Place::of_site(location, site), None, None)
    }
}

/// Hands over what is replaced, and opens the record: before the first write.
///
/// # Errors
/// The record is required and cannot be made.
pub async fn open_record(
    cx: &Context,
    inputs: &RecordInputs,
    step: &'static str,
    target: Target,
    history: Option<History>,
) -> Step<Option<Record>> {
    let targets = vec![target];
    let floor = inputs.floor_above(history.as_ref(), &targets);
    hand_over(cx, targets.clone(), floor.clone())?;
    let release = Release {
        kind: Kind::Deploy,
        commit: targets.iter().find_map(|target| target.commit.clone()),
        proof: None,
        description: step,
        undone: Vec::new(),
        history,
    };
    let record = Record::open(cx, inputs, release, targets.clone(), &targets).await?;
    if let Some(record) = &record {
        hand_over(cx, record.targets().to_vec(), floor)?;
    }
    Ok(record)
}

/// How far a publication came.
#[derive(Debug)]
pub enum Applied {
    /// Users get it.
    Done(Marker),
    /// It failed; and whether what served before was put back.
    Failed(Outcome, bool),
    /// It is there, and nobody could tell what users get.
    Unproved(Outcome),
}

/// How the step ends, and with it the record.
pub(super) async fn conclude(
    cx: &Context,
    site: &Site,
    applied: Applied,
    record: Option<Record>,
    (step, figures): (&str, &[Figure]),
) -> Outcome {
    let later = &cx.with_deadline(cx.calls.deadline.renew(RECORDING));
    match applied {
        Applied::Done(marker) => {
            if let Some(record) = record {
                record.succeed(later, step, figures).await;
            }
            Outcome::pass(format!("{site} has {}", marker.label()))
        }
        Applied::Failed(ended, is_back) => {
            match record {
                // What was put back is held: the same commit does not come again by itself.
                Some(record) if is_back => record.take_back(later, step, &ended).await,
                Some(record) => record.fail(later, step, &ended).await,
                None => {}
            }
            ended
        }
        // The record stays open: the next attempt looks again, and ends it.
        Applied::Unproved(ended) => {
            ended.advise("run this job again: it looks again at what users get, and ends the record")
        }
    }
}
