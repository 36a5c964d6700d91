//! The image in which `act` runs the `run:` steps of jobs: Debian with a shell and the engine's client.

use std::fs;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use super::Engine;
use super::command::{as_root, directory, output};

/// Changes with what is in it.
const NAME: &str = "local/runner:1";

/// Packages beside the least that Debian consists of: the tools that the builds of the examples use.
const PACKAGES: &str = "bash,ca-certificates,curl,jq,zip";

/// What only people read stays out, and what `apt-get update` fetches again.
const STRIP: &str = "usr/share/doc usr/share/man usr/share/locale var/cache/apt var/lib/apt/lists";

/// Whoever makes it keeps the others waiting.
static MAKING: Mutex<()> = Mutex::new(());

/// Made by `debootstrap` once, and kept by the engine.
pub(super) fn ensure(engine: &Engine) -> Result<&'static str> {
    let _turn = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if engine.has_image(NAME) {
        return Ok(NAME);
    }
    eprintln!("testbed: making the image of the runner (once, about a minute)");
    let folder = tempfile::Builder::new().prefix("runner-").tempdir_in(directory()?)?;
    let rootfs = folder.path().join("rootfs");
    output(as_root("debootstrap").args(["--variant=minbase", "--include", PACKAGES, "bookworm"]).arg(&rootfs))
        .context("the runner's image takes root and Debian's debootstrap")?;
    output(
        as_root("sh")
            .args(["-c", r#"cd "$1" && rm -rf $2 && install -D "$(command -v docker)" usr/local/bin/docker"#, "strip"])
            .arg(&rootfs)
            .arg(STRIP),
    )?;
    let archive = folder.path().join("rootfs.tar");
    output(as_root("tar").arg("-C").arg(&rootfs).args(["--exclude=./dev/*", "-cf"]).arg(&archive).arg("."))?;
    output(engine.docker().arg("import").arg(&archive).arg(NAME))?;
    output(as_root("rm").arg("-rf").arg(&rootfs))?;
    fs::remove_file(&archive)?;
    Ok(NAME)
}
