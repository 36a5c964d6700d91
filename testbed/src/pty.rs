//! A person at a pseudo-terminal: types, reads, presses Ctrl-C. Python's `pty` makes it, for that takes `unsafe` in Rust.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Runs a program at a terminal of its own, and ends as it does. The wait for its end is Python's, as is its exit code.
const SPAWN: &str = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
/// What Ctrl-C sends.
const CTRL_C: &str = "\x03";

/// A program at a pseudo-terminal. Dropped, it is killed.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    screen: ChildStdout,
    seen: String,
}

impl Terminal {
    /// Starts a command; its environment and folder are kept.
    ///
    /// # Errors
    /// When Python cannot be started.
    pub fn start(command: &Command) -> Result<Self> {
        let told = command.as_std();
        let mut python = Command::new("python3");
        python.args(["-c", SPAWN]).arg(told.get_program()).args(told.get_args());
        python.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TERM", "xterm");
        python.envs(told.get_envs().filter_map(|(name, value)| Some((name, value?))));
        python.current_dir(told.get_current_dir().unwrap_or(".".as_ref()));
        let mut child = python
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .context("start python3")?;
        let keys = child.stdin.take().context("a standard input")?;
        let screen = child.stdout.take().context("a standard output")?;
        Ok(Self { child, keys, screen, seen: String::new() })
    }

    /// The same for a program without arguments or variables.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn of(program: impl AsRef<OsStr>) -> Result<Self> {
        Self::start(&Command::new(program))
    }

    /// Types text.
    ///
    /// # Errors
    /// The program has ended.
    pub async fn write(&mut self, text: &str) -> Result<()> {
        self.keys.write_all(text.as_bytes()).await.context("type at the terminal")?;
        self.keys.flush().await.context("type at the terminal")
    }

    /// Presses Ctrl-C.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn interrupt(&mut self) -> Result<()> {
        self.write(CTRL_C).await
    }

    /// Reads until the screen has shown a text, and returns all it has shown.
    ///
    /// # Errors
    /// It was not shown within the time, or before the program's end.
    pub async fn wait_for(&mut self, text: &str, limit: Duration) -> Result<&str> {
        let shown = timeout(limit, async {
            while !self.seen.contains(text) {
                if !self.read().await? {
                    bail!("the program ended before it showed {text:?}");
                }
            }
            Ok(())
        });
        match shown.await {
            Ok(Ok(())) => Ok(&self.seen),
            Ok(Err(error)) => Err(error.context(self.seen.clone())),
            Err(_elapsed) => bail!("{text:?} was not shown within {limit:?}:\n{}", self.seen),
        }
    }

    /// Waits for the program's end: its exit code, and all that the screen has shown.
    ///
    /// # Errors
    /// It does not end within the time.
    pub async fn end(mut self, limit: Duration) -> Result<(i32, String)> {
        let ended = timeout(limit, async {
            while self.read().await? {}
            anyhow::Ok(self.child.wait().await?)
        });
        let status = ended.await.with_context(|| format!("it did not end within {limit:?}:\n{}", self.seen))??;
        Ok((status.code().unwrap_or(-1), self.seen))
    }

    /// Reads a part; false at the end.
    async fn read(&mut self) -> Result<bool> {
        let mut buffer = [0; 4096];
        let length = self.screen.read(&mut buffer).await?;
        self.seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
        Ok(length > 0)
    }
}
