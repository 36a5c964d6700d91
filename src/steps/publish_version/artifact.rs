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
use crate::context::Context;
use crate::lambda::package::{Archive, Inspected, LARGEST_UPLOAD, inspect};
use crate::lambda::{Code, StoredObject};
use crate::oci::{ImageReference, RegistryName};
use crate::rollout::ecr_image::{self, Image, Lookup};

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
            Self::Image(image) => image.missing_permission(),
            Self::Zip(_) | Self::Absent(_) => None,
        }
    }
}

/// Looks for an image.
pub(super) async fn image(
    cx: &Context,
    reference: &ImageReference,
    registry: Option<&RegistryName>,
) -> Result<Artifact> {
    Ok(match ecr_image::look(cx, reference, registry).await? {
        Lookup::Found(image) => Artifact::Image(*image),
        Lookup::Absent { name, source } => Artifact::Absent(Absent { image: true, name, source }),
    })
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
