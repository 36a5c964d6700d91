//! Patterns of paths, as `paths` in a workflow has them, in its order: of those that match a path the last decides, and `!` leaves out.
//!
//! A path that ends with a slash is a submodule: git has one entry for it and none for what is in it, so it fits `lib` and
//! `lib/**`.

use regex::RegexSet;

use super::syntax::{Part, alternatives, escape, expression, letters};
use super::words::label;
use crate::action::inputs::word;

/// Patterns in their order: of those that match a path, the last says whether it is one of them.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
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

impl Patterns {
    /// Reads patterns, of which those that begin with `!` leave out. The error says what is wrong with the first that is none.
    ///
    /// # Errors
    /// One of them is none.
    pub fn read(texts: &[String]) -> Result<Self, String> {
        let mut all = Vec::new();
        for text in texts {
            let (takes, written) = text.strip_prefix('!').map_or((true, text.as_str()), |rest| (false, rest));
            if !takes && all.is_empty() {
                return Err(format!(
                    "{} leaves out nothing, because it stands first: the patterns are read in their order, so write it behind those \
                     it leaves files out of",
                    pattern_label(text)
                ));
            }
            let read = alternatives(written).map_err(|why| format!("{} {why}", pattern_label(text)))?;
            all.extend(read.into_iter().map(|(text, parts)| Pattern {
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
    #[must_use]
    pub fn take(&self, path: &str) -> bool {
        self.fitting(path).last().is_some_and(|pattern| pattern.takes)
    }

    /// Whether any of them matches a path, be it to be left out.
    pub(super) fn know(&self, path: &str) -> bool {
        self.fitting(path).next().is_some()
    }

    /// Those that match no path; of `{a,b}` the alternative, and the whole.
    pub(super) fn idle(&self, paths: &[&str]) -> Vec<String> {
        let mut fitted = vec![false; self.all.len()];
        for path in paths {
            for place in self.places(path) {
                fitted[place] = true;
            }
        }
        let idle = self.all.iter().zip(fitted).filter(|(_, fitted)| !fitted);
        let label = |pattern: &Pattern| {
            let (one, whole) = (pattern.with_mark(&pattern.text), pattern.with_mark(&pattern.written));
            if one == whole { format!("`{one}`") } else { format!("`{one}` in `{whole}`") }
        };
        idle.map(|(pattern, _)| label(pattern)).collect()
    }

    /// A pattern that names a path letter by letter and does not match it, because some letters mean something: `[id]` is `i` or `d`.
    /// What is wrong with it, and how it is written; nothing if there is none.
    pub(super) fn misreading(&self, paths: &[&str]) -> Option<String> {
        let special = |part: &Part| matches!(part, Part::Class(_) | Part::Times(_));
        let suspects: Vec<&Pattern> = self
            .all
            .iter()
            .filter(|pattern| pattern.text != pattern.written || pattern.parts.iter().any(special))
            .collect();
        let plain = set(suspects.iter().map(|pattern| expression(&letters(&pattern.written)))).ok()?;
        paths.iter().find_map(|path| {
            let named_by = plain.matches(path.trim_end_matches('/'));
            let misread = |at: &usize| !self.places(path).into_iter().any(|place| self.all[place].written == suspects[*at].written);
            let pattern = suspects[named_by.into_iter().find(misread)?];
            Some(format!(
                "the pattern `{}` does not match the path it names, {}, because `[..]`, `?`, `+` and `{{a,b}}` mean something: write `{}`",
                label(&pattern.with_mark(&pattern.written)),
                label(path),
                label(&pattern.with_mark(&escape(&pattern.written)))
            ))
        })
    }

    fn fitting(&self, path: &str) -> impl Iterator<Item = &Pattern> {
        self.places(path).into_iter().map(|place| &self.all[place])
    }

    /// The places of those that match, in order.
    fn places(&self, path: &str) -> Vec<usize> {
        let mut places: Vec<usize> = self.set.matches(path).into_iter().collect();
        // Of a submodule, the entry itself and all that may be in it.
        if let Some(bare) = path.strip_suffix('/') {
            places.extend(self.set.matches(bare));
            places.sort_unstable();
        }
        places
    }
}

impl Pattern {
    /// One of its texts as it stands in the list, with `!` where it leaves out.
    fn with_mark(&self, text: &str) -> String {
        format!("{}{text}", if self.takes { "" } else { "!" })
    }
}

fn set(expressions: impl Iterator<Item = String>) -> Result<RegexSet, String> {
    RegexSet::new(expressions).map_err(|_too_large| "the patterns are too many, or too long".to_owned())
}

fn pattern_label(text: &str) -> String {
    word(text).map_or_else(|| "a pattern".to_owned(), |text| format!("the pattern `{text}`"))
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
    fn a_refusal_names_the_pattern_as_it_stands_in_the_list() {
        let table: [(&[&str], &str); 4] = [
            (&["!**/*.md", "src/**"], "the pattern `!**/*.md` leaves out nothing, because it stands first"),
            (&["!**/*.md", "src/**"], "write it behind those"),
            (&["src/**", "lib/"], "the pattern `lib/` names a folder"),
            (&["src/**", "!src/x/"], "the pattern `!src/x/` names a folder"),
        ];
        for (patterns, problem) in table {
            let error = read(patterns).unwrap_err();
            assert!(error.contains(problem), "{patterns:?}: {error}");
        }
    }

    #[test]
    fn every_alternative_that_fits_nothing_is_known() {
        let patterns = read(&["src/**", "{srv,src}/a", "*.md", "!src/x", "!{srv,src}/a"]).unwrap();
        assert_eq!(
            patterns.idle(&["src/a", "docs/a.md"]),
            ["`srv/a` in `{srv,src}/a`", "`*.md`", "`!src/x`", "`!srv/a` in `!{srv,src}/a`"]
        );
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
            let misread = read(&[pattern]).unwrap().misreading(&["app/s/page.tsx", path]);
            match fix {
                Some(fix) => assert!(misread.as_ref().is_some_and(|why| why.ends_with(fix)), "{pattern}: {misread:?}"),
                None => assert_eq!(misread, None, "{pattern}"),
            }
        }
        let misread = read(&["src/**", "!src/[id]/**"]).unwrap().misreading(&["src/[id]/a"]).unwrap();
        assert!(misread.starts_with("the pattern `!src/[id]/**` does not match the path it names"), "{misread}");
        assert!(misread.ends_with("write `!src/\\[id\\]/**`"), "{misread}");
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
    }
}
