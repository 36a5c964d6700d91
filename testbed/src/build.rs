//! Builds deploy-action for the commands of the testbed: running an example does not.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// How it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Quickly, and as the tests have it.
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

/// A command that calls cargo, in the folder of the workspace.
///
/// Cargo describes the package it runs in variables. A build script such as ring's runs again when they change, and all that is
/// built on it is then built again: the command gets none of them.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Builds the program and answers where it is.
///
/// # Errors
/// It does not build.
pub async fn program(profile: Profile) -> Result<PathBuf> {
    let mut command = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--locked", "--package", "deploy-action", "--bin", "deploy-action"]);
    let folder = match profile {
        Profile::Debug => {
            // With an example, its crates have the features that they have in tests, and are built already.
            command.args(["--example", "demo"]);
            "debug"
        }
        Profile::Release => {
            command.arg("--release");
            "release"
        }
    };
    let status = tokio::process::Command::from(command).kill_on_drop(true).status().await.context("run cargo build")?;
    ensure!(status.success(), "deploy-action does not build");
    Ok(target().join(folder).join("deploy-action"))
}
