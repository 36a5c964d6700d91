//! How a service goes back, from what was found. No I/O.

use std::collections::BTreeMap;

use super::super::known_releases::KnownReleases;
use super::super::place::{Known, Revision, ServicePlace};
use super::super::plan::Source;
use crate::action::inputs::CommitSha;
use crate::ecs::{self, ContainerName, Definition};
use crate::oci::Digest;
use crate::outcome::Outcome;
use crate::rollout::services::{AtPause, Goal, Until, Way, check_deployable};
use crate::text::message;

/// Users have what was there before as soon as the traffic is back: its bake time is not waited for.
pub(super) const WAY: Way = Way { until: Until::TrafficShifted, at_pause: AtPause::Wait, drained: false };

/// What is to be gone back to, as it was found.
#[derive(Debug)]
pub(super) struct Found {
    /// The task definition, with each image by the digest that ran.
    pub(super) wanted: Definition,
    /// Whether it is there like this, and ACTIVE.
    pub(super) is_there: bool,
    /// The newest revision of its family.
    pub(super) newest: Option<ecs::Revision>,
    /// What must run, by container; those of which nothing is known are left out.
    pub(super) images: BTreeMap<ContainerName, Digest>,
    /// An image that its registry does not have any more.
    pub(super) gone: Option<String>,
}

/// A service that goes back.
#[derive(Debug)]
pub(super) struct Going {
    pub(super) place: ServicePlace,
    /// What it is to have, as it was named.
    pub(super) to: ecs::Revision,
    pub(super) source: Source,
    /// Who says what it holds.
    pub(super) known: Known,
    pub(super) found: Found,
    /// What ends its deployment, where one is on its way.
    pub(super) first: Option<First>,
}

/// How a deployment that is on its way ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// It goes back already.
    Wait,
    /// `StopServiceDeployment`, to roll it back.
    Stop,
    /// It waits at this hook: the answer rolls it back.
    Answer(String),
}

impl Going {
    /// As records name it.
    pub(super) fn point(&self) -> Revision {
        Revision::Definition(self.to.clone())
    }

    /// What follows of it.
    pub(super) fn goal(&self, revision: ecs::Revision) -> Goal {
        Goal { revision, images: self.found.images.clone(), before: Some(self.place.has.clone()) }
    }

    /// The commit of what is gone back to.
    pub(super) fn commit(&self, releases: &KnownReleases<'_>) -> Option<CommitSha> {
        let known = self.known.holds.iter().find_map(|holds| holds.commit.clone());
        known.or_else(|| releases.commit(&self.place, &self.point())).or_else(|| self.found.wanted.commit())
    }

    /// True when ECS brings it back by itself, once its deployment is ended.
    pub(super) fn comes_back_by_itself(&self) -> bool {
        self.first.is_some() && self.place.runs().as_ref() == Some(&self.to)
    }
}

/// What is gone back to must be there, and be able to start.
pub(super) fn going(place: ServicePlace, known: Known, source: Source, found: Found) -> Result<Going, Outcome> {
    let Revision::Definition(to) = known.point.clone() else {
        return Err(Outcome::error(format!("{} is no task definition: this is a bug, please report it", known.point)));
    };
    check_deployable(&place.service)?;
    let first = place.open().map(|open| match open.paused_at() {
        _ if open.status.goes_back() => First::Wait,
        Some(hook) => First::Answer(hook.hook_id.clone()),
        None => First::Stop,
    });
    let going = Going { place, to, source, known, found, first };
    if let Some(image) = going.found.gone.as_ref().filter(|_| !going.comes_back_by_itself()) {
        return Err(Outcome::fail(message!(
            "image-of-task-gone",
            "the image {image} of {}, to go back to, is gone from its repository: its tasks would not start; nothing was written",
            going.to
        ))
        .advise("name another release with the input `to`, or promote the image into its repository again"));
    }
    Ok(going)
}
