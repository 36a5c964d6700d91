//! check-migrations: what is new, what is refused, and when a CONTRACT may pass.

mod table;

use std::time::Duration;

use serde_json::{Value, json};
use testbed::github::{Deployment, Grant, LocalGithub, Permission, Repository};
use testbed::runner::{Report, Runner};

pub(crate) use self::table::UNDER_TEST;
use crate::messages::message;

struct World {
    github: LocalGithub,
    repository: Repository,
}

const USERS: (&str, &str) = ("db/migrations/000001_users.up.sql", "CREATE TABLE users (id bigint, note text);");
const DOWN: (&str, &str) = ("db/migrations/000001_users.down.sql", "DROP TABLE users;");
const DROP: &str = "ALTER TABLE users DROP COLUMN note;";
const NOTED: &str = "-- deploy: contract expand=000001 reason=\"unused since v2\"\nALTER TABLE users DROP COLUMN note;";

impl World {
    async fn new() -> Self {
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        Self { github, repository }
    }

    fn push(&self, files: &[(&str, &str)]) -> String {
        self.repository.push("main", files, "Change")
    }

    fn check(&self, head: &str) -> Runner {
        self.allowed(head, &[Permission::Contents.read(), Permission::Deployments.read()])
    }

    fn allowed(&self, head: &str, permissions: &[Grant]) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("check-migrations")
            .github_at(self.github.url(), "https://github.example.com")
            .token(&self.repository.token(permissions))
            .repository("org/shop")
            .sha(head)
            .git_ref("refs/heads/main")
            .event("push", json!({"ref": "refs/heads/main", "after": head, "repository": self.repository.event()}))
            .input("environment", "dev")
    }

    /// A deployment of this commit that succeeded now.
    fn deployed(&self, environment: &str, commit: &str, migrations: &[&str]) {
        let target = testbed::aws::target(("111122223333", "eu-west-1"), "shop", "live", &json!({"version": "7"}));
        let payload = json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "targets": [target], "migrations": migrations,
            "run": {"id": 600, "attempt": 1},
        });
        let environment = environment.to_owned();
        let id = self.repository.add_deployment(Deployment {
            sha: commit.to_owned(),
            environment,
            payload,
            ..Deployment::default()
        });
        self.repository.add_status(id, "success", "");
    }

    /// What was deployed, and a commit after it that adds this migration.
    fn with(&self, sql: &str) -> String {
        let first = self.push(&[USERS, DOWN]);
        self.deployed("dev", &first, &["000001"]);
        self.push(&[("db/migrations/000002_b.up.sql", sql), ("db/migrations/000002_b.down.sql", "SELECT 1;")])
    }
}

fn findings(report: &Report) -> Vec<Value> {
    serde_json::from_str(report.output("findings")).unwrap_or_else(|error| panic!("{error}\n{report}"))
}

fn rules(report: &Report) -> Vec<String> {
    findings(report).iter().map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn d22_without_a_record_all_migrations_are_new_and_that_is_said() {
    let world = World::new().await;
    let head = world.push(&[USERS, DOWN]);
    let report = world.check(&head).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("class"), report.output("max-version")), ("expand", "000001"));
    let pending: Value = serde_json::from_str(report.output("pending")).unwrap();
    assert_eq!(pending, json!([{"version": "000001", "file": USERS.0, "class": "expand"}]));
    let warning = &report.warning().message;
    assert!(warning.contains(&message("all-migrations-new", &["nothing is known to be deployed"])), "{warning}");
}

#[tokio::test]
async fn d23_where_no_migration_changed_there_is_nothing_to_judge() {
    let world = World::new().await;
    let first = world.push(&[USERS, DOWN]);
    world.deployed("dev", &first, &["000001"]);
    let head = world.push(&[("src/a", "1")]);
    let report = world.check(&head).run().await;
    report.assert_verdict("skipped", 0).assert_runner_safe();
    assert_eq!(
        (report.output("class"), report.output("pending"), report.output("needs-approval")),
        ("none", "[]", "false")
    );
}

#[tokio::test]
async fn a_contract_is_refused_at_its_line_with_the_safe_way() {
    let world = World::new().await;
    let head = world.with(&format!("-- squawk-ignore ban-drop-column\n{DROP}"));
    let report = world.check(&head).input("sarif", "out/migrations.sarif").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!((report.output("class"), report.output("sarif-file")), ("contract", "out/migrations.sarif"));
    assert_eq!(rules(&report), ["other-tools-comment", "drop-column"]);
    let sarif: Value = {
        let text = std::fs::read_to_string(report.folder().join("workspace/out/migrations.sarif")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let result = &sarif["runs"][0]["results"][1];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("drop-column"), &json!("error")), "{sarif:#}");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "db/migrations/000002_b.up.sql");
    assert_eq!(place["region"], json!({"startLine": 2, "startColumn": 19}));
    let reason = report.output("reason");
    assert!(
        reason.starts_with("db/migrations/000002_b.up.sql:2: the code that serves still names users.note"),
        "{reason}"
    );
    assert!(
        report.raw.contains("::error file=db/migrations/000002_b.up.sql,line=2,col=19,title=drop-column"),
        "{report}"
    );
}

#[tokio::test]
async fn d19_expand_and_contract_of_one_deployment_are_refused() {
    let world = World::new().await;
    let head = world.with(&format!("{DROP} ALTER TABLE users ADD q int;"));
    let report = world.check(&head).input("on-contract", "warn").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("class"), "mixed");
}

#[tokio::test]
async fn d20_a_contract_waits_by_the_clock_of_github() {
    let world = World::new().await;
    let head = world.with(NOTED);
    world.github.advance(Duration::from_hours(23));
    let report = world.check(&head).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("more have to pass"), "{report}");
    world.github.advance(Duration::from_hours(2));
    let report = world.check(&head).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!((report.output("class"), report.output("needs-approval")), ("contract", "true"));
}

/// GitHub says that the expansion is an hour old; the runner's clock is two days ahead.
#[tokio::test]
async fn d20_a_wrong_clock_of_the_runner_makes_no_expansion_older() {
    let world = World::new().await;
    world.github.set_back(Duration::from_hours(48));
    let head = world.with(NOTED);
    world.github.advance(Duration::from_hours(1));
    let report = world.check(&head).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(report.output("reason").contains("more have to pass"), "{report}");
}

#[tokio::test]
async fn d20_an_expansion_of_another_environment_does_not_count() {
    let world = World::new().await;
    let first = world.push(&[USERS, DOWN]);
    world.deployed("stg", &first, &["000001"]);
    world.github.advance(Duration::from_hours(48));
    let head = world.push(&[("db/migrations/000002_b.up.sql", NOTED)]);
    let report = world.check(&head).input("environment", "prd").input("base", first.as_str()).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(
        report.output("reason").contains("the record of prd does not say that 000001 was applied there"),
        "{report}"
    );
    let report = world.check(&head).input("environment", "stg").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
}

#[tokio::test]
async fn d13_squawks_comments_change_nothing_and_d14_what_cannot_be_read_is_refused() {
    let world = World::new().await;
    let head = world.with("ALTER TABLE {{ table }} ADD c int;");
    let report = world.check(&head).input("on-contract", "warn").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("class"), "unknown");
    assert!(report.output("reason").contains("template"), "{report}");
}

#[tokio::test]
async fn d15_d16_what_would_end_the_parser_is_told_and_the_step_goes_on() {
    let world = World::new().await;
    let deep = format!("SELECT {}1{};", "(".repeat(20_000), ")".repeat(20_000));
    let first = world.push(&[USERS, DOWN]);
    world.deployed("dev", &first, &["000001"]);
    let large = format!("-- {}\n", "x".repeat(10 << 20));
    let head = world.push(&[
        ("db/migrations/2_a.up.sql", &deep),
        ("db/migrations/3_b.up.sql", "SELECT 1;\0"),
        ("db/migrations/4_c.up.sql", &large),
        ("db/migrations/5_d.up.sql", DROP),
    ]);
    let report = world.check(&head).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let found: Vec<String> = rules(&report).into_iter().filter(|rule| rule != "no-down").collect();
    assert_eq!(found, ["unanalysable", "unanalysable", "unanalysable", "drop-column"], "{report}");
    // Also where the file is let through by its size.
    let report = world.check(&head).input("max-file-size", "16MiB").run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let found: Vec<String> = rules(&report).into_iter().filter(|rule| rule != "no-down").collect();
    assert_eq!(found, ["unanalysable", "unanalysable", "empty-migration", "drop-column"], "{report}");
}

/// Of many files one is no text: the others are judged all the same.
#[tokio::test]
async fn mg25_one_file_that_cannot_be_read_hides_nothing_of_the_others() {
    let world = World::new().await;
    let head = world.push(&[("src/a", "1")]);
    let workspace = tempfile::tempdir().unwrap();
    let folder = workspace.path().join("sql");
    std::fs::create_dir(&folder).unwrap();
    for number in 10..30 {
        std::fs::write(folder.join(format!("{number}.sql")), format!("ALTER TABLE t{number} DROP COLUMN note;"))
            .unwrap();
    }
    std::fs::write(folder.join("20.sql"), b"-- caf\xe9\nALTER TABLE t20 DROP COLUMN note;").unwrap();
    let runner = world.check(&head).input("layout", "plain").input("path", "sql").workspace(workspace.path());
    let report = runner.run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let found = rules(&report);
    let count = |rule: &str| found.iter().filter(|one| *one == rule).count();
    assert_eq!((count("drop-column"), count("unanalysable"), found.len()), (19, 1, 20), "{report}");
}

/// The row of a migration fails only where something in it does.
#[tokio::test]
async fn in_a_mixed_deployment_the_expansion_is_shown_as_what_it_is() {
    let world = World::new().await;
    let first = world.push(&[USERS, DOWN]);
    world.deployed("dev", &first, &["000001"]);
    world.github.advance(Duration::from_hours(48));
    let head = world
        .push(&[("db/migrations/2_a.up.sql", "ALTER TABLE users ADD q int;"), ("db/migrations/3_b.up.sql", NOTED)]);
    let report = world.check(&head).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(report.output("class"), "mixed");
    let row = |name: &str| report.summary.lines().find(|line| line.contains(name)).unwrap_or_default().to_owned();
    assert!(row("migration 2").contains("pass") && row("migration 3").contains("fail"), "{}", report.summary);
    assert!(report.output("reason").starts_with("db/migrations/3_b.up.sql:2: EXPAND and CONTRACT"), "{report}");
}

#[tokio::test]
async fn d17_what_was_applied_may_not_change_and_what_is_older_never_runs() {
    let world = World::new().await;
    let first = world.push(&[
        USERS,
        DOWN,
        ("db/migrations/000005_e.up.sql", "SELECT 1;"),
        ("db/migrations/000005_e.down.sql", "SELECT 1;"),
    ]);
    world.deployed("dev", &first, &["000001", "000005"]);
    let head = world.push(&[(USERS.0, "CREATE TABLE users ();"), ("db/migrations/000003_c.up.sql", "SELECT 1;")]);
    let report = world.check(&head).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    let found = rules(&report);
    assert!(found.contains(&"edited-migration".to_owned()) && found.contains(&"out-of-order".to_owned()), "{found:?}");
}

#[tokio::test]
async fn d21_a_folder_of_one_service_does_not_touch_the_table_of_another() {
    let world = World::new().await;
    let head = world.push(&[("zmanim/migrations/1_a.up.sql", "ALTER TABLE users ADD c int;")]);
    let owners = "{users: core, zmanim/: zmanim}";
    let report = world.check(&head).input("path", "zmanim/migrations").input("ownership", owners).run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert!(findings(&report).iter().any(|one| one["rule"] == "other-owner" && one["owner"] == "core"), "{report}");
}

#[tokio::test]
async fn folders_may_have_the_same_versions() {
    let world = World::new().await;
    let head = world.push(&[("a/1_x.up.sql", "SELECT 1;"), ("b/1_x.up.sql", "SELECT 1;")]);
    let report = world.check(&head).input("path", "a\nb").run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    assert_eq!(report.output("max-version"), "a:1\nb:1");
}

#[tokio::test]
async fn plain_files_are_those_of_the_workspace() {
    let world = World::new().await;
    let head = world.push(&[("src/a", "1")]);
    let workspace = tempfile::tempdir().unwrap();
    std::fs::create_dir(workspace.path().join("sql")).unwrap();
    std::fs::write(workspace.path().join("sql/1.sql"), DROP).unwrap();
    let runner = world.check(&head).input("layout", "plain").input("path", "sql").workspace(workspace.path());
    let report = runner.run().await;
    report.assert_verdict("fail", 1).assert_runner_safe();
    assert_eq!(rules(&report), ["drop-column"]);
}

/// A first run of an old repository: all of them are new, and the step that deploys gets all their versions.
#[tokio::test]
async fn a_thousand_migrations_are_passed_on() {
    let world = World::new().await;
    let head = world.push(&[("src/a", "1")]);
    let workspace = tempfile::tempdir().unwrap();
    let folder = workspace.path().join("sql");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..1000 {
        std::fs::write(folder.join(format!("{number:06}_a_name_of_some_length.sql")), "SELECT 1;").unwrap();
    }
    let runner = world.check(&head).input("layout", "plain").input("path", "sql").workspace(workspace.path());
    let report = runner.run().await;
    report.assert_verdict("pass", 0).assert_runner_safe();
    let pending: Vec<Value> = serde_json::from_str(report.output("pending")).unwrap();
    assert_eq!((pending.len(), &pending[999]["class"]), (1000, &json!("expand")));
}

/// A folder that was never there is a misspelt one: the step was green, and had checked nothing.
#[tokio::test]
async fn a_path_without_any_file_is_an_error_and_not_green() {
    let world = World::new().await;
    let head = world.with("ALTER TABLE users ADD COLUMN age int;");
    let report = world.check(&head).input("path", "db/none").run().await;
    report.assert_verdict("error", 4).assert_runner_safe();
    assert!(report.error().message.contains("there are no files below db/none in commit"), "{report}");
    assert!(report.error().message.contains("name the folder of the migrations with `path`"), "{report}");
}
