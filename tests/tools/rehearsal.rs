//! The rehearsal, held against what was measured of each statement: the same code before and after it, and the same verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use deploy_action::calls::Deadline;
use deploy_action::migrations::{Folder, Layout, Listing, Pending};
use deploy_action::postgres::Address;
use deploy_action::rehearsal::{Mode, Query, Rehearsal, queries};
use futures_util::stream::{self, StreamExt as _};
use serde_json::json;
use testbed::github::{LocalGithub, Permission};
use testbed::postgres::{Database, Secure};
use testbed::runner::Runner;

/// Statements of which the rehearsal finds other queries broken than the measuring, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("M71", "a transaction that is never committed: the measuring took it back"),
    ("M62", "an INSERT that a rule swallows changes no row any more: the measuring looked at errors only"),
    ("M45", "a policy hides rows from UPDATE and DELETE, too: the measuring looked at their errors only"),
    ("M51", "UPDATE and DELETE find no row in an empty table: the measuring looked at their errors only"),
    ("M64", "a count is one row before and after, whatever it counts"),
];

/// Statements of which it finds other locks than those of `locks.tsv`, and why.
const OTHER_LOCKS: &[(&str, &str)] = &[
    ("M57", "another table of that name is not the table written anew"),
    ("N22", "another table of that name is not the table written anew"),
    ("N23", "another table of that name is not the table written anew"),
];

/// The relations of which locks were measured.
const MEASURED: [&str; 5] = ["users", "orders", "v", "parent", "parent_1"];

/// Rehearsals at the same time.
const AT_ONCE: usize = 4;

/// What of the measuring script stands between two marks.
fn part(script: &str, from: &str, to: &str) -> String {
    let (_, rest) = script.split_once(from).unwrap();
    rest.split_once(to).unwrap().0.to_owned()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/migrations")
}

/// The schema that each statement is applied to, with fewer rows; what is there in every new database is left out.
fn setup() -> String {
    let script = fs::read_to_string(folder().join("measure.py")).unwrap();
    let setup = part(&script, "SETUP = \"\"\"", "\"\"\"").replace("generate_series(1,3000)", "generate_series(1,100)");
    let setup = setup.lines().filter(|line| !line.starts_with("ALTER DATABASE") && !line.starts_with("ALTER ROLE"));
    setup.flat_map(|line| [line, "\n"]).collect()
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

/// What the rehearsal says of a statement.
#[derive(Debug)]
struct Found {
    /// The queries that it finds broken.
    broken: BTreeSet<String>,
    /// The locks on relations that were measured, as `users:AccessExclusive`, and the tables that were written anew.
    locks: BTreeSet<String>,
    rewritten: BTreeSet<String>,
}

/// What the rehearsal finds; or why the statement does not apply.
async fn rehearsed(setup: &str, sql: &str, names: &[String], queries: &[Query]) -> Result<Found, String> {
    // As the measuring does: what makes a transaction impossible is sent statement by statement.
    let sql = format!("{}{sql}", if is_each(sql) { "-- deploy: multi-statement\n" } else { "" });
    let address: Address = Database::new().url().parse().unwrap();
    let (deadline, _cancel) = Deadline::new(Duration::from_mins(1));
    let rehearsal = Rehearsal {
        address: &address,
        deadline: &deadline,
        version: None,
        applied: &[migration(Layout::Plain, "1.sql", setup)],
        pending: &[migration(Layout::GolangMigrate, "2_a.up.sql", &sql)],
        queries,
    };
    let found = rehearsal.run().await.map_err(|error| format!("{error:#}"))?;
    let tried = found.unwrap_or_else(|refused| panic!("{sql}: {refused:?}")).tried.remove(0);
    if let Some(failed) = &tried.failed {
        return Err(failed.why.clone());
    }
    let locks = tried.ran.iter().flat_map(|ran| &ran.locks).filter(|lock| lock.mode > Mode::RowShare);
    let mut strongest: BTreeMap<&str, Mode> = BTreeMap::new();
    for lock in locks.filter(|lock| MEASURED.contains(&lock.relation.as_str())) {
        let known = strongest.entry(&lock.relation).or_insert(lock.mode);
        *known = lock.mode.max(*known);
    }
    let rewritten = tried.ran.iter().flat_map(|ran| ran.rewritten.iter().cloned());
    Ok(Found {
        broken: tried.broke.iter().map(|broke| names[broke.query].clone()).collect(),
        locks: strongest.into_iter().map(|(relation, mode)| format!("{relation}:{}", mode.word())).collect(),
        rewritten: rewritten.filter(|table| ["users", "orders"].contains(&table.as_str())).collect(),
    })
}

/// Whether it is sent statement by statement: then its locks were not measured.
fn is_each(sql: &str) -> bool {
    ["CONCURRENTLY", "VACUUM"].iter().any(|word| sql.contains(word))
}

/// Lines of a file of measurements, by their ids.
fn measured(file: &str) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(folder().join(file)).unwrap();
    let row = |line: &str| {
        let mut columns = line.splitn(4, '\t').map(str::to_owned);
        (columns.next().unwrap(), columns.collect())
    };
    text.lines().skip(1).map(row).collect()
}

fn words(list: &str, separator: char) -> BTreeSet<String> {
    list.split(separator).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_rehearsal_says_of_each_statement_what_was_measured() {
    let server = Database::new();
    let _made = server.ask("CREATE ROLE app LOGIN; CREATE ROLE postgres SUPERUSER");
    let (names, queries) = old_code();
    assert_eq!((names.len(), queries.len()), (15, 15));
    let (setup, locks) = (setup(), measured("locks.tsv"));
    let one = async |(id, row): (String, Vec<String>)| {
        let [applies, old_code, sql]: [String; 3] = row.try_into().unwrap();
        let sql = sql.replace("\\n", "\n");
        let found = rehearsed(&setup, &sql, &names, &queries).await;
        (id, applies, old_code, sql, found)
    };
    // What is set for a role holds in all databases of the server.
    let is_for_all = |(_, row): &(String, Vec<String>)| row[2].starts_with("ALTER ROLE");
    let (last, first): (Vec<_>, Vec<_>) = measured("measured.tsv").into_iter().partition(is_for_all);
    let mut all: Vec<_> = stream::iter(first.into_iter().map(&one)).buffer_unordered(AT_ONCE).collect().await;
    for row in last {
        all.push(one(row).await);
        let _reset = server.ask("ALTER ROLE app RESET ALL");
    }
    let mut wrong = Vec::new();
    for (id, applies, old_code, sql, found) in all {
        // Of fewer rows only that there are none is told.
        let broken = words(&old_code, ' ').into_iter();
        let broken = broken.filter(|one| one != "compatible" && (!one.contains(':') || one.ends_with(">0")));
        let broken: BTreeSet<String> = broken.map(|one| one.split(':').next().unwrap().to_owned()).collect();
        let agrees = match &found {
            Ok(found) => applies == "yes" && found.broken == broken,
            Err(_) => applies == "no",
        };
        if agrees == OTHERWISE.iter().any(|(known, _)| *known == id) {
            wrong.push(format!("{id} {applies} {broken:?}: {found:?}: {sql}"));
        }
        let (Ok(found), Some(row)) = (&found, locks.get(&id)) else { continue };
        let agrees = (is_each(&sql) || words(&row[0], ',') == found.locks) && words(&row[1], ',') == found.rewritten;
        if agrees == OTHER_LOCKS.iter().any(|(known, _)| *known == id) {
            wrong.push(format!("{id} locks {row:?}: {found:?}: {sql}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Where Debian's PostgreSQL is, which speaks TLS.
pub(crate) fn debian() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.map(|version| version.unwrap().path().join("bin"));
    programs.filter(|folder| folder.join("initdb").exists()).max()
}

#[tokio::test]
async fn a_scratch_database_with_tls_is_one_whose_certificate_is_trusted() {
    let Some(programs) = debian() else { return };
    let github = LocalGithub::start().await.unwrap();
    let repository = github.repository("org/shop");
    let push = |number: u32, sql: &str| {
        repository.push("main", &[(&format!("db/migrations/{number:06}_a.up.sql"), sql)], "Change")
    };
    let (first, head) = (push(1, "CREATE TABLE users (id bigint);"), push(2, "ALTER TABLE users ADD COLUMN tz text;"));
    let rehearse = |url: &str| {
        Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
            .step("run-task")
            .github_at(github.url(), "https://github.example.com")
            .token(&repository.token(&[Permission::Contents.read()]))
            .repository("org/shop")
            .sha(&head)
            .event("push", json!({"ref": "refs/heads/main", "after": head, "repository": repository.event()}))
            .input("base", &first)
            .input("timeout", "60s")
            .input("scratch-database", url)
    };
    let server = Secure::start(&programs).unwrap();
    let unknown = rehearse(&server.url("require")).run().await;
    assert!(!unknown.succeeded() && unknown.output("reason").contains("a certificate that is trusted"), "{unknown}");
    let plain = rehearse(&server.url("disable")).env("SSL_CERT_FILE", server.ca_file()).run().await;
    assert!(!plain.succeeded() && plain.output("reason").contains("pg_hba.conf"), "{plain}");
    let good = rehearse(&server.url("verify-full")).env("SSL_CERT_FILE", server.ca_file()).run().await;
    good.assert_verdict("pass", 0).assert_runner_safe();
    let without = rehearse(&format!("{}?sslmode=require", Database::new().url())).input("timeout", "5s").run().await;
    assert!(!without.succeeded() && without.output("reason").contains("does not support TLS"), "{without}");
}
