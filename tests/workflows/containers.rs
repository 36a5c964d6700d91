//! Tasks of ECS as containers: what the steps say of programs that really start, write, end and are stopped.

use std::fs;

use serde_json::{Value, json};
use testbed::aws::ServiceSpec;
use testbed::engine::{Engine, python_image};
use testbed::github::Permission;
use testbed::postgres::Database;
use testbed::runner::Runner;

use crate::world::World;

/// Says which commit it is of, below the variable `PORT`; ends at SIGTERM with 0.
const SERVER: &str = r#"
import http.server, os, signal, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"version": "%s"}' % os.environ["RELEASE"].encode())
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
print("serves", os.environ["RELEASE"], flush=True)
http.server.ThreadingHTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()
"#;

/// Builds an image of these files and pushes it to the local ghcr.io, which is served by the test's own thread; answers its reference, by digest.
async fn push(world: &World, name: &str, tag: &str, files: &[(&str, String)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (file, content) in files {
        fs::write(folder.path().join(file), content).unwrap();
    }
    let image = format!("{}/org/{name}:{tag}", world.registry.host());
    let pushed = tokio::task::spawn_blocking(move || {
        let engine = Engine::shared();
        let folder = folder.path().to_string_lossy();
        engine.run(&["build", "--quiet", "--network", "host", "--tag", &image, &folder]).unwrap();
        engine.run(&["push", &image]).unwrap();
        let pushed = engine.run(&["image", "inspect", "--format", "{{index .RepoDigests 0}}", &image]).unwrap();
        engine.run(&["image", "rm", &image]).unwrap();
        pushed
    });
    format!("ghcr.io/org/{name}@{}", pushed.await.unwrap().split_once('@').unwrap().1)
}

/// An image that serves, of this release.
async fn build(world: &World, release: &str) -> String {
    let base = python_image(Engine::shared()).unwrap();
    let file = format!("FROM {base}\nENV RELEASE={release}\nCOPY server.py /\nCMD [\"python3\", \"/server.py\"]\n");
    push(world, "web", release, &[("server.py", SERVER.to_owned()), ("Dockerfile", file)]).await
}

fn container(image: &str, more: &Value) -> Value {
    let options = json!({
        "awslogs-group": "/ecs/web", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web", "awslogs-create-group": "true",
    });
    let mut container = json!({
        "name": "web", "image": image, "essential": true, "logConfiguration": {"logDriver": "awslogs", "options": options}, "stopTimeout": 2,
    });
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

async fn register(world: &World, family: &str, container: &Value) {
    let body = json!({
        "family": family, "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512",
        "containerDefinitions": [container],
    });
    world.aws.ecs("RegisterTaskDefinition", &body).await.unwrap();
}

/// The world, with a registry and an engine that tasks run on.
async fn world() -> World {
    let world = World::empty("containers").await;
    world.run_tasks_as_containers().await;
    world.aws.ecs("CreateCluster", &json!({"clusterName": "main"})).await.unwrap();
    world
}

fn step(world: &World, step: &str, sha: &str) -> Runner {
    let token = world.repository.token(&[Permission::Deployments.write(), Permission::Contents.read(), Permission::Actions.read()]);
    Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
        .step(step)
        .repository("org/shop")
        .sha(sha)
        .envs(world.aws.environment())
        .github_at(world.github.url(), "https://github.example.com")
        .token(&token)
        .git_ref("refs/heads/main")
        .event("push", world.repository.push_event("refs/heads/main", sha))
        .run_id(700)
        .input("environment", "prd")
        .input("cluster", "main")
        .input("registry-endpoint", format!("ghcr.io={}", world.registry.url()))
}

fn run_task(world: &World, sha: &str, command: &str) -> Runner {
    step(world, "run-task", sha)
        .input("task-definition", "job")
        .input("network", "subnets: [subnet-1]\nsecurity-groups: [sg-1]")
        .input("purpose", "other")
        .input("command", command)
}

#[tokio::test]
async fn a_task_is_judged_by_what_its_container_really_does() {
    let world = world().await;
    let sha = world.merge("one");
    let image = build(&world, "1.0.0").await;
    let secret = world.aws.create_secret("greeting", Some("{\"word\": \"hello\"}")).await.unwrap();
    let secrets = json!([{"name": "GREETING", "valueFrom": format!("{secret}:word::")}]);
    register(&world, "job", &container(&image, &json!({"secrets": secrets}))).await;

    let good = run_task(&world, &sha, "sh\n-c\necho $GREETING $NAME; echo '{\"orders\": 7}'")
        .input("environment-overrides", "NAME=you")
        .input("expect-json", "/orders: '> 5'");
    let good = good.run().await;
    good.assert_verdict("pass", 0);
    assert_eq!((good.output("exit-code"), good.output("last-json")), ("0", "{\"orders\":7}"));
    assert!(good.log.iter().any(|line| line.contains("| hello you")), "{good}");

    let bad = run_task(&world, &sha, "sh\n-c\necho no; exit 7").run().await;
    bad.assert_verdict("fail", 1);
    assert_eq!((bad.output("exit-code"), bad.output("ended-as")), ("7", "exited"));

    let absent = run_task(&world, &sha, "no-such-program").run().await;
    absent.assert_verdict("fail", 1);
    let reason = absent.output("reason");
    assert!(reason.contains("never started") && reason.contains("executable file not found"), "{reason}");

    // A first process ignores SIGTERM unless it says otherwise: it is killed once its time is over.
    let endless = run_task(&world, &sha, "sh\n-c\necho begun; while :; do :; done").input("timeout", "6s").run().await;
    endless.assert_verdict("fail", 1);
    assert_eq!(endless.output("exit-code"), "137", "{endless}");
}

#[tokio::test]
async fn a_secret_that_is_not_there_and_an_image_that_is_gone_start_nothing() {
    let world = world().await;
    let sha = world.merge("one");
    let image = build(&world, "1.0.0").await;
    let secrets = json!([{"name": "TOKEN", "valueFrom": "arn:aws:secretsmanager:eu-west-1:111122223333:secret:absent"}]);
    register(&world, "job", &container(&image, &json!({"secrets": secrets}))).await;
    let report = run_task(&world, &sha, "true").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("ResourceInitializationError"), "{report}");
    let gone = format!("ghcr.io/org/web@sha256:{}", "0".repeat(64));
    register(&world, "job", &container(&gone, &json!({}))).await;
    let report = run_task(&world, &sha, "true").run().await;
    report.assert_verdict("fail", 1);
    assert!(report.output("reason").contains("CannotPullContainerError"), "{report}");
}

#[tokio::test]
async fn a_service_gets_its_containers_and_the_ones_before_are_stopped() {
    let world = world().await;
    let sha = world.merge("one");
    let (first, second) = (build(&world, "1.0.0").await, build(&world, "2.0.0").await);
    let ports = json!({"portMappings": [{"containerPort": 8080}]});
    let spec = ServiceSpec::new("web", &first).containers(&json!([container(&first, &ports)])).balanced();
    let made = world.aws.create_service(&spec).await.unwrap();
    let url = format!("{}{}", world.aws.endpoint(), made.path);
    let answers = async |wanted: &str| {
        for _ in 0..300 {
            let text = reqwest::get(&url).await.unwrap().text().await.unwrap();
            if text.contains(wanted) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("{wanted} does not answer")
    };
    answers("1.0.0").await;
    for _ in 0..300 {
        let body = json!({"cluster": "main", "service": "web"});
        let found = world.aws.ecs("ListServiceDeployments", &body).await.unwrap();
        if found["serviceDeployments"][0]["status"] == "SUCCESSFUL" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }

    let deploy = step(&world, "deploy-service", &sha).input("service", "web").input("image", &second).run().await;

    deploy.assert_verdict("pass", 0);
    assert_eq!(answers("2.0.0").await, "{\"version\": \"2.0.0\"}");
    let engine = Engine::shared();
    let of = |image: &str| {
        let name = image.replace("ghcr.io", world.registry.host());
        engine.run(&["ps", "--quiet", "--filter", &format!("ancestor={name}")]).unwrap().lines().count()
    };
    // The deployment is over when the new ones run; the ones before are still being stopped.
    for _ in 0..100 {
        if of(&first) == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!((of(&first), of(&second)), (0, 2), "{deploy}");

    let back = step(&world, "rollback", &sha).input("service", "web").input("state", deploy.output("state")).run().await;

    back.assert_verdict("pass", 0);
    assert_eq!(answers("1.0.0").await, "{\"version\": \"1.0.0\"}");
}

#[tokio::test]
async fn a_migration_that_fails_leaves_a_database_that_the_next_task_finds_dirty() {
    let world = world().await;
    let sha = world.merge("one");
    let database = Database::new();
    let tool = testbed::engine::go_tool("github.com/golang-migrate/migrate/v4/cmd/migrate", "v4.20.1", "postgres").unwrap();
    let base = Engine::shared().image_of(&tool).unwrap();
    let files = [
        ("000001_one.up.sql", "CREATE TABLE orders (id bigint);\n".to_owned()),
        ("000002_two.up.sql", "ALTER TABLE absent ADD COLUMN x int;\n".to_owned()),
        ("Dockerfile", format!("FROM {base}\nCOPY *.sql /migrations/\n")),
    ];
    let image = push(&world, "migrate", "1", &files).await;
    register(&world, "job", &container(&image, &json!({}))).await;
    let url = format!("{}?sslmode=disable", database.url());
    let command = format!("migrate\n-path\n/migrations\n-database\n{url}\nup");
    let migrate = || run_task(&world, &sha, &command).input("purpose", "migrate");

    let failed = migrate().run().await;
    failed.assert_verdict("fail", 1);
    assert_eq!((failed.output("applied"), failed.output("exit-code")), ("1", "1"), "{failed}");
    let again = migrate().run().await;
    again.assert_verdict("fail", 1);
    assert!(again.output("reason").contains("dirty"), "{again}");
    assert_eq!(database.ask("SELECT version, dirty FROM schema_migrations"), "2|t");
}
