//! An engine of our own: `dockerd` without networks and without firewall rules, so that it changes nothing on the machine.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::command::{answers, as_root, docker, output};

/// How long it may take to answer; most of it is waiting for another one that uses the same folder.
const START: Duration = Duration::from_mins(3);

/// Holds a lock on the folder, runs the engine until its own standard input closes, and takes away what the engine leaves.
/// A test that is killed closes the input too.
const KEEPER: &str = r#"
exec 9> "$1/lock"
flock 9
dockerd --host "unix://$2/docker.sock" --data-root "$1/data" --exec-root "$2/exec" --pidfile "$2/pid" \
    --iptables=false --ip6tables=false --bridge=none --shutdown-timeout 2 > "$2/log" 2>&1 9>&- &
read -r _
kill "$!"
wait "$!"
umount "$2/exec/netns/default"
rm -rf "$2"
"#;

/// A running `dockerd`. It ends when this is dropped, and when the process that started it ends, however that ends.
#[derive(Debug)]
pub(super) struct Daemon {
    /// Sockets have short paths, so it is not under `target`.
    socket: tempfile::TempDir,
    keeper: Child,
}

impl Daemon {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let socket = tempfile::Builder::new().prefix("engine-").tempdir().context("make a folder for the socket")?;
        // In a view of the file systems of its own, so that no mount of the engine outlives it.
        let keeper = as_root("unshare")
            .args(["--mount", "sh", "-c", KEEPER, "engine"])
            .arg(folder)
            .arg(socket.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // An interrupt at the terminal is for the tests; the engine ends after them.
            .process_group(0)
            .spawn()
            .context("start the engine's keeper")?;
        let mut daemon = Self { socket, keeper };
        daemon.wait()?;
        // What a killed run has left.
        output(docker(&daemon.host()).args(["container", "prune", "--force"]))?;
        output(docker(&daemon.host()).args(["volume", "prune", "--force"]))?;
        forget_pulled(&daemon.host())?;
        Ok(daemon)
    }

    pub(super) fn host(&self) -> String {
        format!("unix://{}/docker.sock", self.socket.path().display())
    }

    fn wait(&mut self) -> Result<()> {
        let started = Instant::now();
        while !answers(&self.host()) {
            let log = fs::read_to_string(self.socket.path().join("log")).unwrap_or_default();
            if started.elapsed() > START || log.contains("failed to start daemon") || log.contains("not found") {
                bail!("no container engine: it takes root, and Debian's docker.io and iptables. dockerd said:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }
}

/// Takes away what tasks of ECS pulled, and what was pushed, from and to registries that have ended with their tests.
fn forget_pulled(host: &str) -> Result<()> {
    let images = output(docker(host).args(["images", "--format", "{{.Repository}} {{.ID}}"]))?;
    for (_, id) in images.lines().filter(|image| image.starts_with("127.0.0.1:")).filter_map(|image| image.split_once(' ')) {
        // One of several names of it took the others along.
        let _gone_already = docker(host).args(["image", "rm", "--force", id]).output();
    }
    Ok(())
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
