//! What the workflows in `examples/` say, where no runner is needed to tell.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testbed::github::{Deployment, LocalGithub, Permission};
use testbed::runner::Runner;

fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path)
}

fn workflow(path: &str) -> Value {
    testbed::yaml(&fs::read_to_string(example(path)).unwrap()).unwrap()
}

/// All files below a folder, by their paths from there.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let path = entry.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.push((path, fs::read_to_string(entry).unwrap()));
            }
        }
    }
    found
}

const APPS: [&str; 3] = ["telegram", "line", "scheduler"];
const TABLES: &str = include_str!("detect_changes/tables.yaml");

/// Which of the apps a changed file deploys: by the table of apps, and by that of parts, of which the three have the backend in
/// common.
fn table() -> Vec<(String, [bool; 3])> {
    let tables: Value = testbed::yaml(TABLES).unwrap();
    let rows = |name: &str| tables[name].as_array().unwrap().clone();
    let path = |row: &Value| row["path"].as_str().unwrap().to_owned();
    let apps = rows("apps").into_iter().map(|row| (path(&row), APPS.map(|app| row[app].as_bool().unwrap())));
    let all =
        ["Dockerfile.lambda", "requirements-dev.txt", "terraform/lambda.tf", "tests/test_agent.py", "docs/readme.md"];
    let parts = rows("parts").into_iter().filter(|row| all.contains(&path(row).as_str()));
    let table: Vec<_> = apps.chain(parts.map(|row| (path(&row), [row["backend"].as_bool().unwrap(); 3]))).collect();
    assert_eq!(table.len(), 12);
    table
}

/// The step as the example's workflow has it, in a repository that holds the example.
#[tokio::test]
async fn a_change_deploys_the_apps_that_use_it() {
    let step = workflow("multi-app/.github/workflows/deploy-app.yml")["jobs"]["changes"]["steps"][1]["with"].clone();
    let github = LocalGithub::start().await.unwrap();
    let repository = github.repository("org/shop");
    let all = files(&example("multi-app"));
    let all: Vec<(&str, &str)> = all.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
    let deployed = repository.push("main", &all, "As it stands");
    for app in APPS {
        let target = testbed::aws::target(("111122223333", "eu-west-1"), app, "live", &json!({"version": "7"}));
        let payload = json!({
            "schema": 1, "component": app, "kind": "deploy", "commit": deployed, "targets": [target],
            "run": {"id": 1, "attempt": 1},
        });
        let record =
            Deployment { sha: deployed.clone(), environment: "staging".to_owned(), payload, ..Deployment::default() };
        let id = repository.add_deployment(record);
        repository.add_status(id, "success", "");
    }
    let token = repository.token(&[Permission::Contents.read(), Permission::Deployments.read()]);
    for (path, deploys) in table() {
        let head = repository.commit(&[&deployed], &[(&path, "changed")], &path);
        for (app, expected) in APPS.into_iter().zip(deploys) {
            let report = Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
                .step("detect-changes")
                .github_at(github.url(), "https://github.example.com")
                .token(&token)
                .repository("org/shop")
                .sha(&head)
                .event("push", json!({"ref": "refs/heads/main", "after": head}))
                .input("environment", "staging")
                .input("component", app)
                .input("components", step["components"].as_str().unwrap())
                .run()
                .await;
            assert_eq!(report.output("any"), expected.to_string(), "{path} and {app}\n{report}");
            assert!(report.annotations.is_empty(), "every pattern is about a file: {report}");
        }
    }
}

#[test]
fn each_app_has_a_workflow_for_each_environment() {
    for app in APPS {
        let of = |environment: &str| workflow(&format!("multi-app/.github/workflows/deploy-{app}-{environment}.yml"));
        let with = |file: &Value| file["jobs"]["release"]["with"].clone();
        let (dev, staging, prod) = (of("dev"), of("staging"), of("prod"));
        // No `paths`: the changes are told by what is deployed, not by the push.
        assert_eq!(dev["on"]["push"], json!({"branches": ["dev"]}));
        assert_eq!(with(&dev), json!({"app": app, "environment": "dev"}));
        assert_eq!(staging["on"]["push"], json!({"branches": ["main"]}));
        assert_eq!(with(&staging), json!({"app": app, "environment": "staging", "from": "dev"}));
        assert_eq!(prod["on"]["push"], json!({"tags": [format!("v-{app}-*.*.*")]}));
        assert_eq!(with(&prod), json!({"app": app, "environment": "prod", "from": "staging"}));
    }
}

#[test]
fn production_is_watched_between_the_swap_and_the_way_back() {
    let steps = workflow("lambda/.github/workflows/production.yml")["jobs"]["deploy"]["steps"].clone();
    let names: Vec<&str> = steps.as_array().unwrap().iter().filter_map(|step| step["with"]["step"].as_str()).collect();
    let place = |name: &str| names.iter().position(|known| *known == name).unwrap();
    assert!(place("swap-alias") < place("monitor") && place("monitor") < place("rollback"), "{names:?}");
    let watched = steps.as_array().unwrap().iter().find(|step| step["with"]["step"] == "monitor").unwrap();
    // Five minutes, unless the repository's variables say otherwise.
    assert_eq!(watched["with"]["window"], "${{ vars.WATCH || '5m' }}");
    assert_eq!(watched["with"]["versions"], "${{ steps.publish.outputs.versions }}");
}
