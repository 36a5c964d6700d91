//! A file as dbmate reads it: `-- migrate:up` and `-- migrate:down`.

use super::sections::{Section, Sections, Transaction, blotted};

/// The parts that go up.
pub(super) fn sections(text: &str) -> Sections {
    let mut found = Sections::default();
    let mut ups: Vec<Up> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let is_first = ups.is_empty();
        let in_up = ups.last_mut().filter(|up| !up.ended);
        match (mark(line), in_up) {
            (Some(Mark::Up(transaction)), _) => {
                ups.push(Up { at, lines: Vec::new(), transaction, ended: false });
            }
            (Some(Mark::Down), Some(up)) => up.ended = true,
            (None, Some(up)) => up.lines.push((at, at + line.len())),
            (Some(Mark::Down), None) if !is_first => {
                found.stop(at, "dbmate stops at a `-- migrate:down` that follows no `-- migrate:up`", "take it away");
            }
            (_, None) if is_first && found.stops.is_empty() && !is_nothing(line) => {
                let why = "dbmate takes nothing but `--` comments before the first `-- migrate:up`";
                found.stop(at, why, "move it below that line");
            }
            (_, None) => {}
        }
        at += line.len();
    }
    for up in ups.iter().filter(|up| !up.ended) {
        found.stop(
            up.at,
            "dbmate stops at a `-- migrate:up` without a `-- migrate:down`",
            "add one below it; it may be empty",
        );
    }
    if let Some(second) = ups.get(1) {
        let why = "dbmate notes the version once for each `-- migrate:up`: the second is taken back, and the file counts as applied all the same (dbmate issue 820)";
        found.stop(second.at, why, "a file for each");
    }
    if ups.is_empty() {
        found.stops.clear();
        found.unread(0, "there is no line `-- migrate:up`, at the very beginning of a line: dbmate stops", "add it");
    }
    let part = |up: Up| Section { text: blotted(text, &up.lines), transaction: up.transaction, cuts: Vec::new() };
    found.parts = ups.into_iter().map(part).collect();
    found
}

/// The file with its way back in the place of its way up; nothing where it has none.
pub(super) fn turned(text: &str) -> Option<String> {
    let mut lines = text.split_inclusive('\n').skip_while(|line| !matches!(mark(line), Some(Mark::Down)));
    let first = lines.next()?.replacen("migrate:down", "migrate:up", 1);
    let below: String = lines.take_while(|line| mark(line).is_none()).collect();
    let above = text.split_inclusive('\n').take_while(|line| !matches!(mark(line), Some(Mark::Down))).count();
    Some(format!("{}{first}{below}", "\n".repeat(above)))
}

/// A `-- migrate:up`, with the lines below it.
struct Up {
    at: usize,
    lines: Vec<(usize, usize)>,
    transaction: Transaction,
    /// Its `-- migrate:down` was met.
    ended: bool,
}

enum Mark {
    Up(Transaction),
    Down,
}

/// dbmate takes no blank before `--`, any number after it, and words behind the mark.
fn mark(line: &str) -> Option<Mark> {
    let words = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    let (direction, options) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    match direction {
        "up" => {
            let off = options.split_whitespace().any(|option| option == "transaction:false");
            Some(Mark::Up(if off { Transaction::OneText } else { Transaction::Around }))
        }
        "down" => Some(Mark::Down),
        _ => None,
    }
}

/// A blank line, or a comment.
fn is_nothing(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mg10_a_dbmate_file_may_have_several_parts_each_with_its_transaction() {
        let text = "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n--migrate:up transaction:false\nSELECT 3;\n-- migrate:down\n";
        let found = sections(text);
        let [one, two] = found.parts.as_slice() else { panic!("{found:?}") };
        assert_eq!((one.text.trim(), one.transaction), ("-- migrate:up\nSELECT 1;", Transaction::Around));
        assert_eq!(two.transaction, Transaction::OneText);
        assert!(two.text.trim().ends_with("SELECT 3;") && !two.text.contains("SELECT 1"), "{}", two.text);
        assert_eq!(two.text.find("SELECT 3"), text.find("SELECT 3"), "every byte keeps its place");
        assert!(found.stops.len() == 1 && found.stops[0].why.contains("issue 820"), "{:?}", found.stops);
    }
}
