//! What every play begins with, in an account of its own: a function that serves a release, and an image.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::aws::sample::{GOOD, http_event, sample_zip};
use crate::aws::{Account, FunctionSpec, ImageSpec, LocalAws, Request, Settings};

/// The function, and the repository.
pub(super) const FUNCTION: &str = "shop-api";
pub(super) const REPOSITORY: &str = "shop/api";
/// The release that serves, and the one that is deployed.
pub(super) const BEFORE: &str = "1.0.0";
pub(super) const AFTER: &str = "1.1.0";
/// The tag of the image before, and the one it gets.
pub(super) const CANDIDATE: &str = "candidate";
pub(super) const PROMOTED: &str = "promoted";

/// The scene of one play.
#[derive(Debug)]
pub struct Scene {
    pub(super) account: Account,
    folder: TempDir,
}

impl Scene {
    /// Sets it: release 1.0.0 serves through the alias `live` and has answered once, and updates take this long.
    ///
    /// # Errors
    /// The local AWS refuses.
    pub async fn set(aws: &LocalAws, update_seconds: u32) -> Result<Self> {
        let account = aws.account();
        let settings = |seconds| Settings { update_delay: Some(seconds), ..Settings::default() };
        account.settings(&settings(0.0)).await?;
        account.create_function(&FunctionSpec::zip(FUNCTION, package(BEFORE))).await?;
        let version = account.publish(FUNCTION, "what serves").await?;
        account.create_alias(FUNCTION, "live", &version).await?;
        account.invoke(FUNCTION, "live", &http_event("/health")).await?;
        account.create_repository(REPOSITORY).await?;
        account.push_image(&ImageSpec::new(REPOSITORY).tag(CANDIDATE)).await?;
        account.settings(&settings(f64::from(update_seconds))).await?;
        let scene = Self { account, folder: tempfile::tempdir().context("make the workspace")? };
        fs::write(scene.package(), package(AFTER)).context("write the package")?;
        scene.account.clear_requests().await?;
        Ok(scene)
    }

    /// The workspace.
    pub(super) fn workspace(&self) -> PathBuf {
        self.folder.path().to_path_buf()
    }

    /// The package that is deployed.
    pub(super) fn package(&self) -> PathBuf {
        self.folder.path().join("shop-api.zip")
    }

    /// What was asked of the local AWS since the scene was set.
    ///
    /// # Errors
    /// The local AWS refuses.
    pub async fn requests(&self) -> Result<Vec<Request>> {
        self.account.requests().await
    }

    /// Takes it down: the work must have been done, and the release that served must serve again.
    ///
    /// # Errors
    /// It was not, or does not.
    pub async fn end(self) -> Result<()> {
        let alias = self.account.alias(FUNCTION, "live").await?;
        ensure!(alias.version == "1", "the alias was meant to be back at version 1, not at {}", alias.version);
        self.account.function(FUNCTION, "2").await.context("the version that was deployed")?;
        let candidate = self.account.image_digest(REPOSITORY, CANDIDATE).await?;
        let promoted = self.account.image_digest(REPOSITORY, PROMOTED).await?;
        ensure!(candidate.is_some() && candidate == promoted, "the image was not promoted");
        let path = format!("/2015-03-31/functions/{FUNCTION}");
        self.account.lambda("DELETE", &path, &Value::Null).await?.ok()?;
        Ok(())
    }
}

fn package(release: &str) -> Vec<u8> {
    sample_zip(release, "none", GOOD)
}
