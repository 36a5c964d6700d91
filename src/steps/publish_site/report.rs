//! What publish-site reports: before the first write, and when it is done.

use super::plan::Plan;
use super::source::Source;
use crate::aws::Location;
use crate::context::Context;
use crate::outcome::Outcome;
use crate::record::Target;
use crate::rollout::sites;
use crate::site::Site;
use crate::text::{Foreign, LONGEST, number_of};

/// So many names of one kind are shown.
const SHOWN: usize = 20;

/// The site as the record has it.
pub(super) fn target(location: &Location, site: &Site, plan: &Plan) -> Target {
    sites::target(location, site, &plan.fronts, &plan.wanted, sites::previous(&plan.found.marker))
}

/// Says what will happen.
pub(super) fn announce(cx: &Context, site: &Site, source: &Source, plan: &Plan) {
    let (changes, wanted) = (&plan.changes, &plan.wanted);
    sites::check_before(cx, site, &plan.found.marker, wanted);
    tracing::info!(
        "{site}: {} new, {} to replace, {} unchanged",
        number_of(changes.assets.len(), "asset"),
        number_of(changes.documents.len() + changes.runtime.len(), "document"),
        changes.unchanged
    );
    let names = |all: &mut dyn Iterator<Item = &str>| {
        let each = all.map(|path| Foreign::new(path).for_record(LONGEST)).take(SHOWN);
        each.collect::<Vec<_>>()
    };
    let mut replaced = changes.documents.iter().map(|file| file.path.as_str());
    cx.report.section("Documents that change", names(&mut replaced));
    if !changes.headers_only.is_empty() {
        let mut paths = changes.headers_only.iter().map(String::as_str);
        for path in names(&mut paths) {
            tracing::info!("  {path}: only its header fields change");
        }
    }
    if plan.edge_changed() {
        tracing::info!("{site}: what changes answers at the edge was changed since: everything is invalidated");
    }
    let mut left_out = source.left_out.iter().map(String::as_str);
    for line in names(&mut left_out) {
        tracing::info!("  left out: {line}");
    }
    if !source.unknown_types.is_empty() {
        let mut paths = source.unknown_types.iter().map(String::as_str);
        cx.report.warn(format!(
            "the content type of {} is not known ({}): `application/octet-stream`, unless `headers` says otherwise",
            number_of(source.unknown_types.len(), "file"),
            names(&mut paths).iter().take(3).cloned().collect::<Vec<_>>().join(", ")
        ));
    }
}

/// The outputs that later steps take.
///
/// # Errors
/// One would have to be cut.
pub(super) fn set_outputs(cx: &Context, plan: &Plan) -> Result<(), Outcome> {
    let (wanted, changes) = (&plan.wanted, &plan.changes);
    cx.report.value("release", wanted.release.to_string())?;
    cx.report.value("digest", wanted.digest.to_string())?;
    let previous = plan.found.marker.release.as_ref().filter(|release| **release != wanted.release);
    cx.report.value("previous-release", previous.map(ToString::to_string).unwrap_or_default())?;
    cx.report.output("unchanged", changes.unchanged.to_string());
    cx.report.output("site-url", plan.urls.first().map(ToString::to_string).unwrap_or_default());
    Ok(())
}

/// What was sent before the switch.
pub(super) fn sent(cx: &Context, plan: &Plan, files: usize, bytes: u64) {
    tracing::info!("sent {} with {bytes} bytes", number_of(files, "file"));
    cx.report.output("uploaded", files.to_string());
    cx.report.output("bytes", bytes.to_string());
    let total = plan.wanted.files.len();
    cx.report.output("unchanged", total.saturating_sub(files).to_string());
}

/// A dry run.
pub(super) fn not_applied(cx: &Context, site: &Site, plan: &Plan) -> Outcome {
    cx.report.note_change();
    cx.report.serving(format!("{site}: {}", plan.found.marker.label()));
    Outcome::pass(format!(
        "dry run, nothing was changed: {site} would get release {}, {} of {} would be sent",
        plan.wanted.release,
        plan.changes.count(),
        number_of(plan.wanted.files.len(), "file")
    ))
}
