//! Runs a workflow as GitHub would, by `act`, against a local GitHub, a local AWS and local registries.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::sync::Semaphore;

use super::command::{output, root};
use super::log::Run;
use super::{Engine, go_tool, runner_image, table};
use crate::aws::Account;
use crate::github::{Job, LocalGithub};

const ACT: (&str, &str) = ("github.com/nektos/act", "v0.2.87");

/// Runs at the same time: half of one is waiting for the engine.
static TURNS: Semaphore = Semaphore::const_new(2);

/// A run of a workflow that is about to begin.
///
/// ```no_run
/// # async fn test(github: &testbed::github::LocalGithub, account: &testbed::aws::Account) -> anyhow::Result<()> {
/// use testbed::engine::Act;
/// use testbed::github::Job;
///
/// let job = Job::new("org/shop", "4fe2c1a09b8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f").environment("dev");
/// let run = Act::new("lambda", "examples/lambda".as_ref(), ".github/workflows/dev.yml")
///     .github(github, &job, "ghs_token")
///     .aws(account)
///     .run()
///     .await?;
/// assert_eq!(run.assert_success(true).step("swap").output("verdict"), "pass");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Act {
    example: String,
    repository: PathBuf,
    workflow: String,
    event_name: String,
    event: Value,
    actor: String,
    variables: BTreeMap<String, String>,
    options: Vec<String>,
    registries: Vec<(String, String)>,
    has_browser: bool,
    images: Vec<(String, String)>,
}

impl Act {
    /// A run of `workflow`, a path in the folder `repository`, whose files are those that `actions/checkout` gives. The row
    /// of the table of examples is named `example`.
    pub fn new(example: &str, repository: &Path, workflow: &str) -> Self {
        Self {
            example: example.to_owned(),
            repository: repository.to_path_buf(),
            workflow: workflow.to_owned(),
            event_name: "push".to_owned(),
            event: Value::Null,
            actor: "octocat".to_owned(),
            variables: BTreeMap::new(),
            options: Vec::new(),
            registries: Vec::new(),
            has_browser: false,
            images: Vec::new(),
        }
    }

    /// In a runner that has Chromium, `/usr/bin/chromium`, and this machine's Node and npm. Npm fetches nothing there: it finds in `.npm`, below
    /// the folder it is called in, what [`Act::fetch`] put there.
    pub fn browser(mut self) -> Self {
        self.has_browser = true;
        for (name, value) in [("npm_config_cache", ".npm"), ("npm_config_offline", "true")] {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        self.var("CHROMIUM_PATH", "/usr/bin/chromium")
    }

    /// Fetches the packages of a folder of the repository, by its `package-lock.json`.
    ///
    /// # Errors
    ///
    /// There is no npm, or it cannot fetch them.
    pub fn fetch(folder: &Path) -> Result<()> {
        let mut npm = std::process::Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", ".npm"]).current_dir(folder);
        output(&mut npm).context("npm fetches the packages of the example")?;
        fs::remove_dir_all(folder.join("node_modules")).context("what npm unpacked")
    }

    /// Where GitHub is, what of it this run is, and its token. All jobs of the run get the OIDC token of this one.
    pub fn github(mut self, github: &LocalGithub, job: &Job, token: &str) -> Self {
        self.event_name.clone_from(&job.event_name);
        self.actor.clone_from(&job.actor);
        let (attempt, run) = (job.run_attempt.to_string(), job.run_id.to_string());
        let known = [
            ("GITHUB_REPOSITORY", job.repository.as_str()),
            ("GITHUB_REF", &job.git_ref),
            // What `act` reads for `github.sha`.
            ("SHA_REF", &job.sha),
            ("GITHUB_RUN_ID", &run),
            ("GITHUB_RUN_ATTEMPT", &attempt),
        ];
        self.variables.extend(github.environment(job));
        self.variables.extend(known.map(|(name, value)| (name.to_owned(), value.to_owned())));
        self.secret("GITHUB_TOKEN", token)
    }

    /// The event's payload.
    pub fn event(mut self, payload: Value) -> Self {
        self.event = payload;
        self
    }

    /// Where AWS is. Credentials are the workflow's matter.
    pub fn aws(mut self, account: &Account) -> Self {
        self.variables.insert("AWS_ENDPOINT_URL".to_owned(), account.endpoint().to_owned());
        let uri = account.image_uri("any", "any");
        let host = uri.split('/').next().unwrap_or_default().to_owned();
        self.registry(&host, account.endpoint())
    }

    /// Where a registry is reached: `registry("ghcr.io", "http://127.0.0.1:5000")`.
    pub fn registry(mut self, host: &str, url: &str) -> Self {
        self.registries.push((host.to_owned(), url.to_owned()));
        self
    }

    /// What a Dockerfile that begins with an image is built from, an image of the engine; an empty one stands for all others.
    pub fn image(mut self, name: &str, local: &str) -> Self {
        self.images.push((name.to_owned(), local.to_owned()));
        self
    }

    /// A variable of the repository or environment, `vars.NAME`.
    pub fn var(self, name: &str, value: &str) -> Self {
        self.option("--var", name, value)
    }

    /// A secret, `secrets.NAME`.
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.option("--secret", name, value)
    }

    fn option(mut self, option: &str, name: &str, value: &str) -> Self {
        self.options.extend([option.to_owned(), format!("{name}={value}")]);
        self
    }

    /// Runs it to its end, and adds its row to the table of examples.
    ///
    /// # Errors
    ///
    /// It cannot be run at all. A job that fails is no error.
    pub async fn run(self) -> Result<Run> {
        let engine = Engine::shared();
        let action = action(&engine.action_image()?.name, &self.endpoints())?;
        let repository = tempfile::Builder::new().prefix("repository-").tempdir()?;
        copy_folder(&self.repository, repository.path())?;
        let unique = repository.path().file_name().unwrap_or_default().to_string_lossy();
        for folder in [repository.path(), action.path()] {
            fit(&folder.join(".github/workflows"), &unique)?;
        }
        let runner = runner_image::ensure(engine, self.has_browser)?;
        let act = go_tool(ACT.0, ACT.1, "")?;
        let _turn = TURNS.acquire().await?;
        let event = action.path().join("event.json");
        fs::write(&event, if self.event.is_null() { "{}".to_owned() } else { self.event.to_string() })?;
        let socket = engine.host().trim_start_matches("unix://");
        let mut command = Command::new(act);
        command
            .arg(&self.event_name)
            .arg("--eventpath")
            .arg(&event)
            .args(["--workflows", &self.workflow, "--actor", &self.actor, "--json", "--verbose"])
            .args([
                "--pull=false",
                "--action-offline-mode",
                "--rebuild=false",
                "--no-cache-server",
                "--network",
                "host",
            ])
            .args(["--platform", &format!("ubuntu-latest={runner}")])
            .args(["--platform", &format!("ubuntu-24.04={runner}")])
            .args(["--container-daemon-socket", &format!("unix://{socket}")])
            .args(&self.options)
            .current_dir(repository.path())
            .env("DOCKER_HOST", engine.host())
            // Neither the settings of who runs this nor a cache of theirs.
            .env("HOME", action.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_CACHE_HOME")
            .env_remove("GITHUB_TOKEN")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for (name, folder) in actions(repository.path(), action.path())? {
            command.arg("--local-repository").arg(format!("{name}={}", folder.display()));
        }
        // Read by the stand-ins of other people's actions.
        command.arg("--env").arg(format!("TESTBED_REGISTRIES={}", self.endpoints().join(" ")));
        let images: Vec<String> = self.images.iter().map(|(name, local)| format!("{name}={local}")).collect();
        command.arg("--env").arg(format!("TESTBED_IMAGES={}", images.join(" ")));
        for (name, value) in &self.variables {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        let output = command.output().await.context("run act")?;
        let log = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let run = Run::read(&log, output.status.success());
        table::add(&self.example, &run)?;
        Ok(run)
    }

    /// Where registries are reached, as the input `registry-endpoint` says it.
    fn endpoints(&self) -> Vec<String> {
        self.registries.iter().map(|(host, url)| format!("{host}={url}")).collect()
    }
}

/// The repository of the action as a release has it, but for the image, which was built here, and for where registries are.
fn action(image: &str, endpoints: &[String]) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("action-").tempdir()?;
    let action = fs::read_to_string(root()?.join("action.yml")).context("read action.yml")?;
    let named = Regex::new("(?m)^  image: .*$")?.replace(&action, format!("  image: docker://{image}"));
    let endpoints = format!("  registry-endpoint:\n    default: {}", Value::from(endpoints.join("\n")));
    fs::write(folder.path().join("action.yml"), named.replace("  registry-endpoint:", &endpoints))?;
    copy_folder(&root()?.join(".github/workflows"), &folder.path().join(".github/workflows"))?;
    Ok(folder)
}

/// What stands for each action and called workflow that workflows name, as `owner/name@ref`.
fn actions(repository: &Path, action: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let uses = Regex::new(r"uses: *([\w.-]+/[\w.-]+)[\w./-]*@([\w./-]+)")?;
    let mut found = BTreeMap::new();
    for file in workflows(&repository.join(".github/workflows"))?
        .into_iter()
        .chain(workflows(&action.join(".github/workflows"))?)
    {
        let text = fs::read_to_string(&file)?;
        for (_, [name, reference]) in uses.captures_iter(&text).map(|one| one.extract()) {
            let stand_in = root()?.join("testbed/actions").join(name);
            let folder = match name {
                "org/deploy-action" => action.to_path_buf(),
                // `act` copies the repository itself.
                "actions/checkout" => continue,
                _ if stand_in.exists() => stand_in,
                // The action's own CI is not run here.
                _ if file.starts_with(action) => continue,
                _ => bail!("{name} has no stand-in in testbed/actions"),
            };
            found.insert(format!("{name}@{reference}"), folder);
        }
    }
    Ok(found)
}

/// Fits copied workflows to `act`. It refuses keys that are newer than itself: `deployment` of a job's environment, which it would
/// ignore like the environment itself. It gives the repository to a checkout itself only when that names no commit. And it names
/// containers by workflow and job: a name of their own keeps two runs out of each other's way.
fn fit(folder: &Path, unique: &str) -> Result<()> {
    let checked_out = Regex::new(r#"\bref: "[^"]*", "#)?;
    let name = Regex::new("(?m)^name: .*\n")?;
    for file in workflows(folder)? {
        let text = fs::read_to_string(&file)?;
        let text = checked_out.replace_all(&text, "").replace(", deployment: false}", "}");
        fs::write(&file, format!("name: {unique}\n{}", name.replace(&text, "")))?;
    }
    Ok(())
}

fn workflows(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.path()).collect())
}

/// Copies a folder with all that is in it.
///
/// # Errors
///
/// It cannot be read, or the copy not written.
pub fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let entry = entry?.path();
        let target = to.join(entry.file_name().unwrap_or_default());
        if entry.is_dir() {
            copy_folder(&entry, &target)?;
        } else {
            fs::copy(&entry, &target).with_context(|| format!("copy {}", entry.display()))?;
        }
    }
    Ok(())
}
