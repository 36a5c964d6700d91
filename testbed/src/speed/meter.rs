//! GNU `time` around every process of a play: how many there were, and what each took.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

const TIME: &str = "/usr/bin/time";

/// Where the figures of one play go.
#[derive(Debug)]
pub struct Meter {
    folder: TempDir,
}

/// What a play took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Weight {
    /// Processes started for it, helpers of the shell left out.
    pub(super) processes: usize,
    /// The most memory one of them held, in kilobytes of 1024 bytes.
    pub(super) peak_kb: u32,
    /// Processor time of all of them, in seconds.
    pub(super) cpu: f64,
}

impl Meter {
    pub(super) fn new() -> Result<Self> {
        ensure!(Path::new(TIME).exists(), "GNU time is needed to weigh processes (on Debian: apt-get install time)");
        Ok(Self { folder: tempfile::tempdir()? })
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("times")
    }

    /// The words to put before a command.
    pub(super) fn command(&self) -> Vec<String> {
        let file = self.file().display().to_string();
        [TIME, "--quiet", "--append", "--output", &file, "--format", "%M:%U:%S"].map(str::to_owned).to_vec()
    }

    pub(super) fn read(&self) -> Result<Weight> {
        weight(&std::fs::read_to_string(self.file()).context("read what GNU time wrote")?)
    }
}

fn weight(lines: &str) -> Result<Weight> {
    let mut all = Weight::default();
    for line in lines.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let [kilobytes, user, system] = fields.as_slice() else { anyhow::bail!("GNU time wrote {line:?}") };
        all.processes += 1;
        all.peak_kb = all.peak_kb.max(kilobytes.parse()?);
        all.cpu += user.parse::<f64>()? + system.parse::<f64>()?;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_counts_and_times_add_up() {
        let found = weight("9000:0.25:0.25\n58000:0.50:0.00\n").unwrap();
        assert_eq!(found, Weight { processes: 2, peak_kb: 58_000, cpu: 1.0 });
        assert!(weight("Command exited with non-zero status 1\n").is_err());
    }
}
