//! A site as a place of a rollback.

use std::fmt;

use super::super::place::{Place, Revision};
use crate::aws::Location;
use crate::record;
use crate::rollout::sites::{Found, Front};
use crate::site::Site;

/// A site.
#[derive(Clone, Debug)]
pub(in crate::steps::rollback) struct SitePlace {
    pub(in crate::steps::rollback) site: Site,
    /// What says which release serves.
    pub(in crate::steps::rollback) found: Found,
    /// The distributions in front of it.
    pub(in crate::steps::rollback) fronts: Vec<Front>,
    pub(in crate::steps::rollback) edge: Option<String>,
}

impl Place for SitePlace {
    const NAME_ANOTHER: &'static [&'static str] =
        &["name it with the input `to`: a release, a tag, a commit or a deployment of the record"];

    fn in_records(&self, location: &Location) -> record::Place {
        record::Place::of_site(location, &self.site)
    }

    fn serves(&self) -> Option<Revision> {
        self.found.marker.release.clone().map(Revision::Release)
    }

    fn serving(&self) -> Option<Revision> {
        self.serves()
    }

    fn is_on_its_way(&self, _point: &Revision) -> bool {
        false
    }

    /// True when documents of another release were on their way when that ended.
    fn is_doubtful(&self) -> bool {
        self.found.marker.next.is_some() || !self.found.is_settled()
    }

    fn serves_only(&self, point: &Revision) -> bool {
        !self.is_doubtful() && self.serves().as_ref() == Some(point)
    }

    fn label(&self) -> String {
        self.found.marker.label()
    }
}

impl fmt::Display for SitePlace {
    /// `shop-site-prd/live`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.site.fmt(f)
    }
}
