//! The images in which `act` runs the `run:` steps of jobs: Debian with a shell and the engine's client; one of them with a browser.

use std::fs;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use super::Engine;
use super::command::{as_root, directory, output};

/// Changes with what is in it.
const NAME: &str = "local/runner:1";
/// The same of the one with a browser.
const WITH_BROWSER: &str = "local/runner-browser:1";

/// Packages beside the least that Debian consists of: the tools that the builds of the examples use.
const PACKAGES: &str = "bash,ca-certificates,curl,jq,zip";
/// And where a site is tested in a browser: that, which is larger than all else together.
const BROWSER: &str = "chromium,fonts-dejavu-core";
/// With this machine's Node and npm.
const NODE: &str = r#"cd "$1" && install -D "$(readlink -f "$(command -v node)")" usr/local/bin/node &&
    mkdir -p usr/local/lib/node_modules && cp -r "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" usr/local/lib/node_modules/npm &&
    for name in npm npx; do ln -s "../lib/node_modules/npm/bin/${name}-cli.js" "usr/local/bin/${name}"; done"#;

/// What only people read stays out, and what `apt-get update` fetches again.
const STRIP: &str = "usr/share/doc usr/share/man usr/share/locale var/cache/apt var/lib/apt/lists";

/// Whoever makes it keeps the others waiting.
static MAKING: Mutex<()> = Mutex::new(());

/// Made by `debootstrap` once, and kept by the engine.
pub(super) fn ensure(engine: &Engine, with_browser: bool) -> Result<&'static str> {
    let (name, packages) =
        if with_browser { (WITH_BROWSER, format!("{PACKAGES},{BROWSER}")) } else { (NAME, PACKAGES.to_owned()) };
    let _turn = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if engine.has_image(name) {
        return Ok(name);
    }
    eprintln!("testbed: making {name}, the image of the runner (once, about a minute)");
    let folder = tempfile::Builder::new().prefix("runner-").tempdir_in(directory()?)?;
    let rootfs = folder.path().join("rootfs");
    output(as_root("debootstrap").args(["--variant=minbase", "--include", &packages, "bookworm"]).arg(&rootfs))
        .context("the runner's image takes root and Debian's debootstrap")?;
    output(
        as_root("sh")
            .args(["-c", r#"cd "$1" && rm -rf $2 && install -D "$(command -v docker)" usr/local/bin/docker"#, "strip"])
            .arg(&rootfs)
            .arg(STRIP),
    )?;
    if with_browser {
        output(as_root("sh").args(["-c", NODE, "node"]).arg(&rootfs))
            .context("put Node and npm into the runner's image")?;
    }
    let archive = folder.path().join("rootfs.tar");
    output(as_root("tar").arg("-C").arg(&rootfs).args(["--exclude=./dev/*", "-cf"]).arg(&archive).arg("."))?;
    output(engine.docker().arg("import").arg(&archive).arg(name))?;
    output(as_root("rm").arg("-rf").arg(&rootfs))?;
    fs::remove_file(&archive)?;
    Ok(name)
}
