//! What promote-site reads before it decides: what was proved at the source, and what serves at the target.

use std::collections::BTreeSet;

use futures_util::future::try_join;

use super::PromoteSite;
use crate::action::inputs::EnvironmentName;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record::{self, Entry, History, Place, Standing};
use crate::rollout::guard;
use crate::rollout::sites::{
    Changes, Found, Front, Runtime, changes, existing_manifest, lacking, look, read_manifest, read_marker,
};
use crate::site::{Manifest, Marker, ReleaseName, Site, SiteBucket};
use crate::text::message;

/// What is there, and what is to be there.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) source: Site,
    pub(super) found: Found,
    pub(super) wanted: Manifest,
    /// The manifest of what serves; `None` where there is none.
    pub(super) serving: Option<Manifest>,
    pub(super) changes: Changes,
    pub(super) fronts: Vec<Front>,
    pub(super) edge: Option<String>,
    /// What of the source is not as the manifest says.
    pub(super) lacking: BTreeSet<String>,
}

/// Reads both sides, and whether what is to be promoted is what its manifest says.
pub(super) async fn observe(step: &PromoteSite, cx: &Context, (site, bucket): (&Site, &SiteBucket)) -> Step<Observed> {
    guard::check_bucket(cx, bucket, &site.bucket).await?;
    let (source, ids) = (step.source(), step.edge.ids());
    let marker = async { Step::Ok(read_marker(bucket, &source).await?) };
    let (from, (found, fronts, edge)) = try_join(marker, look(cx, bucket, site, &ids)).await?;
    let release = match (&step.release, &step.from_environment) {
        (Some(release), _) => release.clone(),
        (None, Some(environment)) => recorded(cx, &source, environment).await?,
        (None, None) => return Err(Outcome::bad_input("give `release` or `from-environment`").into()),
    };
    let serves_there = from.marker.release.as_ref() == Some(&release) && from.marker.next.is_none();
    if !serves_there && step.from_environment.is_none() {
        return Err(not_proved(&source, &release, &from.marker).into());
    }
    let wanted = existing_manifest(bucket, &source, &release).await?;
    if serves_there && from.marker.digest.as_ref() != Some(&wanted.digest) {
        return Err(not_proved(&source, &release, &from.marker).into());
    }
    let runtime: &[Runtime] = step.edge.runtime_config.as_ref().map_or(&[], |config| &config.0);
    let marker = &found.marker;
    let read = async |release: Option<&ReleaseName>| match release {
        Some(release) => Step::Ok(read_manifest(bucket, site, release).await?),
        None => Ok(None),
    };
    let next = marker.next.as_ref().map(|next| &next.release);
    let (serving, leftover) = try_join(read(marker.release.as_ref()), read(next)).await?;
    let changes = changes(&wanted, (marker, serving.as_ref(), leftover.as_ref()), runtime);
    let observed = Observed { source, wanted, serving, changes, fronts, edge, found, lacking: BTreeSet::new() };
    if observed.found.marker.is_at(&observed.wanted.digest) {
        return Ok(observed);
    }
    let lacking = lacking_at_source(step, bucket, &observed, serves_there.then_some(&from)).await?;
    Ok(Observed { lacking, ..observed })
}

fn not_proved(source: &Site, release: &ReleaseName, there: &Marker) -> Outcome {
    Outcome::fail(message!(
        "release-not-proved",
        "release {release} was not proved at {source}, which has {}: nothing was written",
        there.label()
    ))
    .advise("publish it there first, with publish-site and `serves: false`, and test it; or promote the release that is there")
    .advise("what was proved there earlier is promoted by its record: `from-environment`")
}

/// The release that the record of an environment names as succeeded at the source, for the commit of this run.
async fn recorded(cx: &Context, source: &Site, environment: &EnvironmentName) -> Step<ReleaseName> {
    let place = Place::of_site(&cx.aws().await?.location().await?, source);
    let history = History::read(cx, environment, &record::component(cx), std::slice::from_ref(&place)).await?;
    let commit = cx.commit();
    let of_commit =
        |entry: &&Entry| commit.as_ref().is_some_and(|commit| entry.payload.commit_at(&place).as_ref() == Some(commit));
    let entries = history.entries.iter().filter(of_commit);
    let newest = history.newest(cx, entries, |standing| standing == Standing::Succeeded).await?;
    let release = newest.and_then(|entry| entry.payload.target(&place)?.release.clone());
    release.ok_or_else(|| {
        let commit = commit.as_ref().map_or_else(|| "this commit".to_owned(), |commit| format!("commit {}", commit.short()));
        Outcome::fail(message!(
            "no-release-succeeded",
            "no release of {commit} has succeeded at {source} in {environment}, by the record: nothing was written"
        ))
        .advise("let its publish-site, and the checks after it, pass there first; or give the commit that was published as `sha`")
        .into()
    })
}

/// What is copied must be what was proved: each file that the target lacks is compared with the manifest.
async fn lacking_at_source(
    step: &PromoteSite,
    bucket: &SiteBucket,
    observed: &Observed,
    from: Option<&Found>,
) -> Step<BTreeSet<String>> {
    let Observed { source, wanted, changes, .. } = observed;
    let documents = from
        .into_iter()
        .flat_map(|from| wanted.documents().into_iter().map(|file| (from.document_key(source, &file.path), file)));
    let contents = changes.documents.iter().map(|file| (source.content_key(&file.sha256), file));
    let assets = changes.assets.iter().map(|file| (source.key(&file.path), file));
    let all: Vec<_> = documents.chain(contents).chain(assets).collect();
    Ok(lacking(bucket, all, step.edge.max_parallel.0).await?)
}
