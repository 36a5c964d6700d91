//! Debian's `docker-registry`: a real peer to compare with.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// What starts it: a shell that ends it as soon as its own standard input closes, however the test process ends.
const WRAPPER: &str = r#"docker-registry serve "$1" </dev/null & registry=$!
cat >/dev/null
kill "$registry"
wait "$registry""#;

/// User and password of the peer that wants them.
const USER: &str = "testbed";
const PASSWORD: &str = "correct horse";
/// `htpasswd -nbB testbed 'correct horse'`.
const HTPASSWD: &str = "testbed:$2b$04$xY2kon5/poPceE/C8XGPnebS6.luSCMkoG3jS9PxZzjA0keyPcrc6";

/// A running `docker-registry`, its storage in a temporary directory. It ends when this is dropped, and with the process
/// that started it.
#[derive(Debug)]
pub struct DockerRegistry {
    host: String,
    process: Child,
    login: bool,
    directory: TempDir,
}

impl DockerRegistry {
    /// Whether there is one on this machine.
    #[must_use]
    pub fn installed() -> bool {
        let found =
            Command::new("docker-registry").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    }

    /// One that is open to everybody; none if it is not installed here, which is said.
    ///
    /// # Errors
    ///
    /// It does not start.
    ///
    /// # Panics
    ///
    /// It is not installed although `CI` is `true`: there it must not be left out.
    pub async fn start() -> Result<Option<Self>> {
        Self::start_as(false).await
    }

    /// One that wants `Basic` credentials, see [`DockerRegistry::credentials`].
    ///
    /// # Errors
    ///
    /// As [`DockerRegistry::start`].
    pub async fn start_with_login() -> Result<Option<Self>> {
        Self::start_as(true).await
    }

    async fn start_as(login: bool) -> Result<Option<Self>> {
        if !Self::installed() {
            crate::skip("docker-registry is not installed: `apt-get install docker-registry` (Debian, Ubuntu)");
            return Ok(None);
        }
        let directory = TempDir::new().context("make a directory for docker-registry")?;
        let root = directory.path();
        // Whoever is given a free port may lose it again before it is used.
        for _ in 0..5 {
            let host = free_port()?;
            let storage = root.join("storage");
            let mut config = format!(
                "version: 0.1\nlog: {{level: warn, accesslog: {{disabled: true}}}}\nstorage:\n  filesystem:\n    \
                 rootdirectory: {}\n  delete: {{enabled: true}}\nhttp:\n  addr: {host}\n",
                storage.display()
            );
            if login {
                let users = root.join("htpasswd");
                fs::write(&users, format!("{HTPASSWD}\n")).context("write the users of docker-registry")?;
                let _ = writeln!(config, "auth:\n  htpasswd:\n    realm: testbed\n    path: {}", users.display());
            }
            let file = root.join("config.yml");
            fs::write(&file, config).context("write the configuration of docker-registry")?;
            let log = fs::File::create(root.join("log")).context("make the log of docker-registry")?;
            let mut process = Command::new("sh")
                .args(["-c", WRAPPER, "sh"])
                .arg(&file)
                .stdin(Stdio::piped())
                .stdout(log.try_clone().context("share the log")?)
                .stderr(log)
                .spawn()
                .context("start docker-registry")?;
            if answers(&host).await {
                return Ok(Some(Self { host, process, login, directory }));
            }
            end(&mut process);
        }
        bail!("docker-registry does not start:\n{}", fs::read_to_string(root.join("log")).unwrap_or_default())
    }

    /// `127.0.0.1:port`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Takes the manifests and tags of a repository away, and leaves its layers: a new build on a base that is there.
    ///
    /// # Errors
    ///
    /// There are none.
    pub fn forget_manifests(&self, repository: &str) -> Result<()> {
        let folder = format!("storage/docker/registry/v2/repositories/{repository}/_manifests");
        fs::remove_dir_all(self.directory.path().join(folder)).with_context(|| format!("empty {repository}"))
    }

    /// User and password, if it wants them.
    #[must_use]
    pub fn credentials(&self) -> Option<(String, String)> {
        self.login.then(|| (USER.to_owned(), PASSWORD.to_owned()))
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        end(&mut self.process);
    }
}

/// The wrapper ends, and the registry with it, once its input is closed.
fn end(process: &mut Child) {
    drop(process.stdin.take());
    let _ = process.wait();
}

fn free_port() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no port for docker-registry")?;
    Ok(listener.local_addr()?.to_string())
}

async fn answers(host: &str) -> bool {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if tokio::net::TcpStream::connect(host).await.is_ok() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
