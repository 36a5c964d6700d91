//! What a value looks like inside a workflow command, and in a page.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// What is percent-encoded in a part of a URL: everything but the unreserved characters of RFC 3986 (2.3).
pub const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Escapes the data of a command (actions/toolkit, `command.ts`).
#[must_use]
pub fn command_data(value: &str) -> String {
    value.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a command (actions/toolkit, `command.ts`).
#[must_use]
pub fn command_property(value: &str) -> String {
    command_data(value).replace(':', "%3A").replace(',', "%2C")
}

/// Escapes a text between tags, or in an attribute in double quotes, of HTML and of SVG.
#[must_use]
pub fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_and_properties_are_escaped_as_the_toolkit_does() {
        assert_eq!(command_data("50%\r\n::x"), "50%25%0D%0A::x");
        assert_eq!(command_property("a:b,c"), "a%3Ab%2Cc");
    }
}
