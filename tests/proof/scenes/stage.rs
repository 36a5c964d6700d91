//! A world with one step's normal run about to happen in it.

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::aws::{Account, FunctionSpec, ImageSpec, Settings};
use testbed::github::{Deployment, Grant, LocalGithub, Permission, Repository, RunState};
use testbed::registry::Registry;
use testbed::runner::Runner;
use testbed::web::{Answer, WebServer};

use super::request::{self, Request};
use super::rules;
use super::state::State;
use crate::world::{RUN, World};

/// The one environment of all scenes.
pub(crate) const ENVIRONMENT: &str = "prd";
/// The one function of most scenes.
pub(crate) const FUNCTION: &str = "shop-api";
/// The one repository in ECR.
pub(crate) const REPOSITORY: &str = "shop/api";

/// A world, and the invocation that is made in it.
pub(crate) struct Stage {
    /// The account.
    pub(crate) aws: Account,
    /// GitHub.
    pub(crate) github: LocalGithub,
    /// The repository of the workflow.
    pub(crate) repository: Repository,
    /// Registries beside ECR, by what they are here.
    pub(crate) registries: Vec<(&'static str, Registry)>,
    /// What is asked for its health over HTTP, and what it answers.
    pub(crate) web: Option<(WebServer, Answer)>,
    /// Five commits on main, oldest first.
    pub(crate) commits: Vec<String>,
    /// Where other jobs of the run are.
    pub(crate) siblings: Vec<Account>,
    /// What differs from stage to stage, and its name in [`State`].
    pub(crate) names: Vec<(String, String)>,
    step: &'static str,
    inputs: Vec<(String, String)>,
    variables: Vec<(String, String)>,
    grants: Vec<Grant>,
    sha: String,
    event: Option<(&'static str, Value)>,
    workspace: Option<TempDir>,
}

impl Stage {
    /// A stage with an empty account, and a repository with five commits.
    pub(crate) async fn new() -> Self {
        let World { aws, github, repository, commits } = World::new().await;
        let at_once = Settings { update_delay: Some(0.0), ecs_delay: Some(0.0), ..Settings::default() };
        aws.settings(&at_once).await.unwrap();
        let mut stage = Self {
            variables: aws.environment(),
            names: vec![
                (aws.id.clone(), "{account}".to_owned()),
                (testbed::aws::account_hash(&aws.id), "{account hash}".to_owned()),
            ],
            sha: commits[4].clone(),
            event: None,
            aws,
            github,
            repository,
            commits: commits.clone(),
            registries: Vec::new(),
            web: None,
            siblings: Vec::new(),
            grants: vec![
                Permission::Actions.write(),
                Permission::Checks.read(),
                Permission::Contents.write(),
                Permission::Deployments.write(),
                Permission::Statuses.read(),
            ],
            step: "",
            inputs: Vec::new(),
            workspace: None,
        };
        for (number, commit) in commits.iter().enumerate() {
            stage.name(commit, &format!("commit {number}"));
        }
        stage
    }

    /// The world of most steps: a function whose alias `live` serves the first of these many versions.
    pub(crate) async fn with_function(versions: usize) -> Self {
        let mut stage = Self::new().await;
        stage.shop(FUNCTION, versions).await;
        stage
    }

    /// A function with one version for each of the first commits; its alias `live` serves the first.
    pub(crate) async fn shop(&mut self, function: &str, versions: usize) {
        let world = World {
            aws: self.aws.clone(),
            github: LocalGithub::start().await.unwrap(),
            repository: self.repository.clone(),
            commits: self.commits.clone(),
        };
        world.shop(function, versions).await;
    }

    /// An image function with one version for each of the first commits, which answers well; its alias serves the first.
    /// Its code is not run in a process of its own, so that invoking it costs little. Answers the images' digests.
    pub(crate) async fn image_function(&mut self, versions: usize) -> Vec<String> {
        self.aws.create_repository(REPOSITORY).await.unwrap();
        let mut digests = Vec::new();
        for number in 0..versions {
            let digest = self.image(number).await;
            let uri = self.aws.image_uri(REPOSITORY, &digest);
            match number {
                0 => self.aws.create_function(&FunctionSpec::image(FUNCTION, &uri).env("STAGE", "prd")).await.unwrap(),
                _ => self.aws.update_code(FUNCTION, &testbed::aws::Code::Image(uri)).await.unwrap(),
            };
            self.aws.publish(FUNCTION, &self.commits[number]).await.unwrap();
            digests.push(digest);
        }
        self.aws.create_alias(FUNCTION, "live", "1").await.unwrap();
        digests
    }

    /// Takes the alias away: users call the function itself.
    pub(crate) async fn no_alias(&self) {
        let alias = format!("/2015-03-31/functions/{FUNCTION}/aliases/live");
        self.aws.lambda("DELETE", &alias, &Value::Null).await.unwrap().ok().unwrap();
    }

    /// The hash of the code of a version.
    pub(crate) async fn code_of(&self, version: &str) -> Value {
        self.aws.function(FUNCTION, version).await.unwrap()["Configuration"]["CodeSha256"].clone()
    }

    /// The image of a commit, in ECR without a tag.
    pub(crate) async fn image(&mut self, number: usize) -> String {
        let spec = ImageSpec::new(REPOSITORY).release(&format!("1.{number}.0"), &self.commits[number]);
        let digest = self.aws.push_image(&spec).await.unwrap();
        self.name_image(&digest, &format!("image {number}"));
        digest
    }

    /// A record that a run left, with these statuses, oldest first: `live` was moved from one version to another.
    pub(crate) fn record(&self, run: u64, versions: (usize, usize), states: &[&str]) -> u64 {
        self.record_of(run, versions.1, &self.moved(versions, None), states)
    }

    /// What a record says of `live`, moved from one version to another, which is of this image.
    pub(crate) fn moved(&self, (before, after): (usize, usize), digest: Option<&str>) -> Value {
        let said = json!({
            "version": after.to_string(), "digest": digest,
            "previous": {"version": before.to_string(), "weights": {}, "digest": null},
        });
        self.aws.target(FUNCTION, "live", &said)
    }

    /// As [`Stage::record`], of this target, for the commit of a version.
    pub(crate) fn record_of(&self, run: u64, version: usize, target: &Value, states: &[&str]) -> u64 {
        let commit = &self.commits[version - 1];
        let id = self.repository.add_deployment(Deployment {
            sha: commit.clone(),
            environment: ENVIRONMENT.to_owned(),
            payload: json!({
                "schema": 1, "component": "shop", "kind": "deploy", "commit": commit,
                "tree": self.repository.tree(commit), "version": format!("v1.{version}.0"),
                "targets": if target.is_array() { target.clone() } else { json!([target]) },
                "serves": true, "run": {"id": run, "attempt": 1},
            }),
            production_environment: true,
            ..Deployment::default()
        });
        for state in states {
            self.repository.add_status(id, state, "da1 swap-alias pass by hand");
        }
        id
    }

    /// A record of `function` at this place (an alias, or `$LATEST`) that a run left open when it was cancelled.
    pub(crate) fn left_open(&self, kind: &str, place: &str) {
        let version = json!({"version": (place != "$LATEST").then_some("3")});
        self.left_open_at(kind, &self.aws.target(FUNCTION, place, &version));
    }

    /// The same at any place.
    pub(crate) fn left_open_at(&self, kind: &str, target: &Value) {
        let run = self.repository.add_run("deploy.yml", "push", "main", &self.commits[4]);
        self.repository.set_run(run, RunState::completed("cancelled"));
        let commit = &self.commits[2];
        let id = self.repository.add_deployment(Deployment {
            sha: commit.clone(),
            environment: ENVIRONMENT.to_owned(),
            payload: json!({
                "schema": 1, "component": "shop", "kind": kind, "commit": commit, "run": {"id": run, "attempt": 1},
                "targets": [target],
            }),
            ..Deployment::default()
        });
        self.repository.add_status(id, "in_progress", "da1 swap-alias pass by hand");
    }

    /// Points the alias to another version, as an earlier run did.
    pub(crate) async fn move_alias(&self, version: usize) {
        let path = format!("/2015-03-31/functions/{FUNCTION}/aliases/live");
        let body = json!({"FunctionVersion": version.to_string()});
        self.aws.lambda("PUT", &path, &body).await.unwrap().ok().unwrap();
    }

    /// Whether the invocation is of this step.
    pub(crate) fn is_step(&self, step: &str) -> bool {
        self.step == step
    }

    /// An input of the invocation.
    pub(crate) fn input(mut self, name: &str, value: impl Into<String>) -> Self {
        self.inputs.push((name.to_owned(), value.into()));
        self
    }

    /// Other permissions of the job's token than those of most steps.
    pub(crate) fn grants(mut self, grants: &[Grant]) -> Self {
        self.grants = grants.to_vec();
        self
    }

    /// The event of the run, in place of a push.
    pub(crate) fn event(mut self, name: &'static str, event: Value) -> Self {
        self.event = Some((name, event));
        self
    }

    /// A variable of the job.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No variable of this name.
    pub(crate) fn without_env(mut self, names: &[&str]) -> Self {
        self.variables.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// The commit of the run.
    pub(crate) fn commit(mut self, number: usize) -> Self {
        self.sha.clone_from(&self.commits[number]);
        self
    }

    /// One more commit, which the run is of.
    pub(crate) fn add(&mut self, commit: &str) {
        self.name(commit, &format!("commit {}", self.commits.len()));
        self.commits.push(commit.to_owned());
        commit.clone_into(&mut self.sha);
    }

    /// A file in the workspace, which all runs of the invocation share.
    pub(crate) fn file(mut self, name: &str, content: &[u8]) -> Self {
        let folder = self.workspace.get_or_insert_with(|| tempfile::tempdir().unwrap());
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
        self
    }

    /// What a text that differs from stage to stage is called in [`State`].
    pub(crate) fn name(&mut self, text: &str, name: &str) {
        self.names.push((text.to_owned(), format!("{{{name}}}")));
    }

    /// The same of an image, whose digest is also the hash of the code of functions.
    pub(crate) fn name_image(&mut self, digest: &str, name: &str) {
        self.name(digest.trim_start_matches("sha256:"), name);
    }

    /// The world stands: from now on it is looked at.
    pub(crate) async fn begin(&mut self, step: &'static str) {
        self.step = step;
        let functions = self.state().await.functions;
        for (function, found) in functions.as_object().into_iter().flatten() {
            for (version, found) in found["versions"].as_object().into_iter().flatten() {
                let code = found["code"].as_str().unwrap_or_default().to_owned();
                if !code.contains('{') {
                    self.name(&code, &format!("code of {function} {version}"));
                }
            }
        }
        self.forget().await;
    }

    /// The invocation, as the runner makes it. Credentials, time limits and the like may be replaced before it is run.
    pub(crate) fn runner(&self) -> Runner {
        let runner = Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step(self.step)
            .envs(self.variables.clone())
            .github_at(self.github.url(), "https://github.example.com")
            .token(&self.repository.token(&self.grants))
            .repository("org/shop")
            .sha(&self.sha)
            .git_ref("refs/heads/main")
            .run_id(RUN);
        let runner = match &self.event {
            Some((name, event)) => runner.event(name, event.clone()),
            None => runner.event("push", self.repository.push_event("refs/heads/main", &self.sha)),
        };
        let runner = self.inputs.iter().fold(runner, |runner, (name, value)| runner.input(name, value.as_str()));
        match &self.workspace {
            Some(folder) => runner.workspace(folder.path()),
            None => runner,
        }
    }

    /// The same invocation as a person makes it at a terminal: every input as an option, and nothing of a run.
    pub(crate) fn at_terminal(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_deploy-action"));
        command.args(["--repository", "org/shop", self.step, "--yes", "--json"]);
        command.args(self.inputs.iter().map(|(name, value)| format!("--{name}={value}")));
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.env("GITHUB_API_URL", self.github.url()).env("GITHUB_SERVER_URL", "https://github.example.com");
        command.env("GH_TOKEN", self.repository.token_of("org", &self.grants));
        command.kill_on_drop(true);
        command
    }

    /// The commit of the run.
    pub(crate) fn sha(&self) -> &str {
        &self.sha
    }

    /// The folder that all runs of the invocation share.
    pub(crate) fn workspace(&self) -> Option<&std::path::Path> {
        self.workspace.as_ref().map(TempDir::path)
    }

    /// The step that is run.
    pub(crate) fn step(&self) -> &'static str {
        self.step
    }

    /// Whether the invocation has this input.
    pub(crate) fn has_input(&self, name: &str) -> bool {
        self.inputs.iter().any(|(known, _)| known == name)
    }

    /// The registry of this name.
    pub(crate) fn registry(&self, name: &str) -> &Registry {
        let found = self.registries.iter().find(|(known, _)| *known == name);
        found.map(|(_, registry)| registry).expect("a registry of the stage")
    }

    /// The web server.
    pub(crate) fn web(&self) -> &WebServer {
        self.web.as_ref().map(|(server, _)| server).expect("a stage with a web server")
    }

    /// The requests of the program since the stage was made, or they were forgotten, in the order of arrival.
    pub(crate) async fn requests(&self) -> Vec<Request> {
        request::of(self).await
    }

    /// Forgets the requests so far.
    pub(crate) async fn forget(&self) {
        self.aws.clear_requests().await.unwrap();
        self.github.clear_requests();
        self.registries.iter().for_each(|(_, registry)| registry.clear_requests());
    }

    /// What is in the world now.
    pub(crate) async fn state(&self) -> State {
        State::of(self).await
    }

    /// The functions of the other jobs of the run.
    pub(crate) async fn functions_elsewhere(&self) -> Value {
        State::functions_elsewhere(self).await
    }

    /// The rules that the world breaks now.
    pub(crate) async fn violations(&self) -> Vec<String> {
        rules::broken(&self.state().await)
    }

    /// The text with what differs from stage to stage under its name.
    pub(crate) fn named(&self, value: &Value) -> Value {
        let text = self.names.iter().fold(value.to_string(), |text, (known, name)| text.replace(known, name));
        serde_json::from_str(&text).unwrap()
    }
}
