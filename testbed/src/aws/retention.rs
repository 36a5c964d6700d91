//! What a test says about scans, lifecycle policies and archived images of ECR. `testbed/fidelity/ecr/control.py` lists the fields.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Account;

impl Account {
    /// Scans all repositories: by `BASIC` scanning when images are pushed, or by `ENHANCED`, continuously.
    ///
    /// # Errors
    ///
    /// ECR refuses.
    pub async fn scan_images(&self, kind: &str) -> Result<()> {
        let frequency = if kind == "ENHANCED" { "CONTINUOUS_SCAN" } else { "SCAN_ON_PUSH" };
        let every = json!([{"filter": "*", "filterType": "WILDCARD"}]);
        let rules = json!([{"scanFrequency": frequency, "repositoryFilters": every}]);
        self.ecr("PutRegistryScanningConfiguration", &json!({"scanType": kind, "rules": rules})).await?;
        Ok(())
    }

    /// How the scan of an image (by tag or digest) has ended, or of all images of the repository, those that are pushed later too:
    /// `{"status": "COMPLETE", "findings": {"CRITICAL": 1}}`, or `{"states": [{"for": 30, "status": "PENDING"}, {"status": "FAILED"}]}`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn tell_scan(&self, repository: &str, image: Option<&str>, told: &Value) -> Result<()> {
        let mut told = told.clone();
        told["repository"] = json!(repository);
        told["image"] = json!(image);
        self.steer_images("POST", "scan", &json!([told])).await
    }

    /// Puts a lifecycle policy of these rules, such as `[{"rulePriority": 1, "selection": {..}, "action": {"type": "expire"}}]`.
    ///
    /// # Errors
    ///
    /// ECR refuses.
    pub async fn put_lifecycle_rules(&self, repository: &str, rules: &Value) -> Result<()> {
        let text = json!({"rules": rules}).to_string();
        let policy = json!({"repositoryName": repository, "lifecyclePolicyText": text});
        self.ecr("PutLifecyclePolicy", &policy).await?;
        Ok(())
    }

    /// Somebody's preview of the repository's lifecycle policy, such as `{"status": "IN_PROGRESS"}`, or what the next one becomes:
    /// `{"becomes": "FAILED"}`.
    ///
    /// # Errors
    ///
    /// The server refuses.
    pub async fn tell_preview(&self, repository: &str, fields: &Value) -> Result<()> {
        let mut fields = fields.clone();
        fields["repository"] = json!(repository);
        self.steer_images("PATCH", "preview", &fields).await
    }

    /// Sets when an image (by tag or digest) was pushed, pulled or archived, in seconds from now: `{"pushed": -86400}`, `{"archived": 0}`.
    ///
    /// # Errors
    ///
    /// There is no such image.
    pub async fn set_image(&self, repository: &str, image: &str, fields: &Value) -> Result<()> {
        let body = json!({"repository": repository, "image": image, "set": fields});
        self.steer_images("PATCH", "image", &body).await
    }

    async fn steer_images(&self, method: &str, path: &str, body: &Value) -> Result<()> {
        let path = format!("accounts/{}/ecr/{path}?region={}", self.id, self.region());
        self.control(method, &path, body).await.context("steer ECR")?;
        Ok(())
    }
}
