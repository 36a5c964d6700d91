//! Workflow commands: the only lines the runner is meant to act on. Everything else goes through [`super::log`].
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::io::Write as _;

use super::screen::{self, Colour};
use crate::text::Foreign;
use crate::text::escape::{command_data, command_property};

/// GitHub cuts the message of an annotation at 4,096 characters.
const LONGEST_MESSAGE: usize = 4000;

/// How urgent an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Shown red.
    Error,
    /// Shown yellow.
    Warning,
    /// Shown blue: good to know.
    Notice,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
        }
    }
}

/// Prints one annotation. Title and message may hold foreign text. A person at a terminal reads it as it is.
pub fn annotate(level: Level, title: &str, message: &str) {
    if screen::has_person() {
        let colour = if level == Level::Error { Colour::Red } else { Colour::Yellow };
        return screen::show(colour, &format!("{}:", level.word()), &format!("{title}: {message}"));
    }
    print(&annotation(level.word(), title, message));
}

pub(super) fn annotation(word: &str, title: &str, message: &str) -> String {
    let title = command_property(&Foreign::new(title).for_message(LONGEST_MESSAGE));
    let message = command_data(&Foreign::new(message).for_log(LONGEST_MESSAGE));
    format!("::{word} title={title}::{message}")
}

/// Opens a foldable group of log lines.
pub fn group(title: &str) {
    if screen::has_person() {
        return screen::write(&screen::harmless(title));
    }
    print(&opening(title));
}

pub(super) fn opening(title: &str) -> String {
    format!("::group::{}", command_data(&Foreign::new(title).for_message(LONGEST_MESSAGE)))
}

/// Closes the group.
pub fn end_group() {
    if !screen::has_person() {
        print("::endgroup::");
    }
}

fn print(line: &str) {
    // A closed standard output leaves nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
