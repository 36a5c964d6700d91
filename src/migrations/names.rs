//! What the names of files mean, tool by tool: as `testbed/migrations/tools.yaml` has it from the tools themselves.

/// A version, as its tool compares it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// A number.
    Number(u64),
    /// Numbers between dots, without zeros at its end.
    Dotted(Vec<u128>),
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

/// The greatest version of the tools that keep it in a `bigint`.
const GREATEST: u64 = i64::MAX as u64;

/// The command that prints the SQL of a file that is code, by what such files look like.
pub(super) fn code(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map(|(_, extension)| extension)?;
    let begins_with_digits = name.starts_with(|c: char| c.is_ascii_digit());
    match extension {
        "py" if name.starts_with("__") || name == "env.py" => None,
        "py" if begins_with_digits && name.as_bytes().get(4) == Some(&b'_') => {
            Some("python manage.py sqlmigrate <app> <migration>")
        }
        "py" => Some("alembic upgrade <from>:<to> --sql"),
        "rb" if begins_with_digits => Some("what `rails db:migrate` sends; docs/migrations.md has the command"),
        "js" | "ts" | "mjs" | "cjs" if begins_with_digits => {
            Some("what knex or `typeorm migration:run` sends; docs/migrations.md has the command")
        }
        "go" if begins_with_digits => Some("the SQL that its Go code sends"),
        "java" | "kt" if name.starts_with('V') || name.starts_with('R') => Some("the SQL that its code sends"),
        _ => None,
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Whether a file is one of SQL by its name.
#[expect(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "the tools that run migrations compare names by their case"
)]
pub(crate) fn is_sql(name: &str) -> bool {
    name.ends_with(".sql")
}

fn number(text: &str, role: impl Fn(u64) -> Role) -> Role {
    match text.parse() {
        Ok(number) if number <= GREATEST => role(number),
        _ => Role::Wrong(format!("the version {text} is greater than {GREATEST}, the greatest that its tool takes")),
    }
}

fn up(version: &str) -> Role {
    number(version, |number| Role::Up(Version::Number(number), version.to_owned()))
}

/// `^([0-9]+)_(.*)\.(down|up)\.(.*)$`, as golang-migrate reads it: `1_a.up.sql.bak` is a migration.
pub(super) fn golang_migrate(name: &str) -> Role {
    let (version, rest) = digits(name);
    let Some(rest) = rest.strip_prefix('_').filter(|_| !version.is_empty()) else { return Role::Ignored };
    let last = |word: &str| rest.rfind(word);
    match (last(".up."), last(".down.")) {
        (None, None) => Role::Ignored,
        (up, down) if up > down => self::up(version),
        _ => number(version, |number| Role::Down(Version::Number(number))),
    }
}

/// dbmate compares versions and names as text: `10_b.sql` runs before `2_a.sql`, and `01` is another version than `1`.
pub(super) fn dbmate(name: &str) -> Role {
    let (version, rest) = digits(name);
    if version.is_empty() || !is_sql(rest) {
        return Role::Ignored;
    }
    Role::Up(Version::Named(version.to_owned()), version.to_owned())
}

/// goose stops at every `.sql` file of its folder whose name is not one of a migration.
pub(super) fn goose(name: &str) -> Role {
    let (version, rest) = digits(name);
    if !is_sql(name) {
        Role::Ignored
    } else if version.is_empty() || !rest.starts_with('_') {
        Role::Wrong("goose stops at a .sql file whose name does not begin with a number and `_`".to_owned())
    } else if version.trim_start_matches('0').is_empty() {
        Role::Wrong("goose takes no version 0".to_owned())
    } else {
        up(version)
    }
}

/// sqlx stops at a `.sql` file with `_` in its name that does not begin with a number, and passes over one without `_`.
pub(super) fn sqlx(name: &str) -> Role {
    let Some((version, rest)) = name.split_once('_').filter(|_| is_sql(name)) else { return Role::Ignored };
    if digits(version).0 != version || version.is_empty() {
        return Role::Wrong(format!("sqlx stops at it: {version} is no number"));
    }
    if rest.ends_with(".down.sql") {
        return number(version, |number| Role::Down(Version::Number(number)));
    }
    up(version)
}

/// Flyway takes a name also without a description (`V2.sql`), and its ending in any case; what it does not take it passes over.
pub(super) fn flyway(path: &str) -> Role {
    let name = path.rsplit('/').next().unwrap_or(path);
    if name.ends_with(".sql.conf") {
        return Role::Beside;
    }
    let Some((stem, ending)) = name.len().checked_sub(4).and_then(|at| name.split_at_checked(at)) else {
        return Role::Ignored;
    };
    if !ending.eq_ignore_ascii_case(".sql") {
        return Role::Ignored;
    }
    let (prefixed, described) = stem.split_once("__").map_or((stem, false), |(prefixed, _)| (prefixed, true));
    let kind = prefixed.chars().next();
    let written = prefixed.get(1..).unwrap_or_default();
    match kind {
        Some('R') if written.is_empty() && described => Role::Up(Version::Repeatable(stem.to_owned()), stem.to_owned()),
        Some('V' | 'U' | 'B') => {
            let parts = written.split(['.', '_']).map(|part| part.parse::<u128>().ok());
            let Some(mut parts) = parts.collect::<Option<Vec<u128>>>() else {
                let why = "Flyway passes it over: its version is not made of numbers between dots or underscores";
                return if described { Role::Wrong(why.to_owned()) } else { Role::Ignored };
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

pub(super) fn prisma(path: &str) -> Role {
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
