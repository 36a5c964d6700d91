//! Rulesets: what may be done to tags.

use anyhow::Result;
use regex::Regex;
use serde::Deserialize;

use super::client::Github;

/// What GitHub calls all references.
const ALL: &str = "~ALL";

/// A ruleset for tags that is enforced.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Ruleset {
    /// Its name.
    pub name: String,
    #[serde(default)]
    conditions: Option<Conditions>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
struct Conditions {
    #[serde(default)]
    ref_name: Names,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
struct Names {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Rule {
    r#type: String,
}

impl Ruleset {
    /// Whether it holds for a reference, `refs/tags/v1.2.3`.
    #[must_use]
    pub fn holds_for(&self, reference: &str) -> bool {
        let Some(all) = &self.conditions else { return false };
        let fits = |pattern: &String| pattern == ALL || fits(pattern, reference);
        all.ref_name.include.iter().any(fits) && !all.ref_name.exclude.iter().any(fits)
    }

    /// Whether it holds a rule of this kind, `update` or `deletion`.
    #[must_use]
    pub fn forbids(&self, what: &str) -> bool {
        self.rules.iter().any(|rule| rule.r#type == what)
    }
}

impl Github {
    /// The rulesets for tags that are enforced, those of the organization too. Every token may read them.
    /// <https://docs.github.com/en/rest/repos/rules#get-all-repository-rulesets>
    pub async fn tag_rulesets(&self) -> Result<Vec<Ruleset>> {
        #[derive(Deserialize)]
        struct Listed {
            id: u64,
            #[serde(default)]
            target: Option<String>,
            enforcement: String,
        }
        let what = "list the rulesets for tags";
        let all: Vec<Listed> = self.list(what, "rulesets?targets=tag", |_| false).await?;
        let enforced = all.iter().filter(|one| one.enforcement == "active" && one.target.as_deref() == Some("tag"));
        let mut rulesets = Vec::new();
        for one in enforced {
            let what = format!("read ruleset {}", one.id);
            rulesets.push(self.get(&what, &format!("rulesets/{}", one.id)).await?);
        }
        Ok(rulesets)
    }
}

/// Patterns are those of Ruby's `fnmatch` with `FNM_PATHNAME`: `*` and `?` stop at a slash, `**/` does not
/// (<https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/creating-rulesets-for-a-repository#using-fnmatch-syntax>).
/// One that cannot be read fits nothing. Not by `globset`, where braces are alternatives, `**` without a slash is refused or takes everything, and
/// a bracket that is not closed is an error.
fn fits(pattern: &str, name: &str) -> bool {
    let mut expression = String::from("^");
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (taken, meaning) = match first {
            _ if rest.starts_with("**/") && expression.ends_with(['^', '/']) => (3, "(?:[^/]+/)*".to_owned()),
            '*' => (1, "[^/]*".to_owned()),
            '?' => (1, "[^/]".to_owned()),
            '[' => match rest.split_once(']') {
                Some((set, _)) => (set.len() + 1, format!("{}]", set.replace("[!", "[^").replace('\\', "\\\\"))),
                None => (1, regex::escape("[")),
            },
            _ => (first.len_utf8(), regex::escape(first.encode_utf8(&mut [0; 4]))),
        };
        expression.push_str(&meaning);
        rest = &rest[taken..];
    }
    expression.push('$');
    Regex::new(&expression).is_ok_and(|expression| expression.is_match(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};

    #[test]
    fn patterns_fit_as_githubs_do() {
        let table = [
            ("refs/tags/v*", "refs/tags/v1.2.3", true),
            ("refs/tags/v*", "refs/tags/api/v1.2.3", false),
            ("refs/tags/*", "refs/tags/v1.2.3", true),
            ("refs/tags/**/*", "refs/tags/api/v1.2.3", true),
            ("refs/tags/**/*", "refs/tags/v1.2.3", true),
            ("refs/tags/v?.2.3", "refs/tags/v1.2.3", true),
            ("refs/tags/v[0-9]*", "refs/tags/v1.2.3", true),
            ("refs/tags/v[!0-9]*", "refs/tags/v1.2.3", false),
            ("refs/tags/v1.2.3", "refs/tags/v1x2x3", false),
            ("refs/tags/v[", "refs/tags/v[", true),
            ("refs/tags/{v1,v2}", "refs/tags/v1", false),
            ("refs/tags/{v1}", "refs/tags/{v1}", true),
            ("refs/tags/v**", "refs/tags/v1.2.3", true),
            ("refs/tags/**", "refs/tags/v1.2.3", true),
            ("refs/tags/**", "refs/tags/api/v1.2.3", false),
            ("refs/tags/v**/x", "refs/tags/v1/x", true),
            ("refs/tags/v**/x", "refs/tags/v1/y/x", false),
            ("**/v1", "refs/tags/v1", true),
            ("", "refs/tags/v1", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_pattern_is_read(pattern in foreign(), name in "[ -~]{0,40}") {
            let _ = fits(&pattern, &name);
        }
    }
}
