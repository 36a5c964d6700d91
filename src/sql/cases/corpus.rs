//! Any SQL at all: nothing ends the reader, and no statement is EXPAND that nobody has thought of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;

use super::super::measured::statements;
use crate::hostile::{config, like};
use crate::sql::{Batch, Class, Settings, read};

/// The first words of statements in which nothing may be found, although they make, drop and use nothing that is known.
const HARMLESS: &[&str] = &[
    "abort",
    "alter collation",
    "alter database d refresh",
    "alter default privileges",
    "alter domain d drop constraint",
    "alter domain d validate",
    "alter foreign table t set without oids",
    "alter function f",
    "alter index i",
    "alter index if exists s.i",
    "alter index s.i",
    "alter materialized view v cluster",
    "alter procedure p",
    "alter routine r",
    "alter statistics",
    "alter table t cluster",
    "alter table t replica identity",
    "alter table t set without",
    "alter table users replica identity",
    "alter table users set fillfactor=70",
    "alter trigger",
    "analyse",
    "analyze",
    "checkpoint",
    "close",
    "comment on",
    "copy country to stdout",
    "create access method",
    "create aggregate",
    "create collation",
    "create database",
    "create extension",
    "create foreign data wrapper",
    "create global",
    "create group",
    "create local temp",
    "create local temporary",
    "create property graph",
    "create role",
    "create server",
    "create tablespace",
    "create temp property graph",
    "create temporary property graph",
    "create text search",
    "create unlogged property graph",
    "create user",
    "deallocate",
    "declare",
    "do",
    "drop statistics",
    "explain",
    "fetch",
    "grant",
    "import foreign schema",
    "insert into",
    "listen",
    "move",
    "notify",
    "prepare",
    "refresh materialized view concurrently",
    "reindex concurrently",
    "reindex table concurrently",
    "release",
    "reset",
    "rollback",
    "savepoint",
    "select",
    "set",
    "show",
    "table",
    "unlisten",
    "vacuum",
    "values",
    "with t as select 1 select",
];

/// Statements of these words always are something that is to be told.
const TOLD: &[(&str, Class)] = &[
    ("truncate", Class::Contract),
    ("call", Class::Unknown),
    ("execute", Class::Unknown),
    ("load", Class::Unknown),
    ("lock", Class::Lock),
    ("reassign", Class::Review),
];

/// Reads and judges a text, whatever it is; and looks at what is found of each statement that could be read.
fn assert_nothing_unknown_is_expand(text: &str) {
    let script = read(text);
    let mut batch = Batch::new(Settings { postgres: 18, strict: false, same_role: false });
    batch.judge(0, &script, true, &|_| false);
    let judged = batch.finish();
    if !script.faults.is_empty() {
        return;
    }
    for statement in &script.statements {
        let written = text[statement.at.clone()].trim_start().to_lowercase();
        let word = written.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let found = judged
            .findings
            .iter()
            .filter(|finding| finding.at.start >= statement.at.start && finding.at.end <= statement.at.end);
        let worst = found.map(|finding| finding.class).max();
        if let Some((_, least)) = TOLD.iter().find(|(told, _)| *told == word) {
            assert!(worst >= Some(*least), "{written}: {worst:?}");
        } else if worst.is_none() && statement.acts.is_empty() {
            let plain = plainly(&written);
            let is_known = plain.is_empty() || HARMLESS.iter().any(|known| plain.starts_with(&format!("{known} ")));
            assert!(is_known, "nothing is known of it, and nothing is found: {written}");
        }
    }
}

/// The words of a statement between single blanks, without its comments.
fn plainly(statement: &str) -> String {
    let lines = statement.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words = lines
        .flat_map(|line| line.split(|c: char| c.is_whitespace() || ";()".contains(c)).filter(|word| !word.is_empty()));
    words.fold(String::new(), |plain, word| plain + word + " ")
}

/// The folders of a crate, as cargo has fetched it.
fn folder_of(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").expect("tests are run by cargo");
    // Of other platforms' crates nothing was fetched where nothing but this was built.
    let here = Command::new("rustc").args(["--print", "host-tuple"]).output().unwrap();
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked", "--filter-platform"])
        .arg(String::from_utf8(here.stdout).unwrap().trim())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let package = packages.find(|package| package["name"] == name).unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            found.push(path);
        }
    }
}

/// The parser's own tests: PostgreSQL's whole language, right and wrong.
#[test]
fn mg21_of_all_statements_of_postgresql_none_is_expand_unseen() {
    let mut all = Vec::new();
    for (name, folder) in [("squawk-parser", "tests/data"), ("squawk-syntax", "test_data")] {
        files(&folder_of(name).join(folder), &mut all);
    }
    assert!(all.len() > 300, "{}", all.len());
    for path in all {
        let text = fs::read_to_string(&path).unwrap();
        assert_nothing_unknown_is_expand(&text);
        // Statement by statement too: one mistake in a file hides nothing of the others.
        for statement in &read(&text).statements {
            assert_nothing_unknown_is_expand(&text[statement.at.clone()]);
        }
    }
}

#[test]
fn mg21_what_was_measured_is_read_whole_and_in_parts() {
    for (_, sql) in statements() {
        for at in (0..sql.len()).filter(|at| sql.is_char_boundary(*at)) {
            let _ = read(&sql[..at]);
        }
        assert_nothing_unknown_is_expand(&sql);
    }
}

const SOME: [&str; 8] = [
    "ALTER TABLE users ADD COLUMN tz text NOT NULL DEFAULT 'x', DROP COLUMN note;",
    "DO $$ BEGIN IF true THEN ALTER TABLE users DROP COLUMN note; END IF; EXECUTE 'DROP TABLE ' || quote_ident('t'); END $$;",
    "CREATE OR REPLACE FUNCTION f(a int) RETURNS int LANGUAGE sql AS $f$ SELECT 1 $f$; SELECT f(1);",
    "CREATE TABLE n (id bigint GENERATED ALWAYS AS IDENTITY, u bigint REFERENCES users (id), CHECK (u > 0)) PARTITION BY LIST (u);",
    "WITH gone AS (DELETE FROM orders RETURNING *) INSERT INTO kept SELECT * FROM gone;",
    "CREATE UNIQUE INDEX CONCURRENTLY u ON users (lower(name)) WHERE age > 3; /* x */ -- y",
    "BEGIN; SET LOCAL search_path = app, public; GRANT SELECT ON ALL TABLES IN SCHEMA app TO r; COMMIT;",
    "ALTER TYPE mood ADD VALUE 'c' BEFORE 'b'; UPDATE users SET status = 'c' WHERE id = 1; TRUNCATE users;",
];

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_text_is_read_and_nothing_unknown_in_it_is_expand(text in like(&SOME)) {
        assert_nothing_unknown_is_expand(&text);
    }
}
