//! The table of the examples that were run: `target/testbed/examples.md`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::sync::Mutex;

use anyhow::{Context as _, Result};

use super::command::root;
use super::log::Run;
use crate::lock::lock;

const HEAD: &str = "| example | jobs | steps | verdict |\n|---|---|---|---|\n";

/// Whether the table of this process has been begun.
static BEGUN: Mutex<bool> = Mutex::new(false);

/// Adds a row; the first one of a process begins a new table.
pub(super) fn add(example: &str, run: &Run) -> Result<()> {
    let count = |results: &mut dyn Iterator<Item = &str>| {
        let results: Vec<&str> = results.collect();
        let skipped = results.iter().filter(|result| **result == "skipped").count();
        let failed = results.iter().filter(|result| **result == "failure").count();
        let mut said = (results.len() - skipped).to_string();
        for (number, word) in [(failed, "failed"), (skipped, "skipped")] {
            if number > 0 {
                // Writing to a String cannot fail.
                let _ = write!(said, ", {number} {word}");
            }
        }
        said
    };
    let jobs = count(&mut run.jobs.iter().map(|job| job.result.as_str()));
    let steps = count(&mut run.jobs.iter().flat_map(|job| &job.steps).map(|step| step.result.as_str()));
    let verdict = if run.success { "✅ green" } else { "❌ red" };

    let path = root()?.join("target/testbed/examples.md");
    let mut begun = lock(&BEGUN);
    if !*begun {
        fs::write(&path, HEAD).with_context(|| format!("write {}", path.display()))?;
        *begun = true;
    }
    let mut file = OpenOptions::new().append(true).open(&path)?;
    file.write_all(format!("| {example} | {jobs} | {steps} | {verdict} |\n").as_bytes())?;
    Ok(())
}
