//! What the input `ref` names: a branch, a tag or a commit.

use std::fmt;

use crate::action::inputs::{CommitSha, text_value};
use crate::context::Context;
use crate::github::{BranchName, End, TagName, is_plain};
use crate::outcome::{Outcome, Step, Verdict};
use crate::text;

/// The fewest digits that are looked up as the beginning of a commit's name, as git writes it.
const SHORTEST: usize = 7;

text_value!(
    /// A branch, tag or commit, as it is given: with `refs/heads/` or `refs/tags/` where both exist.
    name pub(super) struct GivenRef, "a branch, a tag or a commit: letters, digits and `._-+/@`", "v1.2.3", is_plain
);

/// What a name was found to be, and the commit.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Named {
    Branch(BranchName, CommitSha),
    Tag(TagName, CommitSha),
    Commit(CommitSha),
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name, _) => write!(f, "branch {name}"),
            Self::Tag(name, _) => write!(f, "tag {name}"),
            Self::Commit(commit) => write!(f, "commit {}", commit.short()),
        }
    }
}

impl GivenRef {
    /// Looks the name up: as a branch and as a tag, and as a commit where it is neither.
    pub(super) async fn look_up(&self, cx: &Context) -> Step<Named> {
        let found = self.find(cx).await?;
        let (observed, verdict) = match &found {
            Some(named) => (named.to_string(), Verdict::Pass),
            None => ("nothing of that name".to_owned(), Verdict::Fail),
        };
        let required = "a branch, a tag or a commit";
        cx.report.check(format!("ref {self}"), observed, required, verdict, "GET /repos/{owner}/{repo}/git/ref/{ref}");
        let refused = || {
            Outcome::fail(format!("there is no branch, tag or commit {self}"))
                .advise("correct the input `ref`, or push the branch or tag first")
        };
        Ok(found.ok_or_else(refused)?)
    }

    async fn find(&self, cx: &Context) -> Step<Option<Named>> {
        let github = &cx.github().await?;
        let given = self.as_str();
        let (may_be_branch, may_be_tag) = (!given.starts_with("refs/tags/"), !given.starts_with("refs/heads/"));
        let branch = match given.parse::<BranchName>() {
            Ok(name) if may_be_branch => github.branch_tip(&name).await?.map(|tip| (name, tip)),
            _ => None,
        };
        let tag = match given.parse::<TagName>() {
            Ok(name) if may_be_tag => github.tag(name.as_str()).await?.map(|tag| (name, tag.end)),
            _ => None,
        };
        match (branch, tag) {
            (Some(_), Some(_)) => Err(Outcome::fail(format!("there is a branch {given} and a tag {given}"))
                .advise(format!("write `refs/heads/{given}` or `refs/tags/{given}`"))
                .into()),
            (Some((name, tip)), None) => Ok(Some(Named::Branch(name, tip))),
            (None, Some((name, end))) => Ok(Some(Named::Tag(name.clone(), tagged(name.as_str(), end)?))),
            (None, None) if looks_like_a_commit(given) => Ok(github.commit_named(given).await?.map(Named::Commit)),
            (None, None) => Ok(None),
        }
    }
}

fn looks_like_a_commit(text: &str) -> bool {
    (SHORTEST..=40).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The commit a tag points at; the end of the step where it points at something else.
pub(super) fn tagged(name: &str, end: End) -> Result<CommitSha, Outcome> {
    let why = match end {
        End::Commit(commit) => return Ok(commit),
        End::Other(kind) => format!("tag {name} points at a {}, not at a commit", text::truncated(&kind, 20)),
        End::TooDeep => format!("tag {name} points at a tag of a tag, too deep to follow"),
    };
    Err(Outcome::fail(why).advise("name another tag"))
}
