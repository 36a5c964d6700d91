//! Secrets of this process: shown nowhere. The runner is asked to mask each, and our own writers take them out as well, so that
//! nothing depends on the runner.

mod spellings;

use std::fmt;
use std::io::Write as _;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(test))]
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::escape::command_data;
use super::plain::{MARK, one_line};

/// What is to be redacted, in every spelling.
#[cfg(not(test))]
fn with_known<T>(with: impl FnOnce(&mut Vec<String>) -> T) -> T {
    static KNOWN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    with(&mut KNOWN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The same of one test, which has a thread of its own: what one knows is no secret to another.
#[cfg(test)]
fn with_known<T>(with: impl FnOnce(&mut Vec<String>) -> T) -> T {
    thread_local!(static KNOWN: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) });
    KNOWN.with_borrow_mut(with)
}

/// Values shorter than this are not redacted: they would erase ordinary words from the log.
const SHORTEST: usize = 6;

/// A value that never appears in a log, an output, an error or a debug form.
#[derive(Clone, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(from = "String")]
#[schemars(inline, title = "secret", example = &"ghs_0123456789abcdef")]
pub struct Secret(String);

impl Secret {
    /// Takes a secret and remembers it for [`redacted`].
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        let secret = Self(value.into());
        secret.remember();
        secret
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Has the value redacted of everything written from now on, and hidden by the runner: as a whole, line by line, as it
    /// looks when it is folded into one harmless line, and in the encodings in which servers repeat what they were sent.
    pub fn remember(&self) {
        let parts = std::iter::once(self.0.as_str()).chain(self.0.lines().map(str::trim));
        let forms = parts.flat_map(|part| [part.to_owned(), one_line(part)]);
        with_known(|known| forms.for_each(|form| remember(known, &form)));
    }
}

fn remember(known: &mut Vec<String>, form: &str) {
    if form.len() < SHORTEST || known.iter().any(|known| known == form) {
        return;
    }
    // The runner is asked in a line of the log, which holds no control characters.
    if !form.contains(char::is_control) {
        hide(form);
    }
    for spelling in spellings::of(form) {
        if !known.contains(&spelling) {
            known.push(spelling);
        }
    }
}

/// Whether a runner reads what is printed. A person would be shown the secret itself.
static HAS_RUNNER: AtomicBool = AtomicBool::new(true);

/// From now on no runner reads what is printed: it is not asked to hide anything.
pub fn has_no_runner() {
    HAS_RUNNER.store(false, Ordering::Relaxed);
}

/// Has the runner hide a value in everything that follows.
fn hide(value: &str) {
    if !HAS_RUNNER.load(Ordering::Relaxed) {
        return;
    }
    for line in value.lines().filter(|line| !line.trim().is_empty()) {
        // A closed standard output leaves nobody who could read the secret.
        let _ = writeln!(std::io::stdout().lock(), "::add-mask::{}", command_data(line));
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// What GitHub's tokens begin with: also those that nobody gave us are redacted. Since April 2026 they hold dots, and are some 520
/// characters long.
/// <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github>
const TOKENS: [&str; 6] = ["ghs_", "ghp_", "gho_", "ghu_", "ghr_", "github_pat_"];
/// The fewest characters after it.
const SHORTEST_TOKEN: usize = 36;

/// Where tokens of GitHub stand.
fn tokens(text: &str) -> impl Iterator<Item = Range<usize>> {
    let of_token = |c: char| c.is_ascii_alphanumeric() || ['.', '_', '-'].contains(&c);
    TOKENS.into_iter().flat_map(|prefix| text.match_indices(prefix)).filter_map(move |(at, prefix)| {
        let after = at + prefix.len();
        let length = text[after..].find(|c| !of_token(c)).unwrap_or(text.len() - after);
        (length >= SHORTEST_TOKEN).then_some(at..after + length)
    })
}

/// The text with `***` for every stretch covered by known secrets: one that overlaps another, or holds it, leaves no rest.
#[must_use]
pub(super) fn redacted(text: &str) -> String {
    with_known(|known| without(known, text))
}

fn without(known: &[String], text: &str) -> String {
    let found = known.iter().flat_map(|secret| text.match_indices(secret.as_str()));
    let mut hits: Vec<Range<usize>> = found.map(|(at, secret)| at..at + secret.len()).chain(tokens(text)).collect();
    hits.sort_unstable_by_key(|hit| hit.start);
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    for hit in hits {
        if hit.start >= at {
            clean.push_str(&text[at..hit.start]);
            clean.push_str("***");
        }
        at = at.max(hit.end);
    }
    clean.push_str(&text[at..]);
    // It may have been cut before a secret was known, and end with the beginning of it.
    if let Some(end) = clean.strip_suffix(MARK).map(str::len) {
        let begins = |secret: &String| {
            (SHORTEST..secret.len())
                .rev()
                .find(|&length| secret.is_char_boundary(length) && clean[..end].ends_with(&secret[..length]))
        };
        let torn = known.iter().filter_map(begins).max().unwrap_or_default();
        clean.replace_range(end - torn..end, "");
    }
    clean
}

/// Takes the beginning of a secret away from where bytes were cut at their end: half of a secret is not known again.
pub fn drop_torn_end(bytes: &mut Vec<u8>) {
    let torn = longest(|secret| (1..secret.len()).rev().find(|length| bytes.ends_with(&secret[..*length])));
    bytes.truncate(bytes.len() - torn);
}

/// The same where bytes were cut at their beginning.
#[must_use]
pub fn without_torn_beginning(bytes: &[u8]) -> &[u8] {
    let torn = longest(|secret| {
        (1..secret.len()).find(|from| bytes.starts_with(&secret[*from..])).map(|from| secret.len() - from)
    });
    &bytes[torn..]
}

fn longest(of: impl Fn(&[u8]) -> Option<usize>) -> usize {
    with_known(|known| known.iter().filter_map(|secret| of(secret.as_bytes())).max()).unwrap_or_default()
}

/// At most `limit` bytes of the text, cut between characters and marked when cut. Secrets are taken out before: half of one is not
/// known again. No text is cut in any other way.
#[must_use]
pub fn truncated(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let text = redacted(text);
    if text.len() <= limit {
        return text;
    }
    let mut end = limit.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_github_is_blotted_out_whole_whoever_has_it() {
        let token = format!("ghs_{}.{}-_{}", "aB3".repeat(60), "cD4".repeat(90), "e".repeat(60));
        assert_eq!(redacted(&format!("Bearer {token}, and ghs_short")), "Bearer ***, and ghs_short");
        assert_eq!(redacted(&format!("({token})")), "(***)");
        assert_eq!(redacted(&format!("github_pat_{}", "1a_".repeat(27))), "***");
    }

    #[test]
    fn clipping_keeps_characters_whole() {
        assert_eq!(truncated("grün", 10), "grün");
        assert_eq!(truncated("grüngrün", 6), "gr…");
        assert!(truncated(&"ü".repeat(50), 21).len() <= 21);
    }
}
