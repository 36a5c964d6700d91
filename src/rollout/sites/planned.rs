//! A switch as it was planned, and what every way of carrying it out shares.

use super::Found;
use super::changes::Changes;
use super::edge::Front;
use super::runtime::Runtime;
use crate::outcome::Outcome;
use crate::site::{Manifest, Marker, Site, SiteBucket};
use crate::text::message;

/// A switch that was planned.
#[derive(Debug)]
pub struct Switch<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its bucket.
    pub bucket: &'a SiteBucket,
    /// The marker as it was found.
    pub found: &'a Found,
    /// The release that is to serve.
    pub wanted: &'a Manifest,
    /// What it changes.
    pub changes: &'a Changes,
    /// What belongs to the environment; `None`: it stays as it is.
    pub runtime: Option<&'a [Runtime]>,
    /// The distributions.
    pub fronts: &'a [Front],
    /// What of them can change an answer.
    pub edge: Option<String>,
    /// Whether invalidations are waited for.
    pub waits: bool,
    /// How many requests at once.
    pub at_once: u32,
}

/// Somebody else publishes there.
pub(super) fn superseded(site: &Site, now: &Marker) -> Outcome {
    let by = now.next.as_ref().and_then(|next| next.run).map_or_else(String::new, |run| format!(", by run {run}"));
    Outcome::superseded(message!(
        "site-changed-in-between",
        "{site} was changed by somebody else between the reading and the write: it has {}{by}",
        now.label()
    ))
    .advise("look at what serves there; run this job again if it is still to be published")
    .advise("let one wait for the other: give both jobs the same `concurrency: {group: .., cancel-in-progress: false}`")
}
