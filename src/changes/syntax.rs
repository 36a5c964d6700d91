//! What one pattern of paths means, as `paths` in a workflow has it: `*` stops at a slash, `**` does not, `?` and `+` repeat the
//! character before them, `[a-z]` is one of these letters or digits, `\` takes a character as it is. A dot at the
//! beginning of a name is a character like others, and upper case is not lower case. Besides, `{a,b}` is either.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>
//!
//! It is translated to regular expressions here, and not by the crate `globset`: to it `?` is any character and `+` itself, it
//! takes `**` for whole folders only. None of that can be set otherwise.

use crate::action::inputs::word;

/// Most alternatives of one pattern.
const ALTERNATIVES: usize = 64;
/// What a `\` may stand before.
const SPECIAL: &str = "*?+[]{}!,\\";

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// This character.
    One(char),
    /// One of these, as an expression has it.
    Class(String),
    /// `*`
    Within,
    /// `**`
    Across,
    /// `?` or `+`, of the part before.
    Times(char),
}

/// The alternatives of a pattern, without `!`. What cannot be meant, or what other tools read otherwise and workflows do not
/// know, is refused, because a pattern that is read otherwise than it was meant leaves out files without a word.
///
/// # Errors
/// What is wrong with it, and what to write, as the end of a sentence that begins with the pattern.
pub(super) fn alternatives(text: &str) -> Result<Vec<(String, Vec<Part>)>, String> {
    let read = |one: String| {
        let parts = path(&one).and_then(|()| parts(&one));
        let wrong = |why: &str| match word(&one).filter(|one| one != text) {
            Some(one) => format!("is also `{one}`, which {why}"),
            None => why.to_owned(),
        };
        parts.map_err(wrong).map(|parts| (one, parts))
    };
    expand_braces(text)?.into_iter().map(read).collect()
}

/// Refuses what is no path from the root of the repository.
fn path(text: &str) -> Result<(), &'static str> {
    let is_part = |name: &str| text.split('/').any(|part| part == name);
    if text.trim() != text || text.is_empty() {
        return Err("is empty, or has blanks around it");
    }
    if text.starts_with('/') || text.contains("//") || is_part(".") || is_part("..") {
        return Err("must be a path from the root of the repository, without `/` or `./` before it and without `..`");
    }
    if text.ends_with('/') {
        return Err("names a folder: write `**` behind it, for all that is in it");
    }
    Ok(())
}

/// A pattern with `{a,b}` as several without.
fn expand_braces(text: &str) -> Result<Vec<String>, &'static str> {
    const UNCLOSED: &str = "has a `{` or `}` that is not one of `{a,b}`: for the character itself write `\\{` or `\\}`";
    let mut done = Vec::new();
    let mut left = vec![text.to_owned()];
    while let Some(one) = left.pop() {
        let Some((open, close, commas)) = braces(&one).ok_or(UNCLOSED)? else {
            done.push(one);
            continue;
        };
        if commas.is_empty() {
            return Err(UNCLOSED);
        }
        let ends = commas.iter().copied().chain([close]);
        let begins = [open].into_iter().chain(commas.iter().copied());
        let inner: Vec<String> = begins
            .zip(ends)
            .map(|(begin, end)| format!("{}{}{}", &one[..open], &one[begin + 1..end], &one[close + 1..]))
            .collect();
        left.extend(inner.into_iter().rev());
        if done.len() + left.len() > ALTERNATIVES {
            return Err("has too many alternatives, more than 64: write several patterns");
        }
    }
    Ok(done)
}

/// The first `{..}`: its ends, and the commas between its alternatives. `None` where one is not closed, or not opened.
#[expect(clippy::option_option, reason = "wrong, none, or some: each is used once")]
fn braces(text: &str) -> Option<Option<(usize, usize, Vec<usize>)>> {
    let (mut depth, mut open, mut commas) = (0_usize, 0, Vec::new());
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => _ = characters.next(),
            '{' => {
                open = if depth == 0 { at } else { open };
                depth += 1;
            }
            ',' if depth == 1 => commas.push(at),
            '}' if depth == 1 => return Some(Some((open, at, commas))),
            '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
    }
    (depth == 0).then_some(None)
}

/// The parts of one alternative.
fn parts(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        parts.push(match character {
            '*' => {
                let mut part = Part::Within;
                while characters.next_if_eq(&'*').is_some() {
                    part = Part::Across;
                }
                part
            }
            '?' | '+' => match parts.last() {
                Some(Part::One(_) | Part::Class(_)) => Part::Times(character),
                _ => {
                    return Err("has a `?` or `+` with no character before it to repeat (`?` is none or one of it, `+` one or more): for \
                                any characters write `*`, for the character itself `\\?` or `\\+`");
                }
            },
            '[' => {
                let rest: String = characters.clone().collect();
                let inside = rest.split_once(']').map_or("", |(inside, _)| inside);
                // What is inside, and its end.
                characters.by_ref().take(inside.chars().count() + 1).for_each(drop);
                class(inside).ok_or(
                    "has a `[` that does not begin letters, digits or ranges of them, as in `[0-9a-z]`: for the character itself write \
                     `\\[` and `\\]`",
                )?
            }
            '\\' => match characters.next().filter(|next| SPECIAL.contains(*next)) {
                Some(next) => Part::One(next),
                None => return Err("has a `\\` before a character that means nothing: leave it out, or write `\\\\`"),
            },
            other => Part::One(other),
        });
    }
    Ok(parts)
}

/// Letters, digits and ranges of a kind, as the cheat sheet has them.
fn class(inside: &str) -> Option<Part> {
    let characters: Vec<char> = inside.chars().collect();
    let mut rest = characters.as_slice();
    while !rest.is_empty() {
        rest = match rest {
            [from, '-', to, rest @ ..] => {
                let kind = [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit];
                kind.iter().find(|is| is(from) && is(to) && from <= to)?;
                rest
            }
            [one, rest @ ..] if one.is_ascii_alphanumeric() => rest,
            _ => return None,
        };
    }
    (!inside.is_empty()).then(|| Part::Class(format!("[{inside}]")))
}

/// The expression of parts. `**` and a slash, at the beginning of a name, are also no folder at all.
pub(super) fn expression(parts: &[Part]) -> String {
    // A dot is also a line feed: names of files may hold one.
    let mut expression = String::from("(?s)^");
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let begins = at == 0 || parts.get(at - 1) == Some(&Part::One('/'));
        match (part, &parts[at + 1..]) {
            (Part::Across, [Part::One('/'), after @ ..]) if begins && !matches!(after, [Part::Times(_), ..]) => {
                expression.push_str("(?:.*/)?");
                at += 1;
            }
            (Part::Across, _) => expression.push_str(".*"),
            (Part::Within, _) => expression.push_str("[^/]*"),
            (Part::One(character), _) => expression.push_str(&regex::escape(character.encode_utf8(&mut [0; 4]))),
            (Part::Class(class), _) => expression.push_str(class),
            (Part::Times(times), _) => expression.push(*times),
        }
        at += 1;
    }
    expression.push('$');
    expression
}

/// A pattern as if nothing but `*` meant something.
pub(super) fn letters(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, parts.last_mut()) {
            ('*', Some(last @ (Part::Within | Part::Across))) => *last = Part::Across,
            ('*', _) => parts.push(Part::Within),
            ('\\', _) => parts.push(Part::One(characters.next().unwrap_or('\\'))),
            (other, _) => parts.push(Part::One(other)),
        }
    }
    parts
}

/// The pattern that matches what it names.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            escaped.push(character);
            escaped.extend(characters.next());
            continue;
        }
        if "?+[]{}".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::patterns::Patterns;
    use super::*;
    use crate::hostile::config;

    fn read(pattern: &str) -> Result<Patterns, String> {
        Patterns::read(&[pattern.to_owned()])
    }

    /// The cheat sheet of the workflow syntax, whole, and what stands in between.
    #[test]
    fn patterns_mean_what_they_mean_in_a_workflow() {
        let table: [(&str, &[&str], &[&str]); 32] = [
            ("*", &["README.md", "server.rb"], &["docs/README.md"]),
            ("*.jsx?", &["page.js", "page.jsx"], &["page.jsxx", "a/page.js"]),
            ("**", &["all/the/files.md", ".golangci.yml"], &[]),
            ("*.js", &["app.js", "index.js"], &["src/app.js"]),
            ("**.js", &["index.js", "js/index.js", "src/js/app.js"], &["index.jsx"]),
            ("docs/*", &["docs/README.md", "docs/file.txt"], &["docs/mona/file.txt"]),
            ("docs/**", &["docs/README.md", "docs/mona/octocat.txt"], &["docs", "xdocs/a"]),
            (
                "docs/**/*.md",
                &["docs/README.md", "docs/mona/hello-world.md", "docs/a/markdown/file.md"],
                &["docs/a.txt"],
            ),
            ("**/docs/**", &["docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"], &["xdocs/a"]),
            ("**/README.md", &["README.md", "js/README.md"], &["aREADME.md"]),
            ("**/*src/**", &["a/src/app.js", "my-src/code/js/app.js"], &["src.js"]),
            ("**/*-post.md", &["my-post.md", "path/their-post.md"], &["post.md"]),
            (
                "**/migrate-*.sql",
                &["migrate-10909.sql", "db/migrate-v1.0.sql", "db/sept/migrate-v1.sql"],
                &["migrate.sql"],
            ),
            ("v[12].[0-9]+.[0-9]+", &["v1.10.1", "v2.0.0"], &["v3.0.0", "v1.x.1", "v1..1"]),
            ("v[0-9]+/**", &["v1/a", "v12/a/b"], &["v/a", "v1", "vx/a"]),
            ("[CB]at", &["Cat", "Bat"], &["cat", "[CB]at"]),
            ("[1-2]00", &["100", "200"], &["300"]),
            ("[0-9a-zX]", &["7", "q", "X"], &["Q", "-"]),
            ("{src,lib}/**", &["src/a", "lib/a.py"], &["bin/a", "{src,lib}/a"]),
            ("{a,b{c,d}}.py", &["a.py", "bc.py", "bd.py"], &["b.py", "ad.py"]),
            ("app/blog/\\[slug\\]/**", &["app/blog/[slug]/page.tsx"], &["app/blog/s/page.tsx"]),
            ("c\\+\\+/\\{x\\}\\?/*", &["c++/{x}?/a"], &["ccc/x/a"]),
            ("a,b", &["a,b"], &["a"]),
            ("x]", &["x]"], &["x"]),
            ("a**b/c", &["ab/c", "a/x/b/c"], &["ab/d"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/xb"]),
            ("src/***", &["src/a/b"], &["src"]),
            // Names that begin with a dot, blanks, other alphabets, line feeds, another case.
            ("src/**", &["src/.env/.x", "src/a\nb/c"], &["SRC/a.py"]),
            ("*.py", &["a b.py", "a\nb.py"], &["a.PY"]),
            ("src/grün*", &["src/grüner.py"], &["src/gruner.py"]),
            ("requirements*.txt", &["requirements-dev.txt", "requirements.txt"], &["requirements/a.txt"]),
            ("a.b", &["a.b"], &["axb"]),
        ];
        for (pattern, fitting, others) in table {
            for path in fitting {
                assert!(read(pattern).unwrap().take(path), "{pattern} and {path:?}");
            }
            for path in others {
                assert!(!read(pattern).unwrap().take(path), "{pattern} and {path:?}");
            }
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_fix() {
        let table: [(&str, &str); 30] = [
            ("", "is empty"),
            (" src/**", "blanks"),
            ("/src/**", "from the root"),
            ("./src/**", "from the root"),
            ("src/../lib", "without `..`"),
            ("src//a", "from the root"),
            ("src/", "write `**` behind it"),
            ("src/[a", "write `\\[` and `\\]`"),
            ("pages/[...slug]", "write `\\[` and `\\]`"),
            ("[!a]", "write `\\[` and `\\]`"),
            ("[z-a]", "write `\\[` and `\\]`"),
            ("[]", "write `\\[` and `\\]`"),
            ("{a", "write `\\{` or `\\}`"),
            ("a}", "write `\\{` or `\\}`"),
            ("{{cookiecutter.name}}/**", "write `\\{` or `\\}`"),
            ("?a", "`\\?` or `\\+`"),
            ("c++/**", "`\\?` or `\\+`"),
            ("*+", "`\\?` or `\\+`"),
            ("a\\d", "write `\\\\`"),
            ("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}", "too many alternatives"),
            // What an alternative makes of it.
            ("{src,}/a", "is also `/a`, which must be a path from the root"),
            ("{.,src}/a", "is also `./a`, which must be a path from the root"),
            ("src/{..,a}/b", "is also `src/../b`, which must be a path from the root"),
            ("src/{,a}/b", "is also `src//b`, which must be a path from the root"),
            ("src/{a,}", "is also `src/`, which names a folder: write `**` behind it"),
            ("src{,/}", "is also `src/`, which names a folder: write `**` behind it"),
            ("{a,}", "is also ``, which is empty"),
            ("{a,}/b", "is also `/b`, which must be a path from the root"),
            ("{a, b}/c", "is also ` b/c`, which is empty, or has blanks around it"),
            ("{a,?}b", "is also `?b`, which has a `?` or `+`"),
        ];
        for (pattern, fix) in table {
            let error = read(pattern).unwrap_err();
            let named = word(pattern).is_none_or(|pattern| error.contains(&pattern));
            assert!(error.contains(fix) && named, "{pattern}: {error}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        /// What is escaped matches what it names, and only that.
        #[test]
        fn an_escaped_name_is_a_pattern_of_itself(name in "[a-c?+{},\\[\\]]{1,8}", other in "[a-c?+{},\\[\\]]{1,8}") {
            let patterns = read(&escape(&name)).unwrap();
            prop_assert!(patterns.take(&name));
            prop_assert_eq!(patterns.take(&other), name == other);
        }
    }
}
