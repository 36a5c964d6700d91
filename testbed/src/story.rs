//! The story of the demo, and of its test: a release goes from dev to production, and a bad one comes back.
//!
//! Everything is real but the far ends: the built program, its log, its exit codes, AWS and GitHub over the wire, and a
//! function whose code runs.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use serde_json::{Value, json};
use sha2::Digest as _;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::aws::sample::{FAILS_IN_PRODUCTION, GOOD, sample_zip};
use crate::aws::{Account, FunctionSpec, LocalAws};
use crate::github::{LocalGithub, Permission, Repository};
use crate::runner::{Report, Runner};

/// The environments, in the order in which a release meets them.
pub const ENVIRONMENTS: [&str; 3] = ["dev", "stg", "prd"];

/// Where the story is told: a line at a time.
pub type Teller<'a> = &'a mut (dyn FnMut(&str) + Send);

/// What serves in one environment at the end, read from AWS and from the record.
#[derive(Clone, Debug)]
pub struct Serves {
    /// The environment.
    pub environment: String,
    /// The version the alias points to.
    pub version: String,
    /// The release's name, as the running code tells it.
    pub release: String,
    /// The commit, from the version's description.
    pub commit: String,
    /// The hash of its code.
    pub code_sha256: String,
    /// The version the newest record that succeeded names.
    pub recorded: String,
    /// When that record was made.
    pub since: String,
}

/// How the story ended.
#[derive(Debug)]
pub struct Ending {
    /// The hash of the package built at the start.
    pub built_sha256: String,
    /// What serves where.
    pub serves: Vec<Serves>,
    /// The step that caught the bad release.
    pub caught: Report,
    /// The step that put back what served before.
    pub rolled_back: Report,
    /// Where the job summaries lie.
    pub summaries: PathBuf,
}

/// The stage and what stands on it.
struct Stage<'a> {
    program: &'a Path,
    summaries: PathBuf,
    tell: Teller<'a>,
    aws: Account,
    github: LocalGithub,
    repository: Repository,
    played: u32,
}

/// Plays the whole story with this program. Job summaries go to a folder below `folder`.
///
/// # Errors
/// When anything does not go as the story says.
pub async fn play(program: &Path, folder: &Path, tell: Teller<'_>) -> Result<Ending> {
    let mut stage = Stage::set(program, folder, tell).await?;
    stage.functions().await?;

    stage.chapter("v1.0.0 goes from dev to production");
    let commit = stage.repository.push("main", &[("shop.txt", "1.0.0")], "Release 1.0.0");
    let package = sample_zip("1.0.0", &commit, GOOD);
    let built_sha256 = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&package));
    stage.say(&format!("built one package, SHA-256 {built_sha256}; it is carried, never rebuilt"));
    for (run, environment) in (101..).zip(ENVIRONMENTS) {
        let last = stage.release(run, environment, &commit, &package).await?;
        ensure!(last.exit_code == 0, "v1.0.0 was meant to pass in {environment}:\n{last}");
    }

    stage.chapter("v1.1.0 answers well in dev and staging, and turns bad under production's settings");
    let commit = stage.repository.push("main", &[("shop.txt", "1.1.0")], "Release 1.1.0");
    let package = sample_zip("1.1.0", &commit, &format!("{FAILS_IN_PRODUCTION}\nafter: 2"));
    for (run, environment) in (201..).zip(&ENVIRONMENTS[..2]) {
        let last = stage.release(run, environment, &commit, &package).await?;
        ensure!(last.exit_code == 0, "v1.1.0 was meant to pass in {environment}:\n{last}");
    }
    let caught = stage.release(203, "prd", &commit, &package).await?;
    ensure!(caught.exit_code == 1, "v1.1.0 was meant to fail its health check in production:\n{caught}");
    let rolled_back = stage.rollback(203, &commit).await?;

    let mut serves = Vec::new();
    for environment in ENVIRONMENTS {
        serves.push(stage.serves(environment).await?);
    }
    Ok(Ending { built_sha256, serves, caught, rolled_back, summaries: stage.summaries })
}

/// The closing table.
#[must_use]
pub fn table(ending: &Ending) -> String {
    let mut table = format!(
        "{:<5} {:<8} {:<8} {:<9} {:<46} {:<9} {}\n",
        "where", "version", "release", "commit", "code", "record", "since"
    );
    for one in &ending.serves {
        let (commit, code) = (&one.commit[..7.min(one.commit.len())], &one.code_sha256);
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "{:<5} {:<8} {:<8} {commit:<9} {code:<46} {:<9} {}",
            one.environment, one.version, one.release, one.recorded, one.since
        );
    }
    table
}

impl<'a> Stage<'a> {
    async fn set(program: &'a Path, folder: &Path, tell: Teller<'a>) -> Result<Self> {
        let aws = LocalAws::shared().account();
        let github = LocalGithub::start().await?;
        let keys = aws.oidc_key().await?;
        aws.publish_issuer_keys("https://token.actions.githubusercontent.com", &keys.jwks).await?;
        let repository = github.repository("org/shop");
        repository.history("main", 1);
        let summaries = folder.join("summaries");
        if summaries.exists() {
            fs::remove_dir_all(&summaries).context("clear the folder of the summaries")?;
        }
        fs::create_dir_all(&summaries).context("make the folder of the summaries")?;
        Ok(Self { program, summaries, tell, aws, github, repository, played: 0 })
    }

    fn say(&mut self, line: &str) {
        (self.tell)(line);
    }

    fn chapter(&mut self, title: &str) {
        self.say("");
        self.say(&format!("== {title}"));
    }

    /// The functions as they stand before the story: an older version serves in each environment.
    async fn functions(&mut self) -> Result<()> {
        self.chapter("three functions, shop-api-dev, -stg, -prd, serve an older version");
        let commit = self.repository.reference("heads/main").context("a first commit")?;
        for environment in ENVIRONMENTS {
            let name = format!("shop-api-{environment}");
            let spec = FunctionSpec::zip(&name, sample_zip("0.9.0", &commit, GOOD)).env("STAGE", environment);
            self.aws.create_function(&spec).await?;
            let version = self.aws.publish(&name, &commit).await?;
            self.aws.create_alias(&name, "live", &version).await?;
            self.say(&format!("{name}: alias live -> version {version} (0.9.0)"));
        }
        Ok(())
    }

    /// One job: publish, smoke-test, swap, check, finish. Returns the report of the health check.
    async fn release(&mut self, run: u64, environment: &str, commit: &str, package: &[u8]) -> Result<Report> {
        self.say("");
        self.say(&format!("-- {environment}: run {run}"));
        let function = format!("shop-api-{environment}");
        let workspace = self.summaries.join(format!("workspace-{run}"));
        fs::create_dir_all(&workspace)?;
        fs::write(workspace.join("shop-api.zip"), package)?;
        let url = format!("{}/health", self.url(&function).await?);
        let job = Job { run, environment, commit, workspace: &workspace };

        let publish =
            [("function", function.as_str()), ("zip", "shop-api.zip")];
        let published = self.step(&job, "publish-version", &publish).await?;
        passed(&published)?;
        let version = published.output("version").to_owned();
        let smoke = [("function", function.as_str()), ("version", &version)];
        let tested = self.step(&job, "smoke-test", &smoke).await?;
        passed(&tested)?;
        let swap = [
            ("function", function.as_str()),
            ("version", &version),
            ("proof", tested.output("proof")),
            ("require-proof", "true"),
            ("record", "open"),
        ];
        let swapped = self.step(&job, "swap-alias", &swap).await?;
        passed(&swapped)?;
        let deployment = swapped.output("deployment-id").to_owned();
        fs::write(workspace.join("state.json"), swapped.output("state"))?;
        let health = [
            ("url", url.as_str()),
            ("function", &function),
            ("expect-version", commit),
            ("version-from", "json:/commit"),
            ("success-threshold", "3"),
            ("attempts", "4"),
            ("deployment-id", &deployment),
        ];
        let checked = self.step(&job, "health-check-with-backoff", &health).await?;
        if checked.exit_code == 0 {
            let finish = [("deployment-id", deployment.as_str()), ("result", "success"), ("environment-url", &url)];
            passed(&self.step(&job, "finish-deployment", &finish).await?)?;
        }
        fs::remove_file(workspace.join("shop-api.zip"))?;
        Ok(checked)
    }

    /// What the workflow does `if: failure()`.
    async fn rollback(&mut self, run: u64, commit: &str) -> Result<Report> {
        let workspace = self.summaries.join(format!("workspace-{run}"));
        let state = fs::read_to_string(workspace.join("state.json"))?;
        let job = Job { run, environment: "prd", commit, workspace: &workspace };
        let url = format!("{}/health", self.url("shop-api-prd").await?);
        let inputs = [
            ("function", "shop-api-prd"),
            ("state", state.as_str()),
            ("url", &url),
            ("reason", "v1.1.0 failed its health check"),
        ];
        let report = self.step(&job, "rollback", &inputs).await?;
        passed(&report)?;
        let records = self.repository.deployments();
        let open = records.iter().rfind(|record| record.task == "deploy").context("the record of v1.1.0")?;
        let id = open.id.to_string();
        let finish = [("deployment-id", id.as_str()), ("result", "failure")];
        passed(&self.step(&job, "finish-deployment", &finish).await?)?;
        Ok(report)
    }

    async fn step(&mut self, job: &Job<'_>, step: &str, inputs: &[(&str, &str)]) -> Result<Report> {
        let token = self.repository.token(&[Permission::Deployments.write(), Permission::Contents.read()]);
        let mut runner = Runner::new(self.program)
            .step(step)
            .input("environment", job.environment)
            .envs(self.aws.environment())
            .github_at(self.github.url(), "https://github.example.com")
            .token(&token)
            .repository("org/shop")
            .sha(job.commit)
            .git_ref("refs/heads/main")
            .event("push", json!({}))
            .run_id(job.run)
            .workspace(job.workspace);
        for (name, value) in inputs {
            runner = runner.input(name, *value);
        }
        let report = runner.run().await;
        self.played += 1;
        self.say(&format!("$ {step}  (exit code {})", report.exit_code));
        for line in &report.log {
            self.say(&format!("  {line}"));
        }
        let summary = self.summaries.join(format!("{:02}-{}-{step}.md", self.played, job.environment));
        fs::write(summary, &report.summary)?;
        Ok(report)
    }

    async fn url(&self, function: &str) -> Result<String> {
        let path = format!("/2021-10-31/functions/{function}/url?Qualifier=live");
        let known = self.aws.lambda("GET", &path, &Value::Null).await?.json();
        match known["FunctionUrl"].as_str().and_then(|url| url.split("://").last()?.split('.').next()) {
            Some(id) => Ok(format!("{}/_aws/lambda-url/{id}", self.aws.endpoint())),
            None => self.aws.function_url(function, "live").await,
        }
    }

    async fn serves(&self, environment: &str) -> Result<Serves> {
        let name = format!("shop-api-{environment}");
        let alias = self.aws.alias(&name, "live").await?;
        let version = self.aws.function(&name, &alias.version).await?;
        let answer = self.aws.invoke(&name, "live", &crate::aws::sample::http_event("/health")).await?;
        let body: Value = serde_json::from_str(answer.payload["body"].as_str().unwrap_or("{}"))?;
        let records = self.repository.deployments();
        let record = records.iter().rev().find(|record| {
            let states = record.states();
            let good = states.iter().rposition(|state| *state == "success");
            let bad = states.iter().rposition(|state| matches!(*state, "failure" | "error"));
            record.environment == environment && good.is_some() && good > bad
        });
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        Ok(Serves {
            environment: environment.to_owned(),
            version: alias.version,
            release: text(&body["version"]),
            commit: text(&version["Configuration"]["Description"]),
            code_sha256: text(&version["Configuration"]["CodeSha256"]),
            recorded: record.map_or_else(|| "-".to_owned(), |record| text(&record.payload["targets"][0]["version"])),
            since: record.map_or_else(|| "-".to_owned(), |record| shown(record.created_at)),
        })
    }
}

fn shown(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

/// One job of a workflow.
struct Job<'a> {
    run: u64,
    environment: &'a str,
    commit: &'a str,
    workspace: &'a Path,
}

fn passed(report: &Report) -> Result<()> {
    ensure!(report.exit_code == 0, "a step of the story failed:\n{report}");
    Ok(())
}
