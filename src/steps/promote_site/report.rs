//! What promote-site reports: before the first write, and when it is done.

use super::observe::Observed;
use crate::aws::Location;
use crate::context::Context;
use crate::outcome::{Outcome, Verdict};
use crate::record::Target;
use crate::rollout::sites;
use crate::site::Site;
use crate::text::number_of;

/// The site as the record has it.
pub(super) fn target(location: &Location, site: &Site, observed: &Observed) -> Target {
    sites::target(location, site, &observed.wanted, sites::previous(&observed.found.marker))
}

/// Says what will happen.
pub(super) fn announce(cx: &Context, site: &Site, observed: &Observed) {
    let (marker, changes, wanted) = (&observed.found.marker, &observed.changes, &observed.wanted);
    let required = format!("release {} ({})", wanted.release, wanted.digest.short());
    cx.report.check(format!("{site} before"), marker.label(), required, Verdict::Pass, "s3:GetObject");
    tracing::info!(
        "{} to {site}: release {}, {} to copy, {} to replace, {} unchanged",
        observed.source,
        wanted.release,
        number_of(changes.assets.len(), "asset"),
        number_of(changes.documents.len() + changes.runtime.len(), "document"),
        changes.unchanged
    );
}

/// The outputs that later steps take.
///
/// # Errors
/// One would have to be cut.
pub(super) fn set_outputs(cx: &Context, observed: &Observed) -> Result<(), Outcome> {
    let wanted = &observed.wanted;
    cx.report.value("release", wanted.release.to_string())?;
    cx.report.value("digest", wanted.digest.to_string())?;
    let previous = observed.found.marker.release.as_ref().filter(|release| **release != wanted.release);
    cx.report.value("previous-release", previous.map(ToString::to_string).unwrap_or_default())?;
    cx.report.output("copied", "0");
    cx.report.output("unchanged", observed.changes.unchanged.to_string());
    cx.report.output("site-url", observed.urls.first().map(ToString::to_string).unwrap_or_default());
    Ok(())
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, site: &Site, observed: &Observed) -> Outcome {
    cx.report.note_change();
    cx.report.serving(format!("{site}: {}", observed.found.marker.label()));
    Outcome::pass(format!(
        "dry run, nothing was changed: {site} would get release {}, {} of {} would be copied",
        observed.wanted.release,
        observed.changes.count(),
        number_of(observed.wanted.files.len(), "file")
    ))
}
