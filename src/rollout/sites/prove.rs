//! The proof: what users are answered.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, ensure};
use url::Url;

use super::each;
use crate::calls::poll::{Look, poll};
use crate::calls::{Calls, Ended, error_line};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::site::{File, FileKind, Manifest, Marker, Seen, Site, SiteBucket, Viewer};
use crate::text::message;

/// Users must get the release after so long at most.
const ARRIVING: Duration = Duration::from_mins(1);

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
        if site.pointer.is_some() {
            document(cx, &viewer, wanted).await?;
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
    let (mut last, mut is_answer) = (String::new(), false);
    let what = format!("the release at {}", viewer.root());
    let looked = poll(&deadline, &what, async || {
        let found = look(calls, site, viewer, wanted, marker).await;
        Ok(match found {
            Ok(Ok(page)) => Look::Done(page),
            Ok(Err(why)) => {
                (last, is_answer) = (why.clone(), true);
                Look::NotYet(why)
            }
            // The time passed in the middle of a look: what was answered before counts.
            Err(error) if Ended::by_deadline(&error) => return Err(error),
            Err(error) => {
                (last, is_answer) = (error_line(&error), false);
                Look::NotYet(last.clone())
            }
        })
    });
    match looked.await {
        Ok(page) => {
            cx.report.check(name, required.clone(), required, Verdict::Pass, "viewer");
            Ok(page)
        }
        Err(error) if Ended::by_deadline(&error) && !is_answer => {
            cx.report.check(name, last.clone(), required, Verdict::Error, "viewer");
            Err(Outcome::error(format!("what {} answers could not be determined: {last}", viewer.root()))
                .advise("look at the address: `url`, or the domain name of the distribution")
                .into())
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

/// An answer, unless it is one of a server in trouble, which says nothing of the site.
fn able(seen: Seen) -> Result<Seen> {
    let says = seen.status < 400 || matches!(seen.status, 403 | 404 | 410);
    ensure!(says, "it is answered with {}", seen.status);
    Ok(seen)
}

/// The first page, once the release is there; else why not.
async fn look(
    calls: &Calls,
    site: &Site,
    viewer: &Viewer,
    wanted: &Manifest,
    marker: &Marker,
) -> Result<Result<Option<Vec<u8>>, String>> {
    let seen = able(viewer.see(calls, site.marker.path()).await?)?;
    let read = (seen.status == 200).then(|| Marker::read(&seen.body));
    match read {
        Some(Ok(there)) if there == *marker => {}
        Some(Ok(there)) => return Ok(Err(format!("its marker says {}", there.label()))),
        Some(Err(_)) => return Ok(Err("its marker is something else".to_owned())),
        None => return Ok(Err(format!("its marker is answered with {}", seen.status))),
    }
    let Some(entry) = wanted.first_entry() else { return Ok(Ok(None)) };
    let seen = able(viewer.see(calls, &entry.path).await?)?;
    Ok(match seen.status {
        200 if seen.sha256() == entry.sha256 => Ok(Some(seen.body)),
        200 => Err(format!("/{} is another page", entry.path)),
        status => Err(format!("/{} is answered with {status}", entry.path)),
    })
}

/// Reads a path, again where there is no answer, or one of a server in trouble.
async fn see(cx: &Context, viewer: &Viewer, path: &str) -> Result<Seen> {
    let deadline = cx.calls.deadline.at_most(ARRIVING.min(cx.calls.deadline.remaining().mul_f32(0.8)));
    let calls = &cx.calls.until(deadline.clone());
    let what = format!("/{path} at {}", viewer.root());
    poll(&deadline, &what, async || {
        Ok(match viewer.see(calls, path).await.and_then(able) {
            Ok(seen) => Look::Done(seen),
            Err(error) => Look::NotYet(error_line(&error)),
        })
    })
    .await
}

/// An asset that the page names must be there, with its own content.
async fn asset(cx: &Context, viewer: &Viewer, wanted: &Manifest, page: &[u8]) -> Step<()> {
    let text = String::from_utf8_lossy(page);
    let Some(asset) = wanted.assets().find(|asset| text.contains(asset.path.rsplit('/').next().unwrap_or_default()))
    else {
        return Ok(());
    };
    let seen = see(cx, viewer, &asset.path).await?;
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

/// A document that is no page must come from the release's folder too: what leads there must take the same files for assets as the step.
async fn document(cx: &Context, viewer: &Viewer, wanted: &Manifest) -> Step<()> {
    let Some(document) = wanted.documents().into_iter().find(|file| file.kind == FileKind::Document) else {
        return Ok(());
    };
    let seen = see(cx, viewer, &document.path).await?;
    let good = seen.status == 200 && seen.sha256() == document.sha256;
    let observed = if good { "as published".to_owned() } else { format!("{} {}", seen.status, seen.content_type) };
    let verdict = if good { Verdict::Pass } else { Verdict::Fail };
    let name = format!("/{} at {}", document.path, viewer.root());
    cx.report.check(name, observed.clone(), "as published", verdict, "viewer");
    if good {
        return Ok(());
    }
    Err(Outcome::fail(message!(
        "document-not-seen",
        "{} answers /{} with {observed}, and not as release {} has it",
        viewer.root(),
        document.path,
        wanted.release
    ))
    .advise("let the function put the release's folder before every path that is no asset, and take the same files for assets as `hashed` does; examples/site-releases has one")
    .into())
}

/// A page in the place of a file that is not there breaks tabs that are open: they read HTML where they expect code.
async fn missing(cx: &Context, viewer: &Viewer, wanted: &Manifest, require_404: bool) -> Step<()> {
    let folder = wanted.assets().next().and_then(|asset| asset.path.rsplit_once('/')).map(|(folder, _)| folder);
    let folder = folder.map(|folder| format!("{folder}/")).unwrap_or_default();
    let path = format!("{folder}deploy-action-{}.js", wanted.digest.hex().chars().take(12).collect::<String>());
    let seen = see(cx, viewer, &path).await?;
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
    each(files, at_once, look).await?;
    Ok(lacking.into_inner())
}
