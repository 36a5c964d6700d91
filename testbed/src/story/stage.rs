//! The stage of a story: AWS, GitHub, the program, and where summaries go.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::Serves;
use crate::aws::sample::http_event;
use crate::aws::{Account, LocalAws};
use crate::github::{LocalGithub, Permission, Repository};
use crate::load::Load;
use crate::runner::{Report, Runner};

/// The environments, in the order in which a release meets them.
pub const ENVIRONMENTS: [&str; 3] = ["dev", "stg", "prd"];

/// A line of a story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'a> {
    /// What happens.
    Line(&'a str),
    /// How a step ended, and what serves.
    Step(&'a str),
    /// What only somebody wants to read who looks closely: logs, pages.
    Detail(&'a str),
}

/// Where a story is told: a line at a time.
pub type Teller<'a> = &'a mut (dyn FnMut(Told<'_>) + Send);

/// A commit or a digest: its first digits are told.
static LONG_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b([0-9a-f]{7})(?:[0-9a-f]{33}|[0-9a-f]{57})\b").expect("a pattern"));
/// How production's traffic moves, in seconds where a real shop takes minutes.
const CANARY: [(&str, &str); 4] =
    [("strategy", "canary 50% 5s"), ("error-rate-source", "function-url"), ("settle", "1s"), ("min-samples", "10")];
/// How many seconds before the end of a minute it begins.
const CANARY_TAKES: u64 = 7;
/// How many characters of a reason are told.
const REASON: usize = 72;
/// How many in a line of its own.
const LINE: usize = 139;

/// The stage and what stands on it.
pub(super) struct Stage<'a> {
    program: &'a Path,
    pub(super) summaries: PathBuf,
    tell: Teller<'a>,
    pub(super) aws: Account,
    github: LocalGithub,
    pub(super) repository: Repository,
    pub(super) played: u32,
    /// How many seconds the clock of AWS is ahead.
    ahead: u64,
    /// Whether a step is a detail, because another release has gone the same way before.
    pub(super) is_quiet: bool,
}

/// One job of a workflow.
pub(super) struct Job<'a> {
    pub(super) run: u64,
    pub(super) environment: &'a str,
    pub(super) commit: &'a str,
    pub(super) git_ref: &'a str,
    pub(super) workspace: &'a Path,
}

/// What is to be tried after an artifact has been published as a version.
pub(super) struct Published<'a> {
    pub(super) function: &'a str,
    pub(super) version: &'a str,
    /// The commit that the running code is to tell.
    pub(super) revision: &'a str,
}

impl<'a> Stage<'a> {
    pub(super) async fn set(program: &'a Path, folder: &Path, tell: Teller<'a>) -> Result<Self> {
        let aws = LocalAws::shared().account();
        let github = LocalGithub::start().await?;
        let repository = github.repository("org/shop");
        repository.history("main", 1);
        let summaries = folder.join("summaries");
        if summaries.exists() {
            fs::remove_dir_all(&summaries).context("clear the folder of the summaries")?;
        }
        fs::create_dir_all(&summaries).context("make the folder of the summaries")?;
        Ok(Self { program, summaries, tell, aws, github, repository, played: 0, ahead: 0, is_quiet: false })
    }

    /// Where ECR's registry is reached, as the input `registry-endpoint` says it.
    pub(super) fn ecr_endpoint(&self) -> String {
        let uri = self.aws.image_uri("any", "any");
        format!("{}={}", uri.split('/').next().unwrap_or_default(), self.aws.endpoint())
    }

    pub(super) fn say(&mut self, line: &str) {
        (self.tell)(Told::Line(line));
    }

    pub(super) fn detail(&mut self, line: &str) {
        (self.tell)(Told::Detail(line));
    }

    pub(super) fn chapter(&mut self, title: &str) {
        self.detail("");
        self.say(&format!("== {title}"));
    }

    /// The workspace of a run, with what its steps hand to each other.
    pub(super) fn workspace(&self, run: u64) -> Result<PathBuf> {
        let workspace = self.summaries.join(format!("workspace-{run}"));
        fs::create_dir_all(&workspace)?;
        Ok(workspace)
    }

    /// Smoke test, swap (in production a canary, while users ask), health check, and the end of the record. Returns the report of the step
    /// that failed, or of the health check.
    pub(super) async fn serve(&mut self, job: &Job<'_>, published: &Published<'_>) -> Result<Report> {
        let Published { function, version, revision } = *published;
        let url = self.url(function).await?;
        let tested = self.step(job, "smoke-test", &[("function", function), ("version", version)]).await?;
        passed(&tested)?;
        let mut swap = vec![
            ("function", function),
            ("version", version),
            ("proof", tested.output("proof")),
            ("require-proof", "true"),
            ("record", "open"),
        ];
        let swapped = if job.environment == "prd" {
            swap.extend(CANARY);
            self.ahead = self.aws.end_minute_in(CANARY_TAKES, self.ahead).await?;
            let users = Load::start(&format!("{url}/orders"), 3, Duration::from_millis(10));
            let swapped = self.step(job, "swap-alias", &swap).await?;
            let (served, this) = (users.stop().await, format!("{function}:{version}"));
            let (all, new, bad) = (served.requests(), served.of(revision), served.failed());
            self.say(&format!("users sent {all} requests meanwhile, {new} of them came to {this}; {bad} failed"));
            swapped
        } else {
            self.step(job, "swap-alias", &swap).await?
        };
        let deployment = swapped.output("deployment-id");
        fs::write(job.workspace.join("state.json"), swapped.output("state"))?;
        fs::write(job.workspace.join("deployment-id"), deployment)?;
        if swapped.exit_code != 0 {
            let why = LONG_NUMBER.replace_all(swapped.output("reason"), "$1");
            self.say(&why.chars().take(LINE).collect::<String>());
            return Ok(swapped);
        }
        let health = format!("{url}/health");
        let check = [
            ("url", health.as_str()),
            ("function", function),
            ("expect-version", revision),
            ("version-from", "json:/commit"),
            ("success-threshold", "2"),
            ("attempts", "4"),
            ("deployment-id", deployment),
        ];
        let checked = self.step(job, "health-check-with-backoff", &check).await?;
        if checked.exit_code == 0 {
            let finish = [("deployment-id", deployment), ("result", "success"), ("environment-url", &url)];
            passed(&self.step(job, "finish-deployment", &finish).await?)?;
        }
        Ok(checked)
    }

    /// What the workflow does `if: failure()`: the canary has been taken back already, so that there is nothing left to do.
    pub(super) async fn clean_up(&mut self, job: &Job<'_>, function: &str) -> Result<()> {
        let state = fs::read_to_string(job.workspace.join("state.json"))?;
        let deployment = fs::read_to_string(job.workspace.join("deployment-id"))?;
        let health = format!("{}/health", self.url(function).await?);
        let back = [("function", function), ("state", &state), ("url", &health), ("reason", "the deployment failed")];
        passed(&self.step(job, "rollback", &back).await?)?;
        let finish = [("deployment-id", deployment.as_str()), ("result", "failure")];
        passed(&self.step(job, "finish-deployment", &finish).await?)
    }

    /// One step of a job, as the runner performs it, with its real log.
    pub(super) async fn step(&mut self, job: &Job<'_>, step: &str, inputs: &[(&str, &str)]) -> Result<Report> {
        let token = self.repository.token(&[
            Permission::Deployments.write(),
            Permission::Contents.write(),
            Permission::Statuses.write(),
            Permission::Issues.write(),
        ]);
        let mut runner = Runner::new(self.program)
            .step(step)
            .input("environment", job.environment)
            .envs(self.aws.environment())
            .github_at(self.github.url(), "https://github.example.com")
            .token(&token)
            .repository("org/shop")
            .sha(job.commit)
            .git_ref(job.git_ref)
            .event("push", self.repository.push_event(job.git_ref, job.commit))
            .run_id(job.run)
            .workspace(job.workspace);
        for (name, value) in inputs {
            runner = runner.input(name, *value);
        }
        let report = runner.run().await;
        self.played += 1;
        let ended = ended(job.environment, step, &report);
        (self.tell)(if self.is_quiet { Told::Detail(&ended) } else { Told::Step(&ended) });
        for line in &report.log {
            self.detail(&format!("  {line}"));
        }
        let summary = self.summaries.join(format!("{:02}-{}-{step}.md", self.played, job.environment));
        fs::write(summary, &report.summary)?;
        Ok(report)
    }

    /// The address of a function.
    async fn url(&self, function: &str) -> Result<String> {
        let path = format!("/2021-10-31/functions/{function}/url?Qualifier=live");
        let known = self.aws.lambda("GET", &path, &Value::Null).await?.json();
        match known["FunctionUrl"].as_str().and_then(|url| url.split("://").last()?.split('.').next()) {
            Some(id) => Ok(format!("{}/_aws/lambda-url/{id}", self.aws.endpoint())),
            None => Ok(self.aws.function_url(function, Some("live")).await?),
        }
    }

    /// What serves in each environment.
    pub(super) async fn all_serve(&self) -> Result<Vec<Serves>> {
        let mut serves = Vec::new();
        for environment in ENVIRONMENTS {
            serves.push(self.serves(environment).await?);
        }
        Ok(serves)
    }

    /// What serves in an environment, from AWS and from the record.
    pub(super) async fn serves(&self, environment: &str) -> Result<Serves> {
        let name = format!("shop-api-{environment}");
        let alias = self.aws.alias(&name, "live").await?;
        let version = self.aws.function(&name, &alias.version).await?;
        let answer = self.aws.invoke(&name, "live", &http_event("/health")).await?;
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

/// How a step ended, in a line: its verdict, and what serves or why.
fn ended(environment: &str, step: &str, report: &Report) -> String {
    let serving = report.output("serving");
    // Of what serves, the hash of the code is left out.
    let serving = [", sha256:", ", code "].iter().find_map(|hash| Some(format!("{})", serving.split_once(hash)?.0)));
    let reason = || LONG_NUMBER.replace_all(report.output("reason"), "$1").chars().take(REASON).collect();
    format!("{environment:<4} {step:<26} {:<7} {}", report.output("verdict"), serving.unwrap_or_else(reason))
}

fn shown(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(&Rfc3339).unwrap_or_default()
}

/// The step must have passed for the story to go on.
pub(super) fn passed(report: &Report) -> Result<()> {
    ensure!(report.exit_code == 0, "a step of the story failed:\n{report}");
    Ok(())
}
