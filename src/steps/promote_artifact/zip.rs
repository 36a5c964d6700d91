//! A zip archive comes to its first place in S3, or from there to the next one: under a name of its own, put there once and never over
//! another one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;
use sha2::{Digest as _, Sha256};

use super::inputs::PromoteArtifact;
use super::stored::{Folder, StoredZip};
use super::tags::tags;
use super::values::Source;
use crate::action::inputs::{AccountId, WorkspacePath};
use crate::aws::s3::{Object, Put, S3, S3Url};
use crate::aws::{is_denied, refusal};
use crate::calls::{Answer, error_line};
use crate::context::Context;
use crate::lambda::package::Archive;
use crate::outcome::{Outcome, Step, Verdict};
use crate::rollout::guard;
use crate::rollout::tag_format::Tag;
use crate::text::message;

/// The largest object that S3 copies in one write (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>).
const LARGEST_COPY: u64 = 5 << 30;

/// What is to be brought there, and what is there.
#[derive(Debug)]
struct Observed {
    zip: Zip,
    /// By tag, the object of that name.
    objects: Vec<(Tag, S3Url, There)>,
}

/// The archive.
#[derive(Debug)]
struct Zip {
    /// For people.
    name: String,
    from: Origin,
    /// In bytes.
    size: u64,
    /// In base64.
    sha256: String,
}

/// Where it comes from.
#[derive(Debug)]
enum Origin {
    /// A file of the workspace.
    File(PathBuf),
    /// An object, and the client that has read it.
    Object(Box<(S3, Object)>),
}

/// What is there under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum There {
    Nothing,
    /// An object of this SHA-256.
    Object(String),
    /// Nothing, or something that this role may not see: S3 says the same of both without `s3:ListBucket`.
    Unknown,
}

/// Brings the archive to S3.
pub(super) async fn promote(step: &PromoteArtifact, cx: &Context, to: &Folder) -> Step<Outcome> {
    let s3 = &of_owner(cx, to.owner.as_ref()).await?;
    let observed = observe(step, cx, s3, to).await?;
    let zip = &observed.zip;
    let plan = plan(&observed)?;
    if plan.is_empty() {
        set_outputs(cx, &observed);
        let label = labels(observed.objects.iter().map(|(_, url, _)| url));
        return Ok(Outcome::skipped(format!("{label} holds {} already: SHA-256 {}", zip.name, zip.sha256)));
    }
    let label = labels(plan.iter().copied());
    tracing::info!("plan: put {} ({} bytes) to {label}", zip.name, zip.size);
    if cx.is_dry_run() {
        cx.report.note_change();
        return Ok(Outcome::pass(format!("dry run, nothing was written; the plan: put {} to {label}", zip.name)));
    }
    cx.confirm(&format!("put {} to {label}", zip.name)).await?;
    for url in &plan {
        put(s3, zip, url).await?;
    }
    read_back(cx, s3, zip, &plan).await?;
    set_outputs(cx, &observed);
    Ok(Outcome::pass(format!("{label} holds {}: read back, SHA-256 {} ({} bytes)", zip.name, zip.sha256, zip.size)))
}

/// The client for buckets of an account: of the one in use, unless another one is named. A bucket that was deleted may be made again by
/// anybody, under the same name.
async fn of_owner(cx: &Context, owner: Option<&AccountId>) -> Result<S3> {
    let aws = cx.aws().await?;
    let owner = match owner {
        Some(owner) => owner.clone(),
        None => aws.account().await?.clone(),
    };
    Ok(S3::new(aws).owned_by(owner))
}

async fn observe(step: &PromoteArtifact, cx: &Context, s3: &S3, to: &Folder) -> Step<Observed> {
    let zip = match &step.source {
        Some(Source::Zip(path)) => read(cx, path).await?,
        Some(Source::Stored(object)) => find(cx, object).await?,
        Some(Source::Image(_)) | None => return Err(anyhow::anyhow!("no zip archive is named").into()),
    };
    let tags = tags(step, cx).await?;
    guard::check(cx, &[]).await?;
    let objects = tags.into_iter().map(async |tag| {
        let url = to.place.object(&format!("{tag}.zip"));
        let there = look(s3, &url).await?;
        anyhow::Ok((tag, url, there))
    });
    let objects = try_join_all(objects).await?;
    if let Some((_, url, _)) = objects.iter().find(|(_, _, there)| *there == There::Unknown) {
        tracing::info!(
            "whether {} is there is not known yet, for want of s3:ListBucket: the put itself ends without effect where something is",
            url.label()
        );
    }
    let absent = objects.iter().find(|(_, _, there)| *there == There::Nothing);
    if let Some((_, url, _)) = absent
        && s3.has_bucket(&url.bucket).await? == Some(false)
    {
        return Err(no_bucket(url).into());
    }
    Ok(Observed { zip, objects })
}

/// Reads the archive once: its hash, and whether it is one.
async fn read(cx: &Context, path: &WorkspacePath) -> Step<Zip> {
    let reading = || format!("read {path}");
    let Some((place, size)) = cx.runner.workspace().file(path.as_str()).with_context(reading)? else {
        return Err(Outcome::fail(format!("there is no file {path} in the workspace"))
            .advise("build it before this step, or download it (actions/download-artifact), and check `source`")
            .into());
    };
    let file = place.clone();
    let read = tokio::task::spawn_blocking(move || inspect(&file)).await.with_context(reading)?;
    let (sha256, archive) = read.with_context(reading)?;
    let problem = match archive {
        Err(why) => Some(why),
        Ok(archive) if archive.files == 0 => Some("it holds no file".to_owned()),
        Ok(_) => None,
    };
    if let Some(why) = problem {
        return Err(Outcome::fail(format!("{path} cannot be deployed: {why}"))
            .advise("build it again, and check how it comes here: a download may have failed half way")
            .into());
    }
    Ok(Zip { name: path.to_string(), from: Origin::File(place), size, sha256 })
}

/// Finds the archive in S3, and its hash: as S3 keeps it, or by reading all of it.
async fn find(cx: &Context, asked: &StoredZip) -> Step<Zip> {
    let (s3, url) = (of_owner(cx, asked.owner.as_ref()).await?, &asked.place);
    let object = match s3.head_with_checksum(url).await {
        Ok(object) => object,
        Err(error) if is_denied(&error) => return Err(unreadable(url, asked.owner.is_some()).into()),
        Err(error) => return Err(error.into()),
    };
    let Some(object) = object else {
        return Err(Outcome::fail(format!("there is no object {}: nothing was written", url.label()))
            .advise("promote it to there first, with this step from the workspace, or correct `source`")
            .into());
    };
    if object.size > LARGEST_COPY {
        return Err(Outcome::fail(format!("{} is larger than S3 copies at once: {} bytes", url.label(), object.size))
            .advise("Lambda takes no archive of this size: leave out what the function does not use")
            .into());
    }
    let sha256 = match &object.sha256 {
        Some(sha256) => sha256.clone(),
        None => s3.sha256(&object).await?,
    };
    let size = object.size;
    Ok(Zip { name: url.label(), from: Origin::Object(Box::new((s3, object))), size, sha256 })
}

fn inspect(place: &Path) -> io::Result<(String, Result<Archive, String>)> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(place)?, &mut hash)?;
    let archive = Archive::inspect(File::open(place)?).map_err(|error| error.to_string());
    Ok((STANDARD.encode(hash.finalize()), archive))
}

/// What is there under a name.
async fn look(s3: &S3, url: &S3Url) -> Result<There> {
    match s3.head_with_checksum(url).await {
        Ok(None) => Ok(There::Nothing),
        Ok(Some(object)) => Ok(There::Object(match object.sha256 {
            Some(sha256) => sha256,
            None => s3.sha256(&object).await?,
        })),
        Err(error) if is_denied(&error) => Ok(There::Unknown),
        Err(error) => Err(error),
    }
}

/// The objects to be put: none of them over another one.
///
/// # Errors
/// A refusal: another archive has one of these names.
fn plan(observed: &Observed) -> Result<Vec<&S3Url>, Outcome> {
    let mut missing = Vec::new();
    for (_, url, there) in &observed.objects {
        match there {
            There::Object(sha256) if *sha256 == observed.zip.sha256 => {}
            There::Object(sha256) => return Err(conflict(url, sha256, &observed.zip)),
            There::Nothing | There::Unknown => missing.push(url),
        }
    }
    Ok(missing)
}

/// Puts one object. What somebody else has put there meanwhile is compared; a write whose answer was lost is looked for before it is
/// sent again.
async fn put(s3: &S3, zip: &Zip, url: &S3Url) -> Step<()> {
    for last in [false, true] {
        let put = match &zip.from {
            Origin::File(place) => s3.put_new(url, place, &zip.sha256).await,
            Origin::Object(from) => s3.copy_new(url, &from.0, &from.1).await,
        };
        let answer = match put {
            Ok(Put::Done) => return Ok(()),
            Ok(Put::Exists) if last => Answer::Applied,
            Ok(Put::Exists) => Answer::Unchanged,
            Ok(Put::Unanswered) => Answer::Applied,
            Err(error) if refusal(&error).is_some_and(|refusal| refusal.code == "NoSuchBucket") => {
                return Err(no_bucket(url).into());
            }
            Err(error) if is_denied(&error) => return Err(denied(error, url).into()),
            Err(error) => return Err(error.into()),
        };
        match look(s3, url).await? {
            There::Object(sha256) if sha256 == zip.sha256 => {
                s3.correct(answer);
                return Ok(());
            }
            There::Object(sha256) => return Err(conflict(url, &sha256, zip).into()),
            There::Unknown => return Err(hidden(url).into()),
            // The other condition of a copy is that its source is as it was read.
            There::Nothing if answer == Answer::Unchanged && matches!(zip.from, Origin::Object(_)) => {
                return Err(replaced(zip).into());
            }
            There::Nothing if !last => tracing::info!("{} was not put; sending it again", url.label()),
            There::Nothing => {}
        }
    }
    Err(Outcome::error(format!("S3 did not answer when {} was put, twice, and it is not there", url.label()))
        .advise("run the step again, which is safe")
        .into())
}

/// What is there now.
async fn read_back(cx: &Context, s3: &S3, zip: &Zip, plan: &[&S3Url]) -> Step<()> {
    for url in plan {
        let there = look(s3, url).await?;
        let (observed, same) = match &there {
            There::Object(sha256) => (sha256.as_str(), *sha256 == zip.sha256),
            There::Nothing => ("nothing", false),
            There::Unknown => return Err(hidden(url).into()),
        };
        let verdict = if same { Verdict::Pass } else { Verdict::Fail };
        cx.report.check(url.label(), observed, &zip.sha256, verdict, "s3:HeadObject");
        if !same {
            return Err(Outcome::fail(format!(
                "{} was put, and holds {observed} now: somebody replaced it",
                url.label()
            ))
            .advise("let nobody write to these names but this step; it never puts one over another")
            .into());
        }
    }
    Ok(())
}

fn set_outputs(cx: &Context, observed: &Observed) {
    let lines =
        |line: fn(&(Tag, S3Url, There)) -> String| observed.objects.iter().map(line).collect::<Vec<_>>().join("\n");
    cx.report.output("object", lines(|(_, url, _)| url.to_string()));
    cx.report.output("tag", lines(|(tag, _, _)| tag.to_string()));
    cx.report.output("code-sha256", observed.zip.sha256.as_str());
    cx.report.output("match", "explicit");
}

fn labels<'u>(urls: impl Iterator<Item = &'u S3Url>) -> String {
    urls.map(S3Url::label).collect::<Vec<_>>().join(", ")
}

fn conflict(url: &S3Url, there: &str, zip: &Zip) -> Outcome {
    Outcome::fail(message!(
        "object-of-other-content",
        "{} holds another archive, of SHA-256 {there}, and {} has {}: nothing was written over it",
        url.label(),
        zip.name,
        zip.sha256
    ))
    .advise(
        "build each commit once: a build run again packs other bytes, by its times alone, unless it is reproducible",
    )
    .advise(format!(
        "deploy what is there, with `zip: {}` of publish-version; or give another name with `tag`",
        url.label()
    ))
}

/// A write that is not allowed: by this role, by the bucket, or because the bucket is somebody else's.
fn denied(error: anyhow::Error, url: &S3Url) -> Outcome {
    Outcome::error(format!("{}: nothing was written", error_line(&error.context(format!("put {}", url.label())))))
        .advise("allow s3:PutObject on it to the role of this job, and s3:GetObject on the source of a copy (docs/permissions.md has the policy)")
        .advise("if the bucket is of another account, say so: `destination: s3://bucket/prefix owner=<account id>`")
}

/// The source of a copy may not be read, or does not exist.
fn unreadable(url: &S3Url, owner_is_named: bool) -> Outcome {
    let outcome = Outcome::error(format!(
        "{} may not be read, or does not exist (S3 says the same of both without s3:ListBucket): nothing was written",
        url.label()
    ))
    .advise("allow s3:GetObject on it to the role of this job (docs/permissions.md has the policy of each step)");
    if owner_is_named {
        return outcome.advise("check `owner=..` of `source`: S3 refuses a bucket of another account than it names");
    }
    outcome.advise("if its bucket is of another account, say so: `source: s3://bucket/key owner=<account id>`")
}

/// The source of a copy is not what was read any more.
fn replaced(zip: &Zip) -> Outcome {
    Outcome::error(format!("{} was replaced while it was to be copied: nothing was written", zip.name))
        .advise("run the step again; let nobody write to these names but this step, which never puts one over another")
}

fn no_bucket(url: &S3Url) -> Outcome {
    Outcome::error(format!("the bucket of {} does not exist: nothing was written", url.label()))
        .advise("create it in the region of the function, with versioning on, or correct `destination`")
}

/// It is there, and may not be seen.
fn hidden(url: &S3Url) -> Outcome {
    Outcome::error(format!("{} is there, and may not be read: whether it is the same is unknown", url.label()))
        .advise("allow s3:GetObject on it to the role of this job (docs/permissions.md has the policy of each step)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_put_where_there_is_none_and_never_over_another() {
        let object = |sha256: &str| There::Object(sha256.to_owned());
        let planned = |first: There, second: There| {
            let zip = Zip {
                name: "app.zip".to_owned(),
                from: Origin::File(PathBuf::new()),
                size: 1,
                sha256: "ours".to_owned(),
            };
            let folder: crate::aws::s3::S3Folder = "s3://shop-releases/api".parse().unwrap();
            let named = |tag: &str, there| (tag.parse().unwrap(), folder.object(tag), there);
            let observed = Observed { zip, objects: vec![named("one", first), named("two", second)] };
            plan(&observed)
                .map(|urls| urls.iter().map(|url| url.key.clone()).collect::<Vec<_>>())
                .map_err(|_refusal| "refused")
        };
        let (one, two) = ("api/one".to_owned(), "api/two".to_owned());
        assert_eq!(planned(There::Nothing, There::Unknown), Ok(vec![one, two.clone()]));
        assert_eq!(planned(object("ours"), There::Nothing), Ok(vec![two]));
        assert_eq!(planned(object("ours"), object("ours")), Ok(vec![]));
        assert_eq!(planned(There::Nothing, object("other")), Err("refused"));
    }
}
