//! How a secret looks in the answer of a server that repeats it: as it is, or as it stands in a URL, in JSON, in HTML, in
//! base64. The runner knows most of these for its log (actions/runner, `ValueEncoders.cs`); the evidence is ours alone.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::utf8_percent_encode;

use crate::text::escape::RESERVED;

/// Shorter pieces of base64 could be words.
const SHORTEST_BASE64: usize = 8;

/// The secret itself, and every other form of it.
pub(super) fn of(secret: &str) -> Vec<String> {
    let mut all = vec![secret.to_owned(), in_url(secret, false), in_url(secret, true), in_form(secret)];
    all.extend([in_json(secret), in_json(secret).replace('/', "\\/")]);
    all.extend([in_html(secret, "&#39;"), in_html(secret, "&apos;")]);
    for shift in 0..3 {
        let inner = whole_groups(secret.as_bytes(), shift);
        let encoded = [STANDARD_NO_PAD.encode(inner), URL_SAFE_NO_PAD.encode(inner)];
        all.extend(encoded.into_iter().filter(|form| form.len() >= SHORTEST_BASE64));
    }
    all
}

/// The bytes whose base64 is the same whatever stands before and after them; of those before them, the last group of three
/// takes `shift` bytes of the secret.
fn whole_groups(bytes: &[u8], shift: usize) -> &[u8] {
    let rest = bytes.get(shift..).unwrap_or_default();
    &rest[..rest.len() - rest.len() % 3]
}

/// RFC 3986: everything but unreserved characters as `%2F`, or as `%2f`.
fn in_url(secret: &str, lower: bool) -> String {
    let part = |part: &str| if lower && part.starts_with('%') { part.to_ascii_lowercase() } else { part.to_owned() };
    utf8_percent_encode(secret, RESERVED).map(part).collect()
}

/// As a form is sent, with `+` for a blank.
fn in_form(secret: &str) -> String {
    url::form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

fn in_json(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn in_html(secret: &str, apostrophe: &str) -> String {
    let entities = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", apostrophe)];
    entities.iter().fold(secret.to_owned(), |html, (character, entity)| html.replace(character, entity))
}
