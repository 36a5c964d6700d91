//! What the log of a task says: the last JSON, which migrations were applied, and what a tool of migrations complains of. No I/O.

use std::collections::VecDeque;

use serde_json::Value;

use crate::text::Foreign;

/// Lines that are kept of the end of a log.
const KEPT: usize = 20;
/// Migrations that are kept.
const MOST: usize = 1000;

/// What was read of a log so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The last lines.
    pub(super) tail: VecDeque<Foreign>,
    /// The last line that is an object or a list of JSON, or what a function answered.
    pub(super) json: Option<Value>,
    /// The versions that were applied, in order.
    pub(super) applied: Vec<String>,
    /// The version of the schema, as a tool says it in words.
    version: Option<String>,
    /// The version at which golang-migrate has left the database dirty.
    pub(super) dirty: Option<String>,
    /// A version that the database has and the files have not.
    pub(super) unknown: Option<String>,
}

impl Said {
    /// Reads one line.
    pub(super) fn line(&mut self, line: &Foreign) {
        let text = line.raw().trim();
        if text.is_empty() {
            return;
        }
        if text.starts_with(['{', '['])
            && let Ok(value) = serde_json::from_str(text)
        {
            self.json(value);
        } else {
            self.words(text);
        }
        self.tail.push_back(line.clone());
        if self.tail.len() > KEPT {
            self.tail.pop_front();
        }
    }

    /// Takes JSON: a line of the log, or an answer. Loggers write each line as JSON: its message is read as words too.
    pub(super) fn json(&mut self, value: Value) {
        if let Some(words) = ["message", "msg", "error"].iter().find_map(|name| value.get(name)?.as_str()) {
            self.words(words.trim());
        }
        if let Some(applied) = value.get("applied").and_then(Value::as_array) {
            self.applied.clear();
            applied.iter().filter_map(word).for_each(|version| self.apply(&version));
        }
        self.json = Some(value);
    }

    /// The version of the schema at the end, where anything says it.
    pub(super) fn schema_version(&self) -> Option<String> {
        if self.dirty.is_some() {
            return None;
        }
        let names = ["schema-version", "schema_version", "schemaVersion"];
        let told = self.json.as_ref().and_then(|json| names.iter().find_map(|name| word(json.get(name)?)));
        told.or_else(|| self.version.clone()).or_else(|| self.applied.last().cloned())
    }

    fn apply(&mut self, version: &str) {
        let is_version =
            !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c));
        if is_version
            && version.len() <= 100
            && self.applied.len() < MOST
            && !self.applied.iter().any(|one| one == version)
        {
            self.applied.push(version.to_owned());
        }
    }

    /// What the usual tools write, each by its own words.
    fn words(&mut self, text: &str) {
        let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest.trim_start());
        let number = |rest: &str| {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            (!digits.is_empty()).then_some(digits)
        };
        // golang-migrate: `Dirty database version 12. Fix and force version.`
        if let Some(version) = after("Dirty database version ").and_then(number) {
            self.dirty = Some(version);
        }
        // golang-migrate, sqlx, Flyway.
        let marks = ["no migration found for version ", "Detected applied migration not resolved locally: "];
        let unknown = marks.iter().find_map(|mark| number(after(mark)?));
        let of_sqlx = text.split_once(" was previously applied but is missing in the resolved migrations");
        let of_sqlx = of_sqlx.and_then(|(before, _)| number(before.rsplit_once("migration ")?.1));
        self.unknown = unknown.or(of_sqlx).or_else(|| self.unknown.take());
        // goose: `goose: successfully migrated database to version: 15`, `goose: no migrations to run. current version: 15`;
        // Flyway: `Successfully applied 1 migration to schema "public", now at version v15`.
        let marks = [
            "successfully migrated database to version: ",
            "no migrations to run. current version: ",
            "now at version v",
        ];
        self.version = marks.iter().find_map(|mark| number(after(mark)?)).or_else(|| self.version.take());
        if let Some(version) = applied(text) {
            self.apply(&version);
        }
    }
}

/// The version that a line says was applied.
fn applied(text: &str) -> Option<String> {
    let digits = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        (end > 0).then(|| (text[..end].to_owned(), text[end..].to_owned()))
    };
    // golang-migrate: `15/u add_column (12.3ms)`, with or without a time before it.
    for part in text.split(' ') {
        if let Some((version, "/u")) = digits(part).as_ref().map(|(version, rest)| (version.clone(), rest.as_str())) {
            return Some(version);
        }
    }
    // goose: `OK   00015_add_column.sql (12.3ms)`.
    let of_goose = text
        .split_once("OK ")
        .map(|(_, rest)| rest.trim_start())
        .filter(|rest| rest.contains(".sql (") || rest.contains(".go ("));
    // dbmate: `Applied: 20240102030405_add_column.sql in 12ms`.
    let of_dbmate = text.strip_prefix("Applied: ");
    // sqlx: `Applied 20240102030405/migrate add column (12.3ms)`.
    let of_sqlx = text.strip_prefix("Applied ").filter(|rest| rest.contains("/migrate "));
    // Flyway: `Migrating schema "public" to version "15 - add column"`.
    let of_flyway = text
        .split_once("Migrating schema ")
        .and_then(|(_, rest)| rest.split_once(" to version \""))
        .map(|(_, rest)| rest);
    let found = of_goose.or(of_dbmate).or(of_sqlx).or(of_flyway)?;
    digits(found).map(|(version, _)| version)
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, foreign};

    fn read(lines: &[&str]) -> Said {
        let mut said = Said::default();
        for line in lines {
            said.line(&Foreign::new(*line));
        }
        said
    }

    #[test]
    fn each_tool_is_read_by_its_own_words() {
        let table: &[(&[&str], &[&str], Option<&str>)] = &[
            (&["14/u add_orders (5.1ms)", "2026/01/02 03:04:05 15/u add_note (1.3ms)"], &["14", "15"], Some("15")),
            (&["no change"], &[], None),
            (
                &["OK   00014_a.sql (1.2ms)", "goose: successfully migrated database to version: 14"],
                &["00014"],
                Some("14"),
            ),
            (&["goose: no migrations to run. current version: 14"], &[], Some("14")),
            (&["Applying: 20260102_a.sql", "Applied: 20260102_a.sql in 4ms"], &["20260102"], Some("20260102")),
            (&["Applied 20260102/migrate add note (3ms)"], &["20260102"], Some("20260102")),
            (
                &[
                    "Migrating schema \"public\" to version \"15 - note\"",
                    "Successfully applied 1 migration to schema \"public\", now at version v15",
                ],
                &["15"],
                Some("15"),
            ),
            (&[r#"{"schema-version": 15, "applied": ["14", 15]}"#], &["14", "15"], Some("15")),
            (&[r#"{"level": "info", "msg": "15/u add_note (1ms)"}"#], &["15"], Some("15")),
            (&["the OK button", "see 15/users", "Applied force"], &[], None),
        ];
        for (lines, applied, version) in table {
            let said = read(lines);
            assert_eq!(
                (said.applied.as_slice(), said.schema_version().as_deref()),
                (applied.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice(), *version),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn a_dirty_database_has_no_version_and_one_ahead_of_the_files_is_known() {
        let said = read(&["14/u a (1ms)", "error: Dirty database version 15. Fix and force version."]);
        assert_eq!((said.dirty.as_deref(), said.schema_version()), (Some("15"), None));
        for line in [
            "error: no migration found for version 15: read down for version 15 .: file does not exist",
            "error: migration 15 was previously applied but is missing in the resolved migrations",
            "ERROR: Validate failed: Detected applied migration not resolved locally: 15.",
        ] {
            assert_eq!(read(&[line]).unknown.as_deref(), Some("15"), "{line}");
        }
    }

    #[test]
    fn the_last_json_counts_and_the_last_lines_are_kept() {
        let mut lines = vec![r#"{"a": 1}"#.to_owned(), r#"{"a": 2}"#.to_owned()];
        lines.extend((0..30).map(|number| format!("line {number}")));
        let said = read(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(said.json, Some(json!({"a": 2})));
        assert_eq!((said.tail.len(), said.tail.back().unwrap().raw()), (20, "line 29"));
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_line_is_read(text in foreign()) {
            read(&[&text, &format!("{text}15/u {text}"), &format!("Applied: {text}")]);
        }
    }
}
