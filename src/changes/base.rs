//! The input `base`, and what the event says of it. No I/O.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::action::inputs::{CommitSha, input_value};
use crate::github::is_plain;

/// What a commit is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Base {
    /// What the record says is deployed.
    #[default]
    LastDeployed,
    /// The commit before the push.
    Before,
    /// Where the branch parted.
    Parted,
    /// A branch, a tag or a commit.
    Named(String),
}

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "last-deployed" => Ok(Self::LastDeployed),
            "before" => Ok(Self::Before),
            "merge-base" => Ok(Self::Parted),
            name if is_plain(name) => Ok(Self::Named(name.to_owned())),
            _ => Err("must be `last-deployed`, `before`, `merge-base`, or the name of a branch, a tag or a commit"
                .to_owned()),
        }
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LastDeployed => "last-deployed",
            Self::Before => "before",
            Self::Parted => "merge-base",
            Self::Named(name) => name,
        })
    }
}

input_value!(name Base, "`last-deployed` or `before` or `merge-base`, or a branch, a tag or a commit", "last-deployed");

/// The commit before the push; or why there is none.
pub fn before(event: &str, payload: &Value) -> Result<CommitSha, String> {
    if event != "push" {
        return Err(format!(
            "the event {} has no commit before it",
            if event.is_empty() { "of this run" } else { event }
        ));
    }
    let before = payload["before"].as_str().unwrap_or_default();
    match before.parse::<CommitSha>() {
        Ok(_) if before.bytes().all(|digit| digit == b'0') => {
            Err("the push made the branch or tag, so there is nothing before it".to_owned())
        }
        Ok(commit) => Ok(commit),
        Err(_) => Err("the event names no commit before the push".to_owned()),
    }
}

/// What a branch is compared with to find where it parted.
#[derive(Debug, PartialEq, Eq)]
pub enum Trunk {
    /// This commit: the base of a pull request.
    Commit(CommitSha),
    /// The default branch.
    Branch(String),
}

/// What the branch parted from; or why that is unknown.
pub fn trunk(payload: &Value) -> Result<Trunk, String> {
    if let Some(base) = payload["pull_request"]["base"]["sha"].as_str() {
        return base.parse().map(Trunk::Commit).map_err(|why| format!("`base.sha` of the pull request {why}"));
    }
    match payload["repository"]["default_branch"].as_str() {
        Some(name) if is_plain(name) => Ok(Trunk::Branch(name.to_owned())),
        _ => Err("the event does not name the default branch".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    const SHA: &str = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2";

    #[test]
    fn a_base_is_a_word_or_a_name() {
        for text in ["last-deployed", "before", "merge-base", "main", "refs/tags/v1.2.3", SHA] {
            assert_eq!(text.parse::<Base>().unwrap().to_string(), text);
        }
        for wrong in ["", "HEAD~1", "a b", "main..dev", "../x", "a^"] {
            assert!(wrong.parse::<Base>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_push_to_what_was_there_has_a_commit_before_it() {
        assert_eq!(before("push", &json!({"before": SHA})), Ok(SHA.parse().unwrap()));
        let table = [
            ("push", json!({"before": "0".repeat(40)}), "made the branch or tag"),
            ("push", json!({}), "names no commit"),
            ("push", json!({"before": "x"}), "names no commit"),
            ("workflow_dispatch", json!({"before": SHA}), "workflow_dispatch has no commit before it"),
            ("", json!({}), "of this run has no commit"),
        ];
        for (event, payload, why) in table {
            let error = before(event, &payload).unwrap_err();
            assert!(error.contains(why), "{event} {payload}: {error}");
        }
    }

    #[test]
    fn a_branch_parts_from_the_base_of_its_pull_request_or_the_default_branch() {
        let both = json!({"pull_request": {"base": {"sha": SHA}}, "repository": {"default_branch": "main"}});
        assert_eq!(trunk(&both), Ok(Trunk::Commit(SHA.parse().unwrap())));
        let push = json!({"repository": {"default_branch": "main"}});
        assert_eq!(trunk(&push), Ok(Trunk::Branch("main".to_owned())));
        for wrong in [
            json!({}),
            json!({"repository": {"default_branch": "a b"}}),
            json!({"pull_request": {"base": {"sha": "x"}}}),
        ] {
            assert!(trunk(&wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["last-deployed", "merge-base", "refs/heads/main", "v1.2.3"])) {
            reads_plainly::<Base>(&text);
        }
    }
}
