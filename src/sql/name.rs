//! Names of a database: what is the same object under two spellings.

use std::fmt::{self, Display, Formatter};

/// The name of an object, as PostgreSQL reads it: folded to lower case unless it was quoted. `public.users` and `users` are
/// two names until the search path is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Its schema, if it was written.
    pub schema: Option<String>,
    /// Its own name.
    pub own: String,
}

impl Name {
    /// A name without a schema.
    pub fn bare(own: impl Into<String>) -> Self {
        Self { schema: None, own: own.into() }
    }

    /// A name in a schema.
    pub fn within(schema: impl Into<String>, own: impl Into<String>) -> Self {
        Self { schema: Some(schema.into()), own: own.into() }
    }
}

impl Display for Name {
    /// As it is written in SQL: quoted only where it must be.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{}.", quoted(schema))?;
        }
        f.write_str(&quoted(&self.own))
    }
}

/// The schema of what is gone with the session.
pub(super) const TEMPORARY: &str = "pg_temp";

/// The schema of a name where the search path cannot be told. No name can be this.
pub(super) const UNKNOWN: &str = "\0";

/// A name without the schema that everybody has.
pub(super) fn shown(name: &Name) -> String {
    match name.schema.as_deref() {
        Some("public" | UNKNOWN) => quoted(&name.own),
        _ => name.to_string(),
    }
}

/// A name as it is written in SQL.
pub(super) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_quoted_where_it_must_be() {
        let names =
            [("users", "users"), ("Users", "\"Users\""), ("a\"b", "\"a\"\"b\""), ("1a", "\"1a\""), ("", "\"\"")];
        for (own, written) in names {
            assert_eq!(Name::bare(own).to_string(), written);
        }
        assert_eq!(Name::within("app", "users").to_string(), "app.users");
    }
}
