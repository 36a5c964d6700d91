//! The rehearsal, held against what was measured of each statement: the same code before and after it, and the same verdict.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use deploy_action::calls::Deadline;
use deploy_action::migrations::{Folder, Layout, Listing, Pending};
use deploy_action::postgres::Address;
use deploy_action::rehearsal::{Query, Rehearsal, queries};
use testbed::postgres::Database;

/// Statements of which the rehearsal says otherwise than the measuring, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("M71", "a transaction that is never committed: the measuring took it back"),
    ("M62", "an INSERT that a rule swallows changes no row any more: the measuring looked at errors only"),
];

/// What of the measuring script stands between two marks.
fn part(script: &str, from: &str, to: &str) -> String {
    let (_, rest) = script.split_once(from).unwrap();
    rest.split_once(to).unwrap().0.to_owned()
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/migrations")
}

/// The schema that each statement is applied to, with fewer rows; what is there in every new database is left out.
fn setup() -> String {
    let script = fs::read_to_string(folder().join("measure.py")).unwrap();
    let setup = part(&script, "SETUP = \"\"\"", "\"\"\"").replace("generate_series(1,3000)", "generate_series(1,100)");
    let setup = setup.lines().filter(|line| !line.starts_with("ALTER DATABASE") && !line.starts_with("ALTER ROLE"));
    setup.map(|line| format!("{line}\n")).collect()
}

/// The statements of older code, sent by a role without rights of its own.
fn old_code() -> (Vec<String>, Vec<Query>) {
    let script = fs::read_to_string(folder().join("measure.py")).unwrap();
    let lines = part(&script, "OLD = [\n", "\n]");
    let pair = |line: &str| {
        let (name, sql) = line.trim().trim_start_matches("(\"").split_once("\", \"")?;
        Some((name.to_owned(), format!("{};\n", sql.trim_end_matches("\"),"))))
    };
    let (names, statements): (Vec<String>, Vec<String>) = lines.lines().filter_map(pair).unzip();
    let text = format!("SET ROLE app;\n{}", statements.concat());
    (names, queries("old", "old.sql", &text).unwrap())
}

fn migration(layout: Layout, file: &str, sql: &str) -> Pending {
    let head: Listing = [(file.to_owned(), file.to_owned())].into();
    let migration = Folder::compare(layout, "m", &head, &[]).pending.remove(0);
    Pending { name: file.to_owned(), content: sql.as_bytes().to_vec(), migration, settings: None, down: None }
}

/// The queries that the rehearsal of a statement finds broken; or that it does not apply.
async fn rehearsed(setup: &str, sql: &str, names: &[String], queries: &[Query]) -> Result<BTreeSet<String>, String> {
    // As the measuring does: what makes a transaction impossible is sent statement by statement.
    let is_each = ["CONCURRENTLY", "VACUUM"].iter().any(|word| sql.contains(word));
    let sql = format!("{}{sql}", if is_each { "-- deploy: multi-statement\n" } else { "" });
    let address: Address = Database::new().url().parse().unwrap();
    let (deadline, _cancel) = Deadline::new(Duration::from_secs(60));
    let rehearsal = Rehearsal {
        address: &address,
        deadline: &deadline,
        version: None,
        applied: &[migration(Layout::Plain, "1.sql", setup)],
        pending: &[migration(Layout::GolangMigrate, "2_a.up.sql", &sql)],
        queries,
    };
    let found = rehearsal.run().await.unwrap().unwrap_or_else(|refused| panic!("{sql}: {refused:?}"));
    match &found.tried[0].failed {
        Some(failed) => Err(failed.why.clone()),
        None => Ok(found.tried[0].broke.iter().map(|broke| names[broke.query].clone()).collect()),
    }
}

#[tokio::test]
async fn the_rehearsal_says_of_each_statement_what_was_measured() {
    let server = Database::new();
    let _made = server.ask("CREATE ROLE app LOGIN; CREATE ROLE postgres SUPERUSER");
    let (names, queries) = old_code();
    assert_eq!((names.len(), queries.len()), (15, 15));
    let setup = setup();
    let mut wrong = Vec::new();
    for line in fs::read_to_string(folder().join("measured.tsv")).unwrap().lines().skip(1) {
        let [id, applies, old_code, sql] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let found = rehearsed(&setup, &sql.replace("\\n", "\n"), &names, &queries).await;
        let _reset = server.ask("ALTER ROLE app RESET ALL");
        // Of fewer rows only that there are none is told.
        let broken =
            old_code.split(' ').filter(|one| *one != "compatible" && (!one.contains(':') || one.ends_with(">0")));
        let broken: BTreeSet<String> = broken.map(|one| one.split(':').next().unwrap().to_owned()).collect();
        let agrees = match &found {
            Ok(found) => applies == "yes" && *found == broken,
            Err(_) => applies == "no",
        };
        if agrees == OTHERWISE.iter().any(|(known, _)| *known == id) {
            wrong.push(format!("{id} {applies} {broken:?}: {found:?}: {sql}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
