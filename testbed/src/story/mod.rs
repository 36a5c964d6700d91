//! The stories of the demo and of its tests: a release goes from dev to production, and a bad one is withdrawn.
//!
//! Everything is real but the far ends: the built program, its log, its exit codes, AWS and GitHub over the wire, a registry,
//! and functions that answer. [`image`] carries a container image by its digest, [`zip`] a package whose code really runs.

pub mod image;
mod notify;
mod stage;
pub mod zip;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

pub use stage::{ENVIRONMENTS, Teller, Told};

use crate::github::{Comment, Issue};
use crate::runner::Report;

/// What serves in one environment at the end, read from AWS and from the record.
#[derive(Clone, Debug)]
pub struct Serves {
    /// The environment.
    pub environment: String,
    /// The version the alias points to.
    pub version: String,
    /// The release's name, as the running code tells it.
    pub release: String,
    /// The commit, from the version's description.
    pub commit: String,
    /// The hash of its code: an image's digest without `sha256:`, or a zip's hash in base64.
    pub code_sha256: String,
    /// The version the newest record that succeeded names.
    pub recorded: String,
    /// When that record was made.
    pub since: String,
}

/// How a story ended.
#[derive(Debug)]
pub struct Ending {
    /// The hash of the artifact built at the start, as Lambda tells it.
    pub built_sha256: String,
    /// What served where after the bad release came back.
    pub serves: Vec<Serves>,
    /// What came of the fix, where the story tells of one.
    pub mended: Option<Mended>,
    /// The page that shows what serves where, where the story ends with it.
    pub page: Option<PathBuf>,
    /// The step that caught the bad release.
    pub caught: Report,
    /// The step that refused it when it came again.
    pub refused: Report,
    /// How many steps were played.
    pub steps: u32,
    /// Where the job summaries lie.
    pub summaries: PathBuf,
}

/// What came of the fix of the bad release.
#[derive(Debug)]
pub struct Mended {
    /// What serves where.
    pub serves: Vec<Serves>,
    /// The issue that the failure opened.
    pub issue: Issue,
    /// What was said on it.
    pub comments: Vec<Comment>,
}

impl Ending {
    /// What is told at the end: what serves where, and which summaries to open.
    ///
    /// # Errors
    /// The folder of the summaries cannot be read.
    pub fn closing(&self) -> Result<String> {
        let mut summaries: Vec<PathBuf> =
            fs::read_dir(&self.summaries)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        summaries.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
        summaries.sort();
        let of = |report: &Report| {
            let same = |path: &&PathBuf| fs::read_to_string(path).is_ok_and(|text| text == report.summary);
            summaries.iter().find(same).map(|path| path.display()).context("the summary of a step")
        };
        let (caught, refused) = (of(&self.caught)?, of(&self.refused)?);
        let serves = table(self.mended.as_ref().map_or(&self.serves, |mended| &mended.serves));
        let page = self.page.as_ref().map(|page| format!("\nthe page, to open in a browser:\n  {}", page.display()));
        Ok(format!(
            "== what serves where, from AWS and from the record\n{serves}job summaries ({}) to open, e.g. of what was \
             caught and refused:\n  {caught}\n  {refused}{}",
            summaries.len(),
            page.unwrap_or_default()
        ))
    }
}

/// What serves where, as a table.
#[must_use]
pub fn table(serves: &[Serves]) -> String {
    let mut table = format!(
        "{:<5} {:<8} {:<8} {:<9} {:<20} {:<7} {}\n",
        "where", "version", "release", "commit", "code", "record", "since"
    );
    for one in serves {
        let short = |text: &str, length: usize| text.chars().take(length).collect::<String>();
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{:<5} {:<8} {:<8} {:<9} {:<20} {:<7} {}",
            one.environment,
            one.version,
            one.release,
            short(&one.commit, 7),
            short(&one.code_sha256, 18),
            one.recorded,
            one.since
        );
    }
    table
}
