//! The runner: invokes the program as GitHub's runner does and reads what it wrote as the runner would.
//!
//! Modelled on actions/runner 2.336 for container actions; each file names the sources of its rules. What differs:
//! there is no container, so paths are the host's (as under `act`), and `PATH` is a minimal one instead of the
//! image's.
//!
//! ```no_run
//! # async fn example(program: &std::path::Path) {
//! use testbed::runner::Runner;
//!
//! let report = Runner::new(program).step("swap-alias").input("function", "shop-api-prd").run().await;
//! report.assert_verdict("pass", 0).assert_runner_safe();
//! # }
//! ```

mod action_yml;
mod assert;
mod command;
mod environment;
mod file_command;
mod log;
mod mask;
mod process;
mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use action_yml::ActionYml;
use environment::{Context, Files};
use log::StepLog;
use process::Program;

pub use command::{Command, Syntax};
pub use file_command::FileCommands;
pub use log::{ANNOTATION_LENGTH, ANNOTATIONS_PER_LEVEL, Annotation, Level};
pub use process::{Container, Running, pid_1_or_skip};
pub use report::{CancelledBy, Report};
pub use rustix::process::Signal;

/// The job's token when a test gives none; masked, as the runner does.
pub const JOB_TOKEN: &str = "ghs_token-of-the-job-in-the-testbed";

/// One step of a job, about to be run. Cloning it gives another step of the same job.
#[derive(Clone, Debug)]
#[must_use]
pub struct Runner {
    program: Program,
    inputs: Vec<(String, String)>,
    raw_inputs: Vec<(OsString, OsString)>,
    env: BTreeMap<OsString, OsString>,
    without: BTreeSet<OsString>,
    context: Context,
    workspace: Option<PathBuf>,
    owner: Option<(u32, u32)>,
    declared: Vec<String>,
    action_yml: Option<PathBuf>,
    token: Option<String>,
    masks: Vec<String>,
}

impl Runner {
    /// A step that runs `program`.
    pub fn new(program: impl AsRef<Path>) -> Self {
        Self {
            program: Program::new(program.as_ref()),
            inputs: Vec::new(),
            raw_inputs: Vec::new(),
            env: BTreeMap::new(),
            without: BTreeSet::new(),
            context: Context::default(),
            workspace: None,
            owner: None,
            declared: Vec::new(),
            action_yml: None,
            token: None,
            masks: Vec::new(),
        }
    }

    /// The input `step`.
    pub fn step(self, name: &str) -> Self {
        self.input("step", name)
    }

    /// A line of `with:`. It becomes `INPUT_<NAME>`: spaces to `_`, upper case, dashes kept, the value untouched
    /// (`Handler.cs`, `AddInputsToEnvironment`). Given twice, the last one counts.
    pub fn input(mut self, name: &str, value: impl Into<String>) -> Self {
        self.inputs.push((name.to_owned(), value.into()));
        self
    }

    /// The same unless the input is given already.
    pub fn input_unless_given(self, name: &str, value: impl Into<String>) -> Self {
        if self.inputs.iter().any(|(given, _)| given == name) { self } else { self.input(name, value) }
    }

    /// A variable `INPUT_<name>` as it is: for values that are not UTF-8, or names the runner would not make.
    pub fn raw_input(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let mut variable = OsString::from("INPUT_");
        variable.push(name.into());
        self.raw_inputs.push((variable, value.into()));
        self
    }

    /// An environment variable. Unlike a workflow's `env:` it has the last word, over `GITHUB_*`, too.
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        let name = name.into();
        self.without.remove(&name);
        self.env.insert(name, value.into());
        self
    }

    /// Several environment variables.
    pub fn envs<N: Into<OsString>, V: Into<OsString>>(self, all: impl IntoIterator<Item = (N, V)>) -> Self {
        all.into_iter().fold(self, |runner, (name, value)| runner.env(name, value))
    }

    /// Leaves a variable out of the environment, whoever sets it.
    pub fn without_env(mut self, name: impl Into<OsString>) -> Self {
        let name = name.into();
        self.env.remove(&name);
        self.without.insert(name);
        self
    }

    /// An argument of the command line, as `with.args` would add one.
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.program.args.push(arg.into());
        self
    }

    /// `GITHUB_REPOSITORY`, as `owner/name`.
    pub fn repository(mut self, name: &str) -> Self {
        name.clone_into(&mut self.context.repository);
        self
    }

    /// `GITHUB_REPOSITORY_ID`.
    pub fn repository_id(mut self, id: u64) -> Self {
        self.context.repository_id = id;
        self
    }

    /// `GITHUB_SHA`.
    pub fn sha(mut self, sha: &str) -> Self {
        sha.clone_into(&mut self.context.sha);
        self
    }

    /// `GITHUB_REF`, fully formed; `GITHUB_REF_NAME` and `GITHUB_REF_TYPE` follow from it.
    pub fn git_ref(mut self, git_ref: &str) -> Self {
        git_ref.clone_into(&mut self.context.git_ref);
        self
    }

    /// `GITHUB_EVENT_NAME` and the content of `GITHUB_EVENT_PATH`.
    pub fn event(mut self, name: &str, payload: Value) -> Self {
        name.clone_into(&mut self.context.event_name);
        self.context.event = payload;
        self
    }

    /// `GITHUB_RUN_ID`.
    pub fn run_id(mut self, id: u64) -> Self {
        self.context.run_id = id;
        self
    }

    /// `GITHUB_RUN_ATTEMPT`.
    pub fn run_attempt(mut self, attempt: u64) -> Self {
        self.context.run_attempt = attempt;
        self
    }

    /// `GITHUB_JOB`.
    pub fn job(mut self, job: &str) -> Self {
        job.clone_into(&mut self.context.job);
        self
    }

    /// `GITHUB_WORKFLOW`.
    pub fn workflow(mut self, name: &str) -> Self {
        name.clone_into(&mut self.context.workflow);
        self
    }

    /// `GITHUB_ACTOR` and `GITHUB_TRIGGERING_ACTOR`.
    pub fn actor(mut self, login: &str) -> Self {
        login.clone_into(&mut self.context.actor);
        self
    }

    /// `GITHUB_API_URL`, `GITHUB_GRAPHQL_URL` and `GITHUB_SERVER_URL`: where GitHub is. The default does not resolve.
    pub fn github_at(mut self, api_url: &str, server_url: &str) -> Self {
        api_url.clone_into(&mut self.context.api_url);
        server_url.clone_into(&mut self.context.server_url);
        self
    }

    /// The job's token: masked, and given as the input `token` unless there is another.
    pub fn token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// What a job with `id-token: write` gets: `ACTIONS_ID_TOKEN_REQUEST_URL` and `_TOKEN`, the latter masked.
    pub fn id_token(self, request_url: &str, request_token: &str) -> Self {
        self.env("ACTIONS_ID_TOKEN_REQUEST_URL", request_url)
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", request_token)
            .secret(request_token)
    }

    /// A value the runner knows to be secret from the start (`secrets.*`, `add-mask` of an earlier step).
    pub fn secret(mut self, value: &str) -> Self {
        self.masks.push(value.to_owned());
        self
    }

    /// Step debug logging: `RUNNER_DEBUG=1`.
    pub fn debug(mut self) -> Self {
        self.context.debug = true;
        self
    }

    /// The workspace, the program's working directory. Without it, a fresh empty folder that lives as long as the
    /// report.
    pub fn workspace(mut self, folder: &Path) -> Self {
        self.workspace = Some(folder.to_path_buf());
        self
    }

    /// Gives the workspace to this user and group, as on a hosted runner (1001:118) while the container runs as
    /// root. Needs root.
    pub fn workspace_owner(mut self, uid: u32, gid: u32) -> Self {
        self.owner = Some((uid, gid));
        self
    }

    /// Inputs that `action.yml` declares without a default: set to `""` when not given, as the runner does.
    pub fn declared_inputs(mut self, names: &[&str]) -> Self {
        self.declared.extend(names.iter().map(ToString::to_string));
        self
    }

    /// Sets every input that this `action.yml` declares, to its default or `""`, and its `runs.env`; warns about
    /// inputs it does not declare, as the runner does.
    pub fn action_yml(mut self, path: &Path) -> Self {
        self.action_yml = Some(path.to_path_buf());
        self
    }

    /// Runs the program as process 1 of a PID namespace of its own, where signals without a handler do nothing.
    /// See [`pid_1_or_skip`].
    pub fn as_pid_1(mut self) -> Self {
        self.program.pid_1 = true;
        self
    }

    /// Runs a container in place of the program, with this machine's network: the local AWS is on its loopback interface.
    /// Files have the same paths inside.
    pub fn in_container(mut self, container: &Container) -> Self {
        self.program.container = Some(container.clone());
        self
    }

    /// After this time (two minutes by default) the program is killed, and waiting for it panics.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.program.limit = limit;
        self
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// As [`Runner::start`] and [`Running::wait`].
    pub async fn run(&self) -> Report {
        self.start().await.wait().await
    }

    /// Starts the program.
    ///
    /// # Panics
    /// If it cannot be started, or `action.yml` cannot be read.
    pub async fn start(&self) -> Running {
        match self.try_start().await {
            Ok(running) => running,
            Err(problem) => panic!("{} cannot be started: {problem:#}", self.program.path.display()),
        }
    }

    async fn try_start(&self) -> anyhow::Result<Running> {
        let files = Files::create(self.workspace.as_deref(), &self.context.event)?;
        if let Some((uid, gid)) = self.owner {
            chown(&files.workspace, Some(uid), Some(gid))?;
        }
        let mut log = StepLog::default();
        let action = self.action_yml.as_deref().map(ActionYml::read).transpose()?.unwrap_or_default();
        let inputs = self.inputs_of(&action, &mut log)?;
        let mut env: BTreeMap<OsString, OsString> =
            inputs.iter().map(|(name, value)| (variable(name).into(), value.into())).collect();
        env.extend(self.raw_inputs.iter().cloned());
        for (name, value) in action.env()? {
            env.entry(name.into()).or_insert_with(|| value.into());
        }
        env.extend(environment::variables(&self.context, &files));
        env.extend(self.env.clone());
        env.retain(|name, _| !self.without.contains(name));
        let token = self.token.as_deref().unwrap_or(JOB_TOKEN);
        for secret in self.masks.iter().map(String::as_str).chain([token, "runtime-token-of-the-job"]) {
            log.masker.add(secret);
        }
        self.program.start(env, files, log).await
    }

    /// Declared inputs with their defaults, then the given ones.
    fn inputs_of(&self, action: &ActionYml, log: &mut StepLog) -> anyhow::Result<BTreeMap<String, String>> {
        let mut inputs: BTreeMap<String, String> =
            self.declared.iter().map(|name| (name.clone(), String::new())).collect();
        inputs.extend(action.defaults(self.token.as_deref().unwrap_or(JOB_TOKEN))?);
        if self.action_yml.is_some() {
            let mut valid: Vec<&str> = inputs.keys().map(String::as_str).collect();
            valid.extend(["entryPoint", "args"]);
            let unexpected: Vec<&str> = self
                .inputs
                .iter()
                .map(|(name, _)| name.as_str())
                .filter(|name| !valid.iter().any(|known| known.eq_ignore_ascii_case(name)))
                .collect();
            if !unexpected.is_empty() {
                let (unexpected, valid) = (unexpected.join("', '"), valid.join("', '"));
                let message = format!("Unexpected input(s) '{unexpected}', valid inputs are ['{valid}']");
                log.issue(Level::Warning, &message);
            }
        }
        if let Some(token) = &self.token {
            inputs.insert("token".to_owned(), token.clone());
        }
        inputs.extend(self.inputs.iter().cloned());
        Ok(inputs)
    }
}

/// The environment variable of an input.
fn variable(input: &str) -> String {
    format!("INPUT_{}", input.replace(' ', "_").to_uppercase())
}
