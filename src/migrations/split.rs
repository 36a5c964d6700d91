//! How each tool reads a file: what of it goes up, in which transaction, cut where. As `testbed/migrations/tools.yaml` has it from the
//! tools themselves.

use super::layout::Layout;
use super::sections::{Sections, Transaction};
use super::{dbmate, goose};

/// The parts of a file of this layout. `settings`: what stands in the file beside it, for Flyway. `each`: its author says that the
/// tool sends each statement by itself.
#[must_use]
pub(super) fn sections(layout: Layout, text: &str, settings: Option<&str>, each: bool) -> Sections {
    let mut found = match layout {
        Layout::GolangMigrate if each => {
            let mut found = Sections::whole(text, Transaction::Each);
            found.parts[0].cuts = text.match_indices(';').map(|(at, _)| at + 1).collect();
            found
        }
        Layout::GolangMigrate | Layout::Prisma => Sections::whole(text, Transaction::OneText),
        Layout::Plain => Sections::whole(text, Transaction::Each),
        Layout::Sqlx => sqlx(text),
        Layout::Flyway => flyway(text, settings),
        Layout::Dbmate => dbmate::sections(text),
        Layout::Goose => goose::sections(text),
    };
    // dbmate and goose do not find their own mark behind it, and say that.
    if text.starts_with('\u{feff}') && matches!(layout, Layout::GolangMigrate | Layout::Sqlx) {
        let why = "the file begins with a byte order mark, which PostgreSQL refuses as a syntax error";
        found.stop(0, why, "save it as UTF-8 without a byte order mark");
    }
    found
}

/// sqlx looks at the very first characters of the file.
fn sqlx(text: &str) -> Sections {
    if text.starts_with("-- no-transaction") {
        return Sections::whole(text, Transaction::OneText);
    }
    let mut found = Sections::whole(text, Transaction::Around);
    if let Some(at) = line_with(text, "-- no-transaction") {
        found.idle.push((at, "sqlx reads `-- no-transaction` only on the first line of the file".to_owned()));
    }
    found
}

fn flyway(text: &str, settings: Option<&str>) -> Sections {
    let off = |line: &str| {
        line.split_once('=').is_some_and(|(key, value)| {
            key.trim() == "executeInTransaction" && value.trim().eq_ignore_ascii_case("false")
        })
    };
    let is_off = settings.is_some_and(|settings| settings.lines().any(off));
    let mut found = Sections::whole(text, if is_off { Transaction::Each } else { Transaction::Found });
    let own = |rest: &str| rest.starts_with("${flyway:");
    if let Some((at, _)) = text.match_indices("${").find(|(at, _)| !own(&text[*at..])) {
        found.unread(
            at,
            "Flyway puts something in the place of `${`, and stops where it has no value for it: what will be run is not known here",
            "write it out",
        );
    }
    found
}

/// The byte at which a line stands.
fn line_with(text: &str, words: &str) -> Option<usize> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim() == words {
            return Some(at);
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mg14_sqlx_reads_its_mark_only_at_the_very_beginning() {
        let of = |text: &str| sections(Layout::Sqlx, text, None, false);
        assert_eq!(of("-- no-transaction\nSELECT 1;").parts[0].transaction, Transaction::OneText);
        let late = of("\n-- no-transaction\nSELECT 1;");
        assert_eq!((late.parts[0].transaction, late.idle[0].0), (Transaction::Around, 1));
    }

    #[test]
    fn flyway_finds_its_transaction_unless_it_is_told() {
        let of = |settings| sections(Layout::Flyway, "SELECT 1;", settings, false).parts[0].transaction;
        assert_eq!(of(None), Transaction::Found);
        assert_eq!(of(Some("executeInTransaction = false\n")), Transaction::Each);
        assert_eq!(of(Some("executeInTransaction=true")), Transaction::Found);
    }
}
