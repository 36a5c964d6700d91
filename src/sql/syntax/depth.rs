//! How deep a text nests, before the parser is given it: the parser goes down as deep as the text does, and its stack ends somewhere.

use squawk_lexer::TokenKind;

/// Nothing that people write has more brackets or blocks in each other.
const DEEPEST: usize = 1_000;

/// So many words follow each other without a comma, a semicolon or a bracket: the parser may go down with each of them.
const LONGEST_CHAIN: usize = 8_000;

/// Why a text is not given to the parser, and the byte at which it nests too deeply.
pub(super) fn too_deep(text: &str) -> Option<(usize, String)> {
    let tokens: Vec<(TokenKind, usize, &str)> = tokens(text).collect();
    // How long the chain is in each open bracket, and all of them together.
    let mut chains = vec![0_usize];
    let mut total = 0_usize;
    let mut blocks = 0_usize;
    for (number, (kind, at, word)) in tokens.iter().enumerate() {
        let word_at = |number: usize| tokens.get(number).map(|(_, _, word)| *word).unwrap_or_default();
        let next_is = |words: &[&str]| words.iter().any(|one| word_at(number + 1).eq_ignore_ascii_case(one));
        let after_end = number > 0 && word_at(number - 1).eq_ignore_ascii_case("end");
        let is = |one: &str| *kind == TokenKind::Ident && word.eq_ignore_ascii_case(one);
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket => chains.push(0),
            TokenKind::CloseParen | TokenKind::CloseBracket if chains.len() > 1 => {
                total -= chains.pop().unwrap_or_default();
            }
            TokenKind::Comma | TokenKind::Semi => {
                total -= chains.last_mut().map(std::mem::take).unwrap_or_default();
            }
            _ => {
                total += 1;
                if let Some(last) = chains.last_mut() {
                    *last += 1;
                }
            }
        }
        if is("end") {
            blocks = blocks.saturating_sub(1);
        } else if !after_end
            && (is("case")
                || is("loop")
                || is("begin") && !next_is(&[";", "transaction", "work", "isolation", "read"])
                || is("if") && !next_is(&["exists", "not"]))
        {
            blocks += 1;
        }
        if chains.len() > DEEPEST || blocks > DEEPEST {
            return Some((*at, format!("it nests deeper than {DEEPEST} levels")));
        }
        if total > LONGEST_CHAIN {
            return Some((*at, format!("more than {LONGEST_CHAIN} words follow each other without a comma")));
        }
    }
    None
}

/// The tokens of a text that are neither blanks nor comments.
fn tokens(text: &str) -> impl Iterator<Item = (TokenKind, usize, &str)> {
    let mut at = 0;
    let all = squawk_lexer::tokenize(text).map(move |token| {
        let start = at;
        at += token.len as usize;
        (token.kind, start, text.get(start..at).unwrap_or_default())
    });
    all.filter(|(kind, ..)| {
        !matches!(kind, TokenKind::Whitespace | TokenKind::LineComment | TokenKind::BlockComment { .. })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_not_too_deep() {
        let rows = format!("INSERT INTO t VALUES {};", vec!["(1, 'a', (2))"; 5_000].join(", "));
        let whens = format!("SELECT CASE {} END", vec!["WHEN a = 1 THEN 2"; 1_000].join(" "));
        let drops = vec!["DROP TABLE IF EXISTS t; BEGIN; END;"; 3_000].join("\n");
        for text in [rows, whens, drops, "(((".repeat(100), "END ".repeat(5_000)] {
            assert_eq!(too_deep(&text), None, "{}", &text[..30]);
        }
    }

    #[test]
    fn what_would_need_more_stack_than_there_is_is_refused() {
        let blocks = format!("DO $$ {}", "BEGIN NULL; ".repeat(2_000)).replace("DO $$ ", "");
        let ifs = "IF a THEN b := 1; ".repeat(2_000);
        for text in ["(".repeat(20_000), "NOT ".repeat(30_000), "1+".repeat(30_000), "[".repeat(5_000), blocks, ifs] {
            assert!(too_deep(&text).is_some(), "{}", &text[..10]);
        }
    }
}
