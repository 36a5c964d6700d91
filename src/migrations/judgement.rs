//! What is judged, and what comes of it: what each migration is, and what is told of which line.

use super::folder::Migration;
use super::names::Version;
use super::ownership::Ownership;
use crate::sql::{Class, Rule, Settings};

/// A migration with what its file holds.
#[derive(Clone, Debug)]
pub struct Pending {
    /// The migration.
    pub migration: Migration,
    /// Its name: the version, with the folder where there are several.
    pub name: String,
    /// The bytes of the file.
    pub content: Vec<u8>,
    /// What stands in the file beside it.
    pub settings: Option<String>,
    /// The bytes of the file that takes it back, where that was read.
    pub down: Option<Vec<u8>>,
}

/// How migrations are judged.
#[derive(Debug)]
pub struct Rules {
    /// What judging SQL depends on.
    pub sql: Settings,
    /// Files that are larger, in bytes, are not read.
    pub largest: usize,
    /// Who owns what.
    pub ownership: Option<Ownership>,
}

/// Something to be told of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The file, from the root of the repository.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The rule.
    pub rule: Rule,
    /// How bad it is here.
    pub class: Class,
    /// The object; may be empty.
    pub object: String,
    /// Its owner, as far as it is known.
    pub owner: Option<String>,
    /// What breaks, and for whom.
    pub message: String,
    /// The safe way; may be empty.
    pub fix: String,
}

impl Told {
    /// What a rule tells of a line and a column, without its words.
    #[must_use]
    pub fn of(file: &str, (line, column): (usize, usize), rule: Rule) -> Self {
        Self {
            file: file.to_owned(),
            line,
            column,
            rule,
            class: rule.class(),
            object: String::new(),
            owner: None,
            message: String::new(),
            fix: String::new(),
        }
    }
}

/// A migration, judged.
#[derive(Clone, Debug)]
pub struct One {
    /// Its name.
    pub name: String,
    /// Its file.
    pub file: String,
    /// The folder.
    pub folder: String,
    /// Its version.
    pub version: Version,
    /// It takes away what the code that serves uses.
    pub is_contract: bool,
    /// It cannot be told what it does.
    pub is_unknown: bool,
    /// It could not be read.
    pub is_unread: bool,
    /// It adds something: the first line of that.
    pub adds: Option<(usize, usize)>,
    /// The migration that it follows, as it is annotated, and the line of that.
    pub contract: Option<(String, usize)>,
}

/// All that was judged.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The migrations, in the order in which they run.
    pub migrations: Vec<One>,
    /// What is to be told, by file and line.
    pub told: Vec<Told>,
}

impl Judgement {
    /// Tells something of a place in a file. What could not be read is noted of its migration too.
    pub(super) fn tell(&mut self, one: &Pending, text: &str, at: usize, rule: Rule, message: &str, fix: &str) {
        if rule == Rule::Unanalysable
            && let Some(judged) = self.migrations.iter_mut().find(|judged| judged.file == one.migration.file)
        {
            judged.is_unread = true;
        }
        let told = Told::of(&one.migration.file, position(text, at), rule);
        self.told.push(Told { message: message.to_owned(), fix: fix.to_owned(), ..told });
    }
}

/// The line and the column of a byte, from 1.
pub(super) fn position(text: &str, at: usize) -> (usize, usize) {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (line, before[start..].chars().count() + 1)
}
