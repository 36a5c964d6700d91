//! The evidence: every check of an invocation, as a JSON file in the workspace.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::workspace::{Workspace, give_to_owner};

/// The folder, relative to the workspace.
const FOLDER: &str = "deploy-evidence";
/// A workspace with more evidence of one step than this is not a workspace of ours.
const MOST: u32 = 10_000;

/// Writes `deploy-evidence/<step>-<n>.json` with the lowest free number and returns its path relative to the workspace.
///
/// Folder and file belong to the owner of the workspace, so that a later checkout on a self-hosted runner can remove them
/// (actions/runner #434), and a `.gitignore` keeps them out of commits.
pub fn write(workspace: &Workspace, step: &str, evidence: &Value) -> Result<String> {
    if new(fs::create_dir(workspace.folder().join(FOLDER))).context("make the folder for the evidence")?.is_some() {
        give_to_owner(&workspace.folder().join(FOLDER), workspace.folder());
    }
    let folder = workspace.find(FOLDER).context("find the folder for the evidence")?;
    make(&folder.join(".gitignore"), "*", workspace).context("keep the evidence out of commits")?;
    let text = serde_json::to_string_pretty(evidence)?;
    for number in 1..=MOST {
        let name = format!("{step}-{number}.json");
        if make(&folder.join(&name), &text, workspace).context("write the evidence")? {
            return Ok(format!("{FOLDER}/{name}"));
        }
    }
    bail!("{FOLDER} holds {MOST} files of {step} already")
}

/// Writes a file beside an evidence file of this invocation: the same name with another extension.
pub fn write_beside(workspace: &Workspace, evidence: &str, extension: &str, text: &str) -> Result<()> {
    let Some(name) = evidence.strip_prefix(FOLDER).and_then(|name| name.strip_suffix("json")) else { return Ok(()) };
    let folder = workspace.find(FOLDER).context("find the folder for the evidence")?;
    make(&folder.join(format!("{}{extension}", name.trim_start_matches('/'))), text, workspace)?;
    Ok(())
}

/// What the notices of earlier evidence of this job were about, as its own `run` says which job it is.
#[must_use]
pub fn earlier_notices(workspace: &Workspace, run: &Value) -> BTreeSet<String> {
    let files = fs::read_dir(workspace.folder().join(FOLDER)).into_iter().flatten().flatten();
    let texts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
    let of_job =
        texts.filter_map(|text| serde_json::from_str::<Value>(&text).ok()).filter(|known| known["run"] == *run);
    let about = |known: Value| {
        let notices = known["notices"].as_array().cloned().unwrap_or_default();
        notices.into_iter().filter_map(|notice| Some(notice["about"].as_str()?.to_owned()))
    };
    of_job.flat_map(about).collect()
}

/// Makes a file; false when there is one, or a link, which is not followed.
fn make(path: &Path, text: &str, workspace: &Workspace) -> io::Result<bool> {
    let Some(mut file) = new(OpenOptions::new().write(true).create_new(true).open(path))? else { return Ok(false) };
    writeln!(file, "{text}")?;
    give_to_owner(path, workspace.folder());
    Ok(true)
}

/// What was made; nothing when there was something already.
fn new<T>(made: io::Result<T>) -> io::Result<Option<T>> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error),
    }
}
