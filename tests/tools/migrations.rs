//! What the rules of check-migrations are held against, measured again on a real PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The programs of the newest PostgreSQL that Debian has installed.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is needed: apt-get install postgresql");
    let programs = versions.map(|version| version.unwrap().path().join("bin"));
    programs.filter(|folder| folder.join("initdb").exists()).max().expect("apt-get install postgresql")
}

#[test]
fn mg01_postgresql_says_of_each_statement_what_is_written_down() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed/migrations");
    let measured = Command::new("python3").arg(folder.join("measure.py")).arg(programs()).output().unwrap();
    assert!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let measured = String::from_utf8(measured.stdout).unwrap();
    let written = fs::read_to_string(folder.join("measured.tsv")).unwrap();
    let written: Vec<&str> = written.lines().skip(1).collect();
    assert_eq!(measured.lines().count(), written.len());
    for (measured, written) in measured.lines().zip(written) {
        assert!(written.starts_with(&format!("{measured}\t")), "measured: {measured}\nwritten: {written}");
    }
}
