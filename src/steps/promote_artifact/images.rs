//! What of a promoted artifact can run: its images by platform, and the commit each says it was built from.

use std::collections::BTreeMap;

use anyhow::Result;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::values::{PlatformName, VerifyRevision};
use crate::oci::{Configuration, Digest, Manifest, Unfit};
use crate::registry::{AT_ONCE, Graph, Image, LARGEST_CONFIGURATION, Reference, Repository, Shelf, Stored, images};

/// Where the parts of an artifact are read: what is in the graph is not read again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    graph: Option<&'a Graph>,
    repository: &'a Repository,
}

impl<'a> Parts<'a> {
    pub(super) const fn of(repository: &'a Repository) -> Self {
        Self { graph: None, repository }
    }

    pub(super) const fn known(graph: &'a Graph, repository: &'a Repository) -> Self {
        Self { graph: Some(graph), repository }
    }
}

impl Shelf for Parts<'_> {
    async fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>> {
        let known = self.graph.and_then(|graph| graph.manifests.iter().find(|stored| stored.digest == *digest));
        if let Some(stored) = known {
            return Ok(Some(stored.manifest.clone()));
        }
        Ok(self.repository.manifest(Reference::Digest(digest)).await?.map(|stored| stored.manifest))
    }

    async fn configuration(&self, digest: &Digest) -> Result<Option<Configuration>> {
        Configuration::parse(&self.repository.blob(digest, LARGEST_CONFIGURATION).await?).map(Some)
    }
}

/// Of which images more is read than where they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looking {
    /// All: none of it was looked at before.
    AtAll,
    /// The one for each platform; with `verify-revision: require` all all the same, because the rule is for all.
    AtTheOne,
}

/// The images of an artifact.
#[derive(Debug)]
pub(super) struct Images {
    known: Vec<Image>,
    /// Platforms: that of the output `lambda-image` first.
    wanted: Vec<String>,
}

/// What Lambda gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ForLambda<'i> {
    /// This image.
    Runs(&'i Digest),
    /// There is this image for the platform, and Lambda does not run it.
    DoesNot(&'i Digest, Unfit),
    /// There is none for the platform.
    Nothing,
}

impl Images {
    /// Finds them, and looks at those that count.
    pub(super) async fn find(
        parts: Parts<'_>,
        top: &Stored,
        platforms: &[PlatformName],
        verify: VerifyRevision,
        looking: Looking,
    ) -> Result<Self> {
        let wanted: Vec<String> = platforms.iter().map(PlatformName::to_string).collect();
        let all = match verify {
            VerifyRevision::Off => false,
            VerifyRevision::Warn => looking == Looking::AtAll,
            VerifyRevision::Require => true,
        };
        let looked = stream::iter(images(&parts, &top.digest, &top.manifest).await?).map(async |mut image| {
            let counts = all || wanted.contains(&image.built_for());
            let is_one = !counts || image.look(&parts, verify != VerifyRevision::Off).await?;
            anyhow::Ok(is_one.then_some(image))
        });
        let known: Vec<Option<Image>> = looked.buffered(AT_ONCE).try_collect().await?;
        Ok(Self { known: known.into_iter().flatten().collect(), wanted })
    }

    /// The platform of the output `lambda-image`.
    pub(super) fn platform(&self) -> &str {
        self.wanted.first().map_or("", String::as_str)
    }

    fn for_platform(&self, platform: &str) -> impl Iterator<Item = &Image> {
        self.known.iter().filter(move |image| image.built_for() == platform)
    }

    /// What Lambda can run on a platform: never the index, never an attestation.
    pub(super) fn lambda(&self, platform: &str) -> ForLambda<'_> {
        let judged = |image: &Image| image.manifest.as_ref().and_then(Manifest::unfit);
        let all: Vec<_> = self.for_platform(platform).map(|image| (&image.digest, judged(image))).collect();
        let fit = all.iter().find(|(_, unfit)| unfit.is_none()).or(all.first());
        match fit {
            None => ForLambda::Nothing,
            Some((digest, None)) => ForLambda::Runs(digest),
            Some((digest, Some(unfit))) => ForLambda::DoesNot(digest, unfit.clone()),
        }
    }

    /// The platforms it is built for.
    pub(super) fn platforms(&self) -> String {
        let all: Vec<String> = self.known.iter().map(Image::built_for).collect();
        if all.is_empty() { "it holds no image".to_owned() } else { format!("it is built for {}", all.join(", ")) }
    }

    /// The images, by their digests.
    pub(super) fn digests(&self) -> impl Iterator<Item = &Digest> {
        self.known.iter().map(|image| &image.digest)
    }

    /// What those that were read say of themselves, by their digests.
    pub(super) fn labels(&self) -> impl Iterator<Item = (&Digest, &BTreeMap<String, String>)> {
        let read = |image: &Image| image.configuration.is_some();
        self.known
            .iter()
            .filter(move |image| read(image))
            .filter_map(|image| Some((&image.digest, &image.configuration.as_ref()?.labels)))
    }

    /// The commits its images say they were built from, that of the wanted platform first.
    pub(super) fn revisions(&self) -> Vec<(Digest, Option<String>)> {
        let rest = self.known.iter().filter(|image| image.built_for() != self.platform());
        let seen = self.for_platform(self.platform()).chain(rest).filter_map(|image| {
            let read = image.configuration.as_ref()?;
            Some((image.digest.clone(), read.revision().map(str::to_owned)))
        });
        seen.collect()
    }
}
