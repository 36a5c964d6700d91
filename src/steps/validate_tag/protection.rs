//! Whether a tag is protected by a ruleset. It is told, and decides nothing.

use std::time::Duration;

use anyhow::Result;

use super::observe::Finding;
use crate::calls::error_line;
use crate::context::Context;
use crate::github::{Github, Ruleset};
use crate::outcome::Verdict;

/// Nobody is held up for it.
const PATIENCE: Duration = Duration::from_secs(15);

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
    let holding: Vec<&Ruleset> =
        rulesets.iter().filter(|ruleset| ruleset.holds_for(&format!("refs/tags/{tag}"))).collect();
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ruleset(include: &[&str], exclude: &[&str], rules: &[&str]) -> Ruleset {
        let rules: Vec<_> = rules.iter().map(|rule| json!({"type": rule})).collect();
        let ruleset = json!({"name": "releases", "conditions": {"ref_name": {"include": include, "exclude": exclude}}, "rules": rules});
        serde_json::from_value(ruleset).unwrap()
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
}
