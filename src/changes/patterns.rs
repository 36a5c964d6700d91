//! Patterns of paths, as the `paths` of a workflow has them: `*` stops at a slash, `**` stands for any folders, a dot at the
//! beginning of a name is a character like others, and upper case is not lower case.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#filter-pattern-cheat-sheet>

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::action::inputs::word;

/// Patterns any of which a path may fit.
#[derive(Clone, Debug, Default)]
pub(super) struct Patterns {
    texts: Vec<String>,
    set: GlobSet,
}

impl Patterns {
    /// Reads patterns. The error says what is wrong with the first that is none.
    pub(super) fn read(texts: Vec<String>) -> Result<Self, String> {
        let mut set = GlobSetBuilder::new();
        for text in &texts {
            set.add(glob(text)?);
        }
        let set = set.build().map_err(|error| error.to_string())?;
        Ok(Self { texts, set })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Whether a path fits any of them.
    pub(super) fn fit(&self, path: &str) -> bool {
        self.set.is_match(path)
    }

    /// Those that no path fits.
    pub(super) fn idle(&self, paths: &[&str]) -> Vec<&str> {
        let mut fitted = vec![false; self.texts.len()];
        for path in paths {
            for place in self.set.matches(path) {
                fitted[place] = true;
            }
        }
        let idle = self.texts.iter().zip(fitted).filter(|(_, fitted)| !fitted);
        idle.map(|(text, _)| text.as_str()).collect()
    }
}

/// One pattern. What other tools read otherwise is refused, because a pattern that is read otherwise than it was meant leaves out
/// files without a word.
fn glob(text: &str) -> Result<Glob, String> {
    let named = word(text).map_or_else(|| "a pattern".to_owned(), |text| format!("the pattern `{text}`"));
    let wrong = |why: &str| Err(format!("{named} {why}"));
    let is_part = |name: &str| text.split('/').any(|part| part == name);
    if text.trim() != text || text.is_empty() {
        return wrong("is empty, or has blanks around it");
    }
    if text.starts_with('/') || text.contains("//") || is_part(".") || is_part("..") {
        return wrong("must be a path from the root of the repository, without `/` or `./` before it and without `..`");
    }
    if text.ends_with('/') {
        return wrong("names a folder: write `**` behind it, for all that is in it");
    }
    if text.contains('?') {
        return wrong(
            "has a `?`, which stands for one character in some tools and for none or one in workflows: write `*`",
        );
    }
    if text.split('/').any(|part| part.contains("**") && part != "**") {
        return wrong("has a `**` that is not a whole folder: write `**/*.js`, not `**.js`");
    }
    let glob = GlobBuilder::new(text).literal_separator(true).build();
    glob.or_else(|error| wrong(&format!("is none: {}", error.kind())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};

    fn fits(pattern: &str, path: &str) -> bool {
        Patterns::read(vec![pattern.to_owned()]).unwrap().fit(path)
    }

    /// The cheat sheet of the workflow syntax, as far as these patterns are not refused.
    #[test]
    fn patterns_mean_what_they_mean_in_a_workflow() {
        let table = [
            ("*", "README.md", true),
            ("*", "docs/README.md", false),
            ("**", "all/the/files.md", true),
            ("*.js", "app.js", true),
            ("*.js", "src/app.js", false),
            ("**/*.js", "index.js", true),
            ("**/*.js", "src/js/app.js", true),
            ("docs/*", "docs/README.md", true),
            ("docs/*", "docs/mona/file.txt", false),
            ("docs/**", "docs/mona/octocat.txt", true),
            ("docs/**", "docs", false),
            ("docs/**/*.md", "docs/README.md", true),
            ("docs/**/*.md", "docs/a/markdown/file.md", true),
            ("**/docs/**", "dir/docs/my-file.txt", true),
            ("**/README.md", "js/README.md", true),
            ("**/*src/**", "my-src/code/js/app.js", true),
            ("**/*-post.md", "path/their-post.md", true),
            ("**/migrate-*.sql", "db/sept/migrate-v1.sql", true),
            ("[CB]at", "Cat", true),
            ("[1-2]00", "300", false),
            ("{src,lib}/**", "lib/a.py", true),
            // Names that begin with a dot, blanks, other alphabets, line feeds, another case.
            ("**", ".golangci.yml", true),
            ("src/**", "src/.env/.x", true),
            ("*.py", "a b.py", true),
            ("src/*", "src/grün.py", true),
            ("src/grün*", "src/grüner.py", true),
            ("src/*.py", "src/a\nb.py", true),
            ("src/**", "SRC/a.py", false),
            ("requirements*.txt", "requirements-dev.txt", true),
        ];
        for (pattern, path, expected) in table {
            assert_eq!(fits(pattern, path), expected, "{pattern} and {path:?}");
        }
    }

    #[test]
    fn what_could_be_meant_otherwise_is_refused_with_the_mend() {
        let table = [
            ("", "is empty"),
            (" src/**", "blanks"),
            ("/src/**", "from the root"),
            ("./src/**", "from the root"),
            ("src/../lib", "without `..`"),
            ("src//a", "from the root"),
            ("src/", "write `**` behind it"),
            ("*.jsx?", "write `*`"),
            ("**.js", "write `**/*.js`"),
            ("src/**a", "write `**/*.js`"),
            ("src/[a", "is none"),
            ("{a", "is none"),
        ];
        for (pattern, mend) in table {
            let error = Patterns::read(vec![pattern.to_owned()]).unwrap_err();
            assert!(error.contains(mend) && error.contains(pattern), "{pattern}: {error}");
        }
    }

    #[test]
    fn patterns_that_fit_nothing_are_known() {
        let patterns = Patterns::read(["src/**", "srv/**", "*.md"].map(str::to_owned).to_vec()).unwrap();
        assert_eq!(patterns.idle(&["src/a", "docs/a.md"]), ["srv/**", "*.md"]);
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_text_is_a_pattern_or_refused(text in foreign(), path in foreign()) {
            if let Ok(patterns) = Patterns::read(vec![text]) {
                let idle = patterns.idle(&[&path]).len();
                prop_assert_eq!(idle == 0, patterns.fit(&path));
            }
        }
    }
}
