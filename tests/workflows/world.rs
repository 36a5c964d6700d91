//! The world an example is run in: its files as a repository on a local GitHub, an AWS account that trusts its jobs, and a
//! registry in the place of ghcr.io.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::aws::{Account, FunctionSpec, ImageSpec, LocalAws, Settings};
use testbed::engine::{Act, Engine, Run, copy_folder};
use testbed::github::{Deployment, Job, LocalGithub, Permission, Repository, Signer};
use testbed::registry::{Login, Registry};

/// The issuer of the jobs' tokens.
const ISSUER: &str = "token.actions.githubusercontent.com";

/// What the commits of a test hold does not matter to GitHub here; that they differ does.
const FILE: &str = "README.md";

pub(crate) struct World {
    pub(crate) aws: Account,
    pub(crate) github: LocalGithub,
    pub(crate) repository: Repository,
    pub(crate) registry: Registry,
    example: String,
    desk: TempDir,
}

impl World {
    /// The world of `examples/<example>`, a folder or one workflow, in the repository `org/shop`.
    pub(crate) async fn of(example: &str) -> Self {
        let world = Self::empty(example).await;
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example);
        if source.is_dir() {
            copy_folder(&source, &world.folder()).unwrap();
        } else {
            let workflows = world.file(".github/workflows");
            fs::create_dir_all(&workflows).unwrap();
            fs::copy(&source, workflows.join(example)).unwrap();
        }
        world.aws.create_oidc_provider(&format!("https://{ISSUER}")).await.unwrap();
        world
    }

    /// The repository `org/shop` without files, and an account that does not trust its jobs yet; its rows of the table have
    /// this name.
    pub(crate) async fn empty(example: &str) -> Self {
        let aws = LocalAws::shared().account();
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        let registry = Registry::ghcr().with(|options| options.login = Login::None).start().await.unwrap();
        let desk = tempfile::tempdir().unwrap();
        fs::create_dir(desk.path().join("shop")).unwrap();
        let world = Self { aws, github, repository, registry, example: example.to_owned(), desk };
        world.publish_keys().await;
        world
    }

    /// The files of the repository.
    pub(crate) fn folder(&self) -> PathBuf {
        self.desk.path().join("shop")
    }

    /// A file of the repository, to be changed.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    /// The files of the repository, by their paths, with their contents.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        read(&self.folder(), "", &mut files);
        files
    }

    /// Lets AWS find the keys by which the jobs' tokens are signed.
    async fn publish_keys(&self) {
        let key = self.aws.oidc_key().await.unwrap();
        let issuer = format!("https://{ISSUER}");
        self.aws.publish_issuer_keys(&issuer, &key.jwks).await.unwrap();
        let (aws, kid) = (self.aws.clone(), key.kid);
        let signer = Signer::new(move |claims: Value| {
            let (aws, kid) = (aws.clone(), kid.clone());
            async move { aws.sign_token(&kid, &claims).await }
        });
        self.github.sign_with(signer, key.jwks, Some(&issuer));
    }

    /// From now on tasks of ECS are containers on the engine, unless their images say what they would do.
    pub(crate) async fn run_tasks_as_containers(&self) {
        let engine = json!({"host": Engine::shared().host(), "registries": {"ghcr.io": self.registry.host()}});
        let settings = Settings { ecs_engine: Some(engine), ..Settings::default() };
        self.aws.settings(&settings).await.unwrap();
    }

    /// The role of an environment, `deploy-<environment>`: the jobs of that environment may assume it.
    pub(crate) async fn role(&self, environment: &str) -> String {
        let subject = format!("repo:org/shop:environment:{environment}");
        let trust = self.aws.web_identity_trust(ISSUER, &[("aud", "sts.amazonaws.com"), ("sub", &subject)]);
        let name = format!("deploy-{environment}");
        let role = self.aws.create_role_with_trust(&name, &trust).await.unwrap();
        // What exactly each step must be allowed is proved where the steps are tested.
        let services = [
            "lambda:*",
            "ecr:*",
            "ecs:*",
            "elasticloadbalancing:*",
            "cloudwatch:*",
            "logs:*",
            "iam:PassRole",
            "s3:*",
            "cloudfront:*",
            "cloudfront-keyvaluestore:*",
        ];
        let policy = json!({
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": services, "Resource": "*"}],
        });
        self.aws.put_role_policy(&name, "may", &policy).await.unwrap();
        role
    }

    /// A function of an image that has served before all this, with its alias `live`; answers the version.
    pub(crate) async fn image_function(&self, name: &str, stage: &str, repository: &str) -> String {
        let commit = self.merge("before all this");
        let image = ImageSpec::new(repository).release("0.9.0", &commit).tag(&format!("old-{name}"));
        let digest = self.aws.push_image(&image).await.unwrap();
        let uri = self.aws.image_uri(repository, &digest);
        self.aws.create_function(&FunctionSpec::image(name, &uri).env("STAGE", stage)).await.unwrap();
        let version = self.aws.publish(name, &commit).await.unwrap();
        self.aws.create_alias(name, "live", &version).await.unwrap();
        version
    }

    /// A commit on `main`, as a merge makes it.
    pub(crate) fn merge(&self, content: &str) -> String {
        self.repository.push("main", &[(FILE, content)], content)
    }

    /// A run of one of the repository's workflows for a job's event, with every permission the examples ask for. The row of
    /// the table is the example's and this name.
    pub(crate) fn run(&self, what: &str, workflow: &str, job: &Job) -> Act {
        let permissions = [
            Permission::Actions.write(),
            Permission::Contents.write(),
            Permission::Deployments.write(),
            Permission::Issues.write(),
            Permission::Statuses.write(),
        ];
        let workflow = format!(".github/workflows/{workflow}");
        Act::new(&format!("{}: {what}", self.example), &self.folder(), &workflow)
            .github(&self.github, job, &self.repository.token(&permissions))
            .aws(&self.aws)
            .registry("ghcr.io", &self.registry.url())
            .var("AWS_REGION", self.aws.region())
            // Nobody waits five minutes in a test: it is seen elsewhere that it would be five.
            .var("WATCH", "5s")
            .var("SETTLE", "1s")
            .var("MIN_AGE", "0s")
    }

    /// Runs a workflow for the push (or the like) of a job's commit, with the role of the job's environment.
    pub(crate) async fn deploy(&self, what: &str, workflow: &str, job: &Job) -> Run {
        let role = format!("deploy-{}", job.environment.as_deref().unwrap_or_default());
        let run = self.run(what, workflow, job).event(push(&job.git_ref, &job.sha));
        run.var("DEPLOY_ROLE", &self.aws.role_arn(&role)).run().await.unwrap()
    }

    /// The version an alias serves.
    pub(crate) async fn serves(&self, function: &str, alias: &str) -> String {
        self.aws.alias(function, alias).await.unwrap().version
    }

    /// A record that this commit of a component succeeded in an environment, before all this.
    pub(crate) fn record_success(&self, environment: &str, (component, function): (&str, &str), commit: &str) {
        let target = self.aws.target(function, "live", &json!({"version": "1"}));
        let payload = json!({
            "schema": 1, "component": component, "kind": "deploy", "commit": commit, "targets": [target],
            "run": {"id": 1, "attempt": 1},
        });
        let (sha, environment) = (commit.to_owned(), environment.to_owned());
        let record = Deployment { sha, environment, payload, ..Deployment::default() };
        let id = self.repository.add_deployment(record);
        self.repository.add_status(id, "success", "");
    }

    /// The records of an environment, oldest first.
    pub(crate) fn records(&self, environment: &str) -> Vec<Deployment> {
        self.repository.deployments().into_iter().filter(|record| record.environment == environment).collect()
    }
}

/// A job of the repository, for this event of a branch or tag.
pub(crate) fn job(event: &str, git_ref: &str, sha: &str, environment: &str, run: u64) -> Job {
    let mut job = Job::new("org/shop", sha).environment(environment);
    event.clone_into(&mut job.event_name);
    git_ref.clone_into(&mut job.git_ref);
    job.run_id = run;
    job
}

/// What users see of a step: its verdict, its part of the summary, and that it is told only once that it failed.
#[track_caller]
pub(crate) fn assert_verdict(run: &Run, step: &str, verdict: &str) {
    let found = run.step(step);
    assert_eq!(found.output("verdict"), verdict, "{step}:\n{run}");
    let name = format!(": {verdict}");
    assert!(
        found.summary.lines().next().is_some_and(|line| line.starts_with("###") && line.ends_with(&name)),
        "{found:?}"
    );
}

/// The event of a push.
pub(crate) fn push(git_ref: &str, sha: &str) -> Value {
    json!({"ref": git_ref, "after": sha})
}

/// All files below a folder, by their paths from there.
fn read(folder: &Path, path: &str, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let path = format!("{path}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            read(&entry.path(), &format!("{path}/"), files);
        } else {
            files.push((path, fs::read_to_string(entry.path()).unwrap()));
        }
    }
}
