//! Foreign text made harmless: it cannot issue workflow commands, forge Markdown, or hide behind terminal codes.
//!
//! The runner parses both output streams of a container action. A line is a command when, after leading white space, it
//! begins with `::`, or when it holds the legacy form `##[` anywhere (actions/runner, `ActionCommand.TryParse`).

use std::fmt::Write as _;
use std::path::{Component, Path};

/// Breaks a workflow command apart without changing what a person reads.
const ZERO_WIDTH_SPACE: char = '\u{200b}';

/// One or several lines of text that no runner takes for commands and no terminal for control codes.
///
/// Line feeds stay; a carriage return alone ends a line for the runner too, so it becomes a line feed.
#[must_use]
pub(super) fn sanitized(text: &str) -> String {
    let plain = without_controls(text);
    let lines: Vec<String> = plain.split('\n').map(neutral_line).collect();
    lines.join("\n")
}

/// [`sanitized`], folded into one line.
#[must_use]
pub(super) fn one_line(text: &str) -> String {
    neutral_line(&fold(text))
}

/// One line in which nothing is hidden. A runner might find a command in it.
fn fold(text: &str) -> String {
    without_controls(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// JSON for a later step, in which a runner finds no command and nobody anything hidden: such characters stand as escapes.
#[must_use]
pub fn json(value: &serde_json::Value) -> String {
    // Only strings can hold these.
    let plain = value.to_string().replace("::", ":\\u003a").replace("#[", "#\\u005b");
    let mut json = String::with_capacity(plain.len());
    for character in plain.chars() {
        if is_hidden(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                // Writing to a String cannot fail.
                let _ = write!(json, "\\u{unit:04x}");
            }
        } else {
            json.push(character);
        }
    }
    json
}

/// A value of JSON in which each text has become another.
#[must_use]
pub fn each_text(value: serde_json::Value, text: &impl Fn(String) -> String) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(one) => Value::String(text(one)),
        Value::Array(items) => items.into_iter().map(|item| each_text(item, text)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, each_text(value, text))).collect(),
        other => other,
    }
}

/// True for a path that leads to a place below where it begins: relative, and without `..`.
#[must_use]
pub fn leads_inside(path: &str) -> bool {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    !path.is_empty() && Path::new(path).components().all(inside)
}

/// Foreign text for Markdown: every character with a meaning becomes an entity, so that it is shown as it is, and can be copied.
/// At most `limit` bytes come out, marked when cut.
#[must_use]
pub(super) fn markdown(text: &str, limit: usize) -> String {
    let mut cell = String::new();
    for (place, word) in fold(text).split(' ').enumerate() {
        let before = cell.len();
        if place > 0 {
            cell.push(' ');
        }
        let is_whole = if word.contains('@') { code(&mut cell, word, limit) } else { entities(&mut cell, word, limit) };
        if !is_whole {
            // An entity or a span is left out as a whole.
            if cell.len() + MARK.len() > limit {
                cell.truncate(before);
            }
            cell.push_str(MARK);
            break;
        }
    }
    cell
}

/// A word with `@` as spans of code: GitHub looks for names and addresses in all other text, entities or not. The signs that have a
/// meaning even there, in a table, stand between the spans. False when it does not fit.
fn code(cell: &mut String, word: &str, limit: usize) -> bool {
    for part in word.split_inclusive(['`', '|']) {
        let (span, sign) = match part.char_indices().next_back() {
            Some((at, '`' | '|')) => part.split_at(at),
            _ => (part, ""),
        };
        if cell.len() + span.len() + 2 + MARK.len() > limit {
            return false;
        }
        if !span.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(cell, "`{span}`");
        }
        if !entities(cell, sign, limit) {
            return false;
        }
    }
    true
}

/// A word with entities for all that has a meaning. False when it does not fit: what does is there.
fn entities(cell: &mut String, word: &str, limit: usize) -> bool {
    let mut characters = word.chars().peekable();
    while let Some(character) = characters.next() {
        let before = cell.len();
        let links = match character {
            ':' => characters.peek() == Some(&'/'),
            '.' => cell.get(cell.len().saturating_sub(3)..).is_some_and(|word| word.eq_ignore_ascii_case("www")),
            _ => false,
        };
        let meant = "&<>|`*_[]#~!\\$".contains(character);
        if meant || links || begins_a_block(cell, character) {
            let _ = write!(cell, "&#{};", u32::from(character));
        } else {
            cell.push(character);
        }
        if cell.len() + MARK.len() > limit {
            cell.truncate(before);
            return false;
        }
    }
    true
}

/// True for a character that, after what stands at the beginning of a line, makes it an item of a list, a rule or a heading.
fn begins_a_block(before: &str, character: char) -> bool {
    match character {
        '-' | '+' | '=' => before.is_empty(),
        '.' | ')' => !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// True for text in which no runner finds a command, and nothing is hidden: it may be passed on as it is.
#[must_use]
pub fn is_harmless(text: &str) -> bool {
    sanitized(text) == text
}

/// True when nothing of the text is hidden or turns the reading direction around: what is read is what is there.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    !text.chars().any(is_hidden)
}

/// Stands where text was cut.
pub(super) const MARK: &str = "…";

fn without_controls(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => plain.push(character),
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    plain.push('\n');
                }
            }
            '\u{1b}' => skip_escape_sequence(&mut characters),
            '\u{9b}' => skip_control_sequence(&mut characters),
            other if is_hidden(other) => {}
            other => plain.push(other),
        }
    }
    plain
}

/// Skips what follows ESC (ECMA-48): a control sequence, an operating system command, or one character.
fn skip_escape_sequence(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.peek() {
        Some('[') => {
            characters.next();
            skip_control_sequence(characters);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            while let Some(next) = characters.peek() {
                if *next == '\n' {
                    return;
                }
                let ends = matches!(*next, '\u{7}' | '\u{9c}' | '\u{1b}');
                characters.next();
                if ends {
                    return;
                }
            }
        }
        Some(next) if *next != '\n' && *next != '\r' => {
            characters.next();
        }
        _ => {}
    }
}

fn skip_control_sequence(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    while let Some(next) = characters.peek().copied() {
        match next {
            '\u{20}'..='\u{3f}' => {
                characters.next();
            }
            '\u{40}'..='\u{7e}' => {
                characters.next();
                return;
            }
            _ => return,
        }
    }
}

/// Characters that show nothing or turn the reading direction around: control characters, bidirectional and joining marks, and
/// whatever else a font need not show (Unicode `Default_Ignorable_Code_Point`, but for the variation selectors of emoji).
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

fn neutral_line(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    let indent = line.len() - line.trim_start().len();
    let bytes = line.as_bytes();
    for (place, character) in line.char_indices() {
        safe.push(character);
        let rest = &bytes[place..];
        let command = character == ':' && rest.starts_with(b"::") && {
            let at_start = place == indent;
            let alone = place == 0 || bytes[place - 1] != b':';
            let names_one = rest.get(2).is_some_and(u8::is_ascii_alphabetic);
            at_start || (alone && names_one)
        };
        if command || (character == '#' && rest.starts_with(b"#[")) {
            safe.push(ZERO_WIDTH_SPACE);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_broken_wherever_they_stand() {
        let table = [
            ("::set-output name=a::b", ":\u{200b}:set-output name=a:\u{200b}:b"),
            ("   ::error::x", "   :\u{200b}:error:\u{200b}:x"),
            ("see ##[add-mask]a", "see ##\u{200b}[add-mask]a"),
            ("a\r::warning::b", "a\n:\u{200b}:warning:\u{200b}:b"),
            ("\u{1b}[31m::error::x\u{1b}[0m", ":\u{200b}:error:\u{200b}:x"),
            ("::\u{200b}x", ":\u{200b}:x"),
            ("arn:aws:s3:::bucket", "arn:aws:s3:::bucket"),
            ("arn:aws:iam::1:role", "arn:aws:iam::1:role"),
        ];
        for (foreign, safe) in table {
            assert_eq!(sanitized(foreign), safe, "{foreign:?}");
        }
    }

    #[test]
    fn terminal_controls_and_hidden_characters_are_gone() {
        let table = [
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("left\u{202e}right", "leftright"),
            ("nul\0bell\u{7}", "nulbell"),
            ("keep\ttab", "keep\ttab"),
        ];
        for (foreign, safe) in table {
            assert_eq!(sanitized(foreign), safe, "{foreign:?}");
        }
    }

    #[test]
    fn markdown_shows_text_as_it_is() {
        assert_eq!(markdown("a|b\n<b>`x`", 100), "a&#124;b &#60;b&#62;&#96;x&#96;");
        assert_eq!(markdown("https://a.b WWW.a.b", 100), "https&#58;//a.b WWW&#46;a.b");
        for (text, safe) in [("- a", "&#45; a"), ("1. a", "1&#46; a"), ("2) a", "2&#41; a"), ("a - 1.", "a - 1.")] {
            assert_eq!(markdown(text, 100), safe);
        }
        assert_eq!(markdown("@org/team #12 [x](y)", 100), "`@org/team` &#35;12 &#91;x&#93;(y)");
        assert_eq!(markdown("shop/api@sha256:0a1b a@`b|c@d", 100), "`shop/api@sha256:0a1b` `a@`&#96;`b`&#124;`c@d`");
        assert_eq!(markdown("::error::x arn:aws:s3:::b", 100), "::error::x arn:aws:s3:::b");
    }

    #[test]
    fn markdown_is_cut_between_entities() {
        assert_eq!(markdown("||||", 13), "&#124;…");
        assert_eq!(markdown("abc", 6), "abc");
    }
}
