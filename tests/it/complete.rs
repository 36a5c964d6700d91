//! Every step has all that a step must have; what is missing is told by step and file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use deploy_action::reference::page;
use deploy_action::steps::{self, Definition};

use crate::hostile::Hostile;
use crate::layers::source;
use crate::proof::StepUnderTest;
use crate::proof::permissions::{untried_actions, untried_grants};
use crate::steps_under_test;

const MAIN: &str = "tests/it/main.rs";
const SNAPSHOTS: &str = "UPDATE_SNAPSHOTS=1 cargo test --test it proof::requests";

/// A file's text; empty where there is none.
fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default()
}

/// What is missing of a step: `file: what`.
fn missing_parts(step: &Definition, tested: Option<&StepUnderTest>, hostile: &Hostile) -> Vec<String> {
    let name = step.name;
    let module = name.replace('-', "_");
    let mut all = Vec::new();
    let mut needs = |holds: bool, file: &str, what: &str| {
        if !holds {
            all.push(format!("{file}: {what}"));
        }
    };

    let own = |file: &str| file.strip_prefix(&module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
    for folder in ["src/steps", "tests/it"] {
        let files: Vec<_> = source::files(folder).into_iter().filter(|(file, _)| own(file)).collect();
        needs(!files.is_empty(), &format!("{folder}/{module}.rs"), "there is no such file");
        for (file, text) in &files {
            needs(!text.contains("TODO"), &format!("{folder}/{file}"), "something is left TODO");
        }
        let tests = files.iter().any(|(_, text)| text.contains("#[tokio::test]") || text.contains("#[test]"));
        needs(folder != "tests/it" || tests, &format!("{folder}/{module}.rs"), "no test says what it does and refuses");
    }

    let (file, shown) = (page(step), text(&page(step)));
    needs(shown.starts_with(&format!("# {name}\n")), &file, "does not begin with the step's name");
    let example = shown.split("```yaml").nth(1).is_some_and(|example| example.contains(&format!("step: {name}")));
    needs(example, &file, "has no example of the step");
    for marker in ["deadline", "inputs", "outputs", "permissions"] {
        let both = shown.contains(&format!("<!-- {marker} -->")) && shown.contains(&format!("<!-- /{marker} -->"));
        needs(both, &file, &format!("has no markers `{marker}` for `cargo generate`"));
    }
    needs(!shown.contains("TODO"), &file, "something is left TODO");
    let changelog = text("CHANGELOG.md");
    let entries: Vec<&str> = changelog.lines().filter(|line| line.contains(&format!("`{name}`"))).collect();
    needs(!entries.is_empty(), "CHANGELOG.md", "does not name it");
    needs(entries.iter().all(|line| !line.contains("TODO")), "CHANGELOG.md", "something is left TODO");

    let Some(tested) = tested else {
        needs(false, MAIN, &format!("`steps_under_test` has no line `{module}::UNDER_TEST`"));
        return all;
    };
    let table = if Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/it/{module}/table.rs")).exists() {
        format!("tests/it/{module}/table.rs")
    } else {
        format!("tests/it/{module}.rs")
    };
    needs(!(tested.hostile)(hostile).is_empty(), &table, "`hostile` holds no run among hostile text");
    let counted: Vec<_> = tested.scenes.iter().filter(|scene| scene.is_counted()).collect();
    needs(!counted.is_empty(), &table, "`scenes` holds no normal run");
    let table_of_requests = text("docs/performance.md");
    for scene in tested.scenes {
        needs(scene.step() == name, &table, &format!("the scene {} is called after another step", scene.name));
    }
    for scene in counted {
        needs(scene.floor.is_some(), &table, &format!("the scene {} has no floor", scene.name));
        let file = scene.snapshot();
        needs(!text(&file).is_empty(), &file, &format!("is not there: {SNAPSHOTS}"));
        let row = table_of_requests.contains(&format!("| [{}](", scene.name));
        needs(row, "docs/performance.md", &format!("has no row of {}: {SNAPSHOTS}", scene.name));
    }
    for action in untried_actions(step, tested.role) {
        needs(false, &table, &format!("`role` has no run without {action}"));
    }
    for grant in untried_grants(step, tested.token) {
        needs(false, &table, &format!("`token` has no run without {grant}"));
    }
    all
}

#[tokio::test]
async fn every_step_has_all_that_a_step_must_have() {
    let hostile = Hostile::new().await;
    let tested = steps_under_test();
    let mut incomplete = Vec::new();
    for step in steps::all() {
        let missing = missing_parts(&step, tested.iter().find(|tested| tested.name == step.name), &hostile);
        if !missing.is_empty() {
            incomplete.push(format!("{}\n  {}", step.name, missing.join("\n  ")));
        }
    }
    assert!(incomplete.is_empty(), "this is missing:\n{}", incomplete.join("\n"));
    let known: BTreeSet<&str> = steps::all().iter().map(|step| step.name).collect();
    let listed: Vec<&str> = tested.iter().map(|tested| tested.name).collect();
    assert_eq!(listed.iter().copied().collect::<BTreeSet<_>>(), known, "{MAIN} lists what is no step");
    assert_eq!(listed.len(), known.len(), "{MAIN} lists a step twice");
}

/// A step of which nothing is there but its name.
#[tokio::test]
async fn what_a_step_does_not_have_is_told_by_file() {
    let hostile = Hostile::new().await;
    let rollback = steps::all().into_iter().find(|step| step.name == "rollback").unwrap();
    let bare = Definition { name: "bare-step", ..rollback };
    let alone = [
        "src/steps/bare_step.rs: there is no such file",
        "tests/it/bare_step.rs: there is no such file",
        "tests/it/bare_step.rs: no test says what it does and refuses",
        "docs/steps/bare-step.md: does not begin with the step's name",
        "docs/steps/bare-step.md: has no example of the step",
        "docs/steps/bare-step.md: has no markers `deadline` for `cargo generate`",
        "docs/steps/bare-step.md: has no markers `inputs` for `cargo generate`",
        "docs/steps/bare-step.md: has no markers `outputs` for `cargo generate`",
        "docs/steps/bare-step.md: has no markers `permissions` for `cargo generate`",
        "CHANGELOG.md: does not name it",
    ];
    let unlisted = "tests/it/main.rs: `steps_under_test` has no line `bare_step::UNDER_TEST`";
    assert_eq!(missing_parts(&bare, None, &hostile), [alone.as_slice(), &[unlisted]].concat());
    let empty = StepUnderTest { name: "bare-step", scenes: &[], role: &[], token: &[], hostile: |_| Vec::new() };
    let found = missing_parts(&bare, Some(&empty), &hostile);
    for expected in [
        "tests/it/bare_step.rs: `hostile` holds no run among hostile text",
        "tests/it/bare_step.rs: `scenes` holds no normal run",
        "tests/it/bare_step.rs: `role` has no run without `lambda:UpdateAlias` (",
        "tests/it/bare_step.rs: `token` has no run without `deployments: write` ",
    ] {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}: {found:#?}");
    }
}

/// Invoking a function is a write for IAM. These steps invoke, and change nothing.
const JUDGES: [&str; 3] = ["smoke-test", "health-check-with-backoff", "monitor"];

/// The calls that make the shape of a step that writes, as far as they stand in this order in its `run`.
fn shape(step: &str) -> Vec<&'static str> {
    let run = step.split_once("async fn run(").map_or("", |(_, after)| after);
    let mut rest = run.split_once("\n    }\n").map_or("", |(run, _)| run);
    let calls = ["observe(", "plan(", "confirm(", "apply(", "read_back("];
    let found = calls.into_iter().map_while(|call| {
        let at = rest.match_indices(call).map(|(at, _)| at).find(|at| rest[..*at].ends_with(['.', ' ']))?;
        rest = &rest[at + call.len()..];
        Some(call)
    });
    found.collect()
}

#[test]
fn every_step_that_writes_observes_plans_applies_and_reads_back() {
    let writing = steps::all().into_iter().filter(|step| step.permissions.write()).map(|step| step.name);
    for name in writing.filter(|name| !JUDGES.contains(name)) {
        let found = shape(&text(&format!("src/steps/{}.rs", name.replace('-', "_"))));
        assert_eq!(found.len(), 5, "`run` of {name} has {found:?}, in this order");
    }
    assert_eq!(shape(&text("tools/new_step/writes/step.rs")).len(), 5, "what `cargo new-step --writes` makes");
    let run = |body: &str| shape(&format!("    async fn run(&self) {{\n        {body}\n    }}\n"));
    assert_eq!(run("let a = observe(self).await; let b = plan(a); read_back(apply(b))"), ["observe(", "plan("]);
}
