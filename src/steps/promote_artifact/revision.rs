//! Whether an image holds the commit that is deployed: by its label `org.opencontainers.image.revision`.

use anyhow::Result;

use super::values::VerifyRevision;
use crate::action::inputs::CommitSha;
use crate::calls::error_line;
use crate::context::Context;
use crate::oci::Digest;
use crate::outcome::Outcome;
use crate::text::message;

/// What a label says of a commit.
#[derive(Debug, PartialEq, Eq)]
enum Says {
    /// It is the one.
    Same,
    /// It is this other one, which may hold the same files.
    Other(CommitSha),
    /// Something that is no commit.
    NoCommit,
    /// There is no label.
    Nothing,
}

/// Compares a label with commits known to hold the same files. Ten digits or more name a commit as well as forty do.
fn says(label: Option<&str>, same: &[&CommitSha]) -> Says {
    let Some(label) = label.map(str::to_ascii_lowercase) else { return Says::Nothing };
    let is_short = label.len() >= 10 && label.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_short && same.iter().any(|commit| commit.as_str().starts_with(&label)) {
        return Says::Same;
    }
    label.parse().map_or(Says::NoCommit, Says::Other)
}

/// What one image says it was built from.
#[derive(Debug)]
pub(super) struct Revision {
    pub(super) digest: Digest,
    pub(super) label: Option<String>,
    /// What is wrong with that; nothing when it is the commit being deployed, or one with the same files, or was not compared.
    pub(super) problem: Option<String>,
}

/// Compares the labels of all images; `found` is the commit whose record named the artifact, which holds the same files.
pub(super) async fn compare(
    cx: &Context,
    verify: VerifyRevision,
    found: Option<&CommitSha>,
    labels: Vec<(Digest, Option<String>)>,
) -> Result<Vec<Revision>> {
    let wanted = cx.commit();
    let same: Vec<&CommitSha> = wanted.iter().chain(found).collect();
    let mut revisions = Vec::new();
    for (digest, label) in labels {
        let problem = if verify == VerifyRevision::Off { None } else { problem(cx, label.as_deref(), &same).await? };
        let problem = problem.map(|problem| format!("image {} {problem}", digest.short()));
        revisions.push(Revision { digest, label, problem });
    }
    Ok(revisions)
}

/// What is wrong with them, where that is to be a warning only.
///
/// # Errors
/// A refusal, where it is required that they are right.
pub(super) fn judge(verify: VerifyRevision, revisions: &[Revision]) -> Result<Option<&str>, Outcome> {
    let problem = revisions.iter().find_map(|revision| revision.problem.as_deref());
    match (verify, problem) {
        (VerifyRevision::Require, None) if revisions.is_empty() => {
            Err(Outcome::fail("it holds no image that could name its commit: nothing was written")
                .advise("`verify-revision: require` is for images; give `warn` for another artifact"))
        }
        (VerifyRevision::Require, Some(problem)) => Err(Outcome::fail(format!("{problem}: nothing was written"))
            .advise("promote the image that was built from this commit, or correct `sha`")
            .advise("build with the label: docker/metadata-action sets it, or `--label org.opencontainers.image.revision=$GITHUB_SHA`")),
        (VerifyRevision::Warn, problem) => Ok(problem),
        (VerifyRevision::Off | VerifyRevision::Require, _) => Ok(None),
    }
}

/// What is wrong with a label; nothing when it names the commit or one with the same files.
async fn problem(cx: &Context, label: Option<&str>, same: &[&CommitSha]) -> Result<Option<String>> {
    let Some(wanted) = same.first() else {
        return Ok(Some("could not be compared with the commit: give the input `sha`".to_owned()));
    };
    let other = match says(label, same) {
        Says::Same => return Ok(None),
        Says::Nothing => {
            return Ok(Some(
                "does not say what it was built from: it has no label org.opencontainers.image.revision".to_owned(),
            ));
        }
        Says::NoCommit => return Ok(Some("says that it was built from something that is no commit".to_owned())),
        Says::Other(other) => other,
    };
    let trees = match cx.github().await {
        Ok(github) => github.tree(&other).await.map(Some),
        Err(error) => Err(error),
    };
    let trees = match trees {
        Ok(tree) => cx.github().await?.tree(wanted).await.map(|own| Some(own) == tree),
        Err(error) => Err(error),
    };
    Ok(match trees {
        Ok(true) => None,
        Ok(false) => {
            Some(message!("image-of-other-commit", "was built from commit {other}, and {} is deployed", wanted.short()))
        }
        Err(error) if cx.calls.deadline.check().is_err() => return Err(error),
        Err(error) => Some(format!(
            "was built from commit {other}, and whether that holds the files of {} could not be determined ({})",
            wanted.short(),
            error_line(&error)
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_names_a_commit_or_does_not() {
        let one: CommitSha = "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2".parse().unwrap();
        let two: CommitSha = "1111111111111111111111111111111111111111".parse().unwrap();
        let table = [
            (Some(one.as_str()), Says::Same),
            (Some("8F3C1B2A9D4E5F60718293A4B5C6D7E8F9A0B1C2"), Says::Same),
            (Some("8f3c1b2a9d"), Says::Same),
            (Some("8f3c1b2"), Says::NoCommit),
            (Some(two.as_str()), Says::Other(two.clone())),
            (Some("v1.2.3"), Says::NoCommit),
            (None, Says::Nothing),
        ];
        for (label, expected) in table {
            assert_eq!(says(label, &[&one]), expected, "{label:?}");
        }
        assert_eq!(says(Some(two.as_str()), &[&one, &two]), Says::Same);
    }
}
