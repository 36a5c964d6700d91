//! detect-changes: what is selected for a change, and what it is compared with.

mod base;
mod files;
mod table;

use crate::messages::message;
use serde_json::{Value, json};
use testbed::github::{Deployment, Grant, LocalGithub, Permission, Repository};
use testbed::runner::{Report, Runner};

pub(crate) use self::table::UNDER_TEST;

/// What a change deploys: rows of changed paths, and the components that they are about.
const TABLES: &str = include_str!("detect_changes/tables.yaml");

/// One app, and what belongs to nobody.
const SHOP: &str = "shop: {paths: ['src/**']}";

struct World {
    github: LocalGithub,
    repository: Repository,
}

/// The place of a component in records.
fn target(component: &str) -> Value {
    testbed::aws::target(("111122223333", "eu-west-1"), component, "live", &json!({"version": "7"}))
}

impl World {
    async fn new() -> Self {
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        Self { github, repository }
    }

    /// A commit on main.
    fn push(&self, files: &[(&str, &str)]) -> String {
        self.repository.push("main", files, "Change")
    }

    /// The step in a run for a push of this commit to main, with no file in the workspace.
    fn detect(&self, components: &str, head: &str) -> Runner {
        self.allowed(components, head, &[Permission::Contents.read(), Permission::Deployments.read()])
    }

    fn allowed(&self, components: &str, head: &str, permissions: &[Grant]) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("detect-changes")
            .github_at(self.github.url(), "https://github.example.com")
            .token(&self.repository.token(permissions))
            .repository("org/shop")
            .sha(head)
            .git_ref("refs/heads/main")
            .event("push", json!({"ref": "refs/heads/main", "after": head, "repository": self.repository.event()}))
            .input("environment", "dev")
            .input("components", components)
    }

    /// A record of a deployment of this component to dev with these statuses, oldest first.
    fn record(&self, component: &str, commit: &str, states: &[&str]) -> u64 {
        self.record_to("dev", component, commit, states)
    }

    fn record_to(&self, environment: &str, component: &str, commit: &str, states: &[&str]) -> u64 {
        let payload = json!({
            "schema": 1, "component": component, "kind": "deploy", "commit": commit, "targets": [target(component)],
            "run": {"id": 600, "attempt": 1},
        });
        let id = self.repository.add_deployment(Deployment {
            sha: commit.to_owned(),
            environment: environment.to_owned(),
            payload,
            ..Deployment::default()
        });
        for state in states {
            self.repository.add_status(id, state, "");
        }
        id
    }

    fn requests(&self) -> Vec<String> {
        assert!(self.github.invalid_requests().is_empty(), "{:?}", self.github.invalid_requests());
        self.github.requests().iter().map(testbed::github::Request::line).collect()
    }
}

fn json_of(report: &Report, output: &str) -> Value {
    serde_json::from_str(report.output(output)).unwrap_or_else(|error| panic!("{output}: {error}\n{report}"))
}

/// The outputs agree with each other, and these are selected.
#[track_caller]
fn selects(report: &Report, expected: &[&str]) {
    let (verdict, any) = if expected.is_empty() { ("skipped", "false") } else { ("pass", "true") };
    report.assert_verdict(verdict, 0).assert_runner_safe();
    assert_eq!(json_of(report, "selected"), json!(expected), "{report}");
    assert_eq!(report.output("any"), any, "{report}");
    let (selection, reasons) = (json_of(report, "selection"), json_of(report, "reasons"));
    for (name, selected) in selection.as_object().unwrap() {
        assert_eq!(selected, expected.contains(&name.as_str()), "{name}\n{report}");
        let reason = reasons[name].as_str().unwrap();
        assert!(!reason.is_empty() && report.summary.contains(name.as_str()), "{name}\n{report}");
    }
    assert_eq!(selection.as_object().unwrap().len(), reasons.as_object().unwrap().len(), "{report}");
    assert_eq!((report.output("changed"), report.output("serving")), ("false", ""));
}

#[track_caller]
fn because(report: &Report, component: &str, part: &str) {
    let reasons = json_of(report, "reasons");
    assert!(reasons[component].as_str().is_some_and(|why| why.contains(part)), "{part}\n{report}");
}

/// Plays the rows of a table: the components of `names` are judged for a change of one path.
async fn rows(table: &str, names: &[&str], components: &str) {
    let tables: Value = testbed::yaml(TABLES).unwrap();
    let rows = tables[table].as_array().unwrap();
    assert_eq!(rows.len(), 7, "{table}");
    let world = World::new().await;
    let files: Vec<(&str, &str)> = rows.iter().map(|row| (row["path"].as_str().unwrap(), "as it was")).collect();
    let deployed = world.push(&files);
    for name in names {
        world.record(name, &deployed, &["success"]);
    }
    for row in rows {
        let path = row["path"].as_str().unwrap();
        let head = world.repository.commit(&[&deployed], &[(path, "changed")], path);
        let report = world.detect(components, &head).input("unmatched", "ignore").run().await;
        report.assert_runner_safe();
        let selection = json_of(&report, "selection");
        for name in names {
            assert_eq!(selection[name], row[name], "{path}: {name}\n{report}");
        }
        assert_eq!(report.output("base-sha"), deployed);
    }
}

#[tokio::test]
async fn every_row_of_the_table_of_apps_is_kept() {
    let tables: Value = testbed::yaml(TABLES).unwrap();
    rows("apps", &["telegram", "line", "scheduler"], &tables["components"].to_string()).await;
}

/// The parts of one app, which is deployed as a whole: the record names the repository.
#[tokio::test]
async fn every_row_of_the_table_of_parts_is_kept() {
    let parts = "
backend: {paths: ['src/**/*.py', 'Dockerfile*', 'requirements*.txt', 'terraform/**']}
frontend: {paths: ['frontend/twinbar/**']}
";
    rows("parts", &["backend", "frontend"], parts).await;
}

#[tokio::test]
async fn a_push_takes_four_requests_and_says_everything() {
    let world = World::new().await;
    let deployed = world.push(&[("src/a.py", "1"), ("docs/a.md", "1")]);
    let id = world.record("shop", &deployed, &["in_progress", "success"]);
    let head = world.push(&[("src/a.py", "2"), ("src/b.py", "2")]);
    let report = world.detect(SHOP, &head).run().await;
    selects(&report, &["shop"]);
    let why =
        format!("src/a.py (and 1 more) differs from commit {}, which serves in dev (deployment {id})", &deployed[..7]);
    because(&report, "shop", &why);
    assert!(report.output("reason").contains(&why), "{report}");
    assert_eq!(report.output("base-sha"), deployed);
    assert!(report.annotations.is_empty(), "{report}");
    assert_eq!(world.requests().len(), 4, "{:?}", world.requests());
}

#[tokio::test]
async fn the_file_of_the_commit_needs_no_checkout_and_one_request_more() {
    let world = World::new().await;
    let file = ".github/components.yml";
    let deployed = world.push(&[(file, "shop: {paths: ['lib/**']}"), ("src/a", "1")]);
    world.record("shop", &deployed, &["success"]);
    // The components are those of the commit, not of what is deployed.
    let head = world.push(&[
        (file, &format!("{SHOP}\nnobody: {{ignore: ['docs/**', '.github/**']}}")),
        ("src/a", "2"),
        ("docs/a", "1"),
    ]);
    let report = world.detect(file, &head).input("component", "shop").run().await;
    selects(&report, &["shop"]);
    assert_eq!(json_of(&report, "selection"), json!({"shop": true}));
    assert_eq!(world.requests().len(), 5, "{:?}", world.requests());
    // What is wrong with it is bad input, told with the file.
    let table = [
        ("a: {paths: [a], depends-on: [b]}\nb: {paths: [b], depends-on: [a]}", "has a cycle: a -> b -> a"),
        ("shop: {path: ['src/**']}", "`path` is not known (did you mean `paths`?)"),
        ("", "must name at least one component"),
    ];
    for (content, part) in table {
        let head = world.push(&[(file, content)]);
        let report = world.detect(file, &head).run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        let reason = report.output("reason");
        assert!(reason.contains(part) && reason.contains(file), "{reason}");
        assert_eq!((report.output("selected"), report.output("any")), ("[]", "false"));
    }
    let report = world.detect("components.yml", &head).run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("there is no file components.yml in commit"), "{report}");
}

#[tokio::test]
async fn components_that_cannot_be_meant_are_refused_before_anything_is_asked() {
    let world = World::new().await;
    let head = world.push(&[("a", "1")]);
    let table = [
        ("a: {paths: [a], depends-on: [b]}\nb: {paths: [b], depends-on: [a]}", "", "has a cycle: a -> b -> a"),
        ("shared: {paths: [a]}\nb: {paths: [b], depends-on: [share]}", "", "did you mean `shared`?"),
        ("shop: {paths: ['src/']}", "", "names a folder"),
        ("shop: {paths: ['!src/**']}", "", "no pattern in `paths`"),
        (SHOP, "shpo", "input `force`: there is no component shpo: did you mean `shop`?"),
    ];
    for (components, force, part) in table {
        let report = world.detect(components, &head).input("force", force).run().await;
        report.assert_verdict("error", 2).assert_runner_safe();
        assert!(report.error().message.contains(part), "{part}\n{report}");
    }
    let report = world.detect(SHOP, &head).input("environment", "").run().await;
    report.assert_verdict("error", 2);
    assert!(report.output("reason").contains("input `environment` is required"), "{report}");
    assert!(world.requests().is_empty());
}

/// A diamond: what is at its top is selected once, after both its sides.
#[tokio::test]
async fn what_depends_on_a_change_is_selected_in_the_order_of_dependencies() {
    let world = World::new().await;
    let diamond = "
web: {paths: ['web/**'], depends-on: [api, bot]}
api: {paths: ['api/**'], depends-on: [core]}
bot: {paths: ['bot/**'], depends-on: [core]}
core: {paths: ['core/**']}
";
    let deployed = world.push(&[("web/a", "1"), ("api/a", "1"), ("bot/a", "1"), ("core/a", "1")]);
    for name in ["web", "api", "bot", "core"] {
        world.record(name, &deployed, &["success"]);
    }
    let changed = |path: &str| world.repository.commit(&[&deployed], &[(path, "2")], path);
    let report = world.detect(diamond, &changed("core/a")).run().await;
    selects(&report, &["core", "api", "bot", "web"]);
    because(&report, "web", "core/a of core, which it depends on,");
    selects(&world.detect(diamond, &changed("bot/a")).run().await, &["bot", "web"]);
    selects(&world.detect(diamond, &changed("web/a")).run().await, &["web"]);
}

#[tokio::test]
async fn what_belongs_to_nobody_selects_all_or_nothing_or_is_refused() {
    let world = World::new().await;
    let two = "shop: {paths: ['src/**']}\nbot: {paths: ['bot/**'], ignore: ['docs/**']}";
    let deployed = world.push(&[("src/a", "1"), ("bot/a", "1"), ("docs/a", "1")]);
    for name in ["shop", "bot"] {
        world.record(name, &deployed, &["success"]);
    }
    let head = world.repository.commit(&[&deployed], &[("Makefile", "all:"), ("odd", "1")], "Add");
    let report = world.detect(two, &head).run().await;
    selects(&report, &["shop", "bot"]);
    because(&report, "bot", "Makefile (and 1 more), which belongs to no component,");
    let report = world.detect(two, &head).input("unmatched", "ignore").run().await;
    selects(&report, &[]);
    assert!(report.raw.contains("2 changed files belong to no component, the first: Makefile"), "{report}");
    let report = world.detect(two, &head).input("unmatched", "fail").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("reason"), message("files-of-no-component", &["Makefile, odd"]));
    assert_eq!((report.output("selected"), report.output("any")), ("[]", "false"));
    // What any component ignores is known, and what has nothing but `ignore` is none.
    let with_nobody = "shop: {paths: ['src/**']}\nbot: {paths: ['bot/**']}\nnobody: {ignore: [Makefile, odd]}";
    selects(&world.detect(with_nobody, &head).run().await, &[]);
    let head = world.repository.commit(&[&deployed], &[("docs/a", "2")], "Write");
    selects(&world.detect(two, &head).run().await, &[]);
}

#[tokio::test]
async fn who_is_forced_is_selected_whatever_changed() {
    let world = World::new().await;
    let two = "shared: {paths: ['lib/**']}\nshop: {paths: ['src/**'], depends-on: [shared]}\nbot: {paths: ['bot/**']}";
    let head = world.push(&[("src/a", "1"), ("lib/a", "1"), ("bot/a", "1")]);
    for name in ["shop", "bot"] {
        world.record(name, &head, &["success"]);
    }
    let report = world.detect(two, &head).input("force", "shared").run().await;
    selects(&report, &["shared", "shop"]);
    because(&report, "shop", "depends on shared, which is forced");
    selects(&world.detect(two, &head).input("force", "bot\nshop").run().await, &["shop", "bot"]);
    selects(&world.detect(two, &head).input("force", "all").run().await, &["shared", "shop", "bot"]);
    selects(&world.detect(two, &head).run().await, &[]);
    // Without a base it is selected all the same.
    let report =
        world.detect(two, &head).input("environment", "stg").input("no-base", "fail").input("force", "all").run().await;
    selects(&report, &["shared", "shop", "bot"]);
}

#[tokio::test]
async fn a_pattern_that_fits_nothing_is_said() {
    let world = World::new().await;
    let head = world.push(&[("src/a.py", "1")]);
    world.record("shop", &head, &["success"]);
    let report = world.detect("shop: {paths: ['src/**', 'scr/**'], ignore: ['*.md']}", &head).run().await;
    selects(&report, &[]);
    let warning = &report.warning().message;
    assert!(
        warning.contains(&message("pattern-without-files", &["", "`scr/**` of shop, `*.md` of shop"])),
        "{warning}"
    );
}
