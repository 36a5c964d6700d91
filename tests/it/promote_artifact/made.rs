//! Manifests as other people's tools write them, put into a registry as they are.

use serde_json::{Value, json};
use testbed::registry::{Blob, Registry};

pub(super) const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const GZIP: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";

/// One repository of a registry.
pub(super) struct Maker<'r> {
    pub(super) registry: &'r Registry,
    pub(super) repository: &'r str,
}

impl Maker<'_> {
    /// Puts a blob, and answers its descriptor.
    pub(super) fn blob(&self, media_type: &str, content: &str) -> Value {
        let blob = Blob::bytes(content.to_owned());
        let size = blob.size();
        json!({"mediaType": media_type, "digest": self.registry.put_blob(self.repository, blob), "size": size})
    }

    /// Puts a manifest that the registry calls this, and answers its descriptor.
    pub(super) fn manifest(&self, media_type: &str, content: &Value) -> Value {
        let bytes = content.to_string();
        let digest = self.registry.put_manifest(self.repository, None, media_type, bytes.as_bytes());
        json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
    }

    /// The manifest of an image with this configuration and one layer of this type, not put yet.
    pub(super) fn unput(&self, configuration: &Value, layer: &str) -> Value {
        let config = self.blob(CONFIGURATION, &configuration.to_string());
        let layers = [self.blob(layer, &format!("a layer of {configuration}"))];
        json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": layers})
    }

    /// Puts an image with this configuration.
    pub(super) fn image(&self, configuration: &Value) -> Value {
        self.manifest(IMAGE, &self.unput(configuration, GZIP))
    }

    /// Puts an index with these entries.
    pub(super) fn index(&self, entries: &[&Value]) -> Value {
        self.manifest(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}))
    }
}

/// A configuration for linux on this architecture, built from this commit.
pub(super) fn linux(architecture: &str, commit: &str) -> Value {
    json!({"os": "linux", "architecture": architecture,
           "config": {"Labels": {"org.opencontainers.image.revision": commit}}})
}

/// The entry of an index, for a platform.
pub(super) fn on(described: &Value, os: &str, architecture: &str) -> Value {
    let mut entry = described.clone();
    entry["platform"] = json!({"os": os, "architecture": architecture});
    entry
}

pub(super) fn digest(described: &Value) -> &str {
    described["digest"].as_str().unwrap()
}
