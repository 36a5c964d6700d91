//! What belongs to the environment, and not to the release. It is kept beside the site by the release that was served with it, so that a
//! release that is put back is served with its own.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::calls::error_line;
use crate::context::Context;
use crate::site::{Body, Guard, Marker, Meta, Put, ReleaseName, Site, SiteBucket, media_type};
use crate::text::message;

/// What viewers and edges may keep no longer than it takes to ask again.
pub(super) const FRESH: &str = "no-cache";

/// Writes what the action itself keeps of a site.
pub(super) async fn put_json(bucket: &SiteBucket, key: &str, text: Vec<u8>, guard: &Guard) -> Result<Put> {
    let sha256 = format!("{:x}", Sha256::digest(&text));
    let meta = Meta { content_type: "application/json".to_owned(), cache: FRESH.to_owned(), ..Meta::default() };
    bucket.put(key, &Body::Bytes(text), &sha256, &meta, guard).await
}

/// Hashes by path, as the marker has them.
pub(super) type Hashes = BTreeMap<String, String>;

/// A document that belongs to the environment, and not to the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Below the site's root.
    pub path: String,
    /// What it holds.
    pub content: String,
    /// Its hash, in hexadecimal digits.
    pub sha256: String,
}

impl Runtime {
    /// A document.
    #[must_use]
    pub fn new(path: &str, content: String) -> Self {
        let sha256 = format!("{:x}", Sha256::digest(&content));
        Self { path: path.trim_start_matches('/').to_owned(), content, sha256 }
    }

    /// How it is served.
    pub(super) fn meta(&self) -> Meta {
        let content_type = media_type(&self.path).unwrap_or("application/octet-stream").to_owned();
        Meta { content_type, cache: FRESH.to_owned(), ..Meta::default() }
    }

    pub(super) fn body(&self) -> Body {
        Body::Bytes(self.content.clone().into_bytes())
    }
}

/// The hashes of documents by their paths.
pub(super) fn hashes(all: &[Runtime]) -> Hashes {
    all.iter().map(|one| (one.path.clone(), one.sha256.clone())).collect()
}

/// Keeps what belongs to the environment beside the site, where it is new, and that a release is served with it.
pub(super) async fn keep(
    bucket: &SiteBucket,
    site: &Site,
    release: &ReleaseName,
    (all, new): (&Hashes, &[Runtime]),
) -> Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    for one in new {
        bucket.put(&site.content_key(&one.sha256), &one.body(), &one.sha256, &one.meta(), &Guard::New).await?;
    }
    let text = serde_json::to_vec(all).context("write what belongs to the environment")?;
    put_json(bucket, &site.runtime_key(release), text, &Guard::Claimed).await?;
    Ok(())
}

/// Reads documents that were kept.
///
/// # Errors
/// One is gone, or was changed; or S3 refuses.
pub(super) async fn read(bucket: &SiteBucket, site: &Site, hashes: &Hashes) -> Result<Vec<Runtime>> {
    let mut all = Vec::new();
    for (path, sha256) in hashes {
        let key = site.content_key(sha256);
        let (_, text, _) =
            bucket.get(&key).await?.with_context(|| format!("{key}, the content kept of {path}, is gone"))?;
        let one = Runtime::new(path, String::from_utf8(text).context("read what belongs to the environment")?);
        ensure!(
            one.sha256 == *sha256,
            "the content kept of {path} was changed by hand: {key} is not what its name says"
        );
        all.push(one);
    }
    Ok(all)
}

/// The hashes of what a release was served with last; `None` where it was served without.
pub(super) async fn hashes_of(bucket: &SiteBucket, site: &Site, release: &ReleaseName) -> Result<Option<Hashes>> {
    let Some((_, text, _)) = bucket.get(&site.runtime_key(release)).await? else { return Ok(None) };
    serde_json::from_slice(&text).map(Some).context("read what belonged to the environment")
}

/// What a release was served with last, to be put back with it. Where nobody can tell, it stays as it is, which is said: a release that
/// goes back waits for nothing that it could do without.
pub async fn runtime_of(
    cx: &Context,
    bucket: &SiteBucket,
    site: &Site,
    marker: &Marker,
    release: &ReleaseName,
) -> Option<Vec<Runtime>> {
    // What a pointer leads to has its own in its folder.
    if marker.runtime.is_empty() || site.pointer.is_some() {
        return None;
    }
    let found = async {
        match hashes_of(bucket, site, release).await? {
            Some(hashes) => read(bucket, site, &hashes).await.map(Some),
            None => Ok(None),
        }
    };
    match found.await {
        Ok(Some(all)) => Some(all),
        Ok(None) => {
            tracing::info!("release {release} of {site} was served without `runtime-config`: what is there stays");
            None
        }
        Err(error) => {
            cx.report.warn(message!(
                "runtime-config-unknown",
                "what `runtime-config` release {release} of {site} was served with could not be read, and what is there stays: {}",
                error_line(&error)
            ));
            None
        }
    }
}
