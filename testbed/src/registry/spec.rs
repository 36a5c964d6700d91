//! The description of an image, for ECR and for the registries of this process.

use std::collections::BTreeMap;

use super::blob::Blob;

/// An image to be pushed.
#[derive(Clone, Debug)]
pub struct ImageSpec {
    /// The repository, which must be there.
    pub repository: String,
    /// Tags of the image (of the index, if it is one).
    pub tags: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// OCI architectures: one makes an image, several an index.
    pub architectures: Vec<String>,
    /// Makes an index even for one architecture, with an attestation beside the image, as `docker buildx` does.
    pub attestation: bool,
    /// Makes two images with the same labels different.
    pub content: String,
    /// Layers of every image, beside a small one of its own.
    pub layers: Vec<Blob>,
    /// The artifact types of manifests whose subject the image (the index) is.
    pub referrers: Vec<String>,
    /// Suffixes of manifests that belong to the image by their tag: `sig` makes `sha256-<hex>.sig`.
    pub signatures: Vec<String>,
}

impl ImageSpec {
    /// An image for amd64 without tags and labels.
    #[must_use]
    pub fn new(repository: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            tags: Vec::new(),
            labels: BTreeMap::new(),
            architectures: vec!["amd64".to_owned()],
            attestation: false,
            content: String::new(),
            layers: Vec::new(),
            referrers: Vec::new(),
            signatures: Vec::new(),
        }
    }

    /// With a tag.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    /// With a label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.labels.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With the labels of a release: its commit and its version.
    #[must_use]
    pub fn release(self, version: &str, commit: &str) -> Self {
        self.label("org.opencontainers.image.version", version).label("org.opencontainers.image.revision", commit)
    }

    /// With rules for what a function does that runs it: the label `testbed.behaviour`.
    ///
    /// A YAML list, the first rule that applies is followed: `- {when: {env: {STAGE: prd}, after-invocations: 3}, do:
    /// status 500}`. `do` is `ok`, `status N`, `import-error`, `exit` or `sleep 2s`.
    #[must_use]
    pub fn behaviour(self, rules: &str) -> Self {
        self.label("testbed.behaviour", rules)
    }

    /// For these OCI architectures (`amd64`, `arm64`).
    #[must_use]
    pub fn architectures(self, architectures: &[&str]) -> Self {
        Self { architectures: architectures.iter().map(|&name| name.to_owned()).collect(), ..self }
    }

    /// As an index with an attestation.
    #[must_use]
    pub fn attestation(self) -> Self {
        Self { attestation: true, ..self }
    }

    /// With a layer more.
    #[must_use]
    pub fn layer(mut self, content: Blob) -> Self {
        self.layers.push(content);
        self
    }

    /// With a manifest of this artifact type that refers to it, e.g. `application/vnd.dev.sigstore.bundle.v0.3+json`.
    #[must_use]
    pub fn referrer(mut self, artifact_type: &str) -> Self {
        self.referrers.push(artifact_type.to_owned());
        self
    }

    /// With a manifest under a tag made of its digest, as cosign 2 has it: `sig`, `att`, `sbom`.
    #[must_use]
    pub fn signature(mut self, suffix: &str) -> Self {
        self.signatures.push(suffix.to_owned());
        self
    }

    /// With content that makes it another image.
    #[must_use]
    pub fn content(self, content: &str) -> Self {
        Self { content: content.to_owned(), ..self }
    }
}
