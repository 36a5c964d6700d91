//! Which tool runs the migrations of a folder, and what its file names mean.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tool that runs the migrations.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Layout {
    /// `N_name.up.sql` and `N_name.down.sql`.
    GolangMigrate,
    /// `N_name.sql` with `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// `N_name.sql` with `-- +goose Up` and `-- +goose Down`.
    Goose,
    /// `N_name.sql`, or `N_name.up.sql` and `N_name.down.sql`.
    Sqlx,
    /// `V1.2__name.sql`, `R__name.sql`, `U1.2__name.sql`.
    Flyway,
    /// A folder for each, named by 14 digits, with `migration.sql` in it.
    Prisma,
    /// Any `.sql` files of the workspace, in the order of their names: what another tool has printed.
    Plain,
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::GolangMigrate => "golang-migrate",
            Self::Dbmate => "dbmate",
            Self::Goose => "goose",
            Self::Sqlx => "sqlx",
            Self::Flyway => "flyway",
            Self::Prisma => "prisma",
            Self::Plain => "plain",
        })
    }
}

/// A version, as its tool compares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// A number.
    Number(u64),
    /// Numbers between dots, without zeros at its end.
    Dotted(Vec<u64>),
    /// A name, compared letter by letter.
    Named(String),
    /// Of what is run again whenever it has changed, after all others.
    Repeatable(String),
}

/// What a file is to its tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A migration, or the part of it that goes up. With its version as it is written.
    Up(Version, String),
    /// The way back of one.
    Down(Version),
    /// It belongs to another file: `.conf` of Flyway.
    Beside,
    /// Code that makes SQL. With the command that prints it.
    Code(&'static str),
    /// It has a version that the tool cannot use, and why.
    Wrong(String),
    /// A folder of a migration, without one.
    Missing,
    /// The tool passes it over, without a word.
    Ignored,
}

impl Layout {
    /// What a file is, by its path below the folder of migrations.
    #[must_use]
    pub fn role(self, path: &str) -> Role {
        if self != Self::Plain
            && let Some(command) = code(path)
        {
            return Role::Code(command);
        }
        let is_direct = !path.contains('/');
        match self {
            Self::GolangMigrate if is_direct => golang_migrate(path),
            Self::Sqlx if is_direct => sqlx(path),
            Self::Dbmate if is_direct => leading(path, is_sql),
            Self::Goose if is_direct => leading(path, |rest| rest.starts_with('_') && is_sql(rest)),
            Self::Flyway => flyway(path),
            Self::Prisma => prisma(path),
            Self::Plain if is_direct && is_sql(path) => Role::Up(Version::Named(path.to_owned()), path.to_owned()),
            _ => Role::Ignored,
        }
    }

    /// The layouts that a folder may have, by the names of its files: one; several that only the content tells apart; or none.
    ///
    /// # Errors
    /// Files of two kinds, each with an example.
    pub fn of_names<'a>(paths: impl IntoIterator<Item = &'a str>) -> Result<Vec<Self>, String> {
        let mut kinds: Vec<(Vec<Self>, &str)> = Vec::new();
        for path in paths {
            let Some(kind) = by_name(path) else { continue };
            if kinds.iter().all(|(known, _)| *known != kind) {
                kinds.push((kind, path));
            }
        }
        match kinds.as_slice() {
            [] => Ok(Vec::new()),
            [(kind, _)] => Ok(kind.clone()),
            [(one, first), (other, second), ..] => {
                Err(format!("{first} is of {}, {second} of {}", some(one), some(other)))
            }
        }
    }

    /// Of layouts with the same names, the one of this content.
    #[must_use]
    pub fn of_content(text: &str) -> Self {
        let starts = |mark: &str| text.lines().any(|line| line.trim_start().starts_with(mark));
        if starts("-- migrate:up") {
            Self::Dbmate
        } else if starts("-- +goose") {
            Self::Goose
        } else {
            Self::Sqlx
        }
    }
}

/// Layouts, as they are told.
fn some(layouts: &[Layout]) -> String {
    layouts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn by_name(path: &str) -> Option<Vec<Layout>> {
    let matches =
        |layout: Layout| matches!(layout.role(path), Role::Up(..) | Role::Down(_) | Role::Wrong(_) | Role::Missing);
    if matches(Layout::Flyway) {
        Some(vec![Layout::Flyway])
    } else if matches(Layout::Prisma) {
        Some(vec![Layout::Prisma])
    } else if matches(Layout::GolangMigrate) {
        Some(vec![Layout::GolangMigrate])
    } else if matches(Layout::Sqlx) {
        Some(vec![Layout::Sqlx, Layout::Dbmate, Layout::Goose])
    } else if matches(Layout::Dbmate) {
        Some(vec![Layout::Dbmate])
    } else {
        None
    }
}

/// The command that prints the SQL of a file that is code, by what such files look like.
fn code(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension)?;
    let begins_with_digits = name.starts_with(|c: char| c.is_ascii_digit());
    match extension {
        "py" if name.starts_with("__") || name == "env.py" => None,
        "py" if begins_with_digits && name.as_bytes().get(4) == Some(&b'_') => {
            Some("python manage.py sqlmigrate <app> <migration>")
        }
        "py" => Some("alembic upgrade <from>:<to> --sql"),
        "rb" if begins_with_digits => {
            Some("a structure.sql, or `ActiveRecord::Migration` with the SQL log of `rails db:migrate`")
        }
        "js" | "ts" | "mjs" | "cjs" if begins_with_digits => {
            Some("the knex `.toSQL()` or `typeorm migration:run` log of it")
        }
        "go" if begins_with_digits => Some("the SQL that its Go code sends"),
        "java" | "kt" if name.starts_with('V') || name.starts_with('R') => Some("the SQL that its code sends"),
        _ => None,
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// A version that begins a name; what follows must be like this.
fn leading(name: &str, follows: impl Fn(&str) -> bool) -> Role {
    let (version, rest) = digits(name);
    if version.is_empty() || !follows(rest) {
        return Role::Ignored;
    }
    number(version, |number| Role::Up(Version::Number(number), version.to_owned()))
}

/// Whether a file is one of SQL by its name.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the tools that run migrations compare names by their case"
)]
pub(super) fn is_sql(name: &str) -> bool {
    name.ends_with(".sql")
}

fn number(text: &str, role: impl Fn(u64) -> Role) -> Role {
    match text.parse() {
        Ok(number) => role(number),
        Err(_) => Role::Wrong(format!("the version {text} is greater than {}", u64::MAX)),
    }
}

/// `^([0-9]+)_(.*)\.(down|up)\.(.*)$`, as golang-migrate reads it: `1_a.up.sql.bak` is a migration.
fn golang_migrate(name: &str) -> Role {
    let (version, rest) = digits(name);
    let Some(rest) = rest.strip_prefix('_').filter(|_| !version.is_empty()) else { return Role::Ignored };
    let last = |word: &str| rest.rfind(word);
    match (last(".up."), last(".down.")) {
        (None, None) => Role::Ignored,
        (up, down) if up > down => number(version, |number| Role::Up(Version::Number(number), version.to_owned())),
        _ => number(version, |number| Role::Down(Version::Number(number))),
    }
}

fn sqlx(name: &str) -> Role {
    let (version, rest) = digits(name);
    if version.is_empty() || !rest.starts_with('_') || !is_sql(rest) {
        return Role::Ignored;
    }
    if rest.ends_with(".down.sql") {
        return number(version, |number| Role::Down(Version::Number(number)));
    }
    number(version, |number| Role::Up(Version::Number(number), version.to_owned()))
}

fn flyway(path: &str) -> Role {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.ends_with(".sql.conf") {
        return Role::Beside;
    }
    let Some(stem) = name.strip_suffix(".sql") else { return Role::Ignored };
    let Some((prefixed, _)) = stem.split_once("__") else { return Role::Ignored };
    let kind = prefixed.chars().next();
    let written = prefixed.get(1..).unwrap_or_default();
    match kind {
        Some('R') if written.is_empty() => Role::Up(Version::Repeatable(stem.to_owned()), stem.to_owned()),
        Some('V' | 'U' | 'B') => {
            let parts = written.split(['.', '_']).map(|part| part.parse::<u64>().ok());
            let Some(mut parts) = parts.collect::<Option<Vec<u64>>>() else {
                return Role::Wrong(format!(
                    "the version {written} is not made of numbers between dots or underscores"
                ));
            };
            while parts.len() > 1 && parts.last() == Some(&0) {
                parts.pop();
            }
            match kind {
                Some('U') => Role::Down(Version::Dotted(parts)),
                // A baseline is run only where there is nothing yet.
                Some('B') => Role::Beside,
                _ => Role::Up(Version::Dotted(parts), written.to_owned()),
            }
        }
        _ => Role::Ignored,
    }
}

fn prisma(path: &str) -> Role {
    let Some((folder, file)) = path.split_once('/') else { return Role::Ignored };
    let (stamp, rest) = digits(folder);
    if stamp.len() != 14 || !(rest.is_empty() || rest.starts_with('_')) {
        return Role::Ignored;
    }
    match file {
        "migration.sql" => Role::Up(Version::Named(folder.to_owned()), folder.to_owned()),
        "down.sql" => Role::Down(Version::Named(folder.to_owned())),
        _ => Role::Missing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up(number: u64, written: &str) -> Role {
        Role::Up(Version::Number(number), written.to_owned())
    }

    #[test]
    fn golang_migrate_reads_names_by_its_expression() {
        let table = [
            ("000015_add.up.sql", up(15, "000015")),
            ("1_a.down.sql", Role::Down(Version::Number(1))),
            ("1_a.up.SQL", up(1, "1")),
            ("000002_x.up.sql.bak", up(2, "000002")),
            ("1_a.down.up.sql", up(1, "1")),
            ("1.up.sql", Role::Ignored),
            ("readme.md", Role::Ignored),
            ("sub/1_a.up.sql", Role::Ignored),
        ];
        for (name, role) in table {
            assert_eq!(Layout::GolangMigrate.role(name), role, "{name}");
        }
        assert!(matches!(Layout::GolangMigrate.role("18446744073709551616_a.up.sql"), Role::Wrong(_)));
    }

    #[test]
    fn the_other_tools_read_their_names() {
        let dotted = |parts: &[u64], written: &str| Role::Up(Version::Dotted(parts.to_vec()), written.to_owned());
        let stamp = "20240101000000_init";
        let table = [
            (Layout::Dbmate, "20240101000000_x.sql", up(20_240_101_000_000, "20240101000000")),
            (Layout::Dbmate, "1.sql", up(1, "1")),
            (Layout::Goose, "00001_x.sql", up(1, "00001")),
            (Layout::Goose, "1.sql", Role::Ignored),
            (Layout::Sqlx, "1_x.sql", up(1, "1")),
            (Layout::Sqlx, "1_x.down.sql", Role::Down(Version::Number(1))),
            (Layout::Flyway, "V1.2__x.sql", dotted(&[1, 2], "1.2")),
            (Layout::Flyway, "sub/V1_2__x.sql", dotted(&[1, 2], "1_2")),
            (Layout::Flyway, "V1.0__x.sql", dotted(&[1], "1.0")),
            (Layout::Flyway, "U1.2__x.sql", Role::Down(Version::Dotted(vec![1, 2]))),
            (Layout::Flyway, "B3__x.sql", Role::Beside),
            (Layout::Flyway, "R__views.sql", Role::Up(Version::Repeatable("R__views".into()), "R__views".into())),
            (Layout::Flyway, "V1_x.sql", Role::Ignored),
            (Layout::Flyway, "V1__x.sql.conf", Role::Beside),
            (Layout::Prisma, "20240101000000_init/migration.sql", Role::Up(Version::Named(stamp.into()), stamp.into())),
            (Layout::Prisma, "20240101000000_init/other.sql", Role::Missing),
            (Layout::Prisma, "migration_lock.toml", Role::Ignored),
            (Layout::Plain, "b.sql", Role::Up(Version::Named("b.sql".into()), "b.sql".into())),
        ];
        for (layout, name, role) in table {
            assert_eq!(layout.role(name), role, "{layout} {name}");
        }
        assert!(matches!(Layout::Flyway.role("Vx__y.sql"), Role::Wrong(_)));
    }

    #[test]
    fn mg15_migrations_that_are_code_name_the_command_that_prints_their_sql() {
        let table = [
            ("ae10_x.py", "alembic upgrade"),
            ("0001_initial.py", "sqlmigrate"),
            ("20240101_x.rb", "rails"),
            ("1_x.ts", "knex"),
        ];
        for (name, command) in table {
            let role = Layout::GolangMigrate.role(name);
            assert!(matches!(role, Role::Code(told) if told.contains(command)), "{name}: {role:?}");
        }
    }

    #[test]
    fn a_layout_is_found_by_names_and_content() {
        use Layout as L;
        let numbered = vec![L::Sqlx, L::Dbmate, L::Goose];
        let table: [(&[&str], Vec<L>); 6] = [
            (&["1_a.up.sql", "1_a.down.sql", "README.md"], vec![L::GolangMigrate]),
            (&["V1__a.sql", "R__b.sql"], vec![L::Flyway]),
            (&["20240101000000_a/migration.sql", "migration_lock.toml"], vec![L::Prisma]),
            (&["1_a.sql"], numbered),
            (&["1.sql"], vec![L::Dbmate]),
            (&["schema.sql"], vec![]),
        ];
        for (names, layouts) in table {
            assert_eq!(L::of_names(names.iter().copied()), Ok(layouts), "{names:?}");
        }
        let error = L::of_names(["1_a.up.sql", "V1__b.sql"]).unwrap_err();
        assert!(error.contains("1_a.up.sql is of golang-migrate, V1__b.sql of flyway"), "{error}");
        assert_eq!(L::of_content("-- migrate:up\nSELECT 1;"), L::Dbmate);
        assert_eq!(L::of_content("-- +goose Up\nSELECT 1;"), L::Goose);
        assert_eq!(L::of_content("SELECT 1;"), L::Sqlx);
    }
}
