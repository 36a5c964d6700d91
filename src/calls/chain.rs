//! A chain of errors, in one line.

use std::error::Error;

use crate::text::message;

/// An error in one line. Causes that repeat it are left out.
#[must_use]
pub fn error_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        // A cause that begins with the line so far replaces it.
        if words.starts_with(&line) {
            line = words;
        } else if !line.contains(&words) {
            line = match words.split_once(": ") {
                Some((first, rest)) if line.ends_with(first) => format!("{line}: {rest}"),
                _ => format!("{line}: {words}"),
            };
        }
    }
    line
}

/// The innermost cause of an error: of a client's errors the outer ones say only that it failed.
#[must_use]
pub fn innermost<'e>(error: &'e (dyn Error + 'static)) -> &'e (dyn Error + 'static) {
    error.source().map_or(error, innermost)
}

/// Says in the log what could not be determined: the step goes on without it.
pub fn log_not_determined(what: &str, error: &anyhow::Error) {
    tracing::info!("{}", message!("not-determined", "{what} could not be determined: {}", error_line(error)));
}
