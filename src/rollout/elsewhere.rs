//! An image in another registry than ECR that is to be deployed, as it was found. Reads only.

use std::rc::Rc;

use anyhow::Result;

use super::ecr_image::{Image, Lookup, Seen};
use crate::context::Context;
use crate::oci::{Configuration, Digest, EcrRegistry, ImageReference, Manifest, Selector};
use crate::registry::{Access, Credentials, LARGEST_CONFIGURATION, Reference, Repository, Shelf, images};

/// Where it was asked.
const SOURCE: &str = "registry: GET manifest";

/// The host of an image's registry, where that is not ECR.
#[must_use]
pub fn host(reference: &ImageReference) -> Option<&str> {
    reference.host.as_deref().filter(|host| EcrRegistry::from_host(host).is_none())
}

/// Looks for an image in the registry at this host, with these credentials or as nobody. A tag is resolved here, once.
pub async fn look(
    cx: &Context,
    host: &str,
    reference: &ImageReference,
    credentials: Option<Credentials>,
) -> Result<Lookup> {
    let registry = Rc::new(cx.registry(host, credentials).await?);
    let repository = Repository::new(cx.calls.clone(), registry, host, &reference.repository, Access::Pull);
    let name = format!("{host}/{}", reference.repository);
    let asked = match &reference.selector {
        Selector::Digest(digest) => Reference::Digest(digest),
        Selector::Tag(tag) => Reference::Tag(tag.as_str()),
    };
    let Some(stored) = repository.manifest(asked).await? else {
        let name = match &reference.selector {
            Selector::Digest(digest) => format!("{name}@{digest}"),
            Selector::Tag(tag) => format!("{name}:{tag}"),
        };
        return Ok(Lookup::Absent { name, source: SOURCE });
    };
    let digest = stored.digest;
    if let Selector::Tag(tag) = &reference.selector {
        tracing::info!("the tag {tag} of {name} is {digest} now: this is deployed, wherever the tag goes");
    }
    let parts = Parts(&repository);
    let (mut platform, mut below, mut configuration) = (None, Vec::new(), None);
    match &stored.manifest {
        Manifest::Image { config, .. } => {
            configuration = parts.configuration(config).await?;
            platform = configuration.as_ref().and_then(|read| read.platform.clone());
        }
        index @ Manifest::Index(_) => {
            below = images(&parts, &digest, index).await?;
            // They are all built from one commit.
            if let Some(mut first) = below.first().cloned() {
                first.look(&parts, true).await?;
                configuration = first.configuration;
            }
        }
    }
    Ok(Lookup::Found(Box::new(Image {
        uri: format!("{name}@{digest}"),
        short: format!("{name}@{}", digest.short()),
        name: format!("{name}@{digest}"),
        host: host.to_owned(),
        repository: reference.repository.clone(),
        region: String::new(),
        revision: configuration.and_then(|read| read.revision().map(str::to_owned)),
        digest,
        manifest: Seen::Found(stored.manifest),
        platform: Seen::Found(platform),
        below,
    })))
}

/// Where the parts of an image are read.
struct Parts<'a>(&'a Repository);

impl Shelf for Parts<'_> {
    async fn manifest(&self, digest: &Digest) -> Result<Option<Manifest>> {
        Ok(self.0.manifest(Reference::Digest(digest)).await?.map(|stored| stored.manifest))
    }

    async fn configuration(&self, digest: &Digest) -> Result<Option<Configuration>> {
        Configuration::parse(&self.0.blob(digest, LARGEST_CONFIGURATION).await?).map(Some)
    }
}
