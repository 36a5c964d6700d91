//! Manifests: what an image is made of, and whether Lambda can run it.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/manifest.md>,
//! <https://github.com/opencontainers/image-spec/blob/main/image-index.md>

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::digest::Digest;

/// The media types of manifests, to be named in every request: a registry that is not offered the stored type converts.
pub const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// A manifest: one image, or an index of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// One image for one platform.
    Image {
        /// Where its configuration lies.
        config: Digest,
        /// The media type of the configuration: other artifacts than images have another.
        config_type: String,
        /// The media types of its layers.
        layers: Vec<String>,
    },
    /// Several images, one for each platform.
    Index(Vec<Child>),
}

/// An entry of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The image.
    pub digest: Digest,
    /// `linux`.
    pub os: String,
    /// As OCI names it, e.g. `amd64`.
    pub architecture: String,
    /// True for what describes an image instead of being one: provenance, a list of components.
    pub attestation: bool,
}

/// What a manifest points to, by media type, digest and size
/// (<https://github.com/opencontainers/image-spec/blob/main/descriptor.md>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The media type as it is written, parameters included.
    pub media_type: String,
    /// Its name.
    pub digest: Digest,
    /// In bytes.
    pub size: u64,
    /// True when it lies at a URL of somebody else's, and registries need not have it.
    pub foreign: bool,
}

/// Everything a manifest points to, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The media type the manifest gives itself.
    pub media_type: Option<String>,
    /// Other manifests.
    pub manifests: Vec<Descriptor>,
    /// Configuration and layers.
    pub blobs: Vec<Descriptor>,
}

impl Parts {
    /// Reads them.
    pub fn parse(manifest: &[u8]) -> Result<Self> {
        let raw: Raw = serde_json::from_slice(manifest).context("read the manifest")?;
        let all = |descriptors: Option<Vec<RawDescriptor>>| {
            descriptors.unwrap_or_default().into_iter().map(RawDescriptor::into_descriptor).collect::<Result<Vec<_>>>()
        };
        let mut blobs = all(raw.config.map(|config| vec![config]))?;
        blobs.extend(all(raw.layers)?);
        Ok(Self { media_type: raw.media_type, manifests: all(raw.manifests)?, blobs })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    media_type: Option<String>,
    manifests: Option<Vec<RawDescriptor>>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    urls: Vec<String>,
    platform: Option<RawPlatform>,
    #[serde(default)]
    annotations: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct RawPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(manifest: impl AsRef<[u8]>) -> Result<Self> {
        let raw: Raw = serde_json::from_slice(manifest.as_ref()).context("read the image's manifest")?;
        let digest =
            |text: &str| text.parse::<Digest>().map_err(|error| anyhow::anyhow!("the manifest's digest {error}"));
        match (raw.manifests, raw.config) {
            (Some(children), _) => {
                let read = |child: RawDescriptor| {
                    let digest = digest(&child.digest)?;
                    Ok(child.into_child(digest))
                };
                Ok(Self::Index(children.into_iter().map(read).collect::<Result<_>>()?))
            }
            (None, Some(config)) => Ok(Self::Image {
                config: digest(&config.digest)?,
                config_type: config.media_type,
                layers: raw.layers.unwrap_or_default().into_iter().map(|layer| layer.media_type).collect(),
            }),
            (None, None) => bail!("the manifest is neither that of an image nor an index"),
        }
    }

    /// True for one image: not for an index, an attestation, or another artifact.
    #[must_use]
    pub fn is_image(&self) -> bool {
        matches!(self, Self::Image { config_type, layers, .. }
            if is_image_config(config_type) && !layers.iter().any(|layer| layer.contains("in-toto")))
    }

    /// What keeps Lambda from running it; `None` for an image that Lambda takes as far as its manifest tells. Lambda takes
    /// no index, not even one of a single image, and no layer that is not compressed by gzip
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>).
    #[must_use]
    pub fn unfit(&self, architecture: &str) -> Option<Unfit> {
        match self {
            Self::Index(children) => Some(Unfit::Index {
                platforms: children.iter().filter(|child| !child.attestation).map(Child::platform).collect(),
                fitting: children.iter().find(|child| child.fits(architecture)).map(|child| child.digest.clone()),
            }),
            Self::Image { config_type, .. } if !is_image_config(config_type) => {
                Some(Unfit::NoImage(config_type.clone()))
            }
            Self::Image { layers, .. } => layers.iter().find(|layer| !is_gzip(layer)).map(|layer| {
                if layer.contains("in-toto") { Unfit::NoImage(layer.clone()) } else { Unfit::Layer(layer.clone()) }
            }),
        }
    }
}

/// Why Lambda cannot run what a manifest describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is an index; perhaps one of its images fits.
    Index {
        /// The platforms of its images.
        platforms: Vec<String>,
        /// The image for the architecture asked for.
        fitting: Option<Digest>,
    },
    /// It holds something else than an image, of this media type.
    NoImage(String),
    /// A layer has this media type.
    Layer(String),
}

impl RawDescriptor {
    fn into_descriptor(self) -> Result<Descriptor> {
        let digest = self
            .digest
            .parse()
            .map_err(|error| anyhow::anyhow!("the manifest names {}, and it {error}", self.digest))?;
        let foreign = !self.urls.is_empty() || self.media_type.contains(".foreign.");
        Ok(Descriptor { media_type: self.media_type, digest, size: self.size, foreign })
    }

    fn into_child(self, digest: Digest) -> Child {
        let platform = self.platform.unwrap_or(RawPlatform { os: String::new(), architecture: String::new() });
        let described = self.annotations.contains_key("vnd.docker.reference.type");
        Child {
            digest,
            attestation: described || platform.os == "unknown" || platform.architecture == "unknown",
            os: platform.os,
            architecture: platform.architecture,
        }
    }
}

impl Child {
    fn fits(&self, architecture: &str) -> bool {
        !self.attestation && self.os == "linux" && self.architecture == architecture
    }

    /// `linux/amd64`.
    #[must_use]
    pub fn platform(&self) -> String {
        format!("{}/{}", self.os, self.architecture)
    }
}

fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json")
}

fn is_gzip(media_type: &str) -> bool {
    media_type.ends_with("tar+gzip") || media_type.ends_with("tar.gzip")
}

/// What an image's configuration says.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Configuration {
    /// Where it runs.
    #[serde(flatten)]
    pub platform: Platform,
    #[serde(default)]
    config: Option<Inner>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Inner {
    #[serde(rename = "Labels", default)]
    labels: Option<std::collections::BTreeMap<String, String>>,
}

impl Configuration {
    /// Reads it (<https://github.com/opencontainers/image-spec/blob/main/config.md>).
    pub fn parse(config: &[u8]) -> Result<Self> {
        serde_json::from_slice(config).context("read the image's configuration")
    }

    /// The commit it was built from, as its label says
    /// (<https://github.com/opencontainers/image-spec/blob/main/annotations.md>).
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        let labels = self.config.as_ref()?.labels.as_ref()?;
        labels.get("org.opencontainers.image.revision").map(|label| label.trim()).filter(|label| !label.is_empty())
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

/// What an image's configuration says of its platform.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Platform {
    /// `linux`.
    #[serde(default)]
    pub os: String,
    /// As OCI names it, e.g. `amd64`.
    #[serde(default)]
    pub architecture: String,
}

impl Platform {
    /// Reads it from a configuration (<https://github.com/opencontainers/image-spec/blob/main/config.md>).
    pub fn parse(config: &[u8]) -> Result<Self> {
        serde_json::from_slice(config).context("read the image's configuration")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like};
    use serde_json::{Value, json};

    fn digest(of: &str) -> Digest {
        Digest::of(of.as_bytes())
    }

    fn image(config: &str, layers: &[&str]) -> Manifest {
        let layers: Vec<Value> = layers
            .iter()
            .map(|layer| json!({"mediaType": layer, "digest": digest(layer).as_str(), "size": 1}))
            .collect();
        let config = json!({"mediaType": config, "digest": digest("config").as_str(), "size": 1});
        Manifest::parse(json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string()).unwrap()
    }

    fn child(name: &str, os: &str, architecture: &str, annotations: &Value) -> Value {
        json!({"digest": digest(name).as_str(), "size": 1, "annotations": annotations,
               "platform": {"os": os, "architecture": architecture}})
    }

    const OCI: &str = "application/vnd.oci.image.config.v1+json";

    #[test]
    fn an_image_with_gzip_layers_fits() {
        let table = [
            (OCI, "application/vnd.oci.image.layer.v1.tar+gzip"),
            ("application/vnd.docker.container.image.v1+json", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        ];
        for (config, layer) in table {
            assert_eq!(image(config, &[layer, layer]).unfit("amd64"), None, "{layer}");
        }
    }

    #[test]
    fn other_layers_and_other_artifacts_do_not_fit() {
        let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
        for layer in ["application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.v1.tar"] {
            assert_eq!(image(OCI, &[gzip, layer]).unfit("amd64"), Some(Unfit::Layer(layer.to_owned())));
        }
        let chart = "application/vnd.cncf.helm.config.v1+json";
        assert_eq!(image(chart, &[gzip]).unfit("amd64"), Some(Unfit::NoImage(chart.to_owned())));
        let statement = "application/vnd.in-toto+json";
        assert_eq!(image(OCI, &[statement]).unfit("amd64"), Some(Unfit::NoImage(statement.to_owned())));
    }

    #[test]
    fn an_index_names_the_image_that_fits_and_never_an_attestation() {
        let attestation = json!({"vnd.docker.reference.type": "attestation-manifest"});
        let index = json!({"manifests": [
            // A careless tool gave the attestation the platform of its image.
            child("attests", "linux", "amd64", &attestation),
            child("amd64", "linux", "amd64", &json!({})),
            child("arm64", "linux", "arm64", &json!({})),
            child("unknown", "unknown", "unknown", &json!({})),
        ]});
        let index = Manifest::parse(index.to_string()).unwrap();
        let platforms = vec!["linux/amd64".to_owned(), "linux/arm64".to_owned()];
        let unfit = |fitting| Some(Unfit::Index { platforms: platforms.clone(), fitting });
        assert_eq!(index.unfit("amd64"), unfit(Some(digest("amd64"))));
        assert_eq!(index.unfit("arm64"), unfit(Some(digest("arm64"))));
        assert_eq!(index.unfit("s390x"), unfit(None));
    }

    #[test]
    fn what_is_no_manifest_is_an_error() {
        for wrong in ["", "[]", "{}", "{\"manifests\": [{}]}", "{\"config\": {\"digest\": \"md5:1\"}}"] {
            assert!(Manifest::parse(wrong).is_err(), "{wrong}");
        }
    }

    const MANIFESTS: [&str; 3] = [
        r#"{"manifests":[{"digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","size":1}]}"#,
        r#"{"config":{"digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},"layers":[]}"#,
        r#"{"os":"linux","config":{"Labels":{"org.opencontainers.image.revision":"x"}}}"#,
    ];

    #[test]
    fn a_manifest_nested_without_end_is_refused() {
        let deep = "[".repeat(100_000);
        assert!(Parts::parse(deep.as_bytes()).is_err() && Manifest::parse(&deep).is_err());
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_bytes_are_a_manifest_or_refused(text in like(&MANIFESTS)) {
            let (parts, manifest) = (Parts::parse(text.as_bytes()), Manifest::parse(&text));
            if let (Ok(parts), Ok(Manifest::Index(children))) = (parts, &manifest) {
                prop_assert_eq!(parts.manifests.len(), children.len());
            }
            let _ = manifest.map(|manifest| (manifest.is_image(), manifest.unfit("amd64")));
            let _ = Configuration::parse(text.as_bytes()).map(|read| read.revision().map(str::to_owned));
        }
    }
}
