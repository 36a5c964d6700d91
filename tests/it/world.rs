//! The world most tests begin with: an AWS account of their own, a GitHub of their own, and functions with a history.

use serde_json::json;
use testbed::aws::sample::{GOOD, sample_zip};
use testbed::aws::{Account, AliasState, Code, FunctionSpec, ImageSpec, LocalAws, Settings};
use testbed::github::{Deployment, LocalGithub, Permission, Repository};
use testbed::runner::{Report, Runner, Running};

/// The run that tests are part of unless they say otherwise.
pub(crate) const RUN: u64 = 700;

pub(crate) struct World {
    pub(crate) aws: Account,
    pub(crate) github: LocalGithub,
    pub(crate) repository: Repository,
    /// Five commits on main, oldest first.
    pub(crate) commits: Vec<String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let aws = LocalAws::shared().account();
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        let commits = repository.history("main", 5);
        Self { aws, github, repository, commits }
    }

    /// A function with its alias `live`, and versions published in this order; the alias points to the first.
    pub(crate) async fn function(&self, name: &str, versions: &[Release<'_>]) -> Vec<String> {
        function_in(&self.aws, name, versions).await
    }

    /// A function with one version for each of the first `count` commits.
    pub(crate) async fn shop(&self, name: &str, count: usize) -> Vec<String> {
        self.shop_in(&self.aws, name, count).await
    }

    /// The same in another account or region.
    pub(crate) async fn shop_in(&self, aws: &Account, name: &str, count: usize) -> Vec<String> {
        let names: Vec<String> = (1..=count).map(|number| format!("1.{number}.0")).collect();
        let releases: Vec<Release<'_>> = names
            .iter()
            .zip(&self.commits)
            .map(|(version, commit)| Release { version, commit, behaviour: GOOD })
            .collect();
        function_in(aws, name, &releases).await
    }

    /// A function of the first of two images of one repository, and the digests of both: `shop/api`, one for each of the first two
    /// commits.
    pub(crate) async fn image_function(&self, name: &str) -> [String; 2] {
        self.aws.create_repository("shop/api").await.unwrap();
        let push = async |number: usize| {
            let spec = ImageSpec::new("shop/api").release(&format!("1.{number}.0"), &self.commits[number]);
            self.aws.push_image(&spec).await.unwrap()
        };
        let digests = [push(0).await, push(1).await];
        let spec = FunctionSpec::image(name, &self.aws.image_uri("shop/api", &digests[0]));
        self.aws.create_function(&spec).await.unwrap();
        digests
    }

    /// A step of the production job, with every permission it may need.
    pub(crate) fn step(&self, step: &str) -> Runner {
        self.step_with(step, &[Permission::Deployments.write(), Permission::Contents.read()])
    }

    pub(crate) fn step_with(&self, step: &str, permissions: &[testbed::github::Grant]) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step(step)
            .envs(self.aws.environment())
            .github_at(self.github.url(), "https://github.example.com")
            .token(&self.repository.token(permissions))
            .repository("org/shop")
            .sha(self.commits.last().unwrap())
            .git_ref("refs/heads/main")
            .event("push", self.repository.push_event("refs/heads/main", self.commits.last().unwrap()))
            .run_id(RUN)
    }

    /// How many seconds allocations of provisioned concurrency take from now on, those under way too, and why those fail that begin.
    pub(crate) async fn allocation(&self, seconds: f64, failure: Option<&str>) {
        let settings = Settings {
            provisioned_concurrency_delay: Some(seconds),
            provisioned_concurrency_failure: Some(failure.unwrap_or_default().to_owned()),
            ..Settings::default()
        };
        self.aws.settings(&settings).await.unwrap();
    }

    /// Lets allocations end once a run has said that it waits for them.
    pub(crate) async fn allocated(&self, running: Running, waits: &str) -> Report {
        running.wait_for(waits).await;
        self.allocation(0.0, None).await;
        running.wait().await
    }

    /// A bucket named after its account, as many are. All accounts share the names.
    pub(crate) async fn bucket(&self) -> String {
        let name = format!("artifacts-{}", self.aws.id);
        self.aws.create_bucket(&name).await.unwrap();
        name
    }

    /// The ARN of a customer's key in KMS.
    pub(crate) fn key(&self) -> String {
        format!("arn:aws:kms:eu-west-1:{}:key/1234abcd-12ab-34cd-56ef-1234567890ab", self.aws.id)
    }

    pub(crate) async fn live(&self, function: &str) -> AliasState {
        self.aws.alias(function, "live").await.unwrap()
    }

    /// The records so far, oldest first.
    pub(crate) fn records(&self) -> Vec<Deployment> {
        self.repository.deployments()
    }

    /// The operations AWS was asked for, without those that tests' hooks made.
    pub(crate) async fn operations(&self) -> Vec<String> {
        self.aws.operations().await.unwrap()
    }

    pub(crate) async fn writes(&self) -> Vec<String> {
        const READS: [&str; 3] = ["Get", "List", "Describe"];
        let all = self.operations().await;
        all.into_iter().filter(|name| !READS.iter().any(|read| name.contains(&format!(" {read}")))).collect()
    }
}

async fn function_in(aws: &Account, name: &str, versions: &[Release<'_>]) -> Vec<String> {
    let first = versions.first().expect("a function has a version");
    let spec = FunctionSpec::zip(name, first.zip()).env("STAGE", "prd");
    aws.create_function(&spec).await.unwrap();
    let mut numbers = Vec::new();
    for (place, version) in versions.iter().enumerate() {
        if place > 0 {
            aws.update_code(name, &Code::Zip(version.zip())).await.unwrap();
        }
        numbers.push(aws.publish(name, version.commit).await.unwrap());
    }
    aws.create_alias(name, "live", &numbers[0]).await.unwrap();
    aws.clear_requests().await.unwrap();
    numbers
}

/// Publishes a second version of a function's code, with another configuration.
pub(crate) async fn second_version(aws: &Account, name: &str) -> String {
    aws.update_configuration(name, &json!({"Timeout": 9})).await.unwrap();
    aws.publish(name, "two").await.unwrap()
}

/// Publishes a second version, and `live` serves it.
pub(crate) async fn second_is_live(aws: &Account, name: &str) {
    let second = second_version(aws, name).await;
    aws.move_alias(name, "live", &second).await.unwrap();
}

/// One release of the sample shop.
pub(crate) struct Release<'a> {
    pub(crate) version: &'a str,
    pub(crate) commit: &'a str,
    pub(crate) behaviour: &'a str,
}

impl Release<'_> {
    pub(crate) fn zip(&self) -> Vec<u8> {
        sample_zip(self.version, self.commit, self.behaviour)
    }
}
