//! The process of the local AWS.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail};

use super::account::Account;
use super::environment;

static SHARED: OnceLock<Vec<OnceLock<LocalAws>>> = OnceLock::new();
static TURN: AtomicUsize = AtomicUsize::new(0);
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A running local AWS. It ends when this is dropped, and when the process that started it ends, however that ends:
/// the server watches its standard input.
#[derive(Debug)]
pub struct LocalAws {
    endpoint: String,
    log: PathBuf,
    process: Child,
}

impl LocalAws {
    /// Starts a server of its own. Most tests want [`LocalAws::shared`].
    ///
    /// # Errors
    ///
    /// The Python environment cannot be made, or the server does not start; its log is in the message.
    pub fn start() -> Result<Self> {
        Self::start_without("")
    }

    /// Starts a server with some corrections switched off: their names, separated by commas, or `all`.
    ///
    /// # Errors
    ///
    /// As [`LocalAws::start`].
    pub fn start_without(corrections: &str) -> Result<Self> {
        let python = environment::python()?;
        let directory = environment::directory()?;
        remove_old_logs(&directory);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let log = directory.join(format!("aws-{}-{number}.log", std::process::id()));
        let mut process = Command::new(&python)
            .args(["-m", "fidelity"])
            .current_dir(environment::source())
            .env("TESTBED_CORRECTIONS_OFF", corrections)
            .env("PYTHONPYCACHEPREFIX", directory.join("pycache"))
            .env_remove("PYTHONDONTWRITEBYTECODE")
            .env_remove("PYTHONPATH")
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env_remove("AWS_SESSION_TOKEN")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).with_context(|| format!("make {}", log.display()))?)
            // An interrupt at the terminal is for the tests; the server ends after them.
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {}", python.display()))?;
        let Some(stdout) = process.stdout.take() else { bail!("the server has no standard output") };
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(&line).ok()?;
            message["port"].as_u64()
        });
        let Some(port) = ready else {
            let _ = process.kill();
            let _ = process.wait();
            bail!("the local AWS did not start:\n{}", fs::read_to_string(&log).unwrap_or_default());
        };
        // Nothing more is expected there, but a full pipe would stop the server.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Ok(Self { endpoint: format!("http://127.0.0.1:{port}"), log, process })
    }

    /// One of the servers that the tests of this process share, in turn: one for each core, since a server uses one only. It is
    /// started by the first test that it falls to.
    ///
    /// # Panics
    ///
    /// The server does not start.
    pub fn shared() -> &'static Self {
        let cores = || available_parallelism().map_or(1, usize::from);
        let servers = SHARED.get_or_init(|| (0..cores()).map(|_| OnceLock::new()).collect());
        servers[TURN.fetch_add(1, Ordering::Relaxed) % servers.len()].get_or_init(|| match Self::start() {
            Ok(server) => server,
            Err(problem) => panic!("{problem:#}"),
        })
    }

    /// The URL of every service, without a slash at the end.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The file the server logs to.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The process id of the server.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// An account that nobody has used before.
    #[must_use]
    pub fn account(&self) -> Account {
        Account::new(&self.endpoint)
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        for _ in 0..100 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn remove_old_logs(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let old = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age.as_secs() > 24 * 3600));
        if old && entry.path().extension().is_some_and(|extension| extension == "log") {
            let _ = fs::remove_file(entry.path());
        }
    }
}
