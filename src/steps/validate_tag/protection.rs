//! Whether a tag is protected by a ruleset. It is told, and decides nothing.

use std::time::Duration;

use anyhow::Result;
use regex::Regex;

use super::observe::Finding;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, Ruleset};
use crate::outcome::Verdict;

/// Nobody is held up for it.
const PATIENCE: Duration = Duration::from_secs(15);
/// What GitHub calls all references.
const ALL: &str = "~ALL";

/// What is known of a tag's protection; an error is told in its place.
pub(super) async fn read(cx: &Context, github: &Github) -> Result<Vec<Ruleset>> {
    github.with_calls(cx.calls.until(cx.calls.deadline.at_most(PATIENCE))).tag_rulesets().await
}

/// What is said of it.
pub(super) fn finding(tag: &str, rulesets: &Result<Vec<Ruleset>>) -> Finding {
    let (observed, verdict) = match rulesets {
        Ok(rulesets) => judge(tag, rulesets),
        Err(error) => (format!("could not be read: {}", error_line(error)), Verdict::Skipped),
    };
    Finding {
        name: format!("protection of tag {tag}"),
        observed,
        required: "nothing: it is only reported".to_owned(),
        verdict,
        source: "GET /repos/{owner}/{repo}/rulesets",
    }
}

fn judge(tag: &str, rulesets: &[Ruleset]) -> (String, Verdict) {
    let holding: Vec<&Ruleset> = rulesets.iter().filter(|ruleset| holds(ruleset, tag)).collect();
    let forbids = |what: &str| holding.iter().any(|ruleset| ruleset.forbids(what));
    let names = || holding.iter().map(|ruleset| ruleset.name.as_str()).collect::<Vec<_>>().join(", ");
    match (forbids("update"), forbids("deletion")) {
        (true, true) => (format!("enforced: it may be neither moved nor deleted ({})", names()), Verdict::Pass),
        (true, false) => (
            format!("not enforced: it may not be moved ({}), but deleted and made again elsewhere", names()),
            Verdict::Skipped,
        ),
        (false, true) => (format!("not enforced: it may not be deleted ({}), but moved", names()), Verdict::Skipped),
        (false, false) => (
            "not enforced: whoever may push may move it; a ruleset for tags that restricts updates and deletions keeps it where \
             it is"
                .to_owned(),
            Verdict::Skipped,
        ),
    }
}

fn holds(ruleset: &Ruleset, tag: &str) -> bool {
    let (include, exclude) = ruleset.patterns();
    let fits = |pattern: &String| pattern == ALL || fits(pattern, &format!("refs/tags/{tag}"));
    include.iter().any(fits) && !exclude.iter().any(fits)
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
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, foreign};

    fn ruleset(include: &[&str], exclude: &[&str], rules: &[&str]) -> Ruleset {
        let rules: Vec<_> = rules.iter().map(|rule| json!({"type": rule})).collect();
        let ruleset = json!({"name": "releases", "conditions": {"ref_name": {"include": include, "exclude": exclude}}, "rules": rules});
        serde_json::from_value(ruleset).unwrap()
    }

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

    #[test]
    fn a_tag_is_protected_when_it_can_be_neither_moved_nor_deleted() {
        let both = ["update", "deletion"];
        let table = [
            (vec![], "not enforced: whoever"),
            (vec![ruleset(&["refs/tags/v*"], &[], &both)], "enforced: it may be neither"),
            (vec![ruleset(&["~ALL"], &[], &both)], "enforced: it may be neither"),
            (vec![ruleset(&["~ALL"], &["refs/tags/v1.*"], &both)], "not enforced: whoever"),
            (vec![ruleset(&["refs/tags/v-*"], &[], &both)], "not enforced: whoever"),
            (vec![ruleset(&["~ALL"], &[], &["update"])], "not enforced: it may not be moved"),
            (vec![ruleset(&["~ALL"], &[], &["deletion", "creation"])], "not enforced: it may not be deleted"),
            (
                vec![ruleset(&["~ALL"], &[], &["update"]), ruleset(&["refs/tags/v*"], &[], &["deletion"])],
                "enforced: it may be neither",
            ),
        ];
        for (rulesets, expected) in table {
            let (said, _) = judge("v1.2.3", &rulesets);
            assert!(said.starts_with(expected), "{rulesets:?}: {said}");
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
