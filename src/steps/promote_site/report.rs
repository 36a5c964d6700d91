//! What promote-site reports: before the first write, and when it is done.

use super::plan::Plan;
use crate::aws::Location;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::record::Target;
use crate::rollout::sites;
use crate::site::Site;
use crate::text::number_of;

/// The site as the record has it.
pub(super) fn target(location: &Location, site: &Site, plan: &Plan) -> Target {
    sites::target(location, site, &plan.fronts, &plan.wanted, sites::previous(&plan.found.marker))
}

/// Says what will happen.
pub(super) fn announce(cx: &Context, site: &Site, plan: &Plan) {
    let (changes, wanted) = (&plan.changes, &plan.wanted);
    sites::check_before(cx, site, &plan.found.marker, wanted);
    tracing::info!(
        "{} to {site}: release {}, {} to copy, {} to replace, {} unchanged",
        plan.source,
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
pub(super) fn set_outputs(cx: &Context, plan: &Plan) -> Result<(), Outcome> {
    let wanted = &plan.wanted;
    cx.report.value("release", wanted.release.to_string())?;
    cx.report.value("digest", wanted.digest.to_string())?;
    let previous = plan.found.marker.release.as_ref().filter(|release| **release != wanted.release);
    cx.report.value("previous-release", previous.map(ToString::to_string).unwrap_or_default())?;
    cx.report.output("copied", "0");
    cx.report.output("unchanged", plan.changes.unchanged.to_string());
    cx.report.output("site-url", plan.urls.first().map(ToString::to_string).unwrap_or_default());
    Ok(())
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, site: &Site, plan: &Plan) -> Outcome {
    cx.report.note_change();
    cx.report.serving(format!("{site}: {}", plan.found.marker.label()));
    Outcome::pass(format!(
        "dry run, nothing was changed: {site} would get release {}, {} of {} would be copied",
        plan.wanted.release,
        plan.changes.count(),
        number_of(plan.wanted.files.len(), "file")
    ))
}
