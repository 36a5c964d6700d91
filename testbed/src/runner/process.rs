//! The running program: its streams, its signals, its end.
//!
//! Source of the cancel sequence: actions/runner 2.336, `ProcessInvoker.cs`: SIGINT, 7.5 s, SIGTERM, 2.5 s, kill.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    iter::repeat_with,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout, timeout_at},
};

use super::{
    environment::Files,
    log::{Lines, StepLog},
    report::{CancelledBy, Ended, Report},
};
use crate::lock::lock;

const UNSHARE: &str = "/usr/bin/unshare";
const INTERRUPT_GRACE: Duration = Duration::from_millis(7500);
const TERMINATE_GRACE: Duration = Duration::from_millis(2500);
const TEXT_LIMIT: Duration = Duration::from_secs(30);

/// Whether [`Runner::as_pid_1`] works here; where it does not, the test that asks says so.
///
/// # Panics
///
/// It does not, and `CI` is `true`.
#[must_use]
pub fn pid_1_or_skip() -> bool {
    let available = pid_1_available();
    if !available {
        crate::skip("a PID namespace takes root and unshare");
    }
    available
}

fn pid_1_available() -> bool {
    std::process::Command::new(UNSHARE)
        .args(["--pid", "--fork", "--mount-proc", "/bin/true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a container is made of, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Container {
    /// The image's name.
    pub image: String,
    /// Where the engine listens, as `DOCKER_HOST` names it.
    pub engine: String,
}

/// What is run, and how.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) args: Vec<OsString>,
    /// Whether it is process 1 of a PID namespace of its own.
    pub(super) pid_1: bool,
    /// What is run in its place.
    pub(super) container: Option<Container>,
    /// How long it may take.
    pub(super) limit: Duration,
}

/// A step under way. Dropping it kills the program and its children.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// The program itself; under [`Runner::as_pid_1`] not the child, but the child's child.
    pid: Pid,
    group: Group,
    log: Arc<Mutex<StepLog>>,
    progress: watch::Receiver<usize>,
    readers: Vec<JoinHandle<()>>,
    files: Files,
    started: Instant,
    limit: Duration,
}

/// All processes of the step; a container's end takes them all with it.
#[derive(Debug)]
struct Group(Pid);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

impl Program {
    pub(super) fn new(path: &Path) -> Self {
        let limit = Duration::from_mins(2);
        Self { path: path.to_path_buf(), args: Vec::new(), pid_1: false, container: None, limit }
    }

    pub(super) async fn start(
        &self,
        env: BTreeMap<OsString, OsString>,
        files: Files,
        log: StepLog,
    ) -> anyhow::Result<Running> {
        let mut command = if self.pid_1 {
            ensure!(pid_1_available(), "a PID namespace takes root and unshare");
            let mut command = Command::new(UNSHARE);
            command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "--"]).arg(&self.path);
            command
        } else if let Some(made_of) = &self.container {
            container(made_of, &env, &files)
        } else {
            Command::new(&self.path)
        };
        let started = Instant::now();
        let mut child = command
            .args(&self.args)
            .env_clear()
            .envs(self.container.iter().map(|container| ("DOCKER_HOST", &container.engine)))
            .envs(env)
            .current_dir(&files.workspace)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("spawn")?;
        let outer = child.id().and_then(|id| Pid::from_raw(id.cast_signed())).context("it has no process id")?;
        let group = Group(outer);
        let log = Arc::new(Mutex::new(log));
        let (sender, progress) = watch::channel(0);
        let sender = Arc::new(sender);
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|stream| tokio::spawn(read(stream, log.clone(), sender.clone()))));
        readers.extend(child.stderr.take().map(|stream| tokio::spawn(read(stream, log.clone(), sender.clone()))));
        let pid = if self.pid_1 { first_process(outer, &mut child).await? } else { outer };
        Ok(Running { child, pid, group, log, progress, readers, files, started, limit: self.limit })
    }
}

/// `docker run`, as the runner calls it for a container action (actions/runner 2.336, `DockerCommandManager.cs`): values are
/// taken from the environment of the client, so that none stands in its command line.
fn container(made_of: &Container, env: &BTreeMap<OsString, OsString>, files: &Files) -> Command {
    let mut command = Command::new("docker");
    command.args(["run", "--rm", "--network", "host", "--workdir"]).arg(&files.workspace);
    for name in env.keys().filter(|name| *name != "PATH") {
        command.arg("--env").arg(name);
    }
    for folder in [files.root.path(), &files.workspace] {
        let mut mount = folder.as_os_str().to_owned();
        mount.push(":");
        mount.push(folder);
        command.arg("--volume").arg(mount);
    }
    command.arg(&made_of.image);
    command
}

/// Reads a stream to its end, into the log; says how much has been read.
async fn read(mut stream: impl AsyncRead + Unpin, log: Arc<Mutex<StepLog>>, progress: Arc<watch::Sender<usize>>) {
    let mut lines = Lines::default();
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        {
            let mut log = lock(&log);
            log.raw.extend_from_slice(&buffer[..length]);
            lines.push(&buffer[..length]).iter().for_each(|line| log.line(line));
        }
        progress.send_modify(|read| *read += length);
    }
    lines.finish().iter().for_each(|line| lock(&log).line(line));
}

/// The child of `unshare`, once it has become the program; the outer process if it ended before it was seen.
async fn first_process(outer: Pid, child: &mut Child) -> anyhow::Result<Pid> {
    for _ in 0..2000 {
        if let Some(inner) = child_of(outer)
            && fs::read(format!("/proc/{inner}/cmdline")).is_ok_and(|line| !line.starts_with(UNSHARE.as_bytes()))
        {
            return Ok(inner);
        }
        if child.try_wait()?.is_some() {
            return Ok(outer);
        }
        sleep(Duration::from_millis(5)).await;
    }
    bail!("the PID namespace did not come up")
}

fn child_of(parent: Pid) -> Option<Pid> {
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let id: i32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The second field is the name in parentheses, which may hold anything; the fourth is the parent.
        let (_, fields) = stat.rsplit_once(") ")?;
        let of: i32 = fields.split(' ').nth(1)?.parse().ok()?;
        (of == parent.as_raw_nonzero().get()).then(|| Pid::from_raw(id)).flatten()
    })
}

impl Running {
    /// The program's process id, as seen from here.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The program's command line, as everybody on the machine can see it.
    #[must_use]
    pub fn command_line(&self) -> Vec<String> {
        // The parent goes on a moment before the program has taken the child's place, whose command line is the parent's own.
        let read = |process: &str| fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let (own, program) = (read("self"), self.pid().to_string());
        let line = repeat_with(|| read(&program)).take(1000).find(|line| *line != own).unwrap_or(own);
        let line = String::from_utf8_lossy(&line).into_owned();
        line.trim_end_matches('\0').split('\0').map(str::to_owned).collect()
    }

    /// What it has written so far, unmasked.
    #[must_use]
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&lock(&self.log).raw).into_owned()
    }

    /// The step's workspace.
    #[must_use]
    pub fn workspace(&self) -> &Path {
        &self.files.workspace
    }

    /// Waits until the program has written `text`, on either stream, since it started.
    ///
    /// # Panics
    /// With the log so far, if its streams end without the text, or after 30 s.
    pub async fn wait_for(&self, text: &str) {
        let mut progress = self.progress.clone();
        let waited = timeout(TEXT_LIMIT, async {
            while !self.raw().contains(text) {
                if progress.changed().await.is_err() {
                    break;
                }
            }
        });
        let in_time = waited.await.is_ok();
        let raw = self.raw();
        assert!(raw.contains(text), "{text:?} was not written {}:\n{raw}", if in_time { "" } else { "in 30 s" });
    }

    /// Sends a signal to the program, as the container engine does to process 1. Does nothing once it has ended.
    pub fn signal(&mut self, signal: Signal) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let _ = if signal == Signal::KILL {
            // Whoever kills process 1 kills all of its namespace.
            kill_process_group(self.group.0, signal)
        } else {
            kill_process(self.pid, signal)
        };
    }

    /// SIGKILL to the program and its children: the machine goes away.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
    }

    /// Cancels the step as the runner does: SIGINT, 7.5 s, SIGTERM, 2.5 s, SIGKILL; [`Report::cancelled_by`] says
    /// which it took. (The runner kills the engine's client only: a container that ignores both signals goes on.)
    ///
    /// # Panics
    /// As [`Running::wait`].
    pub async fn cancel(mut self) -> Report {
        let mut ended_by = CancelledBy::Kill;
        for (signal, grace, stage) in [
            (Signal::INT, INTERRUPT_GRACE, CancelledBy::Interrupt),
            (Signal::TERM, TERMINATE_GRACE, CancelledBy::Terminate),
        ] {
            self.signal(signal);
            if timeout(grace, self.child.wait()).await.is_ok() {
                ended_by = stage;
                break;
            }
        }
        self.kill();
        self.finish(Some(ended_by)).await
    }

    /// Waits until the program has ended, and leaves its report to [`Running::wait`].
    pub async fn ended(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Waits for the program's end.
    ///
    /// # Panics
    /// With the log so far, if it does not end within [`Runner::timeout`].
    pub async fn wait(self) -> Report {
        self.finish(None).await
    }

    async fn finish(mut self, cancelled_by: Option<CancelledBy>) -> Report {
        let limit = if cancelled_by.is_some() { Instant::now() + TEXT_LIMIT } else { self.started + self.limit };
        let Ok(ended) = timeout_at(limit.into(), self.child.wait()).await else {
            panic!(
                "the program did not end within {:?}:
{}",
                self.limit,
                self.raw()
            );
        };
        let status = match ended {
            Ok(status) => status,
            Err(problem) => panic!("the program cannot be waited for: {problem}"),
        };
        let duration = self.started.elapsed();
        drop(self.group);
        for reader in self.readers {
            // A process that left the group may hold the stream open; the runner does not wait for it either.
            let _ = timeout(Duration::from_secs(5), reader).await;
        }
        let log = std::mem::take(&mut *lock(&self.log));
        let (exit_code, signal) = code(status);
        Report::new(&Ended { exit_code, signal, duration, cancelled_by }, log, self.files)
    }
}

/// The exit code as the container engine reports it: 128 + n after signal n.
fn code(status: ExitStatus) -> (i32, Option<Signal>) {
    let signal = status.signal();
    let code = status.code().or(signal.map(|number| 128 + number)).unwrap_or(-1);
    (code, signal.and_then(Signal::from_named_raw))
}
