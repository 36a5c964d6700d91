//! Who plays: deploy-action as a program, deploy-action as a container, and the shell pipeline with one waiter or the other.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::process::Command;

use super::meter::Meter;
use super::scene::{AFTER, BEFORE, CANDIDATE, FUNCTION, PROMOTED, REPOSITORY, Scene};
use crate::runner::{Container, Report, Runner};

/// One way to carry out a release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Player {
    /// The steps of deploy-action, one process each.
    Product(PathBuf),
    /// The steps of deploy-action, one container of this image each.
    Container(Container),
    /// The pipeline of `testbed/speed/pipeline.sh`.
    Shell {
        /// The interpreter that has the aws command line.
        python: PathBuf,
        /// The waiter it waits with.
        waiter: &'static str,
    },
}

impl fmt::Display for Player {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Product(_) => f.write_str("deploy-action"),
            Self::Container(_) => f.write_str("deploy-action, one container a step"),
            Self::Shell { waiter, .. } => write!(f, "aws CLI, `{waiter}`"),
        }
    }
}

impl Player {
    /// This program.
    #[must_use]
    pub fn product(program: &Path) -> Self {
        Self::Product(program.to_path_buf())
    }

    /// The shell pipeline with this interpreter's aws command line.
    #[must_use]
    pub fn shell(python: &Path, waiter: &'static str) -> Self {
        Self::Shell { python: python.to_path_buf(), waiter }
    }

    /// Plays the whole way: promote an image, update, wait, try, publish, swap, check, swap back. Returns how long it took.
    ///
    /// # Errors
    /// A step fails; its log is in the message.
    pub async fn play(&self, scene: &Scene, meter: Option<&Meter>) -> Result<Duration> {
        let prefix = meter.map(Meter::command).unwrap_or_default();
        let began = Instant::now();
        match self {
            Self::Product(program) => steps(&began_by(program, &prefix), scene).await?,
            Self::Container(container) => steps(&Runner::new("docker").in_container(container), scene).await?,
            Self::Shell { python, waiter } => pipeline(python, waiter, scene, &prefix.join(" ")).await?,
        }
        Ok(began.elapsed())
    }
}

/// A step of this program, begun by these words.
fn began_by(program: &Path, prefix: &[String]) -> Runner {
    match prefix {
        [] => Runner::new(program),
        [first, rest @ ..] => rest.iter().fold(Runner::new(first), Runner::arg).arg(program),
    }
}

/// The steps as a workflow has them, without a record in GitHub.
async fn steps(runner: &Runner, scene: &Scene) -> Result<()> {
    let account = &scene.account;
    let runner = runner.clone().envs(account.environment()).workspace(&scene.workspace());
    let registry = account.image_uri("", "");
    let registry = registry.split('/').next().unwrap_or_default();
    let endpoint = format!("{registry}={}", account.endpoint());
    let promote = [
        ("source", format!("{REPOSITORY}:{CANDIDATE}")),
        ("destination", REPOSITORY.to_owned()),
        ("tag", PROMOTED.to_owned()),
        ("verify-revision", "off".to_owned()),
        ("registry-endpoint", endpoint),
    ];
    step(&runner, "promote-artifact", &promote).await?;

    let function = ("function", FUNCTION.to_owned());
    let publish = [function.clone(), ("zip", "shop-api.zip".to_owned())];
    let published = step(&runner, "publish-version", &publish).await?;
    let version = ("version", published.output("version").to_owned());

    let smoke = [function.clone(), version.clone(), ("cases", cases())];
    step(&runner, "smoke-test", &smoke).await?;

    let swap = [function.clone(), version, ("record", "off".to_owned())];
    let swapped = step(&runner, "swap-alias", &swap).await?;

    let told = [("version-from", "json:/version".to_owned()), ("expect-version", AFTER.to_owned())];
    let [from, release] = told;
    let health = [function.clone(), from.clone(), release];
    step(&runner, "health-check-with-backoff", &health).await?;

    let back = [
        function,
        ("state", swapped.output("state").to_owned()),
        ("record", "off".to_owned()),
        ("path", "/health".to_owned()),
        from,
        ("expect-version", BEFORE.to_owned()),
    ];
    step(&runner, "rollback", &back).await?;
    Ok(())
}

fn cases() -> String {
    let case = |path: &str| format!("- {{name: {path}, path: {path}, expect: {{json: {{/version: {AFTER}}}}}}}\n");
    ["/health", "/orders"].map(case).concat()
}

async fn step(runner: &Runner, name: &str, inputs: &[(&str, String)]) -> Result<Report> {
    let runner = inputs.iter().fold(runner.clone().step(name), |runner, (name, value)| runner.input(name, value));
    let report = runner.run().await;
    ensure!(report.exit_code == 0 && report.output("verdict") == "pass", "{name} failed:\n{report}");
    Ok(report)
}

async fn pipeline(python: &Path, waiter: &str, scene: &Scene, meter: &str) -> Result<()> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("speed/pipeline.sh");
    let output = Command::new(script)
        .env_clear()
        .envs(shell_environment(&scene.account.environment()))
        .env("AWS", format!("{} -m awscli", python.display()))
        .env("WAITER", waiter)
        .env("FUNCTION", FUNCTION)
        .env("REPOSITORY", REPOSITORY)
        .env("ZIP", scene.package())
        .env("BEFORE", BEFORE)
        .env("AFTER", AFTER)
        .env("METER", meter)
        .current_dir(scene.workspace())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the pipeline failed ({}):\n{told}", output.status);
    Ok(())
}

/// The variables of the aws command line: it reads the region from another one than the SDKs.
pub(super) fn shell_environment(account: &[(String, String)]) -> Vec<(String, String)> {
    let region = account.iter().find(|(name, _)| name == "AWS_REGION").map(|(_, region)| region.clone());
    let own = [
        ("AWS_DEFAULT_REGION", region.unwrap_or_default()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
    ];
    account.iter().cloned().chain(own.map(|(name, value)| (name.to_owned(), value))).collect()
}
