//! Repositories and images, pushed through ECR's own API.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Account;
use crate::registry::Blob;
use crate::registry::image::{MANIFEST, Manifest, graph};

const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";

/// Bytes of a part of a layer, as `InitiateLayerUpload` names them.
const PART: usize = 10 * 1024 * 1024;

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

impl Account {
    /// Makes a repository whose tags may move.
    ///
    /// # Errors
    ///
    /// ECR refuses.
    pub async fn create_repository(&self, name: &str) -> Result<()> {
        self.create_repository_with(name, "MUTABLE").await
    }

    /// Makes a repository with this tag mutability.
    ///
    /// # Errors
    ///
    /// ECR refuses.
    pub async fn create_repository_with(&self, name: &str, mutability: &str) -> Result<()> {
        self.ecr("CreateRepository", &json!({"repositoryName": name, "imageTagMutability": mutability})).await?;
        Ok(())
    }

    /// The name of an image in this account's registry: by digest (`sha256:...`) or by tag.
    #[must_use]
    pub fn image_uri(&self, repository: &str, reference: &str) -> String {
        let separator = if reference.starts_with("sha256:") { '@' } else { ':' };
        format!("{}.dkr.ecr.{}.amazonaws.com/{repository}{separator}{reference}", self.id, self.region())
    }

    /// Pushes an image, or an index and its images, and answers its digest.
    ///
    /// # Errors
    ///
    /// ECR refuses.
    pub async fn push_image(&self, spec: &ImageSpec) -> Result<String> {
        let graph = graph(spec);
        for (digest, blob) in &graph.blobs {
            self.push_blob(&spec.repository, digest, blob).await?;
        }
        for manifest in &graph.children {
            self.put_image(&spec.repository, manifest, &[]).await?;
        }
        self.put_image(&spec.repository, &graph.top, &spec.tags).await?;
        for manifest in &graph.referrers {
            self.put_image(&spec.repository, manifest, &[]).await?;
        }
        for (tag, manifest) in &graph.tagged {
            self.put_image(&spec.repository, manifest, std::slice::from_ref(tag)).await?;
        }
        Ok(graph.top.digest)
    }

    /// Puts another tag on an image.
    ///
    /// # Errors
    ///
    /// ECR refuses, or there is no such image.
    pub async fn tag_image(&self, repository: &str, digest: &str, tag: &str) -> Result<()> {
        let wanted = json!({"repositoryName": repository, "imageIds": [{"imageDigest": digest}]});
        let found = self.ecr("BatchGetImage", &wanted).await?;
        let image = &found["images"][0];
        let manifest = image["imageManifest"].as_str().with_context(|| format!("no image {digest}"))?;
        let media_type = image["imageManifestMediaType"].as_str().unwrap_or(MANIFEST);
        self.put_image(repository, &Manifest::raw(media_type, manifest.as_bytes()), &[tag.to_owned()]).await?;
        Ok(())
    }

    /// The digest a tag stands for, none if there is no such tag.
    ///
    /// # Errors
    ///
    /// ECR refuses.
    pub async fn image_digest(&self, repository: &str, tag: &str) -> Result<Option<String>> {
        let wanted = json!({"repositoryName": repository, "imageIds": [{"imageTag": tag}]});
        let found = self.ecr("BatchGetImage", &wanted).await?;
        Ok(found["images"][0]["imageId"]["imageDigest"].as_str().map(str::to_owned))
    }

    /// Calls an operation of ECR.
    ///
    /// # Errors
    ///
    /// ECR refuses.
    pub async fn ecr(&self, operation: &str, body: &Value) -> Result<Value> {
        let answer = self.json_service("ecr", &format!("{TARGET}.{operation}"), body).await?;
        Ok(answer.ok().with_context(|| format!("ECR {operation}"))?.json())
    }

    async fn push_blob(&self, repository: &str, digest: &str, content: &Blob) -> Result<()> {
        let known = json!({"repositoryName": repository, "layerDigests": [digest]});
        let known = self.ecr("BatchCheckLayerAvailability", &known).await?;
        if known["layers"][0]["layerAvailability"] == "AVAILABLE" {
            return Ok(());
        }
        let upload = self.ecr("InitiateLayerUpload", &json!({"repositoryName": repository})).await?;
        let upload = &upload["uploadId"];
        for (number, part) in content.to_vec().chunks(PART).enumerate() {
            let part = json!({
                "repositoryName": repository,
                "uploadId": upload,
                "partFirstByte": number * PART,
                "partLastByte": number * PART + part.len() - 1,
                "layerPartBlob": BASE64.encode(part),
            });
            self.ecr("UploadLayerPart", &part).await?;
        }
        let end = json!({"repositoryName": repository, "uploadId": upload, "layerDigests": [digest]});
        self.ecr("CompleteLayerUpload", &end).await?;
        Ok(())
    }

    async fn put_image(&self, repository: &str, manifest: &Manifest, tags: &[String]) -> Result<()> {
        let none = [Value::Null];
        let named: Vec<Value> = tags.iter().map(|tag| json!(tag)).collect();
        for tag in if named.is_empty() { &none[..] } else { &named } {
            let mut body = json!({
                "repositoryName": repository,
                "imageManifest": String::from_utf8_lossy(&manifest.bytes),
                "imageManifestMediaType": manifest.media_type,
            });
            if !tag.is_null() {
                body["imageTag"] = tag.clone();
            }
            let answer = self.json_service("ecr", &format!("{TARGET}.PutImage"), &body).await?;
            if !answer.text().contains("ImageAlreadyExistsException") {
                answer.ok().context("ECR PutImage")?;
            }
        }
        Ok(())
    }
}
