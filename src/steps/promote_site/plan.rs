//! What promote-site decides, from what was observed. No I/O.

use url::Url;

use super::PromoteSite;
use super::observe::Observed;
use crate::outcome::Outcome;
use crate::rollout::sites::{Changes, Found, Front};
use crate::site::{Manifest, Site};
use crate::text::message;

/// What is to be done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) source: Site,
    pub(super) found: Found,
    pub(super) wanted: Manifest,
    pub(super) changes: Changes,
    /// The manifest of what serves; `None` where there is none.
    pub(super) serving: Option<Manifest>,
    pub(super) fronts: Vec<Front>,
    /// What of the distributions can change an answer.
    pub(super) edge: Option<String>,
    /// Where the site is read back.
    pub(super) urls: Vec<Url>,
}

impl Plan {
    /// Whether all of it serves already.
    pub(super) fn is_current(&self) -> bool {
        let marker = &self.found.marker;
        marker.is_at(&self.wanted.digest)
            && self.found.is_settled()
            && self.changes.count() == 0
            && marker.edge == self.edge
    }
}

/// What the promotion changes over what serves.
///
/// # Errors
/// A refusal: the source is not what was proved, an asset would have two contents, or something else serves than was expected.
pub(super) fn plan(step: &PromoteSite, site: &Site, observed: Observed) -> Result<Plan, Outcome> {
    let Observed { source, found, wanted, serving, changes, fronts, edge, lacking } = observed;
    if let Some(first) = lacking.iter().next() {
        return Err(Outcome::fail(message!(
            "source-differs",
            "/{first} of {source} is not what the manifest of release {} says ({} in all): nothing was written",
            wanted.release,
            lacking.len()
        ))
        .advise("it was changed since it was proved: publish the release there again, and test it"));
    }
    if let Some((path, there, comes)) = changes.clashes.first() {
        return Err(Outcome::fail(format!(
            "/{path} is at the target with sha256:{there}, and comes with sha256:{comes}: a file that is named after its content never changes"
        ))
        .advise("let the build name it after its content"));
    }
    let urls = step.edge.urls(&fronts);
    let plan = Plan { source, found, wanted, changes, serving, fronts, edge, urls };
    match &step.expected_current {
        Some(expected) if !plan.is_current() && plan.found.marker.release.as_ref() != Some(expected) => {
            Err(Outcome::superseded(format!(
                "{site} has {}, not release {expected}, as `expected-current` says: nothing was written",
                plan.found.marker.label()
            ))
            .advise("look at what serves there; if it is to be replaced, correct `expected-current`"))
        }
        _ => Ok(plan),
    }
}
