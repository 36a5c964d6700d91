//! What of a file goes up, and in which transaction: all else is blotted out, so that every byte keeps its place.

use super::layout::Layout;

/// In which transaction a part of a file runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transaction {
    /// The tool begins one around it.
    Around,
    /// It is sent as one text, which PostgreSQL makes one transaction of, if it has more than one statement.
    OneText,
    /// Each statement is sent by itself.
    Each,
    /// The tool begins one, unless all statements refuse it; both together it refuses.
    Found,
}

/// A part of a file that is run as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// The file, with all blotted out that is not of this part.
    pub(super) text: String,
    /// Its transaction.
    pub(super) transaction: Transaction,
}

/// The parts of a file that go up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sections {
    /// In order.
    pub(super) parts: Vec<Section>,
    /// What is wrong with it as a whole, and at which byte.
    pub(super) fault: Option<(usize, String)>,
    /// Marks that count for nothing where they stand, and at which byte.
    pub(super) idle: Vec<(usize, String)>,
}

impl Sections {
    /// The parts of a file of this layout. `settings`: what stands in the file beside it, for Flyway. `each`: its author says that the
    /// tool sends each statement by itself.
    #[must_use]
    pub(super) fn of(layout: Layout, text: &str, settings: Option<&str>, each: bool) -> Self {
        let whole = |transaction: Transaction| {
            let transaction = if each && transaction == Transaction::OneText { Transaction::Each } else { transaction };
            Self { parts: vec![Section { text: text.to_owned(), transaction }], ..Self::default() }
        };
        match layout {
            Layout::GolangMigrate | Layout::Prisma => whole(Transaction::OneText),
            Layout::Plain => whole(Transaction::Each),
            Layout::Sqlx => {
                // sqlx looks at the very first characters of the file.
                if text.starts_with("-- no-transaction") {
                    return whole(Transaction::OneText);
                }
                let mut found = whole(Transaction::Around);
                if let Some(at) = line_with(text, "-- no-transaction") {
                    found
                        .idle
                        .push((at, "sqlx reads `-- no-transaction` only on the first line of the file".to_owned()));
                }
                found
            }
            Layout::Flyway => {
                let off = |line: &str| line.replace(' ', "").eq_ignore_ascii_case("executeInTransaction=false");
                let is_off = settings.is_some_and(|settings| settings.lines().any(off));
                whole(if is_off { Transaction::Each } else { Transaction::Found })
            }
            Layout::Dbmate => Self::marked(text, dbmate, "-- migrate:up"),
            Layout::Goose => {
                let each = text.lines().any(|line| goose_says(line, "NO TRANSACTION"));
                let mut found = Self::marked(text, goose, "-- +goose Up");
                if each {
                    found.parts.iter_mut().for_each(|part| part.transaction = Transaction::Each);
                }
                found
            }
        }
    }

    /// The parts between the marks of a tool.
    fn marked(text: &str, mark: fn(&str) -> Option<Mark>, up: &str) -> Self {
        let mut parts: Vec<(Vec<(usize, usize)>, Transaction)> = Vec::new();
        let mut is_up = false;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            match mark(line) {
                Some(Mark::Up(transaction)) => {
                    is_up = true;
                    parts.push((Vec::new(), transaction));
                }
                Some(Mark::Down) => is_up = false,
                None if is_up => {
                    if let Some((lines, _)) = parts.last_mut() {
                        lines.push((at, at + line.len()));
                    }
                }
                None => {}
            }
            at += line.len();
        }
        if parts.is_empty() {
            return Self {
                fault: Some((0, format!("there is no line `{up}`, without which its tool does not run it"))),
                ..Self::default()
            };
        }
        let parts = parts.into_iter().map(|(kept, transaction)| Section { text: blotted(text, &kept), transaction });
        Self { parts: parts.collect(), ..Self::default() }
    }
}

enum Mark {
    Up(Transaction),
    Down,
}

fn dbmate(line: &str) -> Option<Mark> {
    let rest = line.trim().strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    if let Some(options) = rest.strip_prefix("up") {
        let off = options.split_whitespace().any(|option| option == "transaction:false");
        return Some(Mark::Up(if off { Transaction::OneText } else { Transaction::Around }));
    }
    rest.starts_with("down").then_some(Mark::Down)
}

fn goose(line: &str) -> Option<Mark> {
    if goose_says(line, "Up") {
        return Some(Mark::Up(Transaction::Around));
    }
    goose_says(line, "Down").then_some(Mark::Down)
}

fn goose_says(line: &str, words: &str) -> bool {
    let rest = line.trim().strip_prefix("--").and_then(|rest| rest.trim_start().strip_prefix("+goose"));
    rest.is_some_and(|rest| rest.trim().eq_ignore_ascii_case(words))
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

/// The text with all but these lines blotted out; comments before the first of them stay, for they speak of the file.
fn blotted(text: &str, kept: &[(usize, usize)]) -> String {
    let first = kept.first().map_or(text.len(), |(start, _)| *start);
    let mut blotted = String::with_capacity(text.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_header = at < first && line.trim_start().starts_with("--");
        if is_header || kept.iter().any(|(start, end)| *start <= at && at < *end) {
            blotted.push_str(line);
        } else {
            let blot = |c: char| if c == '\n' || c == '\r' { c.to_string() } else { " ".repeat(c.len_utf8()) };
            blotted.extend(line.chars().map(blot));
        }
        at += line.len();
    }
    blotted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(layout: Layout, text: &str) -> Vec<(String, Transaction)> {
        let found = Sections::of(layout, text, None, false);
        found.parts.into_iter().map(|part| (part.text.trim().to_owned(), part.transaction)).collect()
    }

    #[test]
    fn mg10_a_dbmate_file_may_have_several_parts_each_with_its_transaction() {
        let text = "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n--migrate:up transaction:false\nSELECT 3;\n";
        let found = of(Layout::Dbmate, text);
        assert_eq!(found[0], ("-- migrate:up\nSELECT 1;".to_owned(), Transaction::Around));
        assert_eq!(found[1].1, Transaction::OneText);
        assert!(found[1].0.ends_with("SELECT 3;") && !found[1].0.contains("SELECT 1"), "{}", found[1].0);
        let parts = Sections::of(Layout::Dbmate, text, None, false).parts;
        assert_eq!(parts[1].text.find("SELECT 3"), text.find("SELECT 3"), "every byte keeps its place");
        assert!(Sections::of(Layout::Dbmate, "SELECT 1;", None, false).fault.is_some());
    }

    #[test]
    fn goose_has_one_part_and_a_mark_for_its_transaction() {
        let text = "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n";
        let found = of(Layout::Goose, text);
        assert_eq!(found, [("-- +goose Up\nSELECT 1;".to_owned(), Transaction::Around)]);
        assert_eq!(of(Layout::Goose, &format!("-- +goose NO TRANSACTION\n{text}"))[0].1, Transaction::Each);
    }

    #[test]
    fn mg14_sqlx_reads_its_mark_only_at_the_very_beginning() {
        assert_eq!(of(Layout::Sqlx, "-- no-transaction\nSELECT 1;")[0].1, Transaction::OneText);
        let late = Sections::of(Layout::Sqlx, "\n-- no-transaction\nSELECT 1;", None, false);
        assert_eq!((late.parts[0].transaction, late.idle[0].0), (Transaction::Around, 1));
    }

    #[test]
    fn flyway_finds_its_transaction_unless_it_is_told() {
        let parts = |settings| Sections::of(Layout::Flyway, "SELECT 1;", settings, false).parts[0].transaction;
        assert_eq!(parts(None), Transaction::Found);
        assert_eq!(parts(Some("executeInTransaction = false\n")), Transaction::Each);
        assert_eq!(parts(Some("executeInTransaction=true")), Transaction::Found);
    }
}
