//! What publish-site decides, from what was observed. No I/O.

use url::Url;

use super::PublishSite;
use super::observe::Observed;
use crate::outcome::Outcome;
use crate::rollout::sites::{Changes, Found, Front, Runtime, changes};
use crate::site::{Manifest, Site};
use crate::text::message;

/// What is to be done.
#[derive(Debug)]
pub(super) struct Plan {
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
        let found = &self.found;
        found.marker.is_at(&self.wanted.digest)
            && found.is_settled()
            && self.changes.count() == 0
            && !self.edge_changed()
    }

    /// Whether what changes answers at the edge is other code than when the site was published.
    pub(super) fn edge_changed(&self) -> bool {
        let marker = &self.found.marker;
        marker.release.is_some() && marker.edge != self.edge
    }
}

/// What the release changes over what serves.
///
/// # Errors
/// A refusal: an asset of one name would have two contents.
pub(super) fn plan(step: &PublishSite, site: &Site, observed: Observed) -> Result<Plan, Outcome> {
    let Observed { found, wanted, serving, leftover, fronts, edge } = observed;
    let runtime: &[Runtime] = step.edge.runtime_config.as_ref().map_or(&[], |config| &config.0);
    let changes = changes(&wanted, (&found.marker, serving.as_ref(), leftover.as_ref()), runtime);
    if let Some((path, there, comes)) = changes.clashes.first() {
        return Err(clash(site, path, there, comes));
    }
    let urls = step.edge.urls(&fronts);
    Ok(Plan { found, wanted, changes, serving, fronts, edge, urls })
}

/// An asset of one name and two contents.
pub(super) fn clash(site: &Site, path: &str, there: &str, comes: &str) -> Outcome {
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    Outcome::fail(message!(
        "asset-changed",
        "/{path} of {site} holds sha256:{}, and comes with sha256:{}: a file that is named after its content never changes",
        short(there),
        short(comes)
    ))
    .advise("let the build name it after its content (`[hash]` in its file names); or if its name holds no hash, leave it out of `hashed`")
}
