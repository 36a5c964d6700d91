//! The switch of a site to another release. The marker is claimed first, so that of two publishers one writes no document; documents are
//! put in their places from content that lies in the bucket already, those that name others last; then the marker says that all is there.
//! A site with a pointer is switched by that: `pointer`.

use anyhow::{Context as _, Result, anyhow};

use super::edge::{INVALIDATING, invalidate, wait};
use super::planned::{Switch, superseded};
use super::runtime::{hashes, keep, put_json};
use super::{Found, each, pointer, read_marker};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::record;
use crate::site::{DistributionId, File, FileKind, Guard, Manifest, Marker, Next, Put, Site, SiteBucket};
use crate::text::message;

/// What serves, beside what is to.
pub fn check_before(cx: &Context, site: &Site, found: &Marker, wanted: &Manifest) {
    let required = format!("to become release {} ({})", wanted.release, wanted.digest.short());
    cx.report.check(format!("{site} before the switch"), found.label(), required, Verdict::Pass, "s3:GetObject");
}

/// Carries it out; with the marker that serves, and the paths that edges were told to forget.
///
/// # Errors
/// Somebody else publishes there; or S3 or `CloudFront` refuses.
pub async fn switch(cx: &Context, switch: &Switch<'_>) -> Step<(Marker, usize)> {
    let Switch { bucket, wanted, changes, .. } = *switch;
    if let Some(pointed) = &switch.found.pointed {
        return pointer::switch(cx, switch, pointed).await;
    }
    let claimed = claim(cx, switch).await?;
    let place = async |file: File| {
        let content = switch.site.content_key(&file.sha256);
        let arrived = bucket.copy(&content, &switch.site.key(&file.path), &file.meta, &Guard::Claimed).await?;
        if arrived.as_ref() == Some(&file.sha256) {
            return Ok(());
        }
        Err(anyhow!("the content kept of {} was changed by hand: {content} is not what its name says", file.path))
    };
    let place = &place;
    let belongs = switch.runtime.map_or_else(|| switch.found.marker.runtime.clone(), hashes);
    keep(bucket, switch.site, &wanted.release, (&belongs, switch.runtime.unwrap_or_default())).await?;
    let of = |kind: FileKind| changes.documents.iter().filter(move |file| file.kind == kind).cloned();
    each(of(FileKind::Document), switch.at_once, place).await?;
    let runtime = switch.runtime.unwrap_or_default().iter().filter(|one| changes.runtime.contains(&one.path));
    for one in runtime.clone() {
        bucket.put(&switch.site.key(&one.path), &one.body(), &one.sha256, &one.meta(), &Guard::Claimed).await?;
    }
    each(of(FileKind::Entry), switch.at_once, place).await?;
    let serial = switch.found.marker.serial + 1;
    let paths = paths(switch);
    let reference = format!("{}\n{}\n{serial}", switch.site, wanted.digest);
    let begun: Vec<(DistributionId, String)> = invalidate(cx, switch.fronts, &paths, &reference).await?;
    let marker = Marker {
        release: Some(wanted.release.clone()),
        digest: Some(wanted.digest.clone()),
        commit: wanted.commit.clone(),
        serial,
        edge: switch.edge.clone(),
        runtime: belongs,
        ..Marker::empty()
    };
    write(switch, &marker, &claimed).await?;
    if switch.waits {
        wait(cx, &begun, INVALIDATING).await?;
    }
    Ok((marker, if switch.fronts.is_empty() { 0 } else { paths.len() }))
}

/// What edges are to forget: what changed, or everything where what changes answers at the edge has changed.
fn paths(switch: &Switch<'_>) -> Vec<String> {
    let before = &switch.found.marker;
    if before.release.is_some() && before.edge != switch.edge {
        return vec!["/*".to_owned()];
    }
    switch.changes.paths(switch.site.marker.path())
}

/// Says in the marker what is on its way, so that nobody else begins.
async fn claim(cx: &Context, switch: &Switch<'_>) -> Step<Guard> {
    let next = Next {
        release: switch.wanted.release.clone(),
        digest: switch.wanted.digest.clone(),
        run: record::this_run(cx).map(|run| run.id),
    };
    let marker = Marker { next: Some(next), ..switch.found.marker.clone() };
    write(switch, &marker, &switch.found.guard).await
}

/// Writes the marker over the one that is known; what the next write of it is guarded by.
async fn write(switch: &Switch<'_>, marker: &Marker, guard: &Guard) -> Step<Guard> {
    let Switch { bucket, site, .. } = *switch;
    if let Put::Done(etag) = put_json(bucket, &site.marker_key(), marker.write()?, guard).await? {
        return Ok(Guard::Is(etag));
    }
    let now = read_marker(bucket, site).await.context("read the marker again, which was changed in between")?;
    // The answer to a write that was carried out was lost, and sent again it met itself.
    if now.marker == *marker {
        return Ok(now.guard);
    }
    Err(superseded(site, &now.marker).into())
}

/// Refuses to take a site over from somebody who may still be at work: where no record says whether that run is over, a claim is left alone
/// for as long as a step has.
///
/// # Errors
/// A refusal.
pub fn check_claim(cx: &Context, site: &Site, found: &Found, knows_others: bool) -> Result<(), Outcome> {
    const AT_WORK: time::Duration = time::Duration::minutes(15);
    let Some(next) = &found.marker.next else { return Ok(()) };
    let own = record::this_run(cx).map(|run| run.id);
    if knows_others || next.run == own && own.is_some() || found.age > AT_WORK {
        tracing::info!("{site}: release {} was on its way and did not get there: it is taken over", next.release);
        return Ok(());
    }
    let by = next.run.map_or_else(|| "at a terminal".to_owned(), |run| format!("by run {run}"));
    Err(Outcome::superseded(message!(
        "site-claimed",
        "release {} is being put to {site} {by}, since {}s: nothing was written",
        next.release,
        found.age.whole_seconds().max(0)
    ))
    .advise("if that is over, run this job again 15 minutes after it began; with a record (`environment`, `deployments: write`) nobody has to wait"))
}

/// The manifest of a release is written once. One that is there already must be the same.
///
/// # Errors
/// Another one is there; or S3 refuses.
pub async fn put_manifest(bucket: &SiteBucket, site: &Site, manifest: &Manifest) -> Result<()> {
    let key = site.manifest_key(&manifest.release);
    if let Put::Done(_) = put_json(bucket, &key, manifest.write()?, &Guard::New).await? {
        return Ok(());
    }
    let there = super::read_manifest(bucket, site, &manifest.release).await?;
    match there {
        Some(there) if there.digest == manifest.digest => Ok(()),
        _ => Err(anyhow!("release {} of {site} was published with other content at the same time", manifest.release)),
    }
}
