//! Tools written in Go, at a fixed version, from the Go module proxy.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::command::{directory, output};

/// The program of a Go module's package, `go_tool("github.com/nektos/act", "v0.2.87")`: built once and kept.
///
/// # Errors
///
/// There is no Go, or it cannot be built.
pub fn go_tool(package: &str, version: &str) -> Result<PathBuf> {
    let name = package.rsplit('/').next().unwrap_or(package);
    let folder = directory()?.join("bin").join(format!("{name}-{version}"));
    let program = folder.join(name);
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let lock = File::create(folder.join("lock")).context("make a lock")?;
    lock.lock().with_context(|| format!("wait for {name}"))?;
    if !program.exists() {
        eprintln!("testbed: building {name} {version} (once, about a minute)");
        let module = format!("{package}@{version}");
        output(Command::new("go").args(["install", &module]).env("GOBIN", &folder).env("CGO_ENABLED", "0"))
            .context("Go is needed (https://go.dev/dl)")?;
    }
    Ok(program)
}
