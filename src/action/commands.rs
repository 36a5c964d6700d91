//! Workflow commands: the only lines the runner is meant to act on. Everything else goes through [`super::log`].
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::io::Write as _;

use super::{secrets, text};

/// GitHub cuts the message of an annotation at 4,096 characters.
const LONGEST_MESSAGE: usize = 4000;

/// How urgent an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Shown red.
    Error,
    /// Shown yellow.
    Warning,
}

/// Prints one annotation. Title and message may hold foreign text.
pub fn annotate(level: Level, title: &str, message: &str) {
    let word = match level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    print(&annotation(word, title, message));
}

pub(super) fn annotation(word: &str, title: &str, message: &str) -> String {
    let title = property(&secrets::line(title));
    let message = data(&text::clipped(&secrets::lines(message), LONGEST_MESSAGE));
    format!("::{word} title={title}::{message}")
}

/// Has the runner hide a value in everything that follows.
pub(super) fn add_mask(value: &str) {
    for line in value.lines().filter(|line| !line.trim().is_empty()) {
        print(&format!("::add-mask::{}", data(line)));
    }
}

/// Opens a foldable group of log lines.
pub fn group(title: &str) {
    print(&opening(title));
}

pub(super) fn opening(title: &str) -> String {
    format!("::group::{}", data(&secrets::line(title)))
}

/// Closes the group.
pub fn end_group() {
    print("::endgroup::");
}

fn print(line: &str) {
    // A closed standard output leaves nobody to tell.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// Escapes the data of a command (actions/toolkit, `command.ts`).
fn data(value: &str) -> String {
    value.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command (actions/toolkit, `command.ts`).
fn property(value: &str) -> String {
    data(value).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_properties_are_escaped_as_the_toolkit_does() {
        assert_eq!(data("50%\r\n::x"), "50%25%0D%0A::x");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
