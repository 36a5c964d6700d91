//! What the runner says of the run: the `GITHUB_*` and `RUNNER_*` variables, and the event file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::Value;

use super::terminal::Terminal;
use super::workspace::Workspace;
use crate::text::secrets::Secret;

/// The event file is read up to this size; GitHub's payloads are below 25 MB.
const LARGEST_EVENT: u64 = 32 * 1024 * 1024;

/// The context of one run. Blank variables count as absent.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/variables>
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Runner {
    /// `owner/name`.
    pub github_repository: Option<String>,
    /// Unique number of the run.
    pub github_run_id: Option<String>,
    /// 1 for the first attempt of the run, one more for each re-run.
    pub github_run_attempt: Option<String>,
    /// The commit that triggered the workflow.
    pub github_sha: Option<String>,
    /// `refs/heads/..`, `refs/tags/..` or `refs/pull/..`.
    pub github_ref: Option<String>,
    /// Name of the job in the workflow file.
    pub github_job: Option<String>,
    /// The step's id in its job, or a name made for it.
    pub github_action: Option<String>,
    /// Who triggered the workflow.
    pub github_actor: Option<String>,
    /// The event's name, e.g. `push`.
    pub github_event_name: Option<String>,
    /// The file with the event's payload.
    pub github_event_path: Option<PathBuf>,
    /// `https://github.com`, or the Enterprise server.
    pub github_server_url: Option<String>,
    /// `https://api.github.com`, or the Enterprise server's.
    pub github_api_url: Option<String>,
    /// The workspace: the working directory of the container.
    pub github_workspace: Option<PathBuf>,
    /// The file outputs are appended to.
    pub github_output: Option<PathBuf>,
    /// The file the job summary is appended to.
    pub github_step_summary: Option<PathBuf>,
    /// `1` with step debug logging.
    pub runner_debug: Option<String>,
    /// Where to ask for the job's OIDC token; absent without `id-token: write`.
    pub actions_id_token_request_url: Option<String>,
    /// What to show there.
    pub actions_id_token_request_token: Option<Secret>,
    /// The workflow of the run, `owner/name/.github/workflows/deploy.yml@refs/heads/main`.
    pub github_workflow_ref: Option<String>,
    /// The commit of that file.
    pub github_workflow_sha: Option<String>,
    /// Where the API of Doppler is, as Doppler's own program reads it.
    pub doppler_api_host: Option<String>,
    /// The default region of the AWS environment.
    pub aws_region: Option<String>,
    /// The same, older name.
    pub aws_default_region: Option<String>,
    /// The person at a terminal who started the program, where no runner did.
    #[serde(skip)]
    pub terminal: Option<Terminal>,
}

impl Runner {
    /// Reads the variables. Those that are not UTF-8 are ignored: none of ours may hold such a value.
    pub fn from_variables(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self> {
        let known: BTreeMap<String, String> = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| (name, value.trim().to_owned()))
            .collect();
        envy::from_iter(known).context("read the variables of the run")
    }

    /// The page of this attempt of the run.
    #[must_use]
    pub fn run_url(&self) -> Option<String> {
        let run = self.github_run_id.as_deref()?;
        let page = self.page_of_run(self.github_repository.as_deref()?, run)?;
        Some(format!("{page}/attempts/{}", self.attempt()))
    }

    /// The page of any run of any repository, `owner/name`.
    #[must_use]
    pub fn page_of_run(&self, repository: &str, run: impl std::fmt::Display) -> Option<String> {
        let server = self.github_server_url.as_deref()?.trim_end_matches('/');
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    }

    /// The page of what came between two commits of this repository.
    #[must_use]
    pub fn page_of_changes(&self, base: impl std::fmt::Display, head: impl std::fmt::Display) -> Option<String> {
        let server = self.github_server_url.as_deref()?.trim_end_matches('/');
        Some(format!("{server}/{}/compare/{base}...{head}", self.github_repository.as_deref()?))
    }

    /// The attempt of the run, 1 for the first.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        self.github_run_attempt.as_deref().and_then(|text| text.parse().ok()).unwrap_or(1)
    }

    /// The number of the run, when there is one.
    #[must_use]
    pub fn run_id(&self) -> Option<u64> {
        self.github_run_id.as_deref().and_then(|text| text.parse().ok())
    }

    /// The name of the repository without its owner: the default component.
    #[must_use]
    pub fn repository_name(&self) -> Option<&str> {
        self.github_repository.as_deref()?.split_once('/').map(|(_, name)| name)
    }

    /// The event's payload; `Null` when there is none.
    pub fn event(&self) -> Result<Value> {
        let Some(path) = &self.github_event_path else { return Ok(Value::Null) };
        let size = std::fs::metadata(path).with_context(|| format!("read the event file {}", path.display()))?.len();
        anyhow::ensure!(size <= LARGEST_EVENT, "the event file is larger than {LARGEST_EVENT} bytes");
        let text = std::fs::read_to_string(path).with_context(|| format!("read the event file {}", path.display()))?;
        serde_json::from_str(&text).context("read the event file as JSON")
    }

    /// The workspace, or the working directory outside a runner.
    #[must_use]
    pub fn workspace(&self) -> Workspace {
        Workspace::at(self.github_workspace.clone().unwrap_or_else(|| PathBuf::from(".")))
    }

    /// True when the runner shows debug messages.
    #[must_use]
    pub fn debug(&self) -> bool {
        self.runner_debug.as_deref() == Some("1")
    }
}
