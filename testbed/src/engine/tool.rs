//! Tools at a fixed version: written in Go, from the Go module proxy; and programs that npm brings.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::command::{directory, output};

/// The program of a Go module's package, `go_tool("github.com/nektos/act", "v0.2.87", "")`: built once, with these build tags, and kept.
///
/// # Errors
///
/// There is no Go, or it cannot be built.
pub fn go_tool(package: &str, version: &str, tags: &str) -> Result<PathBuf> {
    let name = package.rsplit('/').next().unwrap_or(package);
    kept(name, version, name, |folder| {
        let module = format!("{package}@{version}");
        output(
            Command::new("go").args(["install", "-tags", tags, &module]).env("GOBIN", folder).env("CGO_ENABLED", "0"),
        )
        .context("Go is needed (https://go.dev/dl)")
    })
}

/// A program of an npm package, by its path below `node_modules`: fetched once, and kept.
///
/// # Errors
///
/// There is no npm, or it does not get the package.
pub fn npm_tool(package: &str, version: &str, program: &str) -> Result<PathBuf> {
    kept(package, version, &format!("node_modules/{program}"), |folder| {
        let module = format!("{package}@{version}");
        let options = ["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
        output(Command::new("npm").args(options).arg(folder).arg(module)).context("npm is needed")
    })
}

/// A program in a folder of its own, made if it is not there.
fn kept(name: &str, version: &str, program: &str, make: impl FnOnce(&Path) -> Result<String>) -> Result<PathBuf> {
    let folder = directory()?.join("bin").join(format!("{name}-{version}"));
    let program = folder.join(program);
    fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let lock = File::create(folder.join("lock")).context("make a lock")?;
    lock.lock().with_context(|| format!("wait for {name}"))?;
    if !program.exists() {
        eprintln!("testbed: making {name} {version} (once, about a minute)");
        make(&folder)?;
    }
    Ok(program)
}
