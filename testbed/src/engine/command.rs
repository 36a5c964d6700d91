//! Commands that the engine needs, and where its things are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// The client of the engine that listens there.
pub(super) fn docker(host: &str) -> Command {
    let mut command = Command::new("docker");
    // The builder that every engine has; the other takes a plugin.
    command.env("DOCKER_HOST", host).env("DOCKER_BUILDKIT", "0").stdin(Stdio::null());
    command
}

pub(super) fn answers(host: &str) -> bool {
    docker(host)
        .args(["version", "--format", "{{.Server.Version}}"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The workspace's folder.
pub(super) fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the folder of the workspace")?;
    Ok(root.to_path_buf())
}

/// Where the engine and its tools are kept between runs.
pub(super) fn directory() -> Result<PathBuf> {
    let path = root()?.join("target/testbed/engine");
    fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
    Ok(path)
}

/// What a command printed, without the white space around it.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A command of root's.
pub(super) fn as_root(program: &str) -> Command {
    if rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["--non-interactive", program]);
    command
}
