//! What the workflows in `examples/` say, where no runner is needed to tell.

use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Value, json};

fn workflow(path: &str) -> Value {
    let file: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(path);
    serde_yaml_ng::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Whether GitHub's `paths` filter takes a file: `*` stops at a slash, `**` does not.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>
fn takes(patterns: &Value, file: &str) -> bool {
    patterns.as_array().unwrap().iter().any(|pattern| {
        let pattern = regex::escape(pattern.as_str().unwrap()).replace(r"\*\*", ".*").replace(r"\*", "[^/]*");
        Regex::new(&format!("^{pattern}$")).unwrap().is_match(file)
    })
}

const APPS: [&str; 3] = ["telegram", "line", "scheduler"];

#[test]
fn a_change_deploys_the_apps_that_use_it() {
    // A changed file, and whether it deploys telegram, line and scheduler.
    let table = [
        ("src/api/endpoints.py", [true, false, false]),
        ("src/integrations/line_bot.py", [false, true, false]),
        ("src/scheduler/job.py", [false, false, true]),
        ("src/agent.py", [true, true, false]),
        ("src/workflow/graph.py", [true, true, false]),
        ("src/data/prices.py", [true, true, true]),
        ("frontend/twinbar/App.tsx", [true, false, false]),
        ("Dockerfile", [true, true, true]),
        ("requirements.txt", [true, true, true]),
        ("docs/guide.md", [false, false, false]),
        ("tests/test_agent.py", [false, false, false]),
    ];
    for environment in ["dev", "staging"] {
        for (place, app) in APPS.into_iter().enumerate() {
            let file = workflow(&format!("multi-app/.github/workflows/deploy-{app}-{environment}.yml"));
            for (changed, deploys) in table {
                let paths = &file["on"]["push"]["paths"];
                assert_eq!(takes(paths, changed), deploys[place], "{changed} and {app} in {environment}");
            }
        }
    }
}

#[test]
fn each_app_has_a_workflow_for_each_environment() {
    for app in APPS {
        let of = |environment: &str| workflow(&format!("multi-app/.github/workflows/deploy-{app}-{environment}.yml"));
        let with = |file: &Value| file["jobs"]["release"]["with"].clone();
        let (dev, staging, prod) = (of("dev"), of("staging"), of("prod"));
        assert_eq!(dev["on"]["push"]["branches"], json!(["dev"]));
        assert_eq!(with(&dev), json!({"app": app, "environment": "dev"}));
        assert_eq!(staging["on"]["push"]["branches"], json!(["main"]));
        assert_eq!(with(&staging), json!({"app": app, "environment": "staging", "from": "dev"}));
        assert_eq!(prod["on"]["push"], json!({"tags": [format!("v-{app}-*.*.*")]}));
        assert_eq!(with(&prod), json!({"app": app, "environment": "prod", "from": "staging"}));
    }
}
