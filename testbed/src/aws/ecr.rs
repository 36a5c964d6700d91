//! Repositories and images, pushed through ECR's own API.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Account;

const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIGURATION: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

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
        let index = spec.attestation || spec.architectures.len() != 1;
        let mut children = Vec::new();
        for architecture in &spec.architectures {
            let configuration = json!({
                "architecture": architecture,
                "os": "linux",
                "config": {"Labels": spec.labels},
                "rootfs": {"type": "layers", "diff_ids": []},
            });
            let layer = format!("{architecture}/{:?}/{}", spec.labels, spec.content).into_bytes();
            let manifest = self.push_parts(&spec.repository, &configuration, layer).await?;
            let tags = if index { &[][..] } else { &spec.tags };
            let digest = self.put_image(&spec.repository, &manifest, MANIFEST, tags).await?;
            let platform = json!({"architecture": architecture, "os": "linux"});
            children.push(descriptor(MANIFEST, &digest, manifest.len(), &platform, None));
            if !index {
                return Ok(digest);
            }
            if spec.attestation {
                let statement = format!("{{\"subject\":\"{digest}\"}}").into_bytes();
                let manifest = self.push_parts(&spec.repository, &json!({"os": "unknown"}), statement).await?;
                let attestation = self.put_image(&spec.repository, &manifest, MANIFEST, &[]).await?;
                let unknown = json!({"architecture": "unknown", "os": "unknown"});
                children.push(descriptor(MANIFEST, &attestation, manifest.len(), &unknown, Some(&digest)));
            }
        }
        let manifest = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string();
        self.put_image(&spec.repository, &manifest, INDEX, &spec.tags).await
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
        self.put_image(repository, manifest, media_type, &[tag.to_owned()]).await?;
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

    /// Uploads configuration and layer of an image and answers its manifest.
    async fn push_parts(&self, repository: &str, configuration: &Value, layer: Vec<u8>) -> Result<String> {
        let configuration = configuration.to_string().into_bytes();
        let none = Value::Null;
        let parts = [(CONFIGURATION, configuration), (LAYER, layer)];
        let mut described = Vec::new();
        for (media_type, content) in parts {
            let digest = self.push_blob(repository, &content).await?;
            described.push(descriptor(media_type, &digest, content.len(), &none, None));
        }
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": [described[1]]});
        Ok(manifest.to_string())
    }

    async fn push_blob(&self, repository: &str, content: &[u8]) -> Result<String> {
        let digest = digest_of(content);
        let known = json!({"repositoryName": repository, "layerDigests": [digest]});
        let known = self.ecr("BatchCheckLayerAvailability", &known).await?;
        if known["layers"][0]["layerAvailability"] == "AVAILABLE" {
            return Ok(digest);
        }
        let upload = self.ecr("InitiateLayerUpload", &json!({"repositoryName": repository})).await?;
        let upload = &upload["uploadId"];
        let part = json!({
            "repositoryName": repository,
            "uploadId": upload,
            "partFirstByte": 0,
            "partLastByte": content.len() - 1,
            "layerPartBlob": BASE64.encode(content),
        });
        self.ecr("UploadLayerPart", &part).await?;
        let end = json!({"repositoryName": repository, "uploadId": upload, "layerDigests": [digest]});
        self.ecr("CompleteLayerUpload", &end).await?;
        Ok(digest)
    }

    async fn put_image(&self, repository: &str, manifest: &str, media_type: &str, tags: &[String]) -> Result<String> {
        let none = [Value::Null];
        let named: Vec<Value> = tags.iter().map(|tag| json!(tag)).collect();
        for tag in if named.is_empty() { &none[..] } else { &named } {
            let mut body = json!({
                "repositoryName": repository,
                "imageManifest": manifest,
                "imageManifestMediaType": media_type,
            });
            if !tag.is_null() {
                body["imageTag"] = tag.clone();
            }
            let answer = self.json_service("ecr", &format!("{TARGET}.PutImage"), &body).await?;
            if !answer.text().contains("ImageAlreadyExistsException") {
                answer.ok().context("ECR PutImage")?;
            }
        }
        Ok(digest_of(manifest.as_bytes()))
    }
}

fn digest_of(content: &[u8]) -> String {
    Sha256::digest(content).iter().fold(String::from("sha256:"), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn descriptor(media_type: &str, digest: &str, size: usize, platform: &Value, attests: Option<&str>) -> Value {
    let mut described = json!({"mediaType": media_type, "digest": digest, "size": size});
    if !platform.is_null() {
        described["platform"] = platform.clone();
    }
    if let Some(subject) = attests {
        described["annotations"] =
            json!({"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject});
    }
    described
}
