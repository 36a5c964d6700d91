//! The action's image.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::command::{docker, output, root};

/// The action's image, as `tools/image` made it.
#[derive(Clone, Debug)]
pub struct ActionImage {
    /// What the engine knows it by.
    pub name: String,
    /// The digest of its manifest.
    pub digest: String,
    /// The size of its layer and configuration together, in bytes: what a runner pulls.
    pub size: u64,
    /// The folder with the archives and with what is in it.
    pub folder: PathBuf,
}

impl ActionImage {
    /// Makes the image, in this folder.
    ///
    /// # Errors
    ///
    /// The program does not build, or `tools/image` misses something.
    pub fn build(folder: PathBuf) -> Result<Self> {
        output(Command::new(root()?.join("tools/image")).arg(&folder))?;
        let read = |file: &str| fs::metadata(folder.join(file)).with_context(|| format!("look at {file}"));
        let size = read("oci.tar")?.len();
        let digest = fs::read_to_string(folder.join("digest")).context("read the digest")?;
        Ok(Self { name: "local/deploy-action:ci".to_owned(), digest, size, folder })
    }
}

/// Makes it below the folder of the build, and gives it to the engine that listens at `host`.
pub(super) fn build_and_load(host: &str) -> Result<ActionImage> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().map(|root| root.join("target")), |folder| Ok(folder.into()))?;
    let image = ActionImage::build(target.join("image"))?;
    let archive = image.folder.join("docker.tar");
    output(docker(host).args(["load", "--quiet", "--input"]).arg(archive))?;
    Ok(image)
}
