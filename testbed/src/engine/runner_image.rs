//! The images in which `act` runs the `run:` steps of jobs: Debian with a shell and the engine's client; one of them with a browser. And what of
//! it stands for `python:3-slim`, which services of examples are built from.

use std::fs;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use super::Engine;
use super::command::{as_root, directory, output};

/// Changes with what is in it.
const NAME: &str = "local/runner:2";
/// The same of the one with a browser.
const WITH_BROWSER: &str = "local/runner-browser:1";

/// Changes with what is in it.
const PYTHON: &str = "local/python:1";

/// Packages beside the least that Debian consists of: the tools that the builds of the examples use.
const PACKAGES: &str = "bash,ca-certificates,curl,jq,python3,zip";
/// And where a site is tested in a browser: that, which is larger than all else together.
const BROWSER: &str = "chromium fonts-dejavu-core";
/// Installed once there is a Debian: what they depend on cannot be set up before.
const INSTALL: &str = r#"mount -t proc proc "$1/proc" && trap 'umount "$1/proc"' EXIT && cp /etc/resolv.conf "$1/etc/resolv.conf" &&
    chroot "$1" sh -c "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $2""#;
/// With this machine's Node and npm.
const NODE: &str = r#"cd "$1" && install -D "$(readlink -f "$(command -v node)")" usr/local/bin/node &&
    mkdir -p usr/local/lib/node_modules && cp -r "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" usr/local/lib/node_modules/npm &&
    for name in npm npx; do ln -s "../lib/node_modules/npm/bin/${name}-cli.js" "usr/local/bin/${name}"; done"#;

/// What only people read stays out, and what `apt-get update` fetches again.
const STRIP: &str = "usr/share/doc usr/share/man usr/share/locale var/cache/apt var/lib/apt/lists";

/// Of these a Python that serves HTTP consists, and a shell.
const OF_PYTHON: &str = "bin lib lib64 usr/lib64 usr/bin/sh usr/bin/dash usr/bin/env usr/bin/basename usr/bin/python3* usr/lib/python3* \
    usr/lib/ld-* usr/lib/*-linux-gnu/ld-* usr/lib/*-linux-gnu/lib[cmz].so* usr/lib/*-linux-gnu/libexpat.so* usr/lib/*-linux-gnu/libdl.so* \
    usr/lib/*-linux-gnu/libutil.so* usr/lib/*-linux-gnu/libpthread.so* usr/lib/*-linux-gnu/libssl.so* usr/lib/*-linux-gnu/libcrypto.so*";

/// Whoever makes it keeps the others waiting.
static MAKING: Mutex<()> = Mutex::new(());

/// Made by `debootstrap` once, and kept by the engine.
pub(super) fn ensure(engine: &Engine, with_browser: bool) -> Result<&'static str> {
    let name = if with_browser { WITH_BROWSER } else { NAME };
    let _turn = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    if engine.has_image(name) && engine.has_image(PYTHON) {
        return Ok(name);
    }
    eprintln!("testbed: making {name}, the image of the runner (once, about a minute)");
    let folder = tempfile::Builder::new().prefix("runner-").tempdir_in(directory()?)?;
    let (rootfs, python) = (folder.path().join("rootfs"), folder.path().join("python.tar"));
    output(as_root("debootstrap").args(["--variant=minbase", "--include", PACKAGES, "bookworm"]).arg(&rootfs))
        .context("the runner's image takes root and Debian's debootstrap")?;
    output(
        as_root("sh")
            .args(["-c", r#"cd "$1" && ls -d $2 2> /dev/null | tar --exclude=__pycache__ -cf "$3" -T -"#, "python"])
            .arg(&rootfs)
            .arg(OF_PYTHON)
            .arg(&python),
    )?;
    let path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    output(engine.docker().args(["import", "--change", path]).arg(&python).arg(PYTHON))?;
    if with_browser {
        output(as_root("sh").args(["-c", INSTALL, "install"]).arg(&rootfs).arg(BROWSER))
            .context("put a browser into the runner's image")?;
    }
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

/// What stands for `python:3-slim`: a Python that serves HTTP, a shell, and little else.
///
/// # Errors
///
/// It cannot be made: that takes root and Debian's `debootstrap`.
pub fn python_image(engine: &Engine) -> Result<&'static str> {
    ensure(engine, false)?;
    Ok(PYTHON)
}
