//! Any SQL at all: nothing ends the reader, and no statement is EXPAND that nobody has thought of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;

use super::super::measured::statements;
use crate::hostile::{config, like};
use crate::sql::{Batch, Class, Settings, read};

/// The first words of statements in which nothing may be found. All others are found something of, or say what they make, drop or use.
const HARMLESS: &[&str] = &[
    "abort",
    "alter",
    "analyze",
    "begin",
    "checkpoint",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "declare",
    "delete",
    "discard",
    "do",
    "drop",
    "end",
    "explain",
    "fetch",
    "grant",
    "import",
    "insert",
    "listen",
    "merge",
    "move",
    "notify",
    "prepare",
    "refresh",
    "reindex",
    "release",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "select",
    "set",
    "show",
    "start",
    "table",
    "unlisten",
    "update",
    "vacuum",
    "validate",
    "values",
    "with",
    "(",
    ";",
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
            let is_known =
                HARMLESS.iter().any(|known| *known == word || written.starts_with(known)) || written.is_empty();
            assert!(is_known, "nothing is known of it, and nothing is found: {written}");
        }
    }
}

/// The folders of a crate, as cargo has fetched it.
fn folder_of(name: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").expect("tests are run by cargo");
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
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
