//! `NOTICE`: what is linked into the released program, and what lies beside it in the image.

use std::collections::BTreeSet;
use std::process::Command;

const HEAD: &str = "\
deploy-action
Licensed under Apache-2.0 or MIT, as you like: LICENSE-APACHE, LICENSE-MIT.

The released image holds what is named here, and the texts of the licences in /usr/share/doc/deploy-action/LICENCES. Generated
by `cargo generate`.

Linked into the program, /usr/local/bin/deploy-action
=====================================================

GNU C Library (Debian's libc6-dev), LGPL-2.1-or-later. It is linked statically; the program can be linked again with another
version of it from its source by `tools/image`.
The Rust standard library, MIT OR Apache-2.0.

";

const TAIL: &str = "
Beside the program
==================

/bin/busybox: BusyBox (Debian's busybox-static), GPL-2.0-only; with the GNU C Library, LGPL-2.1-or-later.
Its source: https://sources.debian.org/src/busybox/
/etc/ssl/certs/ca-certificates.crt: Mozilla's root certificates (Debian's ca-certificates), MPL-2.0.
";

/// The text of `NOTICE`, from `Cargo.lock` and the manifests of the crates for the platforms that are released.
pub(crate) fn render() -> Result<String, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--package", "deploy-action", "--edges", "normal,no-proc-macro", "--no-dedupe"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--target", "aarch64-unknown-linux-gnu"])
        .args(["--prefix", "none", "--format", "{p}, {l}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("cargo tree cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let crates: BTreeSet<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with("deploy-action ")).collect();
    let list = crates.iter().fold(String::new(), |list, line| list + line + "\n");
    Ok(format!("{HEAD}{list}{TAIL}"))
}
