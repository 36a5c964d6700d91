//! Foreign text in messages of chats: shown as it is, and read for nothing.

use crate::text::accounts::without_accounts;
use crate::text::secrets;

/// Between two characters it shows nothing, and keeps them from meaning something together.
const BETWEEN: char = '\u{200b}';

/// One line in which no service finds a mention or a link: without secrets, account ids and control characters.
pub(super) fn broken(foreign: &str) -> String {
    let line = without_accounts(&secrets::line(foreign));
    let mut safe = String::with_capacity(line.len());
    for character in line.chars() {
        let after = |word: &str| {
            safe.get(safe.len().saturating_sub(word.len())..).is_some_and(|end| end.eq_ignore_ascii_case(word))
        };
        let links = character == '/' && after(":") || character == '.' && after("www");
        if links {
            safe.push(BETWEEN);
        }
        safe.push(character);
        if matches!(character, '@' | '#') {
            safe.push(BETWEEN);
        }
    }
    safe
}

/// At most so many UTF-16 units, in which services count (a character is one or two), and marked when cut.
pub(super) fn short(text: &str, longest: usize) -> String {
    let mut units = 0;
    let mut end = 0;
    for (at, character) in text.char_indices() {
        units += character.len_utf16();
        if units < longest {
            end = at + character.len_utf8();
        }
    }
    if units <= longest { text.to_owned() } else { format!("{}…", &text[..end]) }
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
        for (foreign, safe) in table {
            assert_eq!(broken(foreign).replace(BETWEEN, "~"), safe);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(short("abc", 3), "abc");
        assert_eq!(short("abcd", 3), "ab…");
        assert_eq!(short("🚨🚨", 3), "🚨…");
        assert_eq!(short("", 0), "");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_becomes_one_harmless_line_of_bounded_length(text in foreign(), longest in 1..40_usize) {
            let line = broken(&text);
            assert_harmless(&line);
            prop_assert!(!line.contains("://") && !line.contains('\n'));
            prop_assert!(!line.to_lowercase().contains("@everyone"));
            prop_assert!(short(&line, longest).encode_utf16().count() <= longest);
        }
    }
}
