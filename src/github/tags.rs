//! Tags and branches: what their names point at.

use anyhow::{Context as _, Result};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde::Deserialize;

use super::client::Github;
use super::error::GithubError;
use super::{Ancestry, Kind, Verification};
use crate::action::inputs::{CommitSha, text_value};
use crate::text::escape::RESERVED;

/// Tags of tags are followed this far. Git sets no limit; people nest two, to re-sign one.
const DEEPEST: usize = 10;
/// Longest name of a tag or branch. GitHub keeps each as a path whose parts are no longer than this.
const LONGEST: usize = 255;

text_value!(
    /// The name of a tag. `refs/tags/` before it is taken off.
    name pub struct TagName, "a tag: letters, digits and `._-+/@`, as git takes them, at most 255", "v1.2.3",
    read |text| {
        let wrong = || "must be a tag: letters, digits and `._-+/@`, as git takes them, at most 255".to_owned();
        without_refs(text, "refs/tags/").ok_or_else(wrong)
    }
);

text_value!(
    /// The name of a branch. `refs/heads/` before it is taken off.
    name pub struct BranchName, "a branch: letters, digits and `._-+/@`, as git takes them, at most 255", "main",
    read |text| {
        let wrong = || "must be a branch: letters, digits and `._-+/@`, as git takes them, at most 255".to_owned();
        without_refs(text, "refs/heads/").ok_or_else(wrong)
    }
);

/// A name without this at its beginning. One that begins so twice would be read as another one where it is handed on.
fn without_refs(text: &str, begin: &str) -> Option<String> {
    let name = text.strip_prefix(begin).unwrap_or(text);
    (is_plain(name) && !name.starts_with(begin)).then(|| name.to_owned())
}

/// True for names that git takes (<https://git-scm.com/docs/git-check-ref-format>) and that need no quoting in a shell, a URL
/// or Markdown. So no name leads to another path of the API.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    let is_lock = |part: &str| part.rsplit_once('.').is_some_and(|(_, end)| end == "lock");
    let good = |part: &str| !part.is_empty() && !part.starts_with(['.', '-']) && !is_lock(part);
    name.len() <= LONGEST
        // Alone it is another word for HEAD.
        && name != "@"
        && name.chars().all(is_plain_character)
        && name.split('/').all(good)
        && !name.contains("..")
        && !name.ends_with('.')
}

fn is_plain_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-+/@".contains(c)
}

/// Why a name that git may take is not [plain](is_plain): the first character that cannot be passed on.
#[must_use]
pub fn not_plain(name: &str) -> Option<String> {
    match name.chars().find(|c| !is_plain_character(*c)) {
        Some(character) => Some(format!("it holds {character:?}, and not only letters, digits and `._-+/@`")),
        None if is_plain(name) => None,
        None => Some("git takes no such name, or it is longer than 255 characters".to_owned()),
    }
}

/// What a tag points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Every object on the way, by its full name: that of the reference first, the commit last.
    pub objects: Vec<String>,
    /// Where the way ends.
    pub end: End,
    /// What GitHub says of the signature of the tag object; nothing of a lightweight tag.
    pub signature: Option<Verification>,
}

/// Where a tag ends, once all annotated tags are peeled off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// At a commit.
    Commit(CommitSha),
    /// At a `tree` or a `blob`, which git allows.
    Other(String),
    /// Nowhere within reach.
    TooDeep,
}

#[derive(Deserialize)]
struct Reference {
    r#ref: String,
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Github {
    /// What a tag points at, through annotated and nested tags; `None` when there is no such tag. The reference is asked for by
    /// its kind, so a branch of the same name is not mistaken for it.
    /// <https://docs.github.com/en/rest/git/refs#get-a-reference>, <https://docs.github.com/en/rest/git/tags#get-a-tag>
    pub async fn tag(&self, name: &str) -> Result<Option<Tag>> {
        #[derive(Deserialize)]
        struct Annotated {
            object: Object,
            #[serde(default)]
            verification: Verification,
        }
        let what = format!("read tag {name}");
        let route = format!("git/ref/tags/{}", encode(name));
        let Some(reference) = absent_is_none(self.get::<Reference>(&what, &route).await)? else { return Ok(None) };
        let mut object = reference.object;
        let mut objects = Vec::new();
        let mut signature = None;
        loop {
            let again = objects.contains(&object.sha);
            objects.push(object.sha.clone());
            let end = match object.kind.as_str() {
                "commit" => End::Commit(commit(&what, &object.sha)?),
                "tag" if again || objects.len() > DEEPEST => End::TooDeep,
                "tag" => {
                    let route = format!("git/tags/{}", encode(&object.sha));
                    let annotated = self.get::<Annotated>(&what, &route).await?;
                    signature.get_or_insert(annotated.verification);
                    object = annotated.object;
                    continue;
                }
                other => End::Other(other.to_owned()),
            };
            return Ok(Some(Tag { objects, end, signature }));
        }
    }

    /// The commit a branch ends at; `None` when there is no such branch. Asked for by its kind: a tag of the same name, which
    /// anybody who may push could make, is not mistaken for it.
    /// <https://docs.github.com/en/rest/git/refs#get-a-reference>
    pub async fn branch_tip(&self, branch: &BranchName) -> Result<Option<CommitSha>> {
        let what = format!("read branch {branch}");
        let route = format!("git/ref/heads/{}", encode(branch.as_str()));
        let reference = absent_is_none(self.get::<Reference>(&what, &route).await)?;
        reference.map(|reference| commit(&what, &reference.object.sha)).transpose()
    }

    /// [`ancestry`](Self::ancestry) of two commits that exist: not found then means that their histories have no commit in
    /// common, as GitHub says it.
    pub async fn ancestry_of_known(&self, base: &CommitSha, commit: &CommitSha) -> Result<Ancestry> {
        Ok(absent_is_none(self.ancestry(base, commit).await)?.unwrap_or(Ancestry::Diverged))
    }

    /// The names of all tags that begin so. One request, however many there are: GitHub takes no page for this list, and gives
    /// it whole. <https://docs.github.com/en/rest/git/refs#list-matching-references>
    pub async fn tags_beginning(&self, prefix: &str) -> Result<Vec<String>> {
        let what = format!("list the tags that begin with {prefix}");
        let route = format!("git/matching-refs/tags/{}", encode(prefix));
        let all: Vec<Reference> = self.get(&what, &route).await?;
        let names = all.into_iter().filter_map(|one| one.r#ref.strip_prefix("refs/tags/").map(str::to_owned));
        Ok(names.filter(|name| name.starts_with(prefix)).collect())
    }
}

/// Not found is an answer here, not an error.
pub(super) fn absent_is_none<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(error) if GithubError::is(&error, &Kind::NotFound) => Ok(None),
        other => other.map(Some),
    }
}

pub(super) fn commit(what: &str, sha: &str) -> Result<CommitSha> {
    sha.parse()
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("{what}: GitHub's answer is not what it documents: the name of a commit"))
}

/// A name as a part of a URL's path. Slashes stay: GitHub reads them as parts of the name.
pub(super) fn encode(name: &str) -> String {
    const PATH: &AsciiSet = &RESERVED.remove(b'/');
    utf8_percent_encode(name, PATH).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn only_names_that_lead_nowhere_else_are_plain() {
        let plain =
            ["v1.2.3", "v-billing-9.0.0", "v1.2.3-rc.1+build.5", "release/1.x", "a", "api@1.2.3", "@scope/pkg@1.2.3"];
        let other = "/ a/ /a a//b . .. a/.. ../../issues a/.b a..b a. a.lock a.lock/b -a a?b=c a#b a%2e a:b @ a@{1} a~1 a^ ü a;b $(a) \
                     a|b a`b` a'b a\\b a*";
        let other = other.split(' ').chain(["", "a b", "a\nb", "a\u{1b}"]);
        for name in plain {
            assert!(is_plain(name), "{name:?}");
        }
        for name in other {
            assert!(!is_plain(name), "{name:?}");
        }
        assert!(is_plain(&"a".repeat(255)) && !is_plain(&"a".repeat(256)));
        assert_eq!(not_plain("@scope/pkg@1.2.3"), None);
        assert!(not_plain("v1;x").is_some_and(|why| why.starts_with("it holds ';'")));
        assert!(not_plain("a..b").is_some_and(|why| why.contains("git takes no such name")));
    }

    #[test]
    fn the_kind_before_a_name_is_taken_off() {
        assert_eq!("refs/tags/v1.2.3".parse::<TagName>().map(|tag| tag.to_string()), Ok("v1.2.3".to_owned()));
        assert_eq!("refs/heads/main".parse::<BranchName>().map(|branch| branch.to_string()), Ok("main".to_owned()));
        assert!("refs/tags/".parse::<TagName>().is_err());
    }

    #[test]
    fn names_are_encoded_for_a_path() {
        let table =
            [("v1.2.3+build.5", "v1.2.3%2Bbuild.5"), ("release/1.x", "release/1.x"), ("a?b#c d%", "a%3Fb%23c%20d%25")];
        for (name, path) in table {
            assert_eq!(encode(name), path);
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn names_need_no_quoting_and_lead_nowhere_else(
            text in like(&["refs/tags/v1.2.3", "refs/heads/main", "release/1.x", "refs/tags/refs/tags/a", ".lock", "a..b"]),
        ) {
            reads_plainly::<TagName>(&text);
            reads_plainly::<BranchName>(&text);
            let base = url::Url::parse("https://api.example/repos/org/app/git/ref/tags/").unwrap();
            let asked = base.join(&encode(&text));
            if is_plain(&text) {
                prop_assert_eq!(asked.unwrap().path().to_owned(), format!("{}{}", base.path(), text.replace('+', "%2B").replace('@', "%40")));
            }
        }
    }
}
