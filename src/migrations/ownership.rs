//! Who owns a table, and who may touch it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{Written, Yaml, input_value};
use crate::sql::Name;

/// Tables and folders by their owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// By table, with `*` for any part of a name: `users`, `app.users`, `zmanim_*`. Of several that fit, the one without `*` counts, else
    /// the longest.
    pub tables: BTreeMap<String, String>,
    /// By folder of migrations.
    pub folders: BTreeMap<String, String>,
}

/// The input `ownership`: the map itself, or the file that holds it.
#[derive(Clone, Debug)]
pub enum OwnershipInput {
    /// In the workflow: as it is written there, and read.
    Inline(String, Ownership),
    /// In a file of the commit, by its path.
    File(String),
}

impl FromStr for OwnershipInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Written::of(text) {
            Written::Here => Ok(Self::Inline(text.to_owned(), Ownership::read(text)?)),
            Written::InFile => Ok(Self::File(text.to_owned())),
            Written::Nowhere => {
                Err("must be a YAML map of tables and folders to owners, or the path of the file that holds it"
                    .to_owned())
            }
        }
    }
}

impl fmt::Display for OwnershipInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Inline(text, _) | Self::File(text)) = self;
        f.write_str(text)
    }
}

input_value!(
    OwnershipInput,
    "a YAML map `table pattern: owner`, `folder/: owner`, or the path of a file of the commit that holds it",
    ".github/ownership.yml"
);

impl Ownership {
    /// Reads a YAML map: what has a slash in it is a folder, all else a pattern of tables.
    ///
    /// # Errors
    /// When it is no such map.
    pub fn read(yaml: &str) -> Result<Self, String> {
        let wrong = || {
            "must be a YAML map of tables and folders to owners, e.g. `{users: core, db/zmanim/: zmanim}`".to_owned()
        };
        let Ok(Yaml::Mapping(members)) = Yaml::read(yaml) else { return Err(wrong()) };
        let mut ownership = Self::default();
        for (key, value) in members {
            let owner = value.text().filter(|owner| !owner.is_empty()).ok_or_else(wrong)?.to_owned();
            if key.contains('/') {
                ownership.folders.insert(key.trim_end_matches('/').to_owned(), owner);
            } else {
                ownership.tables.insert(key, owner);
            }
        }
        Ok(ownership)
    }

    /// The owner of a table.
    #[must_use]
    pub fn of_table(&self, table: &Name) -> Option<&str> {
        let full = format!("{}.{}", table.schema.as_deref().unwrap_or("public"), table.own);
        let fits = |pattern: &str| {
            if pattern.contains('.') {
                matches(pattern, &full)
            } else {
                matches(pattern, &table.own) && table.schema.as_deref().is_none_or(|schema| schema == "public")
            }
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
        let ownership =
            Ownership::read("{'*': platform, zmanim_*: zmanim, users: core, app.*: app, db/: core, db/zmanim: zmanim}")
                .unwrap();
        let table = [
            ("public", "users", "core"),
            ("public", "zmanim_days", "zmanim"),
            ("public", "other", "platform"),
            ("app", "users", "app"),
        ];
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
        for (pattern, name, fits) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abd", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("ab", "abc", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
