//! What of a promoted artifact can run: its images by platform, and the commit each says it was built from.

use anyhow::Result;
use futures_util::future::try_join_all;

use super::inputs::{PlatformName, VerifyRevision};
use crate::oci::{Configuration, Digest, Manifest};
use crate::registry::{Graph, LARGEST_CONFIGURATION, Reference, Repository, Stored};

/// The images of an artifact.
#[derive(Debug)]
pub(super) struct Images<'a> {
    top: &'a Stored,
    repository: &'a Repository,
    known: Vec<Image>,
}

/// One image.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Image {
    digest: Digest,
    platform: String,
    revision: Revision,
}

/// The commit an image says it was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Revision {
    /// Its configuration was not read.
    NotRead,
    /// Its configuration was read: this is the label, if there is one.
    Read(Option<String>),
}

/// All images of a whole artifact, as they are at the source.
pub(super) async fn all<'a>(
    graph: &'a Graph,
    source: &'a Repository,
    platform: &PlatformName,
    verify: VerifyRevision,
) -> Result<Images<'a>> {
    let images = Images::of(graph.top()?, source);
    if verify == VerifyRevision::Off {
        return images.runnable(platform, verify).await;
    }
    let runnable = graph.manifests.iter().filter(|stored| stored.manifest.is_image() && !is_attestation(graph, stored));
    let known = try_join_all(runnable.map(|stored| images.look(stored))).await?;
    Ok(Images { known, ..images })
}

/// Whether an index says that this describes an image instead of being one.
fn is_attestation(graph: &Graph, stored: &Stored) -> bool {
    graph.manifests.iter().any(|one| match &one.manifest {
        Manifest::Index(children) => children.iter().any(|child| child.attestation && child.digest == stored.digest),
        Manifest::Image { .. } => false,
    })
}

impl<'a> Images<'a> {
    /// What the artifact's own manifest tells.
    pub(super) fn of(top: &'a Stored, repository: &'a Repository) -> Self {
        let known = match &top.manifest {
            Manifest::Image { .. } => Vec::new(),
            Manifest::Index(children) => children
                .iter()
                .filter(|child| !child.attestation)
                .map(|child| Image {
                    digest: child.digest.clone(),
                    platform: child.platform(),
                    revision: Revision::NotRead,
                })
                .collect(),
        };
        Self { top, repository, known }
    }

    /// Looks at no more than the image for one platform.
    pub(super) async fn runnable(mut self, platform: &PlatformName, verify: VerifyRevision) -> Result<Self> {
        if self.top.manifest.is_image() {
            self.known = vec![self.look(self.top).await?];
        } else if verify != VerifyRevision::Off
            && let Some(digest) = self.lambda(platform).cloned()
            && let Some(stored) = self.repository.manifest(Reference::Digest(&digest)).await?
        {
            let seen = self.look(&stored).await?;
            self.known.iter_mut().filter(|image| image.digest == digest).for_each(|image| *image = seen.clone());
        }
        Ok(self)
    }

    /// Reads an image's configuration.
    async fn look(&self, stored: &Stored) -> Result<Image> {
        let digest = stored.digest.clone();
        let Manifest::Image { config, .. } = &stored.manifest else {
            return Ok(Image { digest, platform: String::new(), revision: Revision::NotRead });
        };
        let read = Configuration::parse(&self.repository.blob(config, LARGEST_CONFIGURATION).await?)?;
        let revision = read.revision().map(str::to_owned);
        Ok(Image { digest, platform: read.platform.to_string(), revision: Revision::Read(revision) })
    }

    /// What Lambda can run: never the index, never an attestation.
    pub(super) fn lambda(&self, platform: &PlatformName) -> Option<&Digest> {
        let wanted = platform.to_string();
        self.known.iter().find(|image| image.platform == wanted).map(|image| &image.digest)
    }

    /// The platforms it is built for.
    pub(super) fn platforms(&self) -> String {
        let all: Vec<&str> = self.known.iter().map(|image| image.platform.as_str()).collect();
        if all.is_empty() { "it holds no image".to_owned() } else { format!("it is built for {}", all.join(", ")) }
    }

    /// The commits its images say they were built from, that of the wanted platform first.
    pub(super) fn revisions(&self, platform: &PlatformName) -> Vec<(Digest, Option<String>)> {
        let wanted = platform.to_string();
        let (first, rest): (Vec<_>, Vec<_>) = self.known.iter().partition(|image| image.platform == wanted);
        let seen = first.into_iter().chain(rest).filter_map(|image| match &image.revision {
            Revision::Read(label) => Some((image.digest.clone(), label.clone())),
            Revision::NotRead => None,
        });
        seen.collect()
    }
}
