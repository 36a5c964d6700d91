//! From the description of an image to its blobs and manifests, the same for every registry.

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::blob::{Blob, digest};
use super::spec::ImageSpec;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";

/// A manifest as it is stored: these bytes, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// `sha256:..`
    pub digest: String,
    /// Its `Content-Type`.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Bytes,
    /// The OCI architecture of an image in an index, `unknown` for an attestation.
    pub architecture: Option<String>,
}

impl Manifest {
    fn new(media_type: &str, content: &Value) -> Self {
        Self::raw(media_type, content.to_string().as_bytes())
    }

    pub(crate) fn raw(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            digest: digest(bytes),
            media_type: media_type.to_owned(),
            bytes: Bytes::copy_from_slice(bytes),
            architecture: None,
        }
    }

    fn of(mut self, architecture: &str) -> Self {
        self.architecture = Some(architecture.to_owned());
        self
    }

    /// The manifest as JSON, null if it is not.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }
}

/// All parts of an image.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    /// Every blob once.
    pub(crate) blobs: Vec<(String, Blob)>,
    /// The images of the index and their attestations; empty if the image is not an index.
    pub(crate) children: Vec<Manifest>,
    /// The image, or the index.
    pub(crate) top: Manifest,
    /// Manifests whose subject is `top`.
    pub(crate) referrers: Vec<Manifest>,
    /// Manifests with a tag made of the digest of `top`: `sha256-<hex>.sig`.
    pub(crate) tagged: Vec<(String, Manifest)>,
}

/// What an image consists of.
pub(crate) fn graph(spec: &ImageSpec) -> Graph {
    let mut blobs = Vec::new();
    let mut children = Vec::new();
    let index = spec.attestation || spec.architectures.len() != 1;
    for architecture in &spec.architectures {
        let configuration = json!({
            "architecture": architecture,
            "os": "linux",
            "config": {"Labels": spec.labels},
            "rootfs": {"type": "layers", "diff_ids": []},
        });
        let first = Blob::bytes(format!("{architecture}/{:?}/{}", spec.labels, spec.content));
        let layers: Vec<Blob> = std::iter::once(first).chain(spec.layers.iter().cloned()).collect();
        let made = image(&mut blobs, &configuration, &layers).of(architecture);
        let attestation = spec.attestation.then(|| {
            let statement = Blob::bytes(format!("{{\"subject\":\"{}\"}}", made.digest));
            image(&mut blobs, &json!({"os": "unknown"}), &[statement]).of("unknown")
        });
        children.push((made, attestation));
    }
    let (top, children) = if index { join(children) } else { (children.swap_remove(0).0, Vec::new()) };
    let referrers = spec.referrers.iter().map(|kind| referrer(&mut blobs, &top, kind)).collect();
    let tagged = spec
        .signatures
        .iter()
        .map(|suffix| {
            let statement = Blob::bytes(format!("{suffix} of {}", top.digest));
            let manifest = image(&mut blobs, &json!({"os": ""}), &[statement]);
            (format!("{}.{suffix}", top.digest.replace(':', "-")), manifest)
        })
        .collect();
    Graph { blobs, children, top, referrers, tagged }
}

/// The index that the registry API lacks where there is none for referrers: the tag `sha256-<hex>` and its manifest.
pub(crate) fn fallback(top: &Manifest, referrers: &[Manifest]) -> (String, Manifest) {
    let listed: Vec<Value> = referrers.iter().map(|manifest| descriptor(&manifest.media_type, manifest)).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed});
    (top.digest.replace(':', "-"), Manifest::new(INDEX, &index))
}

fn join(images: Vec<(Manifest, Option<Manifest>)>) -> (Manifest, Vec<Manifest>) {
    let mut listed = Vec::new();
    let mut children = Vec::new();
    for (image, attestation) in images {
        let mut described = descriptor(MANIFEST, &image);
        described["platform"] = json!({"architecture": image.architecture, "os": "linux"});
        listed.push(described);
        if let Some(attestation) = attestation {
            let mut described = descriptor(MANIFEST, &attestation);
            described["platform"] = json!({"architecture": "unknown", "os": "unknown"});
            described["annotations"] = json!({
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": image.digest,
            });
            listed.push(described);
            children.extend([image, attestation]);
        } else {
            children.push(image);
        }
    }
    (Manifest::new(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})), children)
}

fn image(blobs: &mut Vec<(String, Blob)>, configuration: &Value, layers: &[Blob]) -> Manifest {
    let configuration = Blob::bytes(configuration.to_string());
    let mut content = json!({"schemaVersion": 2, "mediaType": MANIFEST});
    content["config"] = part(blobs, CONFIGURATION, &configuration);
    content["layers"] = layers.iter().map(|layer| part(blobs, LAYER, layer)).collect();
    Manifest::new(MANIFEST, &content)
}

fn referrer(blobs: &mut Vec<(String, Blob)>, top: &Manifest, kind: &str) -> Manifest {
    let bundle = Blob::bytes(json!({"mediaType": kind, "subject": top.digest}).to_string());
    let content = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": part(blobs, EMPTY, &Blob::bytes("{}")),
        "layers": [part(blobs, kind, &bundle)],
        "subject": descriptor(&top.media_type, top),
    });
    Manifest::new(MANIFEST, &content)
}

/// Notes a blob and describes it.
fn part(blobs: &mut Vec<(String, Blob)>, media_type: &str, blob: &Blob) -> Value {
    let digest = blob.digest();
    if !blobs.iter().any(|(known, _)| *known == digest) {
        blobs.push((digest.clone(), blob.clone()));
    }
    json!({"mediaType": media_type, "digest": digest, "size": blob.size()})
}

fn descriptor(media_type: &str, manifest: &Manifest) -> Value {
    json!({"mediaType": media_type, "digest": manifest.digest, "size": manifest.bytes.len()})
}
