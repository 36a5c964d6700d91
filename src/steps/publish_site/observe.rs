//! What publish-site reads before it decides.

use futures_util::future::try_join;

use super::PublishSite;
use super::source::Source;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::rollout::guard;
use crate::rollout::sites::{Found, Front, look, read_manifest};
use crate::site::{Manifest, Marker, ReleaseName, Site, SiteBucket, cut_hash};

/// What is there, and what is to be there.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) found: Found,
    pub(super) wanted: Manifest,
    /// The manifest of what serves; `None` where there is none.
    pub(super) serving: Option<Manifest>,
    /// That of a release whose documents an ended run may have put there.
    pub(super) leftover: Option<Manifest>,
    pub(super) fronts: Vec<Front>,
    /// What of the distributions can change an answer.
    pub(super) edge: Option<String>,
}

/// Reads the marker and the distributions, and the manifests of what is there.
pub(super) async fn observe(
    step: &PublishSite,
    cx: &Context,
    (site, bucket): (&Site, &SiteBucket),
    source: &Source,
) -> Step<Observed> {
    guard::check_bucket(cx, bucket, &site.bucket).await?;
    let ids = step.edge.ids();
    let (found, fronts, edge) = look(cx, bucket, site, &ids).await?;
    let marker = &found.marker;
    let files = source.files.iter().map(|local| local.file.clone()).collect();
    let wanted = Manifest::new(step.name(cx)?, cx.commit(), files)?;
    let wanted = if marker.is_at(&wanted.digest) {
        Manifest { release: marker.release.clone().unwrap_or(wanted.release), ..wanted }
    } else {
        free_name(bucket, site, marker, wanted).await?
    };
    let (serving, leftover) =
        if marker.is_at(&wanted.digest) { (Some(wanted.clone()), None) } else { before(bucket, site, marker).await? };
    Ok(Observed { found, wanted, serving, leftover, fronts, edge })
}

/// The manifests of what serves, and of what an ended run left on its way.
async fn before(bucket: &SiteBucket, site: &Site, marker: &Marker) -> Step<(Option<Manifest>, Option<Manifest>)> {
    let read = async |release: Option<&ReleaseName>| match release {
        Some(release) => read_manifest(bucket, site, release).await,
        None => Ok(None),
    };
    let next = marker.next.as_ref().map(|next| &next.release);
    Ok(try_join(read(marker.release.as_ref()), read(next)).await?)
}

/// The release under a name that no other content has.
async fn free_name(bucket: &SiteBucket, site: &Site, marker: &Marker, wanted: Manifest) -> Step<Manifest> {
    let serves = marker.release.as_ref() == Some(&wanted.release);
    let taken = if serves {
        marker.digest.clone()
    } else {
        read_manifest(bucket, site, &wanted.release).await?.map(|there| there.digest)
    };
    if taken.is_none_or(|taken| taken == wanted.digest) {
        return Ok(wanted);
    }
    let name = format!("{}-{}", wanted.release, cut_hash(&wanted.digest));
    tracing::info!("release {} of {site} has other content: this one is called {name}", wanted.release);
    let release = name.parse().map_err(|why| Outcome::bad_input(format!("input `release` {why}")))?;
    Ok(Manifest { release, ..wanted })
}

impl PublishSite {
    /// What the release is called.
    fn name(&self, cx: &Context) -> Result<ReleaseName, Outcome> {
        let commit = || cx.commit().and_then(|commit| commit.as_str().parse().ok());
        self.release
            .clone()
            .or_else(commit)
            .ok_or_else(|| Outcome::bad_input("no commit is known to name the release after: give `release` or `sha`"))
    }
}
