//! What is read before a site goes back.

use std::collections::BTreeSet;

use futures_util::future::try_join4;

use super::super::Rollback;
use super::super::destination::To;
use super::super::inputs::Expected;
use super::super::known_releases::KnownReleases;
use super::super::observe::Looked;
use super::super::place::{Known, Revision};
use super::super::plan::Observed;
use super::super::request::Request;
use super::super::target::waiting_for;
use super::place::SitePlace;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record;
use crate::rollout::guard;
use crate::rollout::sites::{
    self, Changes, Runtime, built, changes, existing_manifest, lacking, read_manifest, runtime_of,
};
use crate::site::{Manifest, ReleaseName, Site, SiteBucket};
use crate::text::message;

/// How many requests go to S3 at once.
pub(super) const AT_ONCE: u32 = 32;

/// What is to be gone back to, as it was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) wanted: Manifest,
    pub(super) changes: Changes,
    /// What belonged to the environment when it was served; `None`: what is there stays.
    pub(super) runtime: Option<Vec<Runtime>>,
    /// What of it is gone, or was changed.
    pub(super) lacking: BTreeSet<String>,
}

/// Reads what is there, what is remembered of it, and what would be gone back to.
pub(super) async fn observe<'a>(
    step: &'a Rollback,
    cx: &Context,
    site: &Site,
) -> Step<(Vec<Looked<SitePlace, Found>>, KnownReleases<'a>, SiteBucket)> {
    let aws = waiting_for("the AWS credentials", cx.aws()).await?;
    let location = waiting_for("the account of the credentials", aws.location()).await?;
    let bucket = SiteBucket::of(aws, site).await?;
    guard::check_bucket(cx, &bucket, &site.bucket).await?;
    let in_records = vec![record::Place::of_site(&location, site)];
    let mut releases = KnownReleases::new(cx, step.state.as_ref(), location, in_records);
    let scope = step.scope();
    let reading = step.reading(&releases, scope, false);
    let ids: Vec<_> = step.distribution.iter().flatten().cloned().collect();
    let place = async {
        let (found, fronts, edge) = sites::look(cx, &bucket, site, &ids).await?;
        Step::Ok(vec![SitePlace { site: site.clone(), found, fronts, edge }])
    };
    let places = reading.beside(cx, &mut releases, place).await?;
    let request = match &step.to {
        None | Some(To::Auto) => Request::Nothing,
        Some(_) => Request::ByRecord,
    };
    let (clock, needed) = &reading.also_for(cx, &mut releases, std::slice::from_ref(&request)).await?;
    let mut all = Vec::new();
    for place in places {
        let known = releases.of(clock, &place, scope, *needed).await?;
        let explicit = match (&request, &step.to) {
            (Request::ByRecord, Some(to)) => Some(named(&releases, &bucket, &place, to).await?),
            _ => None,
        };
        let expected = match &step.expected_current {
            Some(Expected::Release(release)) => vec![Revision::Release(release.clone())],
            _ if step.is_explicit() => Vec::new(),
            _ => known.expected.clone(),
        };
        let observed = Observed { expected, explicit, ..Observed::new(place, known) };
        let found = match observed.destination(scope) {
            Some(known) => {
                Some(waiting_for("the release to go back to", look(cx, &bucket, &observed.place, &known)).await)
            }
            None => None,
        };
        all.push((observed, found));
    }
    Ok((all, releases, bucket))
}

/// What `to` names: by the record, else a release of the bucket itself.
async fn named(releases: &KnownReleases<'_>, bucket: &SiteBucket, place: &SitePlace, to: &To) -> Step<Known> {
    if let Some(known) = releases.find(place, to)? {
        return Ok(known);
    }
    let text = to.to_string();
    let name = text.split_once(':').map_or(text.as_str(), |(_, name)| name);
    if let Ok(release) = name.parse::<ReleaseName>()
        && read_manifest(bucket, &place.site, &release).await?.is_some()
    {
        return Ok(Known::bare(Revision::Release(release)));
    }
    Err(Outcome::fail(message!("unknown-release", "no deployment of {place} is known as {to}"))
        .advise(
            "name a release that the bucket still has: their manifests lie beside the site, under `.deploy-action/`",
        )
        .into())
}

/// Reads the release that would be gone back to, and whether all of it is there.
async fn look(cx: &Context, bucket: &SiteBucket, place: &SitePlace, known: &Known) -> Step<Found> {
    let (site, marker) = (&place.site, &place.found.marker);
    let Revision::Release(release) = &known.point else {
        return Err(Outcome::error(format!("{} is no release of a site", known.point)).into());
    };
    let read = async |release: Option<&ReleaseName>| match release {
        Some(release) => Step::Ok(read_manifest(bucket, site, release).await?),
        None => Ok(None),
    };
    let wanted = existing_manifest(bucket, site, release);
    let next = marker.next.as_ref().map(|next| &next.release);
    let runtime = async { Step::Ok(runtime_of(cx, bucket, site, marker, release).await) };
    let (wanted, serving, leftover, runtime) =
        try_join4(wanted, read(marker.release.as_ref()), read(next), runtime).await?;
    let own = runtime.as_deref().unwrap_or_default();
    let changes = changes(&wanted, (marker, serving.as_ref(), leftover.as_ref()), own);
    let assets = changes.assets.iter().map(|file| (site.key(&file.path), file));
    let folder = match &site.pointer {
        Some(_) => Some(built(bucket, site, &wanted, &marker.runtime).await?).filter(|built| built.marker.is_some()),
        None => None,
    };
    // What is put in its place is taken from its content; a folder that is there is pointed to as it is.
    let contents = changes.documents.iter().map(|file| match &folder {
        Some(built) => (site.folder_key(&built.folder, &file.path), file),
        None => (site.content_key(&file.sha256), file),
    });
    let lacking = lacking(bucket, assets.chain(contents), AT_ONCE).await?;
    Ok(Found { wanted, changes, runtime, lacking })
}
