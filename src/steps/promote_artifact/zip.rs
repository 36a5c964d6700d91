//! A zip archive of the workspace comes to its first place in S3: under a name of its own, put there once and never over another one.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::try_join_all;
use sha2::{Digest as _, Sha256};

use super::inputs::PromoteArtifact;
use super::tags::tags;
use crate::action::inputs::WorkspacePath;
use crate::aws::s3::{Put, S3, S3Folder, S3Url};
use crate::aws::{is_denied, refusal};
use crate::calls::Answer;
use crate::context::Context;
use crate::lambda::package::Archive;
use crate::outcome::{Outcome, Step, Verdict};
use crate::rollout::guard;
use crate::rollout::tag_format::Tag;
use crate::text::message;

/// What is to be brought there, and what is there.
#[derive(Debug)]
struct Observed {
    zip: Zip,
    /// By tag, the object of that name.
    objects: Vec<(Tag, S3Url, There)>,
}

/// The archive of the workspace.
#[derive(Debug)]
struct Zip {
    /// As it was asked for.
    name: WorkspacePath,
    place: PathBuf,
    /// In bytes.
    size: u64,
    /// In base64.
    sha256: String,
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
pub(super) async fn promote(
    step: &PromoteArtifact,
    cx: &Context,
    path: &WorkspacePath,
    to: &S3Folder,
) -> Step<Outcome> {
    let s3 = &S3::new(cx.aws().await?);
    let observed = observe(step, cx, s3, path, to).await?;
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

async fn observe(step: &PromoteArtifact, cx: &Context, s3: &S3, path: &WorkspacePath, to: &S3Folder) -> Step<Observed> {
    let zip = read(cx, path).await?;
    let tags = tags(step, cx).await?;
    guard::check(cx, &[]).await?;
    let objects = tags.into_iter().map(async |tag| {
        let url = to.object(&format!("{tag}.zip"));
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
    Ok(Zip { name: path.clone(), place, size, sha256 })
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
        let put = s3.put_new(url, &zip.place, &zip.sha256).await;
        let answer = match put {
            Ok(Put::Done) => return Ok(()),
            Ok(Put::Exists) if last => Answer::Applied,
            Ok(Put::Exists) => Answer::Unchanged,
            Ok(Put::Unanswered) => Answer::Applied,
            Err(error) if refusal(&error).is_some_and(|refusal| refusal.code == "NoSuchBucket") => {
                return Err(no_bucket(url).into());
            }
            Err(error) => return Err(error.into()),
        };
        match look(s3, url).await? {
            There::Object(sha256) if sha256 == zip.sha256 => {
                s3.correct(answer);
                return Ok(());
            }
            There::Object(sha256) => return Err(conflict(url, &sha256, zip).into()),
            There::Unknown => return Err(hidden(url).into()),
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
            let zip =
                Zip { name: "app.zip".parse().unwrap(), place: PathBuf::new(), size: 1, sha256: "ours".to_owned() };
            let folder: S3Folder = "s3://shop-releases/api".parse().unwrap();
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
