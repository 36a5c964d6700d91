//! Text that somebody else wrote: AWS, GitHub, a registry, a server that answers, whoever made a commit or a log.

use std::borrow::Cow;
use std::fmt;

use super::accounts::without_accounts;
use super::plain::{markdown, one_line, sanitized};
use super::secrets::{drop_torn_end, redacted, truncated};

/// The most bytes of one text in a message: a function may fail with 6 MB.
pub const LONGEST: usize = 4 * 1024;
/// More of a text is never looked at: a function may fail with 6 MB, of which a few kilobytes are shown.
const LARGEST: usize = 1024 * 1024;
/// Between two characters it shows nothing, and keeps them from meaning something together.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// Text from elsewhere, or text of ours that has such text in it. It cannot be displayed: it is made harmless for the place where it
/// is to stand by one of `for_..`. Each of them leaves out the secrets that are known by then; limits are in bytes.
#[derive(Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Foreign(String);

impl Foreign {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Takes bytes for text; what is not UTF-8 in them is replaced.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The text itself, to be compared, parsed or classified. It is never shown.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// True when there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Lines of the log, of an annotation or of a paragraph: no command for the runner, no control codes, nothing hidden.
    #[must_use]
    pub fn for_log(&self, limit: usize) -> String {
        truncated(&self.clean(sanitized), limit)
    }

    /// One line of that, to stand in a message of ours.
    #[must_use]
    pub fn for_message(&self, limit: usize) -> String {
        truncated(&self.clean(one_line), limit)
    }

    /// One line without account ids, for what others may read or what outlives the job: a record, an output, a mail.
    #[must_use]
    pub fn for_record(&self, limit: usize) -> String {
        without_accounts(&self.for_message(limit))
    }

    /// Lines without account ids, for an output: the runner drops one that holds what it masks.
    #[must_use]
    pub fn for_output(&self, limit: usize) -> String {
        truncated(&without_accounts(&self.clean(sanitized)), limit)
    }

    /// A text in a file of JSON, whose writer escapes it.
    #[must_use]
    pub fn for_evidence(&self) -> String {
        without_accounts(&redacted(&self.0))
    }

    /// One line of Markdown that reads as the text does. Secrets are taken out before: one that became known late would not be
    /// found among entities.
    #[must_use]
    pub fn for_markdown(&self, limit: usize) -> String {
        markdown(&redacted(&self.0), limit)
    }

    /// All of it but its secrets, where it is meant to be read for what it is: the notes that GitHub writes for a release are Markdown.
    #[must_use]
    pub fn without_secrets(&self) -> String {
        redacted(&self.0)
    }

    /// One line for a chat, without account ids, in which no service finds a mention or a link.
    #[must_use]
    pub fn for_chat(&self) -> String {
        let line = without_accounts(&self.clean(one_line));
        let mut safe = String::with_capacity(line.len());
        for character in line.chars() {
            let after = |word: &str| {
                safe.get(safe.len().saturating_sub(word.len())..).is_some_and(|end| end.eq_ignore_ascii_case(word))
            };
            let links = character == '/' && after(":") || character == '.' && after("www");
            if links {
                safe.push(ZERO_WIDTH_SPACE);
            }
            safe.push(character);
            if matches!(character, '@' | '#') {
                safe.push(ZERO_WIDTH_SPACE);
            }
        }
        safe
    }

    /// The same for a text in which Slack reads its three characters.
    /// <https://docs.slack.dev/messaging/formatting-message-text>
    #[must_use]
    pub fn for_slack(&self) -> String {
        self.for_chat().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    }

    /// The same for Discord, with what its Markdown reads escaped.
    #[must_use]
    pub fn for_discord(&self) -> String {
        let mut safe = String::new();
        for character in self.for_chat().chars() {
            if "\\*_~`|>[]()<:#-+.!".contains(character) {
                safe.push('\\');
            }
            safe.push(character);
        }
        safe
    }

    /// Without secrets, before it is made harmless, and once more after: terminal codes and hidden characters may have stood in the
    /// middle of one.
    fn clean(&self, harmless: fn(&str) -> String) -> String {
        redacted(&harmless(&redacted(&self.beginning())))
    }

    /// The beginning of a very large text, with no part of a secret at its end.
    fn beginning(&self) -> Cow<'_, str> {
        if self.0.len() <= LARGEST {
            return self.0.as_str().into();
        }
        let mut cut = self.0.as_bytes()[..LARGEST].to_vec();
        drop_torn_end(&mut cut);
        String::from_utf8_lossy(&cut).into_owned().into()
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.for_message(LARGEST))
    }
}

/// Whether a text may be passed on as it is: it holds no secret that is known.
#[must_use]
pub fn has_secret(text: &str) -> bool {
    redacted(text) != text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{assert_harmless, config, foreign};

    #[test]
    fn nothing_is_taken_for_a_mention_or_a_link() {
        let table = [
            ("@everyone", "@~everyone"),
            ("see https://a.b/c", "see https:~//a.b/c"),
            ("WWW.a.b", "WWW~.a.b"),
            ("fixes #12", "fixes #~12"),
            ("a\nb\u{202e}c", "a bc"),
        ];
        for (text, safe) in table {
            assert_eq!(Foreign::new(text).for_chat().replace(ZERO_WIDTH_SPACE, "~"), safe);
        }
    }

    #[test]
    fn what_outlives_the_job_names_no_account() {
        let text = Foreign::new("no role\narn:aws:iam::111122223333:role/ci");
        assert_eq!(text.for_record(100), "no role arn:aws:iam::*:role/ci");
        assert_eq!(text.for_output(100), "no role\narn:aws:iam::*:role/ci");
        assert_eq!(text.for_message(100), "no role arn:aws:iam::111122223333:role/ci");
        assert_eq!(format!("{text:?}"), "\"no role arn:aws:iam::111122223333:role/ci\"");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_becomes_one_harmless_line_for_a_chat(text in foreign()) {
            let text = Foreign::new(text);
            let line = text.for_chat();
            assert_harmless(&line);
            prop_assert!(!line.contains("://") && !line.contains('\n'));
            prop_assert!(!line.to_lowercase().contains("@everyone"));
            prop_assert!(!text.for_slack().contains(['<', '>']));
            let mut escaped = false;
            for character in text.for_discord().chars() {
                prop_assert!(escaped || !"*_~`|<[]".contains(character), "{}", line);
                escaped = character == '\\' && !escaped;
            }
        }
    }
}
