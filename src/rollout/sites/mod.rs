//! What the steps that change a site share: what serves, what is to be put in its place, the one switch, the edge, the proof, and what is
//! taken away in the end.

mod changes;
mod current;
mod edge;
mod finish;
mod inputs;
mod planned;
mod pointer;
mod prove;
mod prune;
mod put_back;
mod record;
mod runtime;
mod switch;

use std::cell::Cell;

use anyhow::{Result, anyhow};
use futures_util::StreamExt as _;
use futures_util::stream;

pub use changes::{Changes, changes};
pub use edge::{Front, forget, look};
pub use finish::Ending;
pub use inputs::{AWS_PERMISSIONS, EdgeInputs, KeepInputs, PointerInput, SiteInputs};
pub use planned::Switch;
pub use pointer::{Built, built};
pub use prove::{lacking, prove};
pub use put_back::Switched;
pub use record::{Applied, open_record, previous, target};
pub use runtime::{Runtime, runtime_of};
pub use switch::{check_before, check_claim, put_manifest, switch};

use crate::outcome::Outcome;
pub use crate::site::{Found, read_marker};
use crate::site::{Manifest, ReleaseName, Site, SiteBucket};
use crate::text::message;

/// Reads the manifest of a release; `None` where there is none.
///
/// # Errors
/// S3 refuses, or it cannot be read.
pub async fn read_manifest(bucket: &SiteBucket, site: &Site, release: &ReleaseName) -> Result<Option<Manifest>> {
    bucket.get(&site.manifest_key(release)).await?.map(|(_, text, _)| Manifest::read(&text)).transpose()
}

/// The manifest of a release that there must be.
///
/// # Errors
/// A refusal where there is none.
pub async fn existing_manifest(
    bucket: &SiteBucket,
    site: &Site,
    release: &ReleaseName,
) -> crate::outcome::Step<Manifest> {
    let found = read_manifest(bucket, site, release).await?;
    found.ok_or_else(|| {
        Outcome::fail(message!("no-such-release", "{site} has no release {release}: nothing was written"))
            .advise("name one that was published there and not pruned since")
            .into()
    })
}

/// Does something with each, so many at a time. After a failure nothing new begins, and what has begun is ended.
///
/// # Errors
/// The first failure.
pub async fn each<T, F: Future<Output = Result<()>>>(
    all: impl IntoIterator<Item = T>,
    at_once: u32,
    act: impl Fn(T) -> F,
) -> Result<()> {
    let failed = Cell::new(false);
    let run = |one: T| {
        let work = (!failed.get()).then(|| act(one));
        let failed = &failed;
        async move {
            let Some(work) = work else { return Ok(()) };
            let done = work.await;
            failed.set(failed.get() || done.is_err());
            done
        }
    };
    // What is not yet begun is asked for only when there is room for it.
    let at_once = usize::try_from(at_once).map_err(|_large| anyhow!("too many at once"))?;
    let ended: Vec<Result<()>> = stream::iter(all).map(run).buffer_unordered(at_once).collect().await;
    ended.into_iter().collect()
}
