//! An image in ECR that is to be deployed, as it was found. Reads only.

use anyhow::{Context as _, Result};

use crate::action::inputs::CommitSha;
use crate::aws::{Kind, refusal};
use crate::context::Context;
use crate::oci::{Configuration, Digest, EcrRegistry, ImageReference, Manifest, Platform, RegistryName, Selector};
use crate::registry::ecr::Ecr;
use crate::registry::{self, Shelf, images};

/// What a look for an image found.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// It.
    Found(Box<Image>),
    /// Nothing.
    Absent {
        /// As it was asked for.
        name: String,
        /// The call that said so.
        source: &'static str,
    },
}

/// What could be looked at.
#[derive(Clone, Debug)]
pub enum Seen<T> {
    /// It, as it is.
    Found(T),
    /// Nothing, for want of this permission.
    Denied(String),
}

impl<T> Seen<T> {
    /// The permission that is missing.
    #[must_use]
    pub fn missing_permission(&self) -> Option<&str> {
        match self {
            Self::Found(_) => None,
            Self::Denied(permission) => Some(permission),
        }
    }
}

/// An image in ECR.
#[derive(Clone, Debug)]
pub struct Image {
    /// `repository@sha256:..`, without account.
    pub name: String,
    /// The same with the digest's beginning only.
    pub short: String,
    /// Its digest.
    pub digest: Digest,
    /// The host of its registry.
    pub host: String,
    /// Its repository there.
    pub repository: String,
    /// The region of its registry.
    pub region: String,
    /// What Lambda is given.
    pub uri: String,
    /// Its manifest.
    pub manifest: Seen<Manifest>,
    /// What the configuration of a single image says; `None` if it names no platform.
    pub platform: Seen<Option<Platform>>,
    /// The images of an index.
    pub below: Vec<registry::Image>,
    /// The commit that a single image was built from, as its label says.
    pub revision: Option<String>,
}

impl Image {
    /// The permission for want of which it could not be looked at.
    #[must_use]
    pub fn missing_permission(&self) -> Option<&str> {
        self.manifest.missing_permission().or(self.platform.missing_permission())
    }

    /// Whether it can run there; `None` where it does not say where it runs.
    #[must_use]
    pub fn runs_on(&self, platform: &Platform) -> Option<bool> {
        if !self.below.is_empty() {
            return Some(self.below.iter().any(|image| image.platform.as_ref() == Some(platform)));
        }
        match &self.platform {
            Seen::Found(Some(own)) => Some(own == platform),
            Seen::Found(None) | Seen::Denied(_) => None,
        }
    }

    /// The commit that it was built from, as the label of its configuration says: of the image for this platform, where it is an index.
    pub async fn commit(&self, cx: &Context, platform: &Platform) -> Option<CommitSha> {
        let of_child = match self.below.iter().find(|image| image.platform.as_ref() == Some(platform)) {
            Some(child) => self.read_revision(cx, child.clone()).await.ok().flatten(),
            None => None,
        };
        self.revision.clone().or(of_child)?.parse().ok()
    }

    async fn read_revision(&self, cx: &Context, mut child: registry::Image) -> Result<Option<String>> {
        let registry = EcrRegistry::from_host(&self.host).context("no registry of ECR")?;
        let ecr = Ecr::new(&cx.aws().await?, registry);
        child.look(&Parts { ecr: &ecr, repository: &self.repository }, true).await?;
        Ok(child.configuration.and_then(|read| read.revision().map(str::to_owned)))
    }
}

/// Looks for an image. A tag is resolved here, once; from here on the image is named by its digest.
pub async fn look(cx: &Context, reference: &ImageReference, registry: Option<&RegistryName>) -> Result<Lookup> {
    let registry = registry_of(cx, reference, registry).await?;
    let ecr = Ecr::new(&cx.aws().await?, registry.clone());
    let repository = &reference.repository;
    let absent = |source| Lookup::Absent { name: format!("{repository}{}", selector_label(reference)), source };
    let digest = match &reference.selector {
        Selector::Digest(digest) => digest.clone(),
        Selector::Tag(tag) => match ecr.resolve(repository, tag).await? {
            Some(digest) => {
                tracing::info!(
                    "the tag {tag} of {repository} is {digest} now: this is deployed, wherever the tag goes"
                );
                digest
            }
            None => return Ok(absent("ecr:DescribeImages")),
        },
    };
    let manifest = match unless_denied(ecr.manifest(repository, &digest).await)? {
        Seen::Found(Some(manifest)) => Seen::Found(manifest),
        Seen::Found(None) => return Ok(absent("ecr:BatchGetImage")),
        Seen::Denied(permission) => Seen::Denied(permission),
    };
    let parts = Parts { ecr: &ecr, repository };
    let (mut platform, mut below, mut revision) = (Seen::Found(None), Vec::new(), None);
    match &manifest {
        Seen::Found(Manifest::Image { config, .. }) => {
            platform = match parts.configuration(config).await? {
                Seen::Found(configuration) => {
                    revision = configuration.revision().map(str::to_owned);
                    Seen::Found(configuration.platform)
                }
                Seen::Denied(permission) => Seen::Denied(permission),
            };
        }
        Seen::Found(index @ Manifest::Index(_)) => below = images(&parts, &digest, index).await?,
        Seen::Denied(permission) => platform = Seen::Denied(permission.clone()),
    }
    Ok(Lookup::Found(Box::new(Image {
        name: format!("{repository}@{digest}"),
        short: format!("{repository}@{}", digest.short()),
        uri: format!("{}/{repository}@{digest}", registry.host),
        host: registry.host,
        repository: repository.clone(),
        region: registry.region,
        digest,
        manifest,
        platform,
        below,
        revision,
    })))
}

/// Where the parts of an image are read.
struct Parts<'a> {
    ecr: &'a Ecr,
    repository: &'a str,
}

impl Parts<'_> {
    async fn configuration(&self, digest: &Digest) -> Result<Seen<Configuration>> {
        Ok(match unless_denied(self.ecr.config(self.repository, digest).await)? {
            Seen::Found(content) => Seen::Found(Configuration::parse(&content)?),
            Seen::Denied(permission) => Seen::Denied(permission),
        })
    }
}

impl Shelf for Parts<'_> {
    async fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>> {
        self.ecr.manifest(self.repository, digest).await
    }

    async fn configuration(&self, digest: &Digest) -> Result<Option<Configuration>> {
        match Self::configuration(self, digest).await? {
            Seen::Found(configuration) => Ok(Some(configuration)),
            Seen::Denied(_) => Ok(None),
        }
    }
}

fn selector_label(reference: &ImageReference) -> String {
    match &reference.selector {
        Selector::Digest(digest) => format!("@{digest}"),
        Selector::Tag(tag) => format!(":{tag}"),
    }
}

/// The registry of an image: named with it, named by the input `registry`, or that of the credentials.
async fn registry_of(cx: &Context, image: &ImageReference, named: Option<&RegistryName>) -> Result<EcrRegistry> {
    let aws = cx.aws().await?;
    let host = match (&image.host, named) {
        (Some(host), _) | (None, Some(RegistryName::Host(host))) => host,
        (None, Some(RegistryName::Account(account))) => return Ok(EcrRegistry::of(account, aws.region())),
        (None, None) => return Ok(EcrRegistry::of(aws.account().await?, aws.region())),
    };
    EcrRegistry::from_host(host).with_context(|| format!("{host} is no registry of ECR"))
}

/// A missing permission makes a check impossible, not the deployment.
fn unless_denied<T>(answer: Result<T>) -> Result<Seen<T>> {
    match answer {
        Ok(found) => Ok(Seen::Found(found)),
        Err(error) => match refusal(&error) {
            Some(refused) if refused.kind == Kind::Denied => Ok(Seen::Denied(refused.operation.to_owned())),
            _ => Err(error),
        },
    }
}
