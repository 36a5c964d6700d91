//! run-task: a task that is run once, and every way in which it can end. The cases RT.. and D.. are inputs from practice that other tools
//! get wrong.

mod elsewhere;
mod migrations;
mod on_ecs;
mod once;
mod table;

use serde_json::{Value, json};
use testbed::aws::{Account, Fault, ImageSpec};
use testbed::github::Deployment;
use testbed::runner::{Report, Runner};

use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

const REPOSITORY: &str = "shop/migrate";
const FAMILY: &str = "shop-migrate";
/// Where the container's log goes.
const GROUP: &str = "/ecs/shop-migrate";

/// A family `shop-migrate` of one container `app`, which does what the label of its image says.
struct Job {
    world: World,
}

impl Job {
    async fn new(behaviour: &str) -> Self {
        Self::with(behaviour, &json!([])).await
    }

    /// The same beside other containers, which come first.
    async fn with(behaviour: &str, others: &Value) -> Self {
        let world = World::new().await;
        world.aws.create_repository(REPOSITORY).await.unwrap();
        let image = image(&world.aws, behaviour).await;
        let image = world.aws.image_uri(REPOSITORY, &image);
        world.aws.ecs("CreateCluster", &json!({"clusterName": "main"})).await.unwrap();
        let mut containers = others.as_array().unwrap().clone();
        containers.push(container(&image));
        world.aws.ecs("RegisterTaskDefinition", &definition(&json!(containers))).await.unwrap();
        world.aws.clear_requests().await.unwrap();
        Self { world }
    }

    fn run(&self) -> Runner {
        self.world
            .step("run-task")
            .input("environment", "prd")
            .input("cluster", "main")
            .input("task-definition", FAMILY)
            .input("network", "subnets: [subnet-1]\nsecurity-groups: [sg-1]")
    }

    /// The bodies of these requests.
    async fn bodies(&self, operation: &str) -> Vec<Value> {
        let all = self.world.aws.requests().await.unwrap();
        let own = all.into_iter().filter(|one| one.operation == operation);
        own.map(|one| serde_json::from_str(&one.body).unwrap()).collect()
    }

    /// The tasks that were started so far.
    async fn tasks(&self) -> Vec<Value> {
        tasks(&self.world.aws).await
    }

    /// Waits until this many tasks were started.
    async fn started(&self, count: usize) -> Vec<Value> {
        for _ in 0..200 {
            let tasks = self.tasks().await;
            if tasks.len() >= count {
                return tasks;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("{count} tasks were not started");
    }
}

async fn tasks(aws: &Account) -> Vec<Value> {
    let mut arns = Vec::new();
    for status in ["RUNNING", "STOPPED"] {
        let listed = aws.ecs("ListTasks", &json!({"cluster": "main", "desiredStatus": status})).await.unwrap();
        arns.extend(listed["taskArns"].as_array().unwrap().clone());
    }
    if arns.is_empty() {
        return Vec::new();
    }
    let described = aws.ecs("DescribeTasks", &json!({"cluster": "main", "tasks": arns})).await.unwrap();
    described["tasks"].as_array().unwrap().clone()
}

async fn image(aws: &Account, behaviour: &str) -> String {
    let spec = ImageSpec::new(REPOSITORY).behaviour(behaviour);
    aws.push_image(&spec).await.unwrap()
}

fn container(image: &str) -> Value {
    json!({"name": "app", "image": image, "essential": true, "logConfiguration": {"logDriver": "awslogs", "options": {
        "awslogs-group": GROUP, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "run", "awslogs-create-group": "true",
    }}})
}

fn definition(containers: &Value) -> Value {
    json!({
        "family": FAMILY, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": containers,
    })
}

/// A record of a deployment of this commit to prd.
fn recorded(job: &Job, commit: usize, state: &str) -> u64 {
    let commit = &job.world.commits[commit];
    let target = testbed::aws::target(("111122223333", "eu-west-1"), "shop", "live", &json!({"version": "7"}));
    let payload = json!({
        "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "targets": [target], "run": {"id": 600, "attempt": 1},
    });
    let (sha, environment) = (commit.clone(), "prd".to_owned());
    let id = job.world.repository.add_deployment(Deployment { sha, environment, payload, ..Deployment::default() });
    job.world.repository.add_status(id, state, "");
    id
}

/// The lines of the task's log, as the step shows them.
fn shown(report: &Report) -> Vec<String> {
    report.log.iter().filter_map(|line| line.trim().strip_prefix("| ").map(str::to_owned)).collect()
}

fn fault(operation: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), ..Fault::default() }
}
