//! Manifests: what an image is made of, and whether Lambda can run it.
//!
//! Other people's JSON: a member that is null is absent, and one that is not used is not looked at.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/manifest.md>,
//! <https://github.com/opencontainers/image-spec/blob/main/image-index.md>

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::configuration::Platform;
use super::digest::Digest;

/// The media types of manifests, to be named in every request: a registry that is not offered the stored type converts.
pub const MANIFEST_TYPES: [&str; 4] = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

/// The largest image that Lambda runs, unpacked (<https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>).
const LARGEST_FOR_LAMBDA: u64 = 10 << 30;

/// Those of a single image.
const IMAGE_TYPES: [&str; 2] = [MANIFEST_TYPES[0], MANIFEST_TYPES[1]];

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
        /// How much its layers are together, as they are stored.
        bytes: u64,
    },
    /// Several images, one for each platform.
    Index(Vec<Child>),
}

/// An entry of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The image, or another index.
    pub digest: Digest,
    /// The media type of its manifest; empty if the entry does not say it.
    pub media_type: String,
    /// Where it runs. An entry need not say it: then the image's configuration does.
    pub platform: Option<Platform>,
    /// True for what describes an image instead of being one: provenance, a list of components.
    pub attestation: bool,
}

impl Child {
    /// True for an image that need not be read to know where it runs.
    #[must_use]
    pub fn is_image(&self) -> bool {
        self.platform.is_some() && IMAGE_TYPES.contains(&self.media_type.as_str())
    }
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
    /// The manifest that it refers to: a signature has what it signs
    /// (<https://github.com/opencontainers/image-spec/blob/main/manifest.md>).
    pub subject: Option<Digest>,
    /// What it is, where it is no image.
    pub artifact_type: Option<String>,
}

impl Parts {
    /// Reads them.
    pub fn parse(manifest: &[u8]) -> Result<Self> {
        let raw: Raw = serde_json::from_slice(manifest).context("read the manifest")?;
        let all = |descriptors: Option<Vec<RawDescriptor>>| {
            descriptors.unwrap_or_default().into_iter().map(RawDescriptor::into_descriptor).collect::<Result<Vec<_>>>()
        };
        let of_config = raw.config.as_ref().and_then(|config| config.media_type.clone());
        let mut blobs = all(raw.config.map(|config| vec![config]))?;
        blobs.extend(all(raw.layers)?);
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let artifact_type = text(&raw.artifact_type).or(of_config);
        let subject = raw.subject["digest"].as_str().and_then(|digest| digest.parse().ok());
        Ok(Self { media_type: raw.media_type, manifests: all(raw.manifests)?, blobs, subject, artifact_type })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    media_type: Option<String>,
    manifests: Option<Vec<RawDescriptor>>,
    config: Option<RawDescriptor>,
    layers: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    subject: Value,
    #[serde(default)]
    artifact_type: Value,
    /// Only images of schema 1 have it.
    fs_layers: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RawDescriptor {
    media_type: Option<String>,
    digest: Option<String>,
    size: Option<u64>,
    urls: Option<Vec<IgnoredAny>>,
    platform: Option<RawPlatform>,
    annotations: Option<Annotations>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPlatform {
    os: Option<String>,
    architecture: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotations {
    #[serde(rename = "vnd.docker.reference.type")]
    describes: Option<IgnoredAny>,
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(manifest: impl AsRef<[u8]>) -> Result<Self> {
        let raw: Raw = serde_json::from_slice(manifest.as_ref()).context("read the image's manifest")?;
        match (raw.manifests, raw.config) {
            (Some(children), _) => {
                Ok(Self::Index(children.into_iter().map(RawDescriptor::into_child).collect::<Result<_>>()?))
            }
            (None, Some(config)) => {
                let layers = raw.layers.unwrap_or_default();
                Ok(Self::Image {
                    config: config.digest()?,
                    config_type: config.media_type.unwrap_or_default(),
                    bytes: layers.iter().filter_map(|layer| layer.size).fold(0, u64::saturating_add),
                    layers: layers.into_iter().map(|layer| layer.media_type.unwrap_or_default()).collect(),
                })
            }
            (None, None) if raw.fs_layers.is_some() => {
                bail!("the image is of schema 1, which registries no longer take: push it again with a current client")
            }
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
    /// no index, not even one of a single image, no layer that is not compressed by gzip, and no more than 10 GB when all layers
    /// are unpacked: what is larger than that while it is still compressed is refused
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>).
    #[must_use]
    pub fn unfit(&self) -> Option<Unfit> {
        match self {
            Self::Index(_) => Some(Unfit::Index),
            Self::Image { config_type, .. } if !is_image_config(config_type) => {
                Some(Unfit::NoImage(config_type.clone()))
            }
            Self::Image { layers, bytes, .. } => match layers.iter().find(|layer| !is_gzip(layer)) {
                Some(layer) if layer.contains("in-toto") => Some(Unfit::NoImage(layer.clone())),
                Some(layer) => Some(Unfit::Layer(layer.clone())),
                None => (*bytes > LARGEST_FOR_LAMBDA).then_some(Unfit::TooLarge(*bytes)),
            },
        }
    }
}

/// Why Lambda cannot run what a manifest describes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is an index; perhaps one of its images fits.
    Index,
    /// It holds something else than an image, of this media type.
    NoImage(String),
    /// A layer has this media type.
    Layer(String),
    /// Its layers are so many bytes, as they are stored.
    TooLarge(u64),
}

impl RawDescriptor {
    fn digest(&self) -> Result<Digest> {
        let Some(digest) = &self.digest else { bail!("the manifest names something without a digest") };
        digest.parse().map_err(|error| anyhow::anyhow!("the manifest names {digest}, and it {error}"))
    }

    fn into_descriptor(self) -> Result<Descriptor> {
        let digest = self.digest()?;
        let media_type = self.media_type.unwrap_or_default();
        let foreign = self.urls.is_some_and(|urls| !urls.is_empty()) || media_type.contains(".foreign.");
        Ok(Descriptor { media_type, digest, size: self.size.unwrap_or_default(), foreign })
    }

    fn into_child(self) -> Result<Child> {
        let digest = self.digest()?;
        let RawPlatform { os, architecture } = self.platform.unwrap_or_default();
        let described = self.annotations.is_some_and(|annotations| annotations.describes.is_some());
        let is_unknown = |part: &Option<String>| part.as_deref() == Some("unknown");
        Ok(Child {
            digest,
            media_type: self.media_type.unwrap_or_default(),
            attestation: described || is_unknown(&os) || is_unknown(&architecture),
            platform: Platform::of(os, architecture),
        })
    }
}

fn is_image_config(media_type: &str) -> bool {
    matches!(media_type, "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json")
}

fn is_gzip(media_type: &str) -> bool {
    media_type.ends_with("tar+gzip") || media_type.ends_with("tar.gzip")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, members_of, null_and_absent};
    use serde_json::json;

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
            assert_eq!(image(config, &[layer, layer]).unfit(), None, "{layer}");
        }
    }

    #[test]
    fn other_layers_and_other_artifacts_do_not_fit() {
        let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
        for layer in ["application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.oci.image.layer.v1.tar"] {
            assert_eq!(image(OCI, &[gzip, layer]).unfit(), Some(Unfit::Layer(layer.to_owned())));
        }
        let chart = "application/vnd.cncf.helm.config.v1+json";
        assert_eq!(image(chart, &[gzip]).unfit(), Some(Unfit::NoImage(chart.to_owned())));
        let statement = "application/vnd.in-toto+json";
        assert_eq!(image(OCI, &[statement]).unfit(), Some(Unfit::NoImage(statement.to_owned())));
    }

    #[test]
    fn an_image_of_more_than_ten_gigabytes_does_not_fit() {
        let of = |bytes: u64| {
            let layers = vec!["application/vnd.oci.image.layer.v1.tar+gzip".to_owned()];
            Manifest::Image { config: digest("config"), config_type: OCI.to_owned(), layers, bytes }.unfit()
        };
        assert_eq!((of(10 << 30), of((10 << 30) + 1)), (None, Some(Unfit::TooLarge((10 << 30) + 1))));
    }

    #[test]
    fn an_index_tells_images_from_attestations() {
        let attestation = json!({"vnd.docker.reference.type": "attestation-manifest"});
        let index = json!({"manifests": [
            // A careless tool gave the attestation the platform of its image.
            child("attests", "linux", "amd64", &attestation),
            child("amd64", "linux", "amd64", &json!({})),
            child("unknown", "unknown", "unknown", &json!({})),
            child("half", "linux", "", &json!({})),
        ]});
        let Manifest::Index(children) = Manifest::parse(index.to_string()).unwrap() else { panic!() };
        let attestations: Vec<bool> = children.iter().map(|child| child.attestation).collect();
        assert_eq!(attestations, [true, false, true, false]);
        assert_eq!(children[1].platform.as_ref().map(ToString::to_string).as_deref(), Some("linux/amd64"));
        assert_eq!(children[3].platform, None);
        assert_eq!(Manifest::Index(children).unfit(), Some(Unfit::Index));
    }

    #[test]
    fn an_image_of_schema_1_is_named_with_its_fix() {
        let old = json!({"schemaVersion": 1, "name": "org/app", "tag": "v1", "fsLayers": [{"blobSum": digest("a").as_str()}]});
        let told = Manifest::parse(old.to_string()).unwrap_err().to_string();
        assert!(told.contains("schema 1") && told.contains("push it again"), "{told}");
    }

    /// Manifests with every member that there may be.
    fn whole() -> [Value; 2] {
        let described = |kind: &str, name: &str| {
            json!({"mediaType": kind, "digest": digest(name).as_str(), "size": 1, "urls": ["https://example.com/a"], "data": "e30=",
                   "artifactType": "a/b", "annotations": {"vnd.docker.reference.type": "attestation-manifest", "a": "b"},
                   "platform": {"os": "linux", "architecture": "amd64", "os.version": "1", "os.features": ["a"], "variant": "v1"}})
        };
        let image = json!({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPES[0], "artifactType": "a/b", "annotations": {"a": "b"},
            "config": described(OCI, "config"), "subject": described(MANIFEST_TYPES[0], "subject"),
            "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", "a"), described("b/c", "b")],
        });
        let index = json!({
            "schemaVersion": 2, "mediaType": MANIFEST_TYPES[2], "artifactType": "a/b", "annotations": {"a": "b"},
            "manifests": [described(MANIFEST_TYPES[0], "a"), described(MANIFEST_TYPES[2], "b")],
            "subject": described(MANIFEST_TYPES[0], "subject"),
        });
        [image, index]
    }

    #[test]
    fn a_member_that_is_null_reads_as_one_that_is_absent() {
        for whole in whole() {
            let members = members_of(&whole);
            assert!(members.len() > 10);
            for member in members {
                let read = |text: String| (Parts::parse(text.as_bytes()).ok(), Manifest::parse(&text).ok());
                let [null, absent] = null_and_absent(&whole, &member);
                assert_eq!(read(null.to_string()), read(absent.to_string()), "{member}");
            }
        }
    }

    #[test]
    fn what_the_sdk_of_dotnet_writes_is_read() {
        let layer = json!({"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "digest": digest("a").as_str(),
                           "size": 1, "urls": null});
        let config = json!({"mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest("c").as_str(),
                            "size": 1, "urls": null});
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST_TYPES[1], "config": config, "layers": [layer]});
        let parts = Parts::parse(manifest.to_string().as_bytes()).unwrap();
        assert!(parts.blobs.len() == 2 && parts.blobs.iter().all(|blob| !blob.foreign));
        assert_eq!(Manifest::parse(manifest.to_string()).unwrap().unfit(), None);
    }

    #[test]
    fn members_that_are_not_used_may_be_anything() {
        let odd = json!({"schemaVersion": "two", "annotations": 5, "artifactType": [], "subject": "?",
                         "manifests": [{"digest": digest("a").as_str(), "annotations": {"a": 1}, "urls": [{}], "data": 7,
                                        "platform": {"os": "linux", "architecture": "arm64", "variant": 8}}]});
        let Manifest::Index(children) = Manifest::parse(odd.to_string()).unwrap() else { panic!() };
        assert!(!children[0].attestation && children[0].platform.is_some());
    }

    #[test]
    fn what_is_no_manifest_is_an_error() {
        for wrong in ["", "[]", "{}", "{\"manifests\": [{}]}", "{\"config\": {\"digest\": \"md5:1\"}}"] {
            assert!(Manifest::parse(wrong).is_err(), "{wrong}");
        }
    }

    const MANIFESTS: [&str; 2] = [
        r#"{"manifests":[{"digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","size":1}]}"#,
        r#"{"config":{"digest":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},"layers":[]}"#,
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
            let _ = manifest.map(|manifest| (manifest.is_image(), manifest.unfit()));
        }
    }
}
