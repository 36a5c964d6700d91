//! Patterns of paths, as `paths` in a workflow has them, in its order: `*` stops at a slash, `**` does not, `?` and `+` repeat the
//! character before them, `[a-z]` is one of these letters or digits, `!` leaves out, `\` takes a character as it is. A dot at the
//! beginning of a name is a character like others, and upper case is not lower case. Besides, `{a,b}` is either.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>
//!
//! They are translated to regular expressions here, and not by the crate `globset`: to it `?` is any character and `+` itself, it
//! takes `**` for whole folders only, and it keeps no order. None of that can be set otherwise.
//!
//! A path that ends with a slash is a submodule: git has one entry for it and none for what is in it, so it fits `lib` and
//! `lib/**`.

use regex::{RegexSet, RegexSetBuilder};

use super::words::shown;
use crate::action::inputs::word;

/// Most alternatives of one pattern.
const ALTERNATIVES: usize = 64;
/// What a `\` may stand before.
const SPECIAL: &str = "*?+[]{}!,\\";

/// Patterns in their order: of those that a path fits, the last says whether it is one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    set: RegexSet,
}

/// One pattern; of `{a,b}`, one alternative.
#[derive(Clone, Debug)]
struct Pattern {
    /// As it is written, without `!`.
    written: String,
    /// The alternative.
    text: String,
    takes: bool,
    parts: Vec<Part>,
}

/// A part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
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

impl Patterns {
    /// Reads patterns, of which those that begin with `!` leave out. The error says what is wrong with the first that is none.
    pub(super) fn read(texts: &[String]) -> Result<Self, String> {
        let mut all = Vec::new();
        for text in texts {
            let (takes, written) = text.strip_prefix('!').map_or((true, text.as_str()), |rest| (false, rest));
            if !takes && all.is_empty() {
                return Err(format!(
                    "{} leaves out nothing, because it stands first: the patterns are read in their order, so write it behind those \
                     it leaves files out of",
                    named(text)
                ));
            }
            all.extend(alternatives(written)?.into_iter().map(|(text, parts)| Pattern {
                written: written.to_owned(),
                text,
                takes,
                parts,
            }));
        }
        let set = set(all.iter().map(|pattern| expression(&pattern.parts)))?;
        Ok(Self { all, set })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether a path is one of those that are meant.
    pub(super) fn take(&self, path: &str) -> bool {
        self.fitting(path).last().is_some_and(|pattern| pattern.takes)
    }

    /// Whether a path fits any of them, be it to be left out.
    pub(super) fn know(&self, path: &str) -> bool {
        self.fitting(path).next().is_some()
    }

    /// Those that no path fits; of `{a,b}` the alternative, and the whole.
    pub(super) fn idle(&self, paths: &[&str]) -> Vec<String> {
        let mut fitted = vec![false; self.all.len()];
        for path in paths {
            for place in self.places(path) {
                fitted[place] = true;
            }
        }
        let idle = self.all.iter().zip(fitted).filter(|(_, fitted)| !fitted);
        let shown = |pattern: &Pattern| {
            let whole =
                if pattern.text == pattern.written { String::new() } else { format!(" in `{}`", pattern.written) };
            format!("`{}`{whole}", pattern.text)
        };
        idle.map(|(pattern, _)| shown(pattern)).collect()
    }

    /// A pattern that names a path letter by letter and does not fit it, because some letters mean something: `[id]` is `i` or `d`.
    /// What is wrong with it, and how it is written; nothing if there is none.
    pub(super) fn misread(&self, paths: &[&str]) -> Option<String> {
        let special = |part: &Part| matches!(part, Part::Class(_) | Part::Times(_));
        let suspects: Vec<(usize, &Pattern)> = self
            .all
            .iter()
            .enumerate()
            .filter(|(_, pattern)| pattern.text != pattern.written || pattern.parts.iter().any(special))
            .collect();
        let plain = set(suspects.iter().map(|(_, pattern)| expression(&letters(&pattern.written)))).ok()?;
        paths.iter().find_map(|path| {
            let named_by = plain.matches(path.trim_end_matches('/'));
            let misread = |at: &usize| !self.places(path).any(|fits| self.all[fits].written == suspects[*at].1.written);
            let (_, pattern) = suspects[named_by.into_iter().find(misread)?];
            Some(format!(
                "the pattern `{}` does not fit the path it names, {}, because `[..]`, `?`, `+` and `{{a,b}}` mean something: write `{}`",
                shown(&pattern.written),
                shown(path),
                shown(&escaped(&pattern.written))
            ))
        })
    }

    fn fitting(&self, path: &str) -> impl Iterator<Item = &Pattern> {
        self.places(path).map(|place| &self.all[place])
    }

    /// The places of those that fit, in order.
    fn places(&self, path: &str) -> impl Iterator<Item = usize> + use<> {
        let mut fits = vec![false; self.all.len()];
        // Of a submodule, the entry itself and all that may be in it.
        for path in [path, path.trim_end_matches('/')] {
            for place in &self.set.matches(path) {
                fits[place] = true;
            }
        }
        fits.into_iter().enumerate().filter_map(|(place, fits)| fits.then_some(place))
    }
}

fn set(expressions: impl Iterator<Item = String>) -> Result<RegexSet, String> {
    let built = RegexSetBuilder::new(expressions).dot_matches_new_line(true).build();
    built.map_err(|_too_large| "the patterns are too many, or too long".to_owned())
}

fn named(text: &str) -> String {
    word(text).map_or_else(|| "a pattern".to_owned(), |text| format!("the pattern `{text}`"))
}

/// The alternatives of a pattern, without `!`. What cannot be meant, or what other tools read otherwise and workflows do not
/// know, is refused, because a pattern that is read otherwise than it was meant leaves out files without a word.
fn alternatives(text: &str) -> Result<Vec<(String, Vec<Part>)>, String> {
    let wrong = |why: &str| format!("{} {why}", named(text));
    let is_part = |name: &str| text.split('/').any(|part| part == name);
    if text.trim() != text || text.is_empty() {
        return Err(wrong("is empty, or has blanks around it"));
    }
    if text.starts_with('/') || text.contains("//") || is_part(".") || is_part("..") {
        return Err(wrong(
            "must be a path from the root of the repository, without `/` or `./` before it and without `..`",
        ));
    }
    if text.ends_with('/') {
        return Err(wrong("names a folder: write `**` behind it, for all that is in it"));
    }
    let texts = spread(text).map_err(wrong)?;
    texts.into_iter().map(|one| parts(&one).map(|parts| (one, parts)).map_err(wrong)).collect()
}

/// A pattern with `{a,b}` as several without.
fn spread(text: &str) -> Result<Vec<String>, &'static str> {
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
fn expression(parts: &[Part]) -> String {
    let mut expression = String::from("^");
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
fn letters(text: &str) -> Vec<Part> {
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

/// The pattern that fits what it names.
fn escaped(text: &str) -> String {
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

    use super::*;
    use crate::hostile::{config, foreign};

    fn read(patterns: &[&str]) -> Result<Patterns, String> {
        Patterns::read(&patterns.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    fn takes(patterns: &[&str], path: &str) -> bool {
        read(patterns).unwrap().take(path)
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
                assert!(takes(&[pattern], path), "{pattern} and {path:?}");
            }
            for path in others {
                assert!(!takes(&[pattern], path), "{pattern} and {path:?}");
            }
        }
    }

    #[test]
    fn the_last_pattern_that_fits_decides() {
        let patterns = ["**/*.md", "!README.md", "README*"];
        assert!(takes(&patterns, "README.md") && takes(&patterns, "hello.md"));
        assert!(!takes(&patterns[..2], "README.md") && takes(&patterns[..2], "docs/README.md"));
        assert!(read(&patterns[..2]).unwrap().know("README.md"));
        assert!(takes(&["**", "!{a,b}/**", "a/x"], "a/x") && !takes(&["**", "!{a,b}/**", "a/x"], "b/x"));
    }

    #[test]
    fn a_submodule_fits_its_name_and_what_is_in_it() {
        for pattern in ["vendor/lib", "vendor/lib/**", "vendor/*", "vendor/**", "**/lib/**"] {
            assert!(takes(&[pattern], "vendor/lib/"), "{pattern}");
        }
        for pattern in ["vendor", "vendor/li", "vendor/lib/src/**", "vendor/lib2/**"] {
            assert!(!takes(&[pattern], "vendor/lib/"), "{pattern}");
        }
        assert!(!takes(&["vendor/lib/**"], "vendor/lib"), "a file of that name");
        assert!(!takes(&["**", "!vendor/lib/**"], "vendor/lib/"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_the_fix() {
        let table: [(&[&str], &str); 21] = [
            (&[""], "is empty"),
            (&[" src/**"], "blanks"),
            (&["/src/**"], "from the root"),
            (&["./src/**"], "from the root"),
            (&["src/../lib"], "without `..`"),
            (&["src//a"], "from the root"),
            (&["src/"], "write `**` behind it"),
            (&["src/[a"], "write `\\[` and `\\]`"),
            (&["pages/[...slug]"], "write `\\[` and `\\]`"),
            (&["[!a]"], "write `\\[` and `\\]`"),
            (&["[z-a]"], "write `\\[` and `\\]`"),
            (&["[]"], "write `\\[` and `\\]`"),
            (&["{a"], "write `\\{` or `\\}`"),
            (&["a}"], "write `\\{` or `\\}`"),
            (&["{{cookiecutter.name}}/**"], "write `\\{` or `\\}`"),
            (&["?a"], "`\\?` or `\\+`"),
            (&["c++/**"], "`\\?` or `\\+`"),
            (&["*+"], "`\\?` or `\\+`"),
            (&["a\\d"], "write `\\\\`"),
            (&["!**/*.md", "src/**"], "write it behind those"),
            (&["{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}"], "too many alternatives"),
        ];
        for (patterns, fix) in table {
            let error = read(patterns).unwrap_err();
            let named = word(patterns[0]).is_none_or(|pattern| error.contains(&pattern));
            assert!(error.contains(fix) && named, "{patterns:?}: {error}");
        }
    }

    #[test]
    fn every_alternative_that_fits_nothing_is_known() {
        let patterns = read(&["src/**", "{srv,src}/a", "*.md", "!src/x"]).unwrap();
        assert_eq!(patterns.idle(&["src/a", "docs/a.md"]), ["`srv/a` in `{srv,src}/a`", "`*.md`", "`src/x`"]);
    }

    #[test]
    fn a_path_that_is_named_letter_by_letter_and_not_fitted_is_known() {
        let table = [
            ("app/blog/[slug]/**", "app/blog/[slug]/page.tsx", Some("`app/blog/\\[slug\\]/**`")),
            ("app/[id]", "app/[id]/", Some("`app/\\[id\\]`")),
            ("docs/why?.md", "docs/why?.md", Some("`docs/why\\?.md`")),
            ("a+b/*", "a+b/c", Some("`a\\+b/*`")),
            ("{a,b}/**", "{a,b}/c", Some("`\\{a,b\\}/**`")),
            ("x\\+/[id]/**", "x+/[id]/a", Some("`x\\+/\\[id\\]/**`")),
            ("app/[slug]/**", "app/s/page.tsx", None),
            ("*.jsx?", "a.js", None),
            ("app/blog/\\[slug\\]/**", "app/blog/[slug]/page.tsx", None),
        ];
        for (pattern, path, fix) in table {
            let misread = read(&[pattern]).unwrap().misread(&["app/s/page.tsx", path]);
            match fix {
                Some(fix) => assert!(misread.as_ref().is_some_and(|why| why.ends_with(fix)), "{pattern}: {misread:?}"),
                None => assert_eq!(misread, None, "{pattern}"),
            }
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_is_a_pattern_or_refused(text in foreign(), path in foreign()) {
            if let Ok(patterns) = Patterns::read(&[text]) {
                let idle = patterns.idle(&[&path]);
                prop_assert!(idle.is_empty() || !patterns.take(&path) || idle.iter().all(|one| one.contains(" in ")));
            }
        }

        /// What is escaped fits what it names, and only that.
        #[test]
        fn an_escaped_name_is_a_pattern_of_itself(name in "[a-c?+{},\\[\\]]{1,8}", other in "[a-c?+{},\\[\\]]{1,8}") {
            let patterns = Patterns::read(&[escaped(&name)]).unwrap();
            prop_assert!(patterns.take(&name));
            prop_assert_eq!(patterns.take(&other), name == other);
        }
    }
}
