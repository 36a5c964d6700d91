//! A real PostgreSQL, for as long as the process lives: one server, and a database of its own for whoever asks.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

use crate::aws::postgres;
use crate::web::pems;

struct Server {
    port: u16,
    psql: PathBuf,
    /// It ends when its standard input is closed.
    _process: Child,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let installed = postgres().expect("PostgreSQL 18 of testbed/migrations/requirements.txt");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/serve.py");
    let mut process = Command::new(&installed.python)
        .arg(script)
        .arg(&installed.programs)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start PostgreSQL");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("the port of PostgreSQL");
    let port = line.trim().parse().unwrap_or_else(|error| panic!("PostgreSQL did not start: {line}: {error}"));
    Server { port, psql: installed.programs.join("psql"), _process: process }
});

/// A server that takes connections of TLS alone, with one database, `postgres`. It ends when this is dropped.
#[derive(Debug)]
pub struct Secure {
    port: u16,
    /// The certificate of its authority, its own, and its key.
    folder: tempfile::TempDir,
    _process: Child,
}

impl Secure {
    /// A server of these programs, which must be built with OpenSSL: Debian's are.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(programs: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let files = ["ca.pem", "server.crt", "server.key"].map(|name| folder.path().join(name));
        for (file, pem) in files.iter().zip(pems()?) {
            std::fs::write(file, pem)?;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/serve.py");
        let mut process = Command::new(postgres()?.python)
            .arg(script)
            .arg(programs)
            .args(&files[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("its output")?).read_line(&mut line)?;
        let port = line.trim().parse().with_context(|| format!("PostgreSQL did not start: {line}"))?;
        Ok(Self { port, folder, _process: process })
    }

    /// Its address, with this `sslmode`.
    #[must_use]
    pub fn url(&self, mode: &str) -> String {
        format!("postgres://owner:{PASSWORD}@localhost:{}/postgres?sslmode={mode}", self.port)
    }

    /// The certificate of its authority.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

/// An empty database.
#[derive(Debug)]
pub struct Database {
    name: String,
}

/// The password in the addresses of databases: the server asks for none.
pub const PASSWORD: &str = "scratch-word-0123";

impl Database {
    /// A new one.
    ///
    /// # Panics
    /// PostgreSQL cannot be started, or does not make it.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("scratch_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        send("postgres", &format!("CREATE DATABASE {name}"));
        Self { name }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://owner:{PASSWORD}@127.0.0.1:{}/{}", SERVER.port, self.name)
    }

    /// Sends SQL, and gives what it answers.
    ///
    /// # Panics
    /// PostgreSQL refuses it.
    #[must_use]
    pub fn ask(&self, sql: &str) -> String {
        send(&self.name, sql)
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

fn send(database: &str, sql: &str) -> String {
    let server = &*SERVER;
    let port = server.port.to_string();
    let sent = Command::new(&server.psql)
        .args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "owner",
            "-d",
            database,
            "-c",
            sql,
        ])
        .output()
        .expect("run psql");
    assert!(sent.status.success(), "{sql}: {}", String::from_utf8_lossy(&sent.stderr));
    String::from_utf8_lossy(&sent.stdout).trim().to_owned()
}
