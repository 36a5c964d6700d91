//! The action's image.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use super::command::{docker, output, root};
use crate::build;

/// The action's image, as `tools/image` made it.
#[derive(Clone, Debug)]
pub struct ActionImage {
    /// What the engine knows it by.
    pub name: String,
    /// The profile of the program in it.
    pub profile: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The size of its layer and configuration together, in bytes: what a runner pulls.
    pub size: u64,
    /// The folder with the archives and with what is in it.
    pub folder: PathBuf,
}

impl ActionImage {
    /// Makes the image in this folder, with the program of this profile, or of the one that `DEPLOY_PROFILE` names.
    ///
    /// # Errors
    ///
    /// The program does not build, or `tools/image` misses something.
    pub fn build(folder: PathBuf, profile: &str) -> Result<Self> {
        let profile = std::env::var("DEPLOY_PROFILE").unwrap_or_else(|_| profile.to_owned());
        output(build::command(root()?.join("tools/image")).arg(&folder).env("DEPLOY_PROFILE", &profile))?;
        let read = |file: &str| fs::metadata(folder.join(file)).with_context(|| format!("look at {file}"));
        let size = read("oci.tar")?.len();
        let digest = fs::read_to_string(folder.join("digest")).context("read the digest")?;
        Ok(Self { name: "local/deploy-action:ci".to_owned(), profile, digest, size, folder })
    }
}

/// Makes it below the folder of the build, and gives it to the engine that listens at `host`.
pub(super) fn build_and_load(host: &str, profile: &str) -> Result<ActionImage> {
    let image = ActionImage::build(build::target().join("image"), profile)?;
    let archive = image.folder.join("docker.tar");
    output(docker(host).args(["load", "--quiet", "--input"]).arg(archive))?;
    Ok(image)
}
