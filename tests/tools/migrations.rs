//! What the rules of check-migrations are held against: measured again on PostgreSQL, and run again by the tools themselves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testbed::aws::postgres;
use testbed::engine::{go_tool, npm_tool};

use crate::rehearsal::debian;

const MIGRATE: (&str, &str) = ("github.com/golang-migrate/migrate/v4/cmd/migrate", "v4.20.1");
const GOOSE: (&str, &str) = ("github.com/pressly/goose/v3/cmd/goose", "v3.30.0");
const DBMATE: &str = "2.36.0";

/// Databases that goose is built without.
const WITHOUT: &str = "no_clickhouse,no_libsql,no_mssql,no_mysql,no_sqlite3,no_spanner,no_vertica,no_ydb";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/migrations")
}

/// What a script of that folder prints.
fn printed(script: &str, programs: &Path, arguments: &[&str]) -> String {
    let python = postgres().unwrap().python;
    let ran = Command::new(python).arg(folder().join(script)).arg(programs).args(arguments).output().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(ran.status.success(), "{text}{}", String::from_utf8_lossy(&ran.stderr));
    text
}

/// Each statement is measured again.
fn measure(programs: &Path) {
    let measured = printed("measure.py", programs, &[]);
    let written = fs::read_to_string(folder().join("measured.tsv")).unwrap();
    let written: Vec<&str> = written.lines().skip(1).collect();
    assert_eq!(measured.lines().count(), written.len());
    for (measured, written) in measured.lines().zip(written) {
        assert!(written.starts_with(&format!("{measured}\t")), "measured: {measured}\nwritten: {written}");
    }
}

#[test]
fn mg01_postgresql_18_says_of_each_statement_what_is_written_down() {
    measure(&postgres().unwrap().programs);
}

#[test]
fn mg01_the_postgresql_of_debian_says_the_same_where_it_is_installed() {
    if let Some(programs) = debian() {
        measure(&programs);
    }
}

/// Each case of `tools.yaml` is run again by its tool.
fn run(tool: &str, program: &Path) {
    printed("tools.py", &postgres().unwrap().programs, &[tool, program.to_str().unwrap()]);
}

#[test]
fn golang_migrate_makes_of_files_what_is_written_down() {
    run("golang-migrate", &go_tool(MIGRATE.0, MIGRATE.1, "postgres").unwrap());
}

#[test]
fn goose_makes_of_files_what_is_written_down() {
    run("goose", &go_tool(GOOSE.0, GOOSE.1, WITHOUT).unwrap());
}

#[test]
fn dbmate_makes_of_files_what_is_written_down() {
    run("dbmate", &npm_tool("dbmate", DBMATE, ".bin/dbmate").unwrap());
}
