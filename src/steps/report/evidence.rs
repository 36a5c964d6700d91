//! The evidence files of the jobs, found in folders of the workspace. They come from other jobs: nothing in them is trusted to be ours.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use time::OffsetDateTime;

use crate::context::Context;
use crate::github::moment;
use crate::outcome::{Outcome, Step, Verdict};
use crate::text::message;

/// Files that are looked at, their largest size in bytes, and how deep folders are followed.
const MOST: usize = 2000;
const LARGEST: u64 = 1024 * 1024;
const DEEP: usize = 6;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The evidence, oldest first.
    pub(super) files: Vec<Evidence>,
    /// Files that are none, or cannot be read.
    pub(super) passed_over: Vec<String>,
}

/// One invocation of a step, as it described itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Evidence {
    pub(super) step: String,
    pub(super) environment: Option<String>,
    pub(super) verdict: Verdict,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) serving: String,
    #[serde(default)]
    pub(super) started_at: String,
    #[serde(default)]
    pub(super) duration_seconds: u64,
    #[serde(default)]
    pub(super) checks: Vec<Check>,
    #[serde(default)]
    pub(super) run: Run,
    /// The path of the file, in the workspace.
    #[serde(skip)]
    pub(super) file: String,
}

/// One check of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Check {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) observed: String,
    pub(super) verdict: Verdict,
}

/// Which job it was.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) repository: Option<String>,
    pub(super) id: Option<u64>,
    #[serde(default)]
    pub(super) attempt: u64,
    pub(super) job: Option<String>,
    pub(super) commit: Option<String>,
}

impl Evidence {
    /// When it began.
    pub(super) fn began(&self) -> Option<OffsetDateTime> {
        moment(&self.started_at)
    }

    /// The job, in words.
    pub(super) fn job(&self) -> &str {
        self.run.job.as_deref().unwrap_or("a terminal")
    }
}

/// Reads all evidence in these folders: of the environment of this step, where one is given, and of each job its newest attempt.
///
/// # Errors
/// There is none, or more than is read.
pub(super) fn read(cx: &Context, folders: &[String]) -> Step<Found> {
    let workspace = cx.runner.workspace();
    let root = workspace.folder().canonicalize().unwrap_or_else(|_error| workspace.folder().to_owned());
    let mut found = Found::default();
    for folder in folders {
        match workspace.find(folder) {
            Ok(path) if path.is_dir() => walk(&root, &path, DEEP, &mut found),
            Ok(_) => found.passed_over.push(format!("{folder} is no folder")),
            Err(error) => found.passed_over.push(format!("{folder}: {error}")),
        }
    }
    if found.files.len() >= MOST {
        let reason = format!("{} hold {MOST} files of evidence or more: not all were read", folders.join(", "));
        return Err(Outcome::error(reason).advise("name in `folders` only those of this deployment").into());
    }
    if let Some(environment) = &cx.common.environment {
        let is_here = |other: &Option<String>| {
            other.as_deref().is_none_or(|other| other.eq_ignore_ascii_case(environment.as_str()))
        };
        found.files.retain(|one| is_here(&one.environment));
    }
    // An attempt that was made again says nothing any more.
    let newest = |one: &Evidence| {
        let same = |other: &&Evidence| (other.run.id, &other.run.job) == (one.run.id, &one.run.job);
        found.files.iter().filter(same).map(|other| other.run.attempt).max().unwrap_or_default()
    };
    let kept: Vec<bool> = found.files.iter().map(|one| one.run.attempt == newest(one)).collect();
    let mut kept = kept.into_iter();
    found.files.retain(|_| kept.next().unwrap_or(true));
    found.files.sort_by_key(Evidence::began);
    if found.files.is_empty() {
        let why = found.passed_over.first().map(|why| format!(": {why}")).unwrap_or_default();
        return Err(Outcome::error(message!("no-evidence", "no evidence was found in {}{why}", folders.join(", ")))
            .advise("upload the folder deploy-evidence of each job by actions/upload-artifact with `include-hidden-files: false` and another name each, download them all before this step, and name the folder in `folders`")
            .into());
    }
    Ok(found)
}

fn walk(root: &Path, folder: &Path, deep: usize, found: &mut Found) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        // A link may lead out of the workspace.
        if kind.is_dir() && deep > 0 {
            walk(root, &path, deep - 1, found);
        } else if kind.is_file() && path.extension().is_some_and(|extension| extension == "json") {
            if found.files.len() >= MOST {
                return;
            }
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            match file(&path) {
                Ok(evidence) => found.files.push(Evidence { file: name, ..evidence }),
                Err(why) => found.passed_over.push(format!("{name} {why}")),
            }
        }
    }
}

fn file(path: &Path) -> Result<Evidence, &'static str> {
    let size = fs::metadata(path).map_err(|_error| "cannot be read")?.len();
    if size > LARGEST {
        return Err("is too large");
    }
    let text = fs::read_to_string(path).map_err(|_error| "cannot be read")?;
    serde_json::from_str(&text).map_err(|_error| "is no evidence of a step of this release")
}
