//! A container image, pushed once and carried by its digest: to dev from the source registry, to staging after a squash merge,
//! to production by a tag.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::stage::{ENVIRONMENTS, Job, Published, Stage, Teller, passed};
use super::{Ending, Mended};
use crate::aws::{FunctionSpec, ImageSpec};
use crate::registry::Registry;
use crate::runner::Report;

/// The repository in ECR, one for all environments.
const REPOSITORY: &str = "shop/api";

/// A release on its way.
struct Release<'a> {
    /// E.g. `1.0.0`.
    version: &'a str,
    /// The first of its runs' numbers.
    runs: u64,
    /// The commit on the branch `dev`, from which the image was built.
    built_from: String,
    /// The commit on `main` into which it was squashed.
    merged: String,
    /// The digest that was pushed.
    digest: String,
}

/// Plays the whole story with this program. Job summaries go to a folder below `folder`.
///
/// # Errors
/// When anything does not go as the story says.
pub async fn play(program: &Path, folder: &Path, tell: Teller<'_>) -> Result<Ending> {
    let mut stage = Stage::set(program, folder, tell).await?;
    let source = Registry::ghcr().start().await?;
    functions(&mut stage).await?;

    stage.chapter("v1.0.0 is pushed once, and its digest goes from dev to production");
    let good = build(&mut stage, &source, "1.0.0", 101, "- do: ok");
    for environment in ENVIRONMENTS {
        let last = job(&mut stage, &source, &good, environment).await?;
        ensure!(last.exit_code == 0, "v1.0.0 was meant to pass in {environment}:\n{last}");
    }
    let pushed = source.manifest("org/shop", &good.digest).context("the manifest in the source registry")?;
    let named = json!({"repositoryName": REPOSITORY, "imageIds": [{"imageDigest": good.digest}]});
    let answer = stage.aws.ecr("BatchGetImage", &named).await?;
    let in_ecr = answer["images"][0]["imageManifest"].as_str().context("the manifest in ECR")?;
    ensure!(pushed.bytes == in_ecr.as_bytes(), "the manifest that serves is not the one that was pushed");
    stage.say("the manifest that serves in production is the one that was pushed, byte for byte");

    stage.chapter("v1.1.0 is healthy everywhere, and fails the orders of production's users");
    let no_orders = "- {when: {env: {STAGE: prd}, path: /orders}, do: status 500}\n- do: ok";
    let bad = build(&mut stage, &source, "1.1.0", 201, no_orders);
    for environment in &ENVIRONMENTS[..2] {
        let last = job(&mut stage, &source, &bad, environment).await?;
        ensure!(last.exit_code == 0, "v1.1.0 was meant to pass in {environment}:\n{last}");
    }
    let caught = job(&mut stage, &source, &bad, "prd").await?;
    ensure!(caught.exit_code == 1, "v1.1.0 was meant to be withdrawn by its canary in production:\n{caught}");
    let workspace = stage.workspace(203)?;
    let failed =
        Job { run: 203, environment: "prd", commit: &bad.merged, git_ref: "refs/tags/v1.1.0", workspace: &workspace };
    stage.clean_up(&failed, "shop-api-prd").await?;
    stage.notify(&failed, "failure", &caught).await?;
    stage.show_issue(&bad.merged)?;
    stage.say("the same commit is pushed again");
    let refused = job(&mut stage, &source, &Release { runs: bad.runs + 1, ..bad }, "prd").await?;
    ensure!(refused.exit_code == 1, "v1.1.0 was meant to be refused, for it is held:\n{refused}");
    let serves = stage.all_serve().await?;
    let mended = mend(&mut stage, &source).await?;
    let page = page(&mut stage, &good.merged).await?;
    let built_sha256 = good.digest.trim_start_matches("sha256:").to_owned();
    Ok(Ending {
        built_sha256,
        serves,
        mended: Some(mended),
        page: Some(page),
        caught,
        refused,
        steps: stage.played,
        summaries: stage.summaries,
    })
}

/// The release that fixes the bad one, and closes the issue about it.
async fn mend(stage: &mut Stage<'_>, source: &Registry) -> Result<Mended> {
    stage.chapter("v1.1.1 mends it, and closes the issue");
    let fix = build(stage, source, "1.1.1", 301, "- do: ok");
    stage.say("it passes dev and staging, as the others did");
    for environment in ENVIRONMENTS {
        stage.is_quiet = environment != "prd";
        let last = job(stage, source, &fix, environment).await?;
        ensure!(last.exit_code == 0, "v1.1.1 was meant to pass in {environment}:\n{last}");
        if environment == "prd" {
            let workspace = stage.workspace(303)?;
            let job =
                Job { run: 303, environment, commit: &fix.merged, git_ref: "refs/tags/v1.1.1", workspace: &workspace };
            stage.notify(&job, "success", &last).await?;
        }
    }
    let (issue, comments) = stage.show_issue(&fix.merged)?;
    Ok(Mended { serves: stage.all_serve().await?, issue, comments })
}

/// What serves where, as the page shows it.
async fn page(stage: &mut Stage<'_>, commit: &str) -> Result<PathBuf> {
    stage.chapter("what serves where, and is it kept?");
    stage.is_quiet = false;
    let workspace = stage.workspace(401)?;
    let job = Job { run: 401, environment: "prd", commit, git_ref: "refs/heads/main", workspace: &workspace };
    let inputs = [("environments", "dev\nstg\nprd"), ("output", "inventory"), ("on-drift", "fail")];
    let report = stage.step(&job, "inventory", &inputs).await?;
    passed(&report)?;
    Ok(workspace.join(report.output("page")))
}

/// The functions as they stand before the story: an older image serves in each environment.
async fn functions(stage: &mut Stage<'_>) -> Result<()> {
    stage.detail("== three functions, shop-api-dev, -stg, -prd, serve an older image");
    let commit = stage.repository.reference("heads/main").context("a first commit")?;
    stage.repository.branch("dev", &commit);
    stage.aws.create_repository(REPOSITORY).await?;
    let digest = stage.aws.push_image(&ImageSpec::new(REPOSITORY).release("0.9.0", &commit)).await?;
    let uri = stage.aws.image_uri(REPOSITORY, &digest);
    for environment in ENVIRONMENTS {
        let name = format!("shop-api-{environment}");
        stage.aws.create_function(&FunctionSpec::image(&name, &uri).env("STAGE", environment)).await?;
        let version = stage.aws.publish(&name, &commit).await?;
        stage.aws.create_alias(&name, "live", &version).await?;
        stage.detail(&format!("{name}: alias live -> version {version} (0.9.0)"));
    }
    Ok(())
}

/// What CI does for a commit on `dev`: one image, pushed once. Then the branch is squashed into `main`.
fn build<'a>(stage: &mut Stage<'_>, source: &Registry, version: &'a str, runs: u64, behaviour: &str) -> Release<'a> {
    let files = [("shop.txt", version)];
    let built_from = stage.repository.push("dev", &files, &format!("Work on {version}"));
    let image = ImageSpec::new("org/shop").tag(&built_from[..7]).release(version, &built_from).behaviour(behaviour);
    let pushed = source.put_image(&image);
    stage.say(&format!("built from {} and pushed once: {}", &built_from[..7], pushed.digest));
    let merged = stage.repository.push("main", &files, &format!("Release {version} (squashed)"));
    let tag = format!("v{version}");
    stage.repository.annotated_tag(&tag, &merged, &format!("Release {version}"));
    Release { version, runs, built_from, merged, digest: pushed.digest }
}

/// One job: promote, publish, and let it serve. Returns the report of the step that failed, or of the health check.
async fn job(stage: &mut Stage<'_>, source: &Registry, release: &Release<'_>, environment: &str) -> Result<Report> {
    let place = ENVIRONMENTS.iter().position(|one| *one == environment).context("a known environment")?;
    let run = release.runs + u64::try_from(place)?;
    let tag = format!("refs/tags/v{}", release.version);
    let (commit, git_ref) = match environment {
        "dev" => (&release.built_from, "refs/heads/dev"),
        "stg" => (&release.merged, "refs/heads/main"),
        _ => (&release.merged, tag.as_str()),
    };
    stage.detail("");
    stage.detail(&format!("-- {environment}: run {run}, commit {}", &commit[..7]));
    let workspace = stage.workspace(run)?;
    let job = Job { run, environment, commit, git_ref, workspace: &workspace };
    if environment == "prd" {
        passed(&stage.step(&job, "validate-tag", &[]).await?)?;
    }
    let endpoint = format!("{}=http://{}\n{}", SOURCE_HOST, source.host(), stage.ecr_endpoint());
    let named = format!("{SOURCE_HOST}/org/shop@{}", release.digest);
    let (user, password) = source.credentials();
    let mut promote = vec![("destination", REPOSITORY), ("registry-endpoint", endpoint.as_str())];
    match environment {
        "dev" => promote.extend([
            ("source", named.as_str()),
            ("source-username", user.as_str()),
            ("source-password", password.as_str()),
        ]),
        "stg" => promote.push(("from-environment", "dev")),
        _ => promote.push(("from-environment", "stg")),
    }
    let promoted = stage.step(&job, "promote-artifact", &promote).await?;
    passed(&promoted)?;
    ensure!(promoted.output("digest") == release.digest, "another digest was promoted:\n{promoted}");

    let function = format!("shop-api-{environment}");
    let publish = [("function", function.as_str()), ("image", promoted.output("lambda-image"))];
    let published = stage.step(&job, "publish-version", &publish).await?;
    passed(&published)?;
    let published =
        Published { function: &function, version: published.output("version"), revision: promoted.output("revision") };
    let served = stage.serve(&job, &published).await?;
    if environment == "prd" && served.exit_code == 0 {
        release_page(stage, &job).await?;
    }
    Ok(served)
}

/// The release of the tag, as its page shows it.
async fn release_page(stage: &mut Stage<'_>, job: &Job<'_>) -> Result<()> {
    passed(&stage.step(job, "create-release", &[]).await?)?;
    let release = stage.repository.releases().pop().context("a release")?;
    stage.detail(&format!("the page of the release {}:", release.tag_name));
    for line in release.body.unwrap_or_default().lines() {
        stage.detail(&format!("  | {line}"));
    }
    Ok(())
}

/// The name of the source registry; the stage says where it is reached.
const SOURCE_HOST: &str = "ghcr.io";
