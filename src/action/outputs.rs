//! `GITHUB_OUTPUT`: written once, at the end, in one write.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

/// Appends outputs in the form `name<<delimiter`, as actions/toolkit does; a value may hold anything but its own delimiter.
pub fn append(file: &Path, outputs: &[(String, String)]) -> Result<()> {
    let mut block = String::new();
    for (name, value) in outputs {
        let delimiter = delimiter(value);
        // Writing to a String cannot fail.
        let _ = writeln!(block, "{name}<<{delimiter}\n{value}\n{delimiter}");
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(block.as_bytes()))
        .context("write the outputs")
}

/// A delimiter made from the value itself: to hold it, a value would have to hold its own hash.
fn delimiter(value: &str) -> String {
    let hash = Sha256::digest(value.as_bytes());
    hash.iter().take(16).fold("deploy-action-".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}
