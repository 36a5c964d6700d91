//! Builds deploy-action for the commands of the testbed: `cargo run` of the testbed does not.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// How it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quickly.
    Debug,
    /// As it is released.
    Release,
}

/// The folder of the workspace.
#[must_use]
pub fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The folder of what cargo builds.
#[must_use]
pub fn target() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    workspace().join(folder)
}

/// Builds the program and answers where it is.
///
/// # Errors
/// It does not build.
pub async fn program(profile: Profile) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--locked", "--package", "deploy-action"])
        .current_dir(workspace())
        .kill_on_drop(true);
    let folder = match profile {
        Profile::Debug => "debug",
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    let status = command.status().await.context("run cargo build")?;
    ensure!(status.success(), "deploy-action does not build");
    Ok(target().join(folder).join("deploy-action"))
}
