//! Percent-encoding (RFC 3986, 2.1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What is encoded: everything but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes everything that is not unreserved.
pub(crate) fn encode(text: &(impl AsRef<[u8]> + ?Sized)) -> String {
    percent_encode(text.as_ref(), RESERVED).to_string()
}

/// Decodes what can be decoded.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// The names and values of a query, in which `+` is a space too.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let text = |part: &str| decode(&part.replace('+', " "));
    query.split('&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (text(name), text(value))
    })
}
