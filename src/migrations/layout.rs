//! Which tool runs the migrations of a folder, and what its file names mean.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::names::{self, Role, Version, is_sql};

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

impl Layout {
    /// What a file is, by its path below the folder of migrations.
    #[must_use]
    pub fn role(self, path: &str) -> Role {
        if self != Self::Plain
            && let Some(command) = names::code(path)
        {
            return Role::Code(command);
        }
        let is_direct = !path.contains('/');
        match self {
            Self::GolangMigrate if is_direct => names::golang_migrate(path),
            Self::Sqlx if is_direct => names::sqlx(path),
            Self::Dbmate if is_direct => names::dbmate(path),
            Self::Goose if is_direct => names::goose(path),
            Self::Flyway => names::flyway(path),
            Self::Prisma => names::prisma(path),
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
    // Of a name without a version a tool may say that it is wrong: it is no sign of the tool.
    let is_numbered = path.starts_with(|c: char| c.is_ascii_digit());
    let matches = |layout: Layout| match layout.role(path) {
        Role::Up(..) | Role::Down(_) | Role::Missing => true,
        Role::Wrong(_) => is_numbered || layout == Layout::Flyway,
        Role::Beside | Role::Code(_) | Role::Ignored => false,
    };
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

#[cfg(test)]
mod tests {
    use super::*;

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
        let dotted = |parts: &[u128], written: &str| Role::Up(Version::Dotted(parts.to_vec()), written.to_owned());
        let named = |version: &str| Role::Up(Version::Named(version.to_owned()), version.to_owned());
        let stamp = "20240101000000_init";
        let table = [
            (Layout::Dbmate, "20240101000000_x.sql", named("20240101000000")),
            (Layout::Dbmate, "1.sql", named("1")),
            (Layout::Goose, "00001_x.sql", up(1, "00001")),
            (Layout::Goose, "1_x.SQL", Role::Ignored),
            (Layout::Sqlx, "1_x.sql", up(1, "1")),
            (Layout::Sqlx, "1_x.down.sql", Role::Down(Version::Number(1))),
            (Layout::Flyway, "V1.2__x.sql", dotted(&[1, 2], "1.2")),
            (Layout::Flyway, "sub/V1_2__x.sql", dotted(&[1, 2], "1_2")),
            (Layout::Flyway, "V1.0__x.sql", dotted(&[1], "1.0")),
            (Layout::Flyway, "U1.2__x.sql", Role::Down(Version::Dotted(vec![1, 2]))),
            (Layout::Flyway, "B3__x.sql", Role::Beside),
            (Layout::Flyway, "R__views.sql", Role::Up(Version::Repeatable("R__views".into()), "R__views".into())),
            (Layout::Flyway, "V1_x.sql", Role::Ignored),
            (Layout::Flyway, "V2.SQL", dotted(&[2], "2")),
            (Layout::Flyway, "View.sql", Role::Ignored),
            (Layout::Flyway, "V1__x.sql.conf", Role::Beside),
            (Layout::Prisma, "20240101000000_init/migration.sql", Role::Up(Version::Named(stamp.into()), stamp.into())),
            (Layout::Prisma, "20240101000000_init/other.sql", Role::Missing),
            (Layout::Prisma, "migration_lock.toml", Role::Ignored),
            (Layout::Plain, "b.sql", Role::Up(Version::Named("b.sql".into()), "b.sql".into())),
        ];
        for (layout, name, role) in table {
            assert_eq!(layout.role(name), role, "{layout} {name}");
        }
        for (layout, name) in [
            (Layout::Flyway, "Vx__y.sql"),
            (Layout::Goose, "1.sql"),
            (Layout::Goose, "0_x.sql"),
            (Layout::Goose, "schema.sql"),
            (Layout::Sqlx, "a_b.sql"),
            (Layout::Sqlx, "9223372036854775808_x.sql"),
        ] {
            assert!(matches!(layout.role(name), Role::Wrong(_)), "{layout} {name}");
        }
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
}
