//! What the runner gives a container: files, folders and environment variables.
//!
//! Source: actions/runner 2.336, `ContainerActionHandler.cs` (layers, HOME, runtime variables), `GitHubContext.cs`
//! (the list of `GITHUB_*`), `RunnerContext.cs`, `FileCommandManager.cs` (names of the files).

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::web::some_authority;

/// The facts of a workflow run that end up in `GITHUB_*`.
#[derive(Clone, Debug)]
pub(super) struct Context {
    pub(super) repository: String,
    pub(super) repository_id: u64,
    pub(super) sha: String,
    pub(super) git_ref: String,
    pub(super) event_name: String,
    pub(super) event: Value,
    pub(super) run_id: u64,
    pub(super) run_number: u64,
    pub(super) run_attempt: u64,
    pub(super) job: String,
    pub(super) workflow: String,
    pub(super) actor: String,
    pub(super) api_url: String,
    pub(super) server_url: String,
    pub(super) debug: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            repository: "org/app".to_owned(),
            repository_id: 4242,
            sha: "6dcb09b5b57875f334f61aebed695e2e4193db5e".to_owned(),
            git_ref: "refs/heads/main".to_owned(),
            event_name: "push".to_owned(),
            event: Value::Object(serde_json::Map::new()),
            run_id: 1_658_821_493,
            run_number: 3,
            run_attempt: 1,
            job: "deploy".to_owned(),
            workflow: "Deploy".to_owned(),
            actor: "octocat".to_owned(),
            api_url: "https://api.github.invalid".to_owned(),
            server_url: "https://github.invalid".to_owned(),
            debug: false,
        }
    }
}

/// The folders and files of one step. In a container they are mounted under `/github`; here the paths are those of
/// the host, which is what a program must cope with under `act`, too.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) root: TempDir,
    pub(super) workspace: PathBuf,
    pub(super) home: PathBuf,
    pub(super) temp: PathBuf,
    pub(super) event: PathBuf,
    commands: PathBuf,
}

impl Files {
    /// Makes the folders, the empty command files and the event's file.
    pub(super) fn create(workspace: Option<&Path>, event: &Value) -> std::io::Result<Self> {
        let root = tempfile::Builder::new().prefix("runner-").tempdir()?;
        let temp = root.path().join("_temp");
        let files = Self {
            workspace: workspace.map_or_else(|| root.path().join("workspace"), Path::to_path_buf),
            home: temp.join("_github_home"),
            event: temp.join("_github_workflow/event.json"),
            commands: temp.join("_runner_file_commands"),
            temp,
            root,
        };
        for folder in [&files.workspace, &files.home, &files.commands, &files.temp.join("_github_workflow")] {
            fs::create_dir_all(folder)?;
        }
        for name in ["output", "state", "env", "path", "step_summary"] {
            fs::write(files.command(name), "")?;
        }
        fs::write(&files.event, event.to_string())?;
        fs::write(files.authorities(), some_authority())?;
        Ok(files)
    }

    /// The authorities that are trusted, for `SSL_CERT_FILE`.
    fn authorities(&self) -> PathBuf {
        self.root.path().join("authorities.pem")
    }

    /// The file behind `GITHUB_<NAME>`.
    pub(super) fn command(&self, name: &str) -> PathBuf {
        let prefix = match name {
            "output" => "set_output",
            "state" => "save_state",
            "env" => "set_env",
            "path" => "add_path",
            other => other,
        };
        self.commands.join(format!("{prefix}_8a3c1f52-5b0e-4b43-9d57-2f6f0e9c7a11"))
    }
}

/// Only actions get these, `run:` steps do not.
const RUNTIME: [(&str, &str); 4] = [
    ("ACTIONS_RUNTIME_URL", "https://pipelines.actions.invalid/"),
    ("ACTIONS_RUNTIME_TOKEN", "runtime-token-of-the-job"),
    ("ACTIONS_RESULTS_URL", "https://results.actions.invalid/"),
    ("ACTIONS_CACHE_URL", "https://cache.actions.invalid/"),
];

/// The variables the runner sets after the workflow's own and the inputs: none of them can be given by a user.
pub(super) fn variables(context: &Context, files: &Files) -> BTreeMap<OsString, OsString> {
    let owner = context.repository.split('/').next().unwrap_or_default();
    let (ref_type, ref_name) = ref_parts(&context.git_ref);
    let workflow_ref = format!("{}/.github/workflows/deploy.yml@{}", context.repository, context.git_ref);
    let api = &context.api_url;
    let graphql = api.strip_suffix("/v3").map_or_else(|| format!("{api}/graphql"), |base| format!("{base}/graphql"));
    let head_ref = context.event.pointer("/pull_request/head/ref").and_then(Value::as_str);
    let base_ref = context.event.pointer("/pull_request/base/ref").and_then(Value::as_str);
    let strings: [(&str, &str); 38] = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOSTNAME", "4f1d2c3b4a59"),
        ("GITHUB_ACTIONS", "true"),
        ("CI", "true"),
        ("GITHUB_ACTION", "__org_deploy-action"),
        ("GITHUB_ACTION_REPOSITORY", "org/deploy-action"),
        ("GITHUB_ACTION_REF", "v1"),
        ("GITHUB_ACTOR", &context.actor),
        ("GITHUB_ACTOR_ID", "1"),
        ("GITHUB_TRIGGERING_ACTOR", &context.actor),
        ("GITHUB_API_URL", api),
        ("GITHUB_GRAPHQL_URL", &graphql),
        ("GITHUB_SERVER_URL", &context.server_url),
        ("GITHUB_BASE_REF", base_ref.unwrap_or_default()),
        ("GITHUB_HEAD_REF", head_ref.unwrap_or_default()),
        ("GITHUB_EVENT_NAME", &context.event_name),
        ("GITHUB_JOB", &context.job),
        ("GITHUB_REF", &context.git_ref),
        ("GITHUB_REF_NAME", ref_name),
        ("GITHUB_REF_TYPE", ref_type),
        ("GITHUB_REF_PROTECTED", "false"),
        ("GITHUB_REPOSITORY", &context.repository),
        ("GITHUB_REPOSITORY_ID", &context.repository_id.to_string()),
        ("GITHUB_REPOSITORY_OWNER", owner),
        ("GITHUB_REPOSITORY_OWNER_ID", "2"),
        ("GITHUB_RETENTION_DAYS", "90"),
        ("GITHUB_RUN_ID", &context.run_id.to_string()),
        ("GITHUB_RUN_NUMBER", &context.run_number.to_string()),
        ("GITHUB_RUN_ATTEMPT", &context.run_attempt.to_string()),
        ("GITHUB_SHA", &context.sha),
        ("GITHUB_WORKFLOW", &context.workflow),
        ("GITHUB_WORKFLOW_REF", &workflow_ref),
        ("GITHUB_WORKFLOW_SHA", &context.sha),
        ("RUNNER_OS", "Linux"),
        ("RUNNER_ARCH", if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }),
        ("RUNNER_NAME", "testbed"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
        ("RUNNER_TOOL_CACHE", "/opt/hostedtoolcache"),
    ];
    let mut all: BTreeMap<OsString, OsString> =
        strings.into_iter().chain(RUNTIME).map(|(name, value)| (name.into(), value.into())).collect();
    all.extend(paths(files).into_iter().map(|(name, path)| (name.into(), path.into_os_string())));
    if context.debug {
        all.insert("RUNNER_DEBUG".into(), "1".into());
    }
    all
}

/// Variables that hold a path.
fn paths(files: &Files) -> [(&'static str, PathBuf); 11] {
    [
        ("HOME", files.home.clone()),
        ("GITHUB_WORKSPACE", files.workspace.clone()),
        ("GITHUB_EVENT_PATH", files.event.clone()),
        ("GITHUB_OUTPUT", files.command("output")),
        ("GITHUB_STATE", files.command("state")),
        ("GITHUB_ENV", files.command("env")),
        ("GITHUB_PATH", files.command("path")),
        ("GITHUB_STEP_SUMMARY", files.command("step_summary")),
        ("RUNNER_TEMP", files.temp.clone()),
        ("RUNNER_WORKSPACE", files.root.path().to_path_buf()),
        // Not the runner's: of the image, whose file is longer.
        ("SSL_CERT_FILE", files.authorities()),
    ]
}

/// `GITHUB_REF_TYPE` and `GITHUB_REF_NAME` of a fully formed reference.
fn ref_parts(git_ref: &str) -> (&'static str, &str) {
    if let Some(tag) = git_ref.strip_prefix("refs/tags/") {
        return ("tag", tag);
    }
    let name = git_ref.strip_prefix("refs/heads/").or_else(|| git_ref.strip_prefix("refs/pull/"));
    ("branch", name.unwrap_or(git_ref))
}
