//! A file as goose reads it: `-- +goose Up` and its other marks, and a statement at each line that ends with `;`.

use super::sections::{Section, Sections, Transaction, blotted};

/// The way out for a statement that is cut in two.
pub(super) const BLOCK: &str = "put `-- +goose StatementBegin` above it, and `-- +goose StatementEnd` below it";

/// The part that goes up.
pub(super) fn sections(text: &str) -> Sections {
    let mut reader = Reader::default();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        reader.line(at, line);
        at += line.len();
    }
    let Reader { mut found, lines, cuts, place, each, open, .. } = reader;
    if place == Place::Block {
        found.stop(at, "goose stops: there is no `-- +goose StatementEnd`", "add it");
    }
    if let Some(open) = open {
        found.stop(open, "goose stops at a last statement without `;`", "end it with `;`");
    }
    if place == Place::Before {
        found.stops.clear();
        found.unread(0, "there is no line `-- +goose Up`, at the very beginning of a line: goose stops", "add it");
        return found;
    }
    let transaction = if each { Transaction::Each } else { Transaction::Around };
    found.parts = vec![Section { text: blotted(text, &lines), transaction, cuts }];
    found
}

/// The file with its way back in the place of its way up; nothing where it has none.
pub(super) fn turned(text: &str) -> Option<String> {
    let is = |line: &str, words: &str| {
        let said = line.trim_end().strip_prefix("--").map(|said| said.replacen("+goose", "", 1));
        line.contains("+goose") && said.is_some_and(|said| said.trim().eq_ignore_ascii_case(words))
    };
    let (mut turned, mut is_below) = (String::new(), false);
    for line in text.split_inclusive('\n') {
        if is_below || is(line, "NO TRANSACTION") {
            turned.push_str(line);
        } else if is(line, "Down") {
            turned.push_str("-- +goose Up\n");
            is_below = true;
        } else {
            turned.push('\n');
        }
    }
    is_below.then_some(turned)
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    Up,
    /// Between `StatementBegin` and `StatementEnd` of the part that goes up.
    Block,
    Down,
}

#[derive(Default)]
struct Reader {
    found: Sections,
    lines: Vec<(usize, usize)>,
    cuts: Vec<usize>,
    place: Place,
    each: bool,
    fills_in: bool,
    /// The byte at which a statement begins that has not ended yet.
    open: Option<usize>,
}

impl Reader {
    fn line(&mut self, at: usize, line: &str) {
        let is_comment = line.trim_start().starts_with("--");
        if is_comment && line.contains("+goose") {
            self.mark(at, line);
            return;
        }
        let is_blank = line.trim().is_empty();
        match self.place {
            Place::Before if !is_blank && !is_comment => {
                let why = "goose takes nothing but `--` comments before `-- +goose Up`";
                self.found.stop(at, why, "move it below that line");
            }
            Place::Before | Place::Down => {}
            Place::Up | Place::Block => {
                self.lines.push((at, at + line.len()));
                if !(is_blank || is_comment && self.open.is_none()) {
                    self.open.get_or_insert(at);
                }
                if self.place == Place::Up && ends(line) {
                    self.cut(at + line.len());
                }
                if self.fills_in && line.contains('$') {
                    let why =
                        "goose puts values of the environment in the place of `$`: what will be run is not known here";
                    self.found.unread(at, why, "write it out, or end with `-- +goose ENVSUB OFF` before it");
                }
            }
        }
    }

    fn cut(&mut self, at: usize) {
        self.open = None;
        self.cuts.push(at);
    }

    fn mark(&mut self, at: usize, line: &str) {
        let words = line.trim_end().replace("--", "").replacen("+goose", "", 1);
        let words = words.trim();
        let is = |mark: &str| words.eq_ignore_ascii_case(mark);
        if line.starts_with([' ', '\t']) {
            self.found.stop(at, "goose stops at a mark that is indented", "begin the line with `--`");
        } else if is("NO TRANSACTION") {
            self.each = true;
        } else if is("ENVSUB ON") || is("ENVSUB OFF") {
            self.fills_in = is("ENVSUB ON");
        } else if is("Up") && self.place == Place::Before {
            self.place = Place::Up;
        } else if is("Down") && self.place == Place::Up {
            if let Some(open) = self.open.take() {
                self.found.stop(open, "goose stops at a statement without `;`", "end it with `;`");
            }
            self.place = Place::Down;
        } else if is("StatementBegin") && self.place == Place::Up {
            self.place = Place::Block;
        } else if is("StatementEnd") && self.place == Place::Block {
            self.place = Place::Up;
            self.cut(at);
        } else if self.place == Place::Down && (is("StatementBegin") || is("StatementEnd")) {
        } else {
            let why = format!("goose stops at this mark: `{words}` is not known to it, or has no place here");
            self.found.stop(
                at,
                why,
                "one `-- +goose Up` first, then `-- +goose Down`, each `StatementBegin` with its `StatementEnd`",
            );
        }
    }
}

/// Whether a statement ends with a line: its last word before a comment ends with `;`.
fn ends(line: &str) -> bool {
    line.split_whitespace().take_while(|word| !word.starts_with("--")).last().is_some_and(|word| word.ends_with(';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goose_has_one_part_and_a_mark_for_its_transaction() {
        let text = "-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n";
        let of = |text: &str| {
            let found = sections(text);
            assert_eq!(found.stops, [], "{text}");
            (found.parts[0].text.trim().to_owned(), found.parts[0].transaction)
        };
        assert_eq!(of(text), ("-- +goose Up\nSELECT 1;".to_owned(), Transaction::Around));
        assert_eq!(of(&format!("-- +goose NO TRANSACTION\n{text}")).1, Transaction::Each);
    }
}
