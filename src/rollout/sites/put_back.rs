//! What users do not get as it was published is taken back: what served before is put in its place.

use std::time::Duration;

use super::changes::changes;
use super::edge::Front;
use super::planned::Switch;
use super::record::Applied;
use super::runtime::read;
use super::switch::switch;
use super::{Found, pointer, read_marker};
use crate::calls::error_line;
use crate::context::Context;
use crate::explain::failure;
use crate::outcome::{Outcome, Step, Verdict};
use crate::site::{Manifest, Pointer, Site, SiteBucket};
use crate::text::message;

/// Putting back may take this long, also after the step's own deadline.
const PUTTING_BACK: Duration = Duration::from_mins(3);
/// The same where a distribution must be Deployed for it.
const DEPLOYING_BACK: Duration = Duration::from_mins(15);
/// How many requests go to S3 at once.
const AT_ONCE: u32 = 32;

/// A site that was switched, and what it had before.
#[derive(Debug)]
pub struct Switched<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its bucket.
    pub bucket: &'a SiteBucket,
    /// What it has now.
    pub wanted: &'a Manifest,
    /// What it had before; `None` where that is not known.
    pub before: Option<&'a Manifest>,
    /// The same as it was found.
    pub found: &'a Found,
    /// The distributions.
    pub fronts: &'a [Front],
    /// What of them can change an answer.
    pub edge: Option<&'a String>,
}

/// How far the step came after users did not get what was published, or nobody could tell.
/// Nothing is taken back that was not judged.
///
/// # Errors
/// The step was cancelled.
pub(super) async fn put_back(
    cx: &Context,
    switched: &Switched<'_>,
    stop: impl Into<crate::outcome::Stop>,
) -> Step<Applied> {
    let ended = failure(&cx.calls.deadline, stop)?;
    let Switched { site, wanted, before, .. } = switched;
    let is_judged = ended.ending.verdict() == Verdict::Fail;
    let Some(before) = before.filter(|_| is_judged) else {
        let reason =
            format!("{}; {site} has release {}, and its record is not a success", ended.reason, wanted.release);
        let ended = Outcome { reason, ..ended };
        let again =
            "or, once that is put right, run this job again: it proves the release again, and records what it finds";
        let ended = if is_judged { ended.advise(again) } else { ended };
        return Ok(if is_judged { Applied::Failed(ended, false) } else { Applied::Unproved(ended) });
    };
    let is_origin = matches!(site.pointer, Some(Pointer::OriginPath(_)));
    let limit = if is_origin { DEPLOYING_BACK } else { PUTTING_BACK };
    let later = &cx.with_deadline(cx.calls.deadline.renew(limit));
    tracing::info!("putting back release {} to {site}", before.release);
    match switch_to(later, switched, before).await {
        Ok(()) => {
            let reason = format!("{}; release {} was put back", ended.reason, before.release);
            Ok(Applied::Failed(Outcome { reason, ..ended }, true))
        }
        Err(error) => {
            let Outcome { reason, advice, .. } = failure(&later.calls.deadline, error)?;
            let reason = message!(
                "site-not-put-back",
                "BAD VERSION STILL SERVES: {}; release {} of {site} could not be put back: {reason}",
                ended.reason,
                before.release
            );
            let fix = format!("run rollback with `to: {}`, which puts it back", before.release);
            Ok(Applied::Failed(Outcome { advice, ..Outcome::bad_version_serves(reason) }.advise(fix), false))
        }
    }
}

async fn switch_to(cx: &Context, switched: &Switched<'_>, before: &Manifest) -> Step<()> {
    let Switched { site, bucket, wanted, fronts, .. } = *switched;
    let found = &read_marker(bucket, site).await.inspect_err(|error| {
        tracing::info!("the marker cannot be read: {}", error_line(error));
    })?;
    if !found.marker.is_at(&wanted.digest) {
        return Err(Outcome::superseded(format!(
            "{site} was changed by somebody else: it has {}",
            found.marker.label()
        ))
        .into());
    }
    // Where there was none before, what is there now harms nobody; what a pointer leads to has its own.
    let earlier = &switched.found.marker.runtime;
    let differs = site.pointer.is_none() && !earlier.is_empty() && found.marker.runtime != *earlier;
    let runtime = differs.then_some(earlier);
    let runtime = match runtime {
        Some(hashes) => Some(read(bucket, site, hashes).await?),
        None => None,
    };
    let changes = &changes(before, (&found.marker, Some(wanted), None), runtime.as_deref().unwrap_or_default());
    let edge = switched.edge.cloned();
    let planned = Switch {
        site,
        bucket,
        found,
        wanted: before,
        changes,
        runtime: runtime.as_deref(),
        fronts,
        edge,
        waits: false,
        at_once: AT_ONCE,
    };
    let marker = match (&found.pointed, &switched.found.pointed) {
        // The very folder that it left.
        (Some(now), Some(left)) if left.folder.is_some() => {
            pointer::lead(cx, &planned, now, left.folder.as_deref().unwrap_or_default()).await?;
            switched.found.marker.clone()
        }
        _ => switch(cx, &planned).await?.0,
    };
    cx.report.serving(format!("{site}: {}", marker.label()));
    Ok(())
}
