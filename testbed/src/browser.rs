//! A browser that somebody leaves open: headless Chromium (Debian's `chromium`) with a page in it, and what it says to its console.

use std::fs::{self, File};
use std::process::Stdio;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Chromium with one page, until it is dropped.
#[derive(Debug)]
pub struct Browser {
    folder: TempDir,
    child: Child,
}

impl Browser {
    /// Opens a page. All hosts but this machine's own are asked through the proxy.
    ///
    /// # Errors
    /// There is no Chromium.
    pub fn open(page: &str, proxy: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let said = File::create(folder.path().join("said"))?;
        let mut command = Command::new("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"]);
        command.arg(format!("--proxy-server={proxy}"));
        command.arg(format!("--user-data-dir={}", folder.path().join("profile").display())).arg(page);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said).kill_on_drop(true);
        let child = command.spawn().context("start chromium: install Debian's package `chromium`")?;
        Ok(Self { folder, child })
    }

    /// The lines that pages wrote to the console so far, errors of loading among them.
    ///
    /// # Errors
    /// Chromium has ended, or what it said cannot be read.
    pub fn console(&mut self) -> Result<Vec<String>> {
        let said = fs::read(self.folder.path().join("said")).context("read what chromium said")?;
        let said = String::from_utf8_lossy(&said);
        if let Some(ended) = self.child.try_wait()? {
            anyhow::bail!("chromium ended with {ended}:\n{said}");
        }
        Ok(said.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect())
    }
}
