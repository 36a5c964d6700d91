//! How long check-migrations takes for many migrations.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::table::Spread;
use crate::runner::Runner;

/// The size of a migration, in bytes.
const SIZE: usize = 1024;

/// Judges so many migrations of 1 KB that are all new, and says how long each round took, in words.
///
/// # Errors
/// They are not judged, or not as what they are.
pub async fn migrations(program: &Path, count: usize, rounds: u32) -> Result<String> {
    let workspace = tempfile::tempdir().context("make a folder")?;
    let folder = workspace.path().join("sql");
    fs::create_dir(&folder).context("make the folder of migrations")?;
    for number in 0..count {
        fs::write(folder.join(format!("{number:06}.sql")), migration(number)).context("write a migration")?;
    }
    let mut times = Vec::new();
    for _ in 0..rounds {
        let runner = Runner::new(program)
            .step("check-migrations")
            .repository("org/shop")
            .sha(&"8".repeat(40))
            .input("layout", "plain")
            .input("path", "sql")
            .workspace(workspace.path());
        let began = Instant::now();
        let report = runner.run().await;
        times.push(began.elapsed().as_secs_f64());
        ensure!(
            report.output("verdict") == "pass" && report.output("class") == "expand",
            "they were not judged:\n{report}"
        );
        let pending: Vec<serde_json::Value> =
            serde_json::from_str(report.output("pending")).context("read `pending`")?;
        ensure!(pending.len() == count, "{} of {count} migrations were judged", pending.len());
    }
    let spread = Spread::of(times);
    Ok(format!("{count} migrations of {SIZE} bytes: {spread} s, median [least-most] of {rounds} rounds"))
}

/// What migrations are made of: a table, columns, a function, an index, rows; and a comment up to the size.
fn migration(number: usize) -> String {
    let mut sql = format!(
        "-- Orders of part {number}.\nCREATE TABLE part_{number} (\n    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,\n    \
         name text NOT NULL DEFAULT '',\n    made timestamptz NOT NULL DEFAULT now(),\n    CHECK (length(name) < 100)\n);\n\
         ALTER TABLE orders ADD COLUMN part_{number} bigint;\nCREATE INDEX ON part_{number} (lower(name)) WHERE made IS NOT NULL;\n\
         CREATE FUNCTION name_of_{number}(wanted bigint) RETURNS text LANGUAGE plpgsql AS $$\nBEGIN\n    IF wanted IS NULL THEN RETURN NULL; \
         END IF;\n    RETURN (SELECT name FROM part_{number} WHERE id = wanted);\nEND $$;\n\
         INSERT INTO part_{number} (name) SELECT 'part ' || n FROM generate_series(1, 10) AS n;\n"
    );
    while sql.len() < SIZE {
        let left = SIZE - sql.len();
        match left.checked_sub("-- \n".len()) {
            Some(dots) => {
                let _ = writeln!(sql, "-- {}", ".".repeat(dots.min(100)));
            }
            None => sql.push_str(&"\n".repeat(left)),
        }
    }
    sql
}
