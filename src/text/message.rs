//! Messages that people look up: docs/troubleshooting.md explains each by its id.

/// Writes a message as `format!` does. Its id, in kebab-case, is how docs/troubleshooting.md and the tests name it: who words it otherwise
/// changes this place and the heading on that page, which `tests/it/troubleshooting.rs` compares. The same id may stand at several
/// places that say the same.
macro_rules! message {
    ($id:literal, $($text:tt)+) => {
        format!($($text)+)
    };
}

/// The same for a message in which nothing is filled in: a `&'static str`.
macro_rules! message_str {
    ($id:literal, $text:literal $(,)?) => {
        $text
    };
}

pub(crate) use {message, message_str};
