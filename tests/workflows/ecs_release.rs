//! `examples/ecs-release`: three services by a merge to staging, by a published release to production, and back by hand. Their tasks are
//! containers, and golang-migrate is one, which migrates a PostgreSQL for each environment.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;

use serde_json::{Value, json};
use testbed::aws::{ImageSpec, ServiceSpec};
use testbed::engine::{Engine, Run, go_tool, python_image};
use testbed::postgres::Database;

use crate::world::{World, assert_verdict, job};

const SERVICES: [&str; 3] = ["api", "frontend", "mcp"];
const ENVIRONMENTS: [&str; 2] = ["staging", "production"];
const MIGRATE: (&str, &str) = ("github.com/golang-migrate/migrate/v4/cmd/migrate", "v4.20.1");

/// The world, where the users of each environment come in (at the load balancer before the service `api`), and its database.
struct Platform {
    world: World,
    urls: BTreeMap<&'static str, String>,
    databases: BTreeMap<&'static str, Database>,
    /// The image that golang-migrate's own stands for.
    migrate: String,
}

/// The container of a service, of what was there before all this. The api gets the address of its database from Secrets Manager.
fn container(service: &str, environment: &str, image: &str, database: &str) -> Value {
    let options = json!({
        "awslogs-group": format!("/ecs/doc-platform-{environment}"), "awslogs-region": "eu-west-1", "awslogs-stream-prefix": service,
        "awslogs-create-group": "true",
    });
    let secrets = if service == "api" { json!([{"name": "DATABASE_URL", "valueFrom": database}]) } else { json!([]) };
    json!({
        "name": service, "image": image, "essential": true, "portMappings": [{"containerPort": 8080}],
        "environment": [{"name": "STAGE", "value": environment}], "secrets": secrets, "stopTimeout": 5,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    })
}

async fn platform() -> Platform {
    let world = World::of("ecs-release").await;
    world.run_tasks_as_containers().await;
    let (mut urls, mut databases, mut addresses) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for environment in ENVIRONMENTS {
        let database = Database::new();
        let address = format!("{}?sslmode=disable", database.url());
        let secret = world.aws.create_secret(&format!("doc-platform-{environment}"), Some(&address)).await.unwrap();
        addresses.insert(environment, secret);
        databases.insert(environment, database);
    }
    let before = world.merge("before all this");
    let guarded = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}}});
    for service in SERVICES {
        let repository = format!("doc-platform/{service}");
        world.aws.create_repository(&repository).await.unwrap();
        // There is nothing in it that could run.
        let image = ImageSpec::new(&repository).release("0.9.0", &before).tag(&before).behaviour("- do: ok");
        let digest = world.aws.push_image(&image).await.unwrap();
        let image = world.aws.image_uri(&repository, &digest);
        for environment in ENVIRONMENTS {
            let container = container(service, environment, &image, &addresses[environment]);
            let spec = ServiceSpec::new(service, &image)
                .cluster(&format!("doc-platform-{environment}"))
                .family(&format!("doc-platform-{environment}-{service}"))
                .containers(&json!([container]))
                .count(1)
                .fields(&guarded);
            let is_met = service == "api";
            let made = world.aws.create_service(&if is_met { spec.balanced() } else { spec }).await.unwrap();
            if is_met {
                urls.insert(environment, format!("{}{}", world.aws.endpoint(), made.path));
            }
        }
    }
    for environment in ENVIRONMENTS {
        world.role(environment).await;
    }
    let migrate = go_tool(MIGRATE.0, MIGRATE.1, "postgres").unwrap();
    let migrate = Engine::shared().image_of(&migrate).unwrap();
    Platform { world, urls, databases, migrate }
}

impl Platform {
    /// A merge to main: it is deployed to staging.
    async fn staging(&self, what: &str, sha: &str, run: u64) -> Run {
        let event = json!({"ref": "refs/heads/main", "after": sha});
        self.run(what, "staging", "staging.yml", ("push", "refs/heads/main", event), sha, run).await
    }

    /// A release is published: it goes to production.
    async fn production(&self, tag: &str, run: u64) -> Run {
        let sha = self.world.repository.reference(&format!("tags/{tag}")).unwrap();
        self.world.repository.add_release(tag, false, "What people wrote.");
        let event = self.world.repository.release_event("published", tag);
        let git_ref = format!("refs/tags/{tag}");
        self.run(tag, "production", "production.yml", ("release", &git_ref, event), &sha, run).await
    }

    async fn roll_back(&self, tag: &str, run: u64) -> Run {
        let sha = self.world.repository.reference("heads/main").unwrap();
        let inputs = json!({"release_tag": tag, "skip_migrations": "true", "reason": "the search fails"});
        let event = json!({"ref": "refs/heads/main", "inputs": inputs});
        let event = ("workflow_dispatch", "refs/heads/main", event);
        self.run(&format!("back to {tag}"), "production", "rollback.yml", event, &sha, run).await
    }

    async fn run(
        &self,
        what: &str,
        environment: &str,
        workflow: &str,
        (event, git_ref, payload): (&str, &str, Value),
        sha: &str,
        run: u64,
    ) -> Run {
        let role = self.world.aws.role_arn(&format!("deploy-{environment}"));
        let act = self.world.run(what, workflow, &job(event, git_ref, sha, environment, run)).event(payload);
        let act = act.image("python:3.13-slim", python_image(Engine::shared()).unwrap());
        let act = act.image(&format!("migrate/migrate:{}", MIGRATE.1), &self.migrate);
        act.var("DEPLOY_ROLE", &role).var("APP_URL", &self.urls[environment]).run().await.unwrap()
    }

    /// The image of each service, by digest, as its task definition names it.
    async fn images(&self, environment: &str) -> Vec<String> {
        let mut images = Vec::new();
        for service in SERVICES {
            let body = json!({"cluster": format!("doc-platform-{environment}"), "services": [service]});
            let found = self.world.aws.ecs("DescribeServices", &body).await.unwrap()["services"][0].clone();
            let body = json!({"taskDefinition": found["taskDefinition"]});
            let definition = self.world.aws.ecs("DescribeTaskDefinition", &body).await.unwrap();
            let image = definition["taskDefinition"]["containerDefinitions"][0]["image"].as_str().unwrap().to_owned();
            images.push(image.split_once('@').unwrap().1.to_owned());
        }
        images
    }

    /// The version that golang-migrate says an environment's schema has, and whether it is dirty.
    fn schema(&self, environment: &str) -> String {
        self.databases[environment].ask("SELECT version, dirty FROM schema_migrations")
    }

    /// The images of the tasks that run for an environment, by digest.
    async fn running(&self, environment: &str) -> Vec<String> {
        let cluster = format!("doc-platform-{environment}");
        let listed = self.world.aws.ecs("ListTasks", &json!({"cluster": cluster})).await.unwrap();
        let body = json!({"cluster": cluster, "tasks": listed["taskArns"]});
        let described = self.world.aws.ecs("DescribeTasks", &body).await.unwrap();
        let mut digests: Vec<String> = Vec::new();
        for task in described["tasks"].as_array().unwrap() {
            digests.push(task["containers"][0]["imageDigest"].as_str().unwrap().to_owned());
        }
        digests
    }

    /// How often ECS was asked for this since it was asked the last time.
    async fn count(&self, operation: &str) -> usize {
        let requests = self.world.aws.requests().await.unwrap();
        self.world.aws.clear_requests().await.unwrap();
        requests.iter().filter(|request| request.operation == operation).count()
    }

    /// The commit that users meet.
    async fn users(&self, environment: &str) -> String {
        let answer = reqwest::get(format!("{}/health", self.urls[environment])).await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["commit"].as_str().unwrap().to_owned()
    }
}

/// A commit that was merged, deployed to staging, and has this tag.
async fn merged(platform: &Platform, tag: &str, run: u64) -> String {
    let sha = platform.world.merge(tag);
    platform.staging(tag, &sha, run).await.assert_success(true);
    platform.world.repository.tag(tag, &sha);
    sha
}

#[tokio::test]
async fn what_was_tested_in_staging_is_released_to_production_and_a_release_before_comes_back() {
    let platform = platform().await;
    let world = &platform.world;
    let before = platform.images("production").await;
    let first = world.merge("one");
    let staging = platform.staging("staging", &first, 71).await;
    staging.assert_success(true);
    for step in ["migrate", "deploy", "health", "finish", "notify"] {
        assert_verdict(&staging, step, "pass");
    }
    assert_eq!(staging.job("deploy").step("rollback").result, "skipped");
    assert_eq!(platform.users("staging").await, first, "what the container answers");
    assert_eq!(platform.images("production").await, before, "production waits for a release");
    assert_eq!(
        (staging.step("migrate").output("applied"), staging.step("migrate").output("schema-version")),
        ("1", "1")
    );
    assert_eq!(platform.schema("staging"), "1|f");

    world.repository.tag("v1.2.2", &first);
    let production = platform.production("v1.2.2", 72).await;
    production.assert_success(true);
    assert_eq!(production.step("resolve").output("sha"), first);
    for step in ["resolve", "verify", "migrate", "deploy", "health", "finish", "notify", "release"] {
        assert_verdict(&production, step, "pass");
    }
    // The tags of the commit are there: what is proved is that staging ran these three.
    assert_verdict(&staging, "images", "pass");
    assert_verdict(&production, "images", "skipped");
    let set = staging.job("deploy").step("images").output("release").to_owned();
    assert_eq!((set.len(), production.job("deploy").step("images").output("release")), (16, set.as_str()));
    for environment in ENVIRONMENTS {
        assert_eq!(world.records(environment).last().unwrap().payload["release"], json!(set), "{environment}");
    }
    let released = platform.images("production").await;
    assert_eq!(released, platform.images("staging").await, "the very images of staging, of all three services");
    assert!(production.step("verify").output("reason").starts_with("dry run, nothing was changed"), "{production}");
    assert_eq!(platform.users("production").await, first);
    let notes = world.repository.releases()[0].body.clone().unwrap();
    assert!(notes.starts_with("What people wrote.") && notes.contains("doc-platform-production/mcp"), "{notes}");
    assert!(notes.contains("step: rollback") && notes.contains("cluster: doc-platform-production"), "{notes}");

    let second = "ALTER TABLE documents ADD COLUMN author text;\n";
    fs::write(world.file("api/migrations/000002_author.up.sql"), second).unwrap();
    merged(&platform, "v1.2.3", 73).await;
    let production = platform.production("v1.2.3", 74).await;
    production.assert_success(true);
    assert_eq!(production.step("migrate").output("applied"), "2");
    assert_ne!(platform.images("production").await, released);
    world.aws.clear_requests().await.unwrap();

    let back = platform.roll_back("v1.2.2", 75).await;

    back.assert_success(true);
    assert_verdict(&back, "rollback", "pass");
    assert_eq!(platform.images("production").await, released, "three services within one step");
    let (images, serving) = (back.step("rollback").output("images"), back.step("rollback").output("serving"));
    for (service, digest) in SERVICES.iter().zip(&released) {
        assert!(images.contains(&format!("{service}/{service}={digest}")), "{images}");
        assert!(serving.contains(digest.as_str()), "{serving}");
    }
    assert_eq!(platform.count("RunTask").await, 0, "no migrations");
    assert_eq!(platform.schema("production"), "2|f", "and the code before works with the schema as it is");
    assert_eq!(platform.users("production").await, first);
    let mut running = platform.running("production").await;
    let mut wanted = released.clone();
    running.sort();
    wanted.sort();
    assert_eq!(running, wanted, "the containers of the release after are gone");
    let record = world.records("production").last().unwrap().clone();
    assert_eq!((record.task.as_str(), record.payload["targets"].as_array().unwrap().len()), ("deploy:rollback", 3));
    assert_eq!(record.states().last(), Some(&"success"));
}

#[tokio::test]
async fn a_release_of_which_one_service_does_not_start_goes_back_as_a_whole() {
    let platform = platform().await;
    let world = &platform.world;
    let before = platform.images("production").await;
    let behaviour = "[{when: {env: {STAGE: production}}, do: exit 1}, {do: ok}]";
    let mut dockerfile = OpenOptions::new().append(true).open(world.file("mcp/Dockerfile")).unwrap();
    writeln!(dockerfile, "LABEL testbed.behaviour=\"{behaviour}\"").unwrap();
    merged(&platform, "v1.2.2", 76).await;

    let run = platform.production("v1.2.2", 77).await;

    run.assert_success(false);
    assert_eq!((run.job("deploy").result.as_str(), run.job("notes").result.as_str()), ("failure", "skipped"));
    assert_verdict(&run, "deploy", "fail");
    let reason = run.step("deploy").output("reason");
    assert!(reason.contains("service mcp") && reason.contains("api, frontend was put back"), "{reason}");
    assert_verdict(&run, "rollback", "skipped");
    assert_eq!(platform.images("production").await, before);
    assert_eq!(world.records("production").last().unwrap().states().last(), Some(&"failure"));
    assert_eq!(world.repository.issues().len(), 1);
}

#[tokio::test]
async fn what_was_never_in_staging_is_not_released_and_nothing_runs_for_it() {
    let platform = platform().await;
    let world = &platform.world;
    let before = platform.images("production").await;
    let sha = world.merge("untested");
    world.repository.tag("v1.2.2", &sha);
    world.aws.clear_requests().await.unwrap();
    let run = platform.production("v1.2.2", 78).await;
    run.assert_success(false);
    assert_verdict(&run, "images", "fail");
    for step in ["verify", "migrate", "deploy"] {
        assert_eq!(run.job("deploy").step(step).result, "skipped");
    }
    assert_verdict(&run, "rollback", "skipped");
    assert_eq!(platform.count("RunTask").await, 0);
    assert_eq!(platform.images("production").await, before);
    assert!(world.records("production").is_empty());
}
