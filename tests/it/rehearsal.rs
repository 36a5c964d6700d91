//! The rehearsal of run-task: on a real PostgreSQL, with a repository and its record.

use std::time::Duration;

use deploy_action::permissions::When;
use serde_json::{Value, json};
use testbed::github::{Deployment, LocalGithub, Permission, Repository};
use testbed::postgres::{Database, PASSWORD};
use testbed::runner::{Report, Runner, Signal};

use crate::hostile::{Hostile, Try};
use crate::messages::message;
use crate::proof::permissions::Variant;
use crate::proof::scenes::{ENVIRONMENT, Scene, Stage};
use crate::world::RUN;

/// Only the plan: a second rehearsal needs a second database.
pub(crate) const SCENE: Scene = Scene::new("run-task:rehearsal", || Box::pin(planned()))
    .floor(3, &[(2, "the trees name the new files, and each folder is read by itself")]);
pub(crate) const TOKEN: Variant =
    Variant::whole("run-task:rehearsal", &[When::Rehearsal, When::RehearsalSinceDeployed], &[]);

async fn planned() -> Stage {
    let mut stage = Stage::new().await;
    stage.record(RUN - 1, (1, 2), &["success"]);
    let head =
        stage.repository.commit(&[&stage.commits[4]], &[(&up(1), USERS), (&down(1), "DROP TABLE users;")], "Change");
    stage.add(&head);
    stage.input("environment", ENVIRONMENT).input("scratch-database", NOWHERE).input("dry-run", "true")
}

/// The plan of a rehearsal in a world in which all foreign text is hostile.
pub(crate) fn hostile(world: &Hostile) -> Try {
    let step = world.step("run-task").input("path", "app").input("dry-run", "true");
    step.input("scratch-database", NOWHERE).into()
}

const NOWHERE: &str = "postgres://owner@127.0.0.1:1/none";

struct World {
    _github: LocalGithub,
    url: String,
    repository: Repository,
    database: Database,
}

const USERS: &str = "CREATE TABLE users (id bigint PRIMARY KEY, email varchar(50), note text);
INSERT INTO users SELECT g, 'e' || g, 'n' FROM generate_series(1, 50) g;";
const QUERIES: &str = "-- what the api sends
SELECT id FROM users;

SELECT id, note
FROM users WHERE id = $1;
INSERT INTO users (id, note) VALUES ($1, $2);
";

fn up(number: u32) -> String {
    format!("db/migrations/{number:06}_a.up.sql")
}

fn down(number: u32) -> String {
    format!("db/migrations/{number:06}_a.down.sql")
}

impl World {
    /// A repository whose first migration, with the statements of the api, is deployed.
    async fn new(first: &str) -> Self {
        let github = LocalGithub::start().await.unwrap();
        let repository = github.repository("org/shop");
        let world = Self { url: github.url().to_owned(), _github: github, repository, database: Database::new() };
        let commit = world.push(&[(&up(1), first), (&down(1), "DROP TABLE users;"), ("db/api.sql", QUERIES)]);
        let target = testbed::aws::target(("111122223333", "eu-west-1"), "shop", "live", &json!({"version": "7"}));
        let payload = json!({
            "schema": 1, "component": "shop", "kind": "deploy", "commit": commit, "targets": [target], "run": {"id": 600, "attempt": 1},
        });
        let deployment = Deployment { sha: commit, environment: "dev".to_owned(), payload, ..Deployment::default() };
        let id = world.repository.add_deployment(deployment);
        world.repository.add_status(id, "success", "");
        world
    }

    fn push(&self, files: &[(&str, &str)]) -> String {
        self.repository.push("main", files, "Change")
    }

    /// The rehearsal of a second migration. It has no credentials of AWS: it needs none.
    fn second(&self, sql: &str, back: &str) -> Runner {
        let head = self.push(&[(&up(2), sql), (&down(2), back)]);
        self.of(&head)
    }

    fn of(&self, head: &str) -> Runner {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("run-task")
            .github_at(&self.url, "https://github.example.com")
            .token(&self.repository.token(&[Permission::Contents.read(), Permission::Deployments.read()]))
            .repository("org/shop")
            .sha(head)
            .git_ref("refs/heads/main")
            .event("push", json!({"ref": "refs/heads/main", "after": head, "repository": self.repository.event()}))
            .input("environment", "dev")
            .input("scratch-database", self.database.url())
            .input("compat-queries", "api=db/api.sql")
            .input("pg-version", "18")
    }
}

/// Ended so, without a word of what is secret.
fn ended(report: &Report, verdict: &str, code: i32) {
    report.assert_verdict(verdict, code).assert_runner_safe();
    let shown = |line: &&str| !line.starts_with("::add-mask::");
    assert!(report.raw.lines().filter(shown).all(|line| !line.contains(PASSWORD)), "{report}");
    assert_eq!(report.output("changed"), "false", "{report}");
}

fn found(report: &Report) -> Value {
    serde_json::from_str(report.output("last-json")).unwrap_or_else(|error| panic!("{error}\n{report}"))
}

#[tokio::test]
async fn a_migration_that_breaks_the_serving_code_fails_with_query_statement_and_lock() {
    let world = World::new(USERS).await;
    // What serves has the statement still; that this commit does not is too late for it.
    world.push(&[("db/api.sql", "SELECT id FROM users;")]);
    let sql = "CREATE INDEX users_email ON users (email);\nALTER TABLE users DROP COLUMN note;\n";
    let report = world.second(sql, "SELECT 1;").run().await;
    ended(&report, "fail", 1);
    let expected = message(
        "breaks-serving-code",
        &[
            "db/api.sql:4 of api (`SELECT id, note FROM users WHERE id = $1`)",
            "000002",
            "column \"note\" does not exist",
            &up(2),
            " at line 2 (`ALTER TABLE users DROP COLUMN note`, with AccessExclusive on users (reads and writes wait))",
            " (1 more in the summary)",
        ],
    );
    assert_eq!(report.output("reason"), expected, "{report}");
    assert!(report.raw.contains("::error file=db/migrations/000002_a.up.sql,line=2"), "{report}");
    assert_eq!(
        (report.output("ended-as"), report.output("applied")),
        ("rehearsed", ""),
        "nothing is applied where it counts"
    );
    let broke = &found(&report)["migrations"][0]["broke"];
    assert_eq!((&broke[0]["line"], &broke[0]["by"], &broke[1]["line"]), (&json!(4), &json!(2), &json!(6)), "{broke:#}");
    assert_eq!(world.database.ask("SELECT count(*) FROM users"), "50", "what the queries did is taken back");
}

#[tokio::test]
async fn mg22_locks_and_rewrites_are_those_that_postgresql_took() {
    let world = World::new(USERS).await;
    let sql = "CREATE TABLE other (id bigint REFERENCES users);\nALTER TABLE users ADD COLUMN r uuid DEFAULT gen_random_uuid();";
    let report = world.second(sql, "DROP TABLE other;\nALTER TABLE users DROP COLUMN r;").run().await;
    ended(&report, "pass", 0);
    let found = found(&report);
    let one = &found["migrations"][0];
    let locks = |at: usize| one["statements"][at]["locks"].clone();
    assert_eq!(locks(0), json!([{"relation": "users", "mode": "ShareRowExclusive"}]), "{found:#}");
    assert_eq!(locks(1), json!([{"relation": "users", "mode": "AccessExclusive"}]), "{found:#}");
    let rewritten = [&one["statements"][0]["rewritten"], &one["statements"][1]["rewritten"]];
    assert_eq!(rewritten, [&json!([]), &json!(["users"])], "{found:#}");
    assert_eq!(one["down"], "leads-back", "{found:#}");
    assert!(found["postgresql"].as_str().is_some_and(|version| version.starts_with("18.")), "{found:#}");
    let annotation = "::warning file=db/migrations/000002_a.up.sql,line=2,col=1,title=rewrites-table";
    assert!(report.raw.contains(annotation), "{report}");
}

#[tokio::test]
async fn mg23_an_insert_that_fails_after_a_migration_names_the_statement_that_did_it() {
    let world = World::new(USERS).await;
    let sql =
        "ALTER TABLE users ADD COLUMN tz text NOT NULL DEFAULT 'x';\nALTER TABLE users ALTER COLUMN tz DROP DEFAULT;";
    let report = world.second(sql, "ALTER TABLE users DROP COLUMN tz;").run().await;
    ended(&report, "fail", 1);
    let reason = report.output("reason");
    assert!(reason.starts_with("db/api.sql:6 of api") && reason.contains("violates not-null constraint"), "{reason}");
    assert!(reason.contains("000002_a.up.sql at line 2 (`ALTER TABLE users ALTER COLUMN tz DROP DEFAULT`"), "{reason}");
}

#[tokio::test]
async fn mg24_a_widened_column_under_a_view_fails_as_it_would_in_earnest() {
    let world = World::new(&format!("{USERS}\nCREATE VIEW v AS SELECT email FROM users;")).await;
    let report =
        world.second("-- deploy: widen\nALTER TABLE users ALTER email TYPE varchar(90);", "SELECT 1;").run().await;
    ended(&report, "fail", 1);
    let expected = message(
        "migration-fails",
        &[
            "000002",
            &up(2),
            "2",
            "ALTER TABLE users ALTER email TYPE varchar(90)",
            "cannot alter type of a column used by a view or rule",
        ],
    );
    assert!(report.output("reason").starts_with(&expected), "{report}");
    assert_eq!(found(&report)["migrations"][0]["failed"]["line"], 2);
}

#[tokio::test]
async fn an_index_that_is_built_concurrently_is_watched_from_outside_and_its_way_back_is_tried() {
    let world = World::new(USERS).await;
    let report = world.second("CREATE INDEX CONCURRENTLY i ON users (note);", "-- none\nSELECT 1;").run().await;
    ended(&report, "pass", 0);
    let found = found(&report);
    let one = &found["migrations"][0];
    assert_eq!(
        one["statements"][0]["locks"],
        json!([{"relation": "users", "mode": "ShareUpdateExclusive"}]),
        "{found:#}"
    );
    assert_eq!(one["down"], "differs");
    let warning = &report.warning().message;
    assert!(warning.contains("+index CREATE INDEX i ON public.users"), "{warning}");
}

#[tokio::test]
async fn what_did_not_work_before_proves_nothing_and_a_broken_file_is_refused() {
    let world = World::new(USERS).await;
    let add = ("ALTER TABLE users ADD COLUMN tz text;", "ALTER TABLE users DROP COLUMN tz;");
    world.push(&[("db/new.sql", "SELECT tz FROM users;\nSELECT 1;"), ("db/wrong.sql", "SELECT 1;\nCOMMIT;")]);
    let report = world.second(add.0, add.1).input("compat-queries", "new=db/new.sql").run().await;
    ended(&report, "pass", 0);
    let warning = &report.warning().message;
    assert!(warning.contains("db/new.sql:1 of new does not work before the first new migration"), "{warning}");
    assert!(report.output("reason").contains("1 statement of the serving code works after each"), "{report}");
    let head = world.repository.reference("heads/main").unwrap();
    for (file, words) in
        [("db/wrong.sql", "db/wrong.sql:2: it cannot be tried"), ("db/none.sql", "there is no file db/none.sql")]
    {
        let report = world.of(&head).input("compat-queries", format!("new={file}")).run().await;
        ended(&report, "error", 2);
        assert!(report.output("reason").contains(words), "{report}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_a_fresh_one_of_the_right_version_is_left_alone() {
    let world = World::new(USERS).await;
    let add = || world.second("ALTER TABLE users ADD COLUMN tz text;", "ALTER TABLE users DROP COLUMN tz;");
    let report = add().input("pg-version", "15").run().await;
    ended(&report, "error", 2);
    assert!(report.output("reason").contains("and `pg-version` is 15; nothing was run"), "{report}");
    let planned = add().input("dry-run", "true").input("scratch-database", "postgres://u@127.0.0.1:1/d").run().await;
    planned.assert_verdict("pass", 0);
    assert!(planned.output("reason").contains("would rehearse 1 new migration (000002) after 1"), "{planned}");
    let unreached = add().input("timeout", "2s").input("scratch-database", "postgres://u@127.0.0.1:1/d").run().await;
    unreached.assert_verdict("fail", 1);
    assert!(unreached.output("reason").contains("connect to the scratch database at 127.0.0.1:1"), "{unreached}");
    assert_eq!(world.database.ask("CREATE TABLE mine (); SELECT count(*) FROM pg_class WHERE relname = 'users'"), "0");
    let report = add().run().await;
    ended(&report, "error", 2);
    assert_eq!(report.output("reason"), message("scratch-not-empty", &["relation public.mine"]), "{report}");
    let missing = World::new(&format!("{USERS}\nGRANT SELECT ON users TO nobody_here;")).await;
    let report = missing.second("SELECT 1;", "SELECT 1;").run().await;
    ended(&report, "error", 4);
    assert!(report.output("reason").contains("is applied already, and fails on an empty database: role"), "{report}");
}

#[tokio::test]
async fn a_transaction_that_a_file_leaves_open_is_told_and_keeps_nobody_waiting() {
    let world = World::new(USERS).await;
    let report = world.second("BEGIN;\nALTER TABLE users ADD COLUMN z int;", "SELECT 1;").input("timeout", "30s").run().await;
    ended(&report, "fail", 1);
    assert!(report.output("reason").contains("has begun a transaction and does not commit it"), "{report}");
}

#[tokio::test]
async fn a_rehearsal_ends_with_its_deadline_and_when_it_is_cancelled() {
    let slow = "ALTER TABLE users ADD COLUMN tz text;\nSELECT pg_sleep(60);";
    let world = World::new(USERS).await;
    let report = world.second(slow, "SELECT 1;").input("timeout", "3s").run().await;
    ended(&report, "fail", 1);
    assert!(
        report.output("reason").contains("run db/migrations/000002_a.up.sql:2 on the scratch database"),
        "{report}"
    );
    let world = World::new(USERS).await;
    let mut running = world.second(slow, "SELECT 1;").start().await;
    running.wait_for("000002: db/migrations/000002_a.up.sql").await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.signal(Signal::TERM);
    ended(&running.wait().await, "cancelled", 143);
}

#[tokio::test]
async fn inputs_of_a_rehearsal_belong_together() {
    let world = World::new(USERS).await;
    let head = world.repository.reference("heads/main").unwrap();
    for (name, value, words) in [
        ("scratch-database", "", "or `scratch-database` (a rehearsal of migrations)"),
        ("cluster", "main", "give one of `cluster`"),
        ("scratch-database", "postgres://u:hidden-one@h/d?sslmode=always", "must have a `sslmode`"),
        ("scratch-database", "mysql://u:hidden-one@h/d", "must be `postgres://"),
        ("compat-queries", "db/api.sql", "must be `name=file`"),
        ("environment", "", "input `environment` is required"),
    ] {
        let report = world.of(&head).input(name, value).run().await;
        report.assert_verdict("error", 2);
        assert!(report.output("reason").contains(words), "{name}: {report}");
        assert!(!report.output("reason").contains("hidden-one"), "{report}");
    }
    let report = world.of(&head).run().await;
    ended(&report, "skipped", 0);
}
