//! The evidence: every check of an invocation, as a JSON file in the workspace.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The folder, relative to the workspace.
const FOLDER: &str = "deploy-evidence";
/// A workspace with more evidence of one step than this is not a workspace of ours.
const MOST: u32 = 10_000;

/// Writes `deploy-evidence/<step>-<n>.json` with the lowest free number and returns its path relative to the workspace.
///
/// Folder and file belong to the owner of the workspace, so that a later checkout on a self-hosted runner can remove them
/// (actions/runner #434), and a `.gitignore` keeps them out of commits.
pub fn write(workspace: &Path, step: &str, evidence: &Value) -> Result<String> {
    let folder = workspace.join(FOLDER);
    if !folder.is_dir() {
        fs::create_dir(&folder).context("make the folder for the evidence")?;
        give_to_owner(&folder, workspace);
    }
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::write(&ignore, "*\n").context("keep the evidence out of commits")?;
        give_to_owner(&ignore, workspace);
    }
    for number in 1..=MOST {
        let name = format!("{step}-{number}.json");
        match OpenOptions::new().write(true).create_new(true).open(folder.join(&name)) {
            Ok(file) => {
                fill(file, evidence)?;
                give_to_owner(&folder.join(&name), workspace);
                return Ok(format!("{FOLDER}/{name}"));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).context("write the evidence"),
        }
    }
    bail!("{FOLDER} holds {MOST} files of {step} already")
}

fn fill(mut file: File, evidence: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(evidence)?;
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).context("write the evidence")
}

/// Best effort: only root may give files away, and only root needs to.
fn give_to_owner(path: &Path, workspace: &Path) {
    if let Ok(owner) = fs::metadata(workspace) {
        let _ = chown(path, Some(owner.uid()), Some(owner.gid()));
    }
}
