//! Who owns a table, and who may touch it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::sql::Name;

/// Tables and folders by their owners: patterns with `*`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// By table: `users`, `public.users`, `zmanim_*`; the first that fits counts, and the longest pattern is tried first.
    #[serde(default)]
    pub tables: BTreeMap<String, String>,
    /// By folder of migrations.
    #[serde(default)]
    pub folders: BTreeMap<String, String>,
}

impl Ownership {
    /// The owner of a table.
    #[must_use]
    pub fn of_table(&self, table: &Name) -> Option<&str> {
        let full = format!("{}.{}", table.schema.as_deref().unwrap_or("public"), table.own);
        let fits = |pattern: &str| {
            if pattern.contains('.') { matches(pattern, &full) } else { matches(pattern, &table.own) && table.schema.as_deref().is_none_or(|schema| schema == "public") }
        };
        let mut fitting: Vec<(&String, &String)> = self.tables.iter().filter(|(pattern, _)| fits(pattern)).collect();
        fitting.sort_by_key(|(pattern, _)| std::cmp::Reverse((!pattern.contains('*'), pattern.len())));
        fitting.first().map(|(_, owner)| owner.as_str())
    }

    /// The owner of the folder in which a file lies: of the deepest one that is named.
    #[must_use]
    pub fn of_file(&self, file: &str) -> Option<&str> {
        let inside = |folder: &str| {
            let folder = folder.trim_end_matches('/');
            file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        };
        let fitting = self.folders.iter().filter(|(folder, _)| inside(folder));
        fitting.max_by_key(|(folder, _)| folder.len()).map(|(_, owner)| owner.as_str())
    }
}

/// Whether a name fits a pattern, in which `*` is any part of a name.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_the_owner_of_the_closest_pattern() {
        let tables = [("*", "platform"), ("zmanim_*", "zmanim"), ("users", "core"), ("app.*", "app")];
        let tables = tables.map(|(pattern, owner)| (pattern.to_owned(), owner.to_owned())).into();
        let folders = [("db", "core"), ("db/zmanim", "zmanim")].map(|(folder, owner)| (folder.to_owned(), owner.to_owned())).into();
        let ownership = Ownership { tables, folders };
        let table = [("public", "users", "core"), ("public", "zmanim_days", "zmanim"), ("public", "other", "platform"), ("app", "users", "app")];
        for (schema, own, owner) in table {
            assert_eq!(ownership.of_table(&Name::within(schema, own)), Some(owner), "{schema}.{own}");
        }
        assert_eq!(ownership.of_table(&Name::within("other", "users")), None);
        assert_eq!(ownership.of_file("db/zmanim/1_a.up.sql"), Some("zmanim"));
        assert_eq!(ownership.of_file("db/1_a.up.sql"), Some("core"));
        assert_eq!(ownership.of_file("dbx/1_a.up.sql"), None);
    }

    #[test]
    fn a_star_is_any_part_of_a_name() {
        for (pattern, name, fits) in [("a*c", "abc", true), ("a*c", "ac", true), ("a*c", "abd", false), ("*", "", true), ("a*b*c", "axxbyyc", true), ("ab", "abc", false)] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
