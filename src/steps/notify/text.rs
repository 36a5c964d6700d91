//! The lengths in which chats count.

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
    use crate::hostile::{config, foreign};

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
        fn any_text_is_cut_to_a_bounded_length(text in foreign(), longest in 1..40_usize) {
            prop_assert!(short(&text, longest).encode_utf16().count() <= longest);
        }
    }
}
