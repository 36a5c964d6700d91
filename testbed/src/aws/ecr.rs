//! Repositories and images, pushed through ECR's own API.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::Account;
use crate::registry::{Blob, ImageSpec, MANIFEST, Manifest, graph};

const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921";

/// Bytes of a part of a layer, as `InitiateLayerUpload` names them.
const PART: usize = 10 * 1024 * 1024;

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
