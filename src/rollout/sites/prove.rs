//! The proof: what users are answered.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use url::Url;

use super::each;
use crate::calls::poll::{Look, poll};
use crate::calls::{Calls, Ended, error_line};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::site::{File, Manifest, Marker, Site, SiteBucket, Viewer};
use crate::text::message;

/// Users must get the release after so long at most.
const ARRIVING: Duration = Duration::from_mins(3);

/// Reads the site back where users read it: the marker, the first page, an asset that it names, and what becomes of a file that is not there.
///
/// # Errors
/// A failure naming the address where something else is answered.
pub async fn prove(
    cx: &Context,
    site: &Site,
    urls: &[Url],
    (wanted, marker): (&Manifest, &Marker),
    require_404: bool,
) -> Step<()> {
    for url in urls {
        let viewer = Viewer::of(url)?;
        let page = arrived(cx, site, &viewer, wanted, marker).await?;
        if let Some(page) = page {
            asset(cx, &viewer, wanted, &page).await?;
        }
        missing(cx, &viewer, wanted, require_404).await?;
    }
    Ok(())
}

/// Waits until users get the release; with its first page.
async fn arrived(
    cx: &Context,
    site: &Site,
    viewer: &Viewer,
    wanted: &Manifest,
    marker: &Marker,
) -> Step<Option<Vec<u8>>> {
    let limit = ARRIVING.min(cx.calls.deadline.remaining().mul_f32(0.8));
    let deadline = cx.calls.deadline.at_most(limit);
    let calls = &cx.calls.until(deadline.clone());
    let (name, required) = (format!("{} at {}", site.marker.as_str(), viewer.root()), marker.label());
    let mut last = String::new();
    let what = format!("the release at {}", viewer.root());
    let looked = poll(&deadline, &what, async || {
        let found = look(calls, site, viewer, wanted, marker).await;
        let found = found.unwrap_or_else(|error| Err(error_line(&error)));
        Ok(match found {
            Ok(page) => Look::Done(page),
            Err(why) => {
                last.clone_from(&why);
                Look::NotYet(why)
            }
        })
    });
    match looked.await {
        Ok(page) => {
            cx.report.check(name, required.clone(), required, Verdict::Pass, "viewer");
            Ok(page)
        }
        Err(error) if Ended::by_deadline(&error) => {
            cx.report.check(name, last.clone(), required, Verdict::Fail, "viewer");
            Err(Outcome::fail(message!(
                "site-not-seen",
                "{} does not answer release {}: {last}",
                viewer.root(),
                wanted.release
            ))
            .advise("look at what the distribution keeps and reads (`distribution`, `prefix`, its cache policy), or correct `url`")
            .advise("`rollback` with `bucket` puts back what served before")
            .into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The first page, once the release is there; else why not.
async fn look(
    calls: &Calls,
    site: &Site,
    viewer: &Viewer,
    wanted: &Manifest,
    marker: &Marker,
) -> Result<Result<Option<Vec<u8>>, String>> {
    let seen = viewer.see(calls, site.marker.path()).await?;
    let read = (seen.status == 200).then(|| Marker::read(&seen.body));
    match read {
        Some(Ok(there)) if there == *marker => {}
        Some(Ok(there)) => return Ok(Err(format!("its marker says {}", there.label()))),
        Some(Err(_)) => return Ok(Err("its marker is something else".to_owned())),
        None => return Ok(Err(format!("its marker is answered with {}", seen.status))),
    }
    let Some(entry) = wanted.first_entry() else { return Ok(Ok(None)) };
    let seen = viewer.see(calls, &entry.path).await?;
    Ok(match seen.status {
        200 if seen.sha256() == entry.sha256 => Ok(Some(seen.body)),
        200 => Err(format!("/{} is another page", entry.path)),
        status => Err(format!("/{} is answered with {status}", entry.path)),
    })
}

/// An asset that the page names must be there, with its own content.
async fn asset(cx: &Context, viewer: &Viewer, wanted: &Manifest, page: &[u8]) -> Step<()> {
    let text = String::from_utf8_lossy(page);
    let Some(asset) = wanted.assets().find(|asset| text.contains(asset.path.rsplit('/').next().unwrap_or_default()))
    else {
        return Ok(());
    };
    let seen = viewer.see(&cx.calls, &asset.path).await?;
    let good = seen.status == 200 && seen.sha256() == asset.sha256;
    let observed = if good { "as published".to_owned() } else { format!("{} {}", seen.status, seen.content_type) };
    let verdict = if good { Verdict::Pass } else { Verdict::Fail };
    cx.report.check(
        format!("/{} at {}", asset.path, viewer.root()),
        observed.clone(),
        "as published",
        verdict,
        "viewer",
    );
    if good {
        return Ok(());
    }
    Err(Outcome::fail(message!(
        "asset-not-seen",
        "the first page names /{}, and {} answers it with {observed}",
        asset.path,
        viewer.root()
    ))
    .advise("look at the cache behaviours of the distribution: the path must lead to the same bucket and prefix")
    .into())
}

/// A page in the place of a file that is not there breaks tabs that are open: they read HTML where they expect code.
async fn missing(cx: &Context, viewer: &Viewer, wanted: &Manifest, require_404: bool) -> Step<()> {
    let folder = wanted.assets().next().and_then(|asset| asset.path.rsplit_once('/')).map(|(folder, _)| folder);
    let folder = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
    let path = format!("{folder}deploy-action-{}.js", wanted.digest.hex().chars().take(12).collect::<String>());
    let seen = viewer.see(&cx.calls, &path).await?;
    let name = format!("a missing file at {}", viewer.root());
    let observed = format!("{} {}", seen.status, seen.content_type);
    if seen.status != 200 {
        cx.report.check(name, observed, "not 200", Verdict::Pass, "viewer");
        return Ok(());
    }
    let what = message!(
        "missing-file-answered",
        "{} answers a file that is not there with {observed}: a tab that is open reads the page where it expects code",
        viewer.root()
    );
    cx.report.check(
        name,
        observed,
        "not 200",
        if require_404 { Verdict::Fail } else { Verdict::Inconclusive },
        "viewer",
    );
    let fix = "let the error page of the distribution be for paths of pages only (a function that rewrites those without a dot), not for 403 and 404";
    if require_404 {
        return Err(Outcome::fail(what).advise(fix).into());
    }
    cx.report.warn(format!("{what}; {fix}"));
    Ok(())
}

/// The files that are not at their keys, or hold something else there.
///
/// # Errors
/// S3 refuses.
pub async fn lacking<'f>(
    bucket: &SiteBucket,
    files: impl IntoIterator<Item = (String, &'f File)>,
    at_once: u32,
) -> Result<BTreeSet<String>> {
    let lacking = RefCell::new(BTreeSet::new());
    let look = async |(key, file): (String, &File)| {
        if bucket.sha256(&key).await?.as_ref() != Some(&file.sha256) {
            lacking.borrow_mut().insert(file.path.clone());
        }
        Ok(())
    };
    let look = &look;
    each(files, at_once, |one| look(one)).await?;
    Ok(lacking.into_inner())
}
