//! Inputs of the steps that read migrations.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{Lines, input_value, is_path, text_value};

text_value!(
    /// A folder of the repository.
    pub struct FolderPath,
    "a path from the root of the repository",
    "db/migrations",
    "must be a path from the root of the repository: letters, digits, `._-+@`, without `..`",
    |path| is_path(path)
);

impl FolderPath {
    /// Where migrations usually are.
    pub const USUAL: &'static str = "db/migrations";

    /// The same as a list of one.
    #[must_use]
    pub fn usual() -> Lines<Self> {
        Lines(vec![Self(Self::USUAL.to_owned())])
    }
}

/// A major version of PostgreSQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostgresVersion(pub u8);

impl Default for PostgresVersion {
    fn default() -> Self {
        Self(15)
    }
}

impl FromStr for PostgresVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let version = text.parse().ok().filter(|version| (11..=19).contains(version));
        version.map(Self).ok_or_else(|| "must be a major version of PostgreSQL, 11 to 19".to_owned())
    }
}

impl fmt::Display for PostgresVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

input_value!(name PostgresVersion, "a major version, 11 to 19", "18");

/// A service, and the file of the statements that its code sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryFile {
    /// The service.
    pub name: String,
    /// The path, from the root of the repository.
    pub path: String,
}

impl FromStr for QueryFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, path) = text.split_once('=').unwrap_or_default();
        let (name, path) = (name.trim(), path.trim());
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || name.len() > 100 || !name.chars().all(plain) || !is_path(path) {
            return Err("must be `name=file`: a service, and the path of the file with its statements".to_owned());
        }
        Ok(Self { name: name.to_owned(), path: path.to_owned() })
    }
}

impl fmt::Display for QueryFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.path)
    }
}

input_value!(name QueryFile, "`name=file`", "api=services/api/queries.sql");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads, reads_plainly};

    #[test]
    fn versions_and_paths_have_their_ranges() {
        assert_eq!(("11".parse(), "19".parse()), (Ok(PostgresVersion(11)), Ok(PostgresVersion(19))));
        for wrong in ["10", "20", "15.2", "", "latest"] {
            assert!(wrong.parse::<PostgresVersion>().is_err(), "{wrong}");
        }
        for wrong in ["", "/db", "../db", "db/../x", "db//x"] {
            assert!(wrong.parse::<FolderPath>().is_err() && format!("api={wrong}").parse::<QueryFile>().is_err());
        }
        for wrong in ["api", "=x.sql", "a b=x.sql"] {
            assert!(wrong.parse::<QueryFile>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["15", "db/migrations", "api=queries.sql"])) {
            reads_plainly::<PostgresVersion>(&text);
            reads_plainly::<FolderPath>(&text);
            reads::<QueryFile>(&text);
        }
    }
}
