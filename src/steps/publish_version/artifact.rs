//! What is to be deployed, as it was found: an image in ECR, a zip archive in the workspace or in S3. Reads only.

use std::io::Cursor;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::inputs::ZipSource;
use crate::action::inputs::WorkspacePath;
use crate::aws::s3::{Object, S3, S3Url};
use crate::aws::{Kind, refusal};
use crate::context::Context;
use crate::lambda::package::{Archive, Inspected, LARGEST_UPLOAD, inspect};
use crate::lambda::{Code, StoredObject};
use crate::oci::{Configuration, Digest, EcrRegistry, ImageReference, Manifest, Platform, RegistryName, Selector};
use crate::registry::ecr::Ecr;
use crate::registry::{self, Shelf, images};

/// Something to deploy, as it was found.
#[derive(Clone, Debug)]
pub(super) enum Artifact {
    /// It does not exist.
    Absent(Absent),
    /// An image.
    Image(Image),
    /// A zip archive.
    Zip(Zip),
}

/// An artifact that does not exist.
#[derive(Clone, Debug)]
pub(super) struct Absent {
    pub(super) image: bool,
    /// As it was asked for.
    pub(super) name: String,
    pub(super) source: &'static str,
}

/// What could be looked at.
#[derive(Clone, Debug)]
pub(super) enum Seen<T> {
    /// It, as it is.
    Found(T),
    /// Nothing, for want of this permission.
    Denied(String),
}

impl<T> Seen<T> {
    /// The permission that is missing.
    pub(super) fn missing_permission(&self) -> Option<&str> {
        match self {
            Self::Found(_) => None,
            Self::Denied(permission) => Some(permission),
        }
    }
}

/// An image in ECR.
#[derive(Clone, Debug)]
pub(super) struct Image {
    /// `repository@sha256:..`, without account.
    pub(super) name: String,
    /// The same with the digest's beginning only.
    pub(super) short: String,
    pub(super) digest: Digest,
    /// The region of its registry.
    pub(super) region: String,
    /// What Lambda is given.
    pub(super) uri: String,
    pub(super) manifest: Seen<Manifest>,
    /// What the configuration of a single image says; `None` if it names no platform.
    pub(super) platform: Seen<Option<Platform>>,
    /// The images of an index.
    pub(super) below: Vec<registry::Image>,
}

/// A zip archive.
#[derive(Clone, Debug)]
pub(super) struct Zip {
    pub(super) source: ZipSource,
    /// In bytes.
    pub(super) size: u64,
    /// What it holds, or why it cannot be used.
    pub(super) archive: Result<Archive, String>,
    /// What Lambda is given. Nothing of an archive that is too large to be sent.
    pub(super) code: Option<Rc<Code>>,
    /// What Lambda will call it; unknown of an archive in S3 until Lambda is asked.
    pub(super) sha256: Option<String>,
}

impl Artifact {
    /// The permission for want of which it could not be looked at.
    pub(super) fn missing_permission(&self) -> Option<&str> {
        match self {
            Self::Image(image) => image.manifest.missing_permission().or(image.platform.missing_permission()),
            Self::Zip(_) | Self::Absent(_) => None,
        }
    }
}

/// Looks for an image. A tag is resolved here, once; from here on the image is named by its digest.
pub(super) async fn image(
    cx: &Context,
    reference: &ImageReference,
    registry: Option<&RegistryName>,
) -> Result<Artifact> {
    let registry = registry_of(cx, reference, registry).await?;
    let ecr = Ecr::new(&cx.aws().await?, registry.clone());
    let repository = &reference.repository;
    let absent = |source| {
        Artifact::Absent(Absent { image: true, name: format!("{repository}{}", selector_label(reference)), source })
    };
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
    let (mut platform, mut below) = (Seen::Found(None), Vec::new());
    match &manifest {
        Seen::Found(Manifest::Image { config, .. }) => {
            platform = match parts.configuration(config).await? {
                Seen::Found(configuration) => Seen::Found(configuration.platform),
                Seen::Denied(permission) => Seen::Denied(permission),
            };
        }
        Seen::Found(index @ Manifest::Index(_)) => below = images(&parts, &digest, index).await?,
        Seen::Denied(permission) => platform = Seen::Denied(permission.clone()),
    }
    Ok(Artifact::Image(Image {
        name: format!("{repository}@{digest}"),
        short: format!("{repository}@{}", digest.short()),
        uri: format!("{}/{repository}@{digest}", registry.host),
        region: registry.region,
        digest,
        manifest,
        platform,
        below,
    }))
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

/// Looks for a zip archive.
pub(super) async fn zip(cx: &Context, source: &ZipSource) -> Result<Artifact> {
    match source {
        ZipSource::File(path) => file(cx, path, source).await,
        ZipSource::S3(url) => object(cx, url, source).await,
    }
}

async fn file(cx: &Context, path: &WorkspacePath, source: &ZipSource) -> Result<Artifact> {
    let Some((place, size)) = cx.runner.workspace().file(path.as_str()).with_context(|| format!("read {path}"))? else {
        return Ok(Artifact::Absent(Absent { image: false, name: path.to_string(), source: "workspace" }));
    };
    let mut zip = Zip { source: source.clone(), size, archive: Err(String::new()), code: None, sha256: None };
    if size > LARGEST_UPLOAD {
        // Nothing of it is used; its size is the refusal.
        return Ok(Artifact::Zip(zip));
    }
    let bytes = tokio::fs::read(&place).await.with_context(|| format!("read {path}"))?;
    zip.sha256 = Some(STANDARD.encode(Sha256::digest(&bytes)));
    zip.archive = Archive::inspect(Cursor::new(&bytes)).map_err(|error| error.to_string());
    zip.code = Some(Rc::new(Code::Zip(bytes)));
    Ok(Artifact::Zip(zip))
}

async fn object(cx: &Context, url: &S3Url, source: &ZipSource) -> Result<Artifact> {
    let s3 = S3::new(cx.aws().await?);
    let Some(object) = s3.head(url).await? else {
        return Ok(Artifact::Absent(Absent { image: false, name: url.label(), source: "s3:HeadObject" }));
    };
    let archive = match inspect(&s3, &object).await? {
        Inspected::Archive(archive) => Ok(archive),
        Inspected::Unreadable(error) => Err(error.to_string()),
    };
    let Object { size, version, .. } = object;
    let code = Code::S3(StoredObject { bucket: url.bucket.clone(), key: url.key.clone(), version });
    Ok(Artifact::Zip(Zip { source: source.clone(), size, archive, code: Some(Rc::new(code)), sha256: None }))
}
