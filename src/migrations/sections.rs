//! What of a file goes up, and in which transaction: all else is blotted out, so that every byte keeps its place.

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
    /// The bytes at which its tool cuts it into texts that it sends one by one; none where it does not look for statements.
    pub(super) cuts: Vec<usize>,
}

/// The parts of a file that go up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sections {
    /// In order.
    pub(super) parts: Vec<Section>,
    /// What its tool stops at.
    pub(super) stops: Vec<Stop>,
    /// Marks that count for nothing where they stand, and at which byte.
    pub(super) idle: Vec<(usize, String)>,
}

/// Something at which a tool stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stop {
    /// The byte at which it stands.
    pub(super) at: usize,
    /// What the tool says or does.
    pub(super) why: String,
    /// The way out.
    pub(super) fix: String,
    /// What the tool would run cannot be told from the file.
    pub(super) is_unread: bool,
}

impl Sections {
    /// A file that is one part.
    pub(super) fn whole(text: &str, transaction: Transaction) -> Self {
        let part = Section { text: text.to_owned(), transaction, cuts: Vec::new() };
        Self { parts: vec![part], ..Self::default() }
    }

    /// Notes that the tool stops here.
    pub(super) fn stop(&mut self, at: usize, why: impl Into<String>, fix: impl Into<String>) {
        self.stops.push(Stop { at, why: why.into(), fix: fix.into(), is_unread: false });
    }

    /// Notes that what the tool would run cannot be told.
    pub(super) fn unread(&mut self, at: usize, why: impl Into<String>, fix: impl Into<String>) {
        self.stops.push(Stop { at, why: why.into(), fix: fix.into(), is_unread: true });
    }
}

/// The text with all but these lines blotted out; comments before the first of them stay, for they speak of the file.
pub(super) fn blotted(text: &str, kept: &[(usize, usize)]) -> String {
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
