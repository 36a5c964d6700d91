//! A zip package whose code really runs, from dev to production.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use sha2::Digest as _;

use super::Ending;
use super::stage::{ENVIRONMENTS, Job, Published, Stage, Teller, passed};
use crate::aws::FunctionSpec;
use crate::aws::sample::{FAILS_IN_PRODUCTION, GOOD, sample_zip};
use crate::runner::Report;

/// Plays the whole story with this program. Job summaries go to a folder below `folder`.
///
/// # Errors
/// When anything does not go as the story says.
pub async fn play(program: &Path, folder: &Path, tell: Teller<'_>) -> Result<Ending> {
    let mut stage = Stage::set(program, folder, tell).await?;
    functions(&mut stage).await?;

    stage.chapter("v1.0.0 goes from dev to production");
    let commit = stage.repository.push("main", &[("shop.txt", "1.0.0")], "Release 1.0.0");
    let package = sample_zip("1.0.0", &commit, GOOD);
    let built_sha256 = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&package));
    stage.say(&format!("built one package, SHA-256 {built_sha256}; it is carried, never rebuilt"));
    for (run, environment) in (101..).zip(ENVIRONMENTS) {
        let last = release(&mut stage, run, environment, &commit, &package).await?;
        ensure!(last.exit_code == 0, "v1.0.0 was meant to pass in {environment}:\n{last}");
    }

    stage.chapter("v1.1.0 is healthy everywhere, and fails the orders of production's users");
    let commit = stage.repository.push("main", &[("shop.txt", "1.1.0")], "Release 1.1.0");
    let package = sample_zip("1.1.0", &commit, &format!("{FAILS_IN_PRODUCTION}\npath: /orders"));
    for (run, environment) in (201..).zip(&ENVIRONMENTS[..2]) {
        let last = release(&mut stage, run, environment, &commit, &package).await?;
        ensure!(last.exit_code == 0, "v1.1.0 was meant to pass in {environment}:\n{last}");
    }
    let caught = release(&mut stage, 203, "prd", &commit, &package).await?;
    ensure!(caught.exit_code == 1, "v1.1.0 was meant to be withdrawn by its canary in production:\n{caught}");
    let workspace = stage.workspace(203)?;
    let job = Job { run: 203, environment: "prd", commit: &commit, git_ref: "refs/heads/main", workspace: &workspace };
    stage.clean_up(&job, "shop-api-prd").await?;
    let refused = release(&mut stage, 204, "prd", &commit, &package).await?;
    ensure!(refused.exit_code == 1, "v1.1.0 was meant to be refused, for it is held:\n{refused}");

    let serves = stage.all_serve().await?;
    Ok(Ending {
        built_sha256,
        serves,
        mended: None,
        page: None,
        caught,
        refused,
        steps: stage.played,
        summaries: stage.summaries,
    })
}

/// The functions as they stand before the story: an older version serves in each environment.
async fn functions(stage: &mut Stage<'_>) -> Result<()> {
    stage.detail("== three functions, shop-api-dev, -stg, -prd, serve an older version");
    let commit = stage.repository.reference("heads/main").context("a first commit")?;
    for environment in ENVIRONMENTS {
        let name = format!("shop-api-{environment}");
        let spec = FunctionSpec::zip(&name, sample_zip("0.9.0", &commit, GOOD)).env("STAGE", environment);
        stage.aws.create_function(&spec).await?;
        let version = stage.aws.publish(&name, &commit).await?;
        stage.aws.create_alias(&name, "live", &version).await?;
        stage.detail(&format!("{name}: alias live -> version {version} (0.9.0)"));
    }
    Ok(())
}

/// One job: publish, then let it serve. Returns the report of the step that failed, or of the health check.
async fn release(stage: &mut Stage<'_>, run: u64, environment: &str, commit: &str, package: &[u8]) -> Result<Report> {
    stage.detail("");
    stage.detail(&format!("-- {environment}: run {run}"));
    let function = format!("shop-api-{environment}");
    let workspace = stage.workspace(run)?;
    fs::write(workspace.join("shop-api.zip"), package)?;
    let job = Job { run, environment, commit, git_ref: "refs/heads/main", workspace: &workspace };
    let publish = [("function", function.as_str()), ("zip", "shop-api.zip")];
    let published = stage.step(&job, "publish-version", &publish).await?;
    passed(&published)?;
    let published = Published { function: &function, version: published.output("version"), revision: commit };
    stage.serve(&job, &published).await
}
