//! What the inputs name to go back to, as far as AWS alone knows it, and what can be guessed.

use anyhow::{Result, anyhow};

use super::Rollback;
use super::destination::To;
use super::place::{FunctionPlace, Known, Place as _, Revision};
use crate::aws::is_denied;
use crate::calls::error_line;
use crate::context::Context;
use crate::lambda::{CodeId, FunctionName, Lambda, Version};
use crate::outcome::{Outcome, Step, Stop};
use crate::text::message;

/// What the inputs name for one place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    /// No target: what served before is looked for.
    Nothing,
    /// This.
    Known(Known),
    /// What only the record knows.
    ByRecord,
}

impl Rollback {
    /// What the inputs name for one place, as far as it is known without the record.
    pub(super) async fn request(&self, cx: &Context, lambda: &Lambda, place: &FunctionPlace) -> Step<Request> {
        let function = place.function();
        if let Some(line) = self.versions.iter().flatten().find(|line| line.function == *function) {
            let version = lambda.resolve(function, &line.version).await?;
            return match version {
                Some(version) => request_of(lambda, place, version, &line.version.to_string()).await,
                None => Err(unknown(function, &line.version.to_string())),
            };
        }
        match self.to.as_ref().unwrap_or(&To::Auto) {
            To::Auto => Ok(Request::Nothing),
            To::Version(version) => request_of(lambda, place, *version, &version.to_string()).await,
            To::Number(number) => {
                let version = Version::number(*number);
                if lambda.existing(function, Some(version)).await?.is_none() {
                    return Ok(Request::ByRecord);
                }
                request_of(lambda, place, version, &number.to_string()).await
            }
            To::Digest(digest) => {
                let code = CodeId::Image(digest.clone());
                if let FunctionPlace::Latest(_) = place {
                    return Ok(Request::Known(Known::bare(Revision::Code(code))));
                }
                let found = match lambda.version_with_code(function, &code).await {
                    Err(error) if is_denied(&error) => {
                        cx.report.warn(format!("the record is asked for {digest}: {}", error_line(&error)));
                        None
                    }
                    found => found?.and_then(|version| version.version),
                };
                Ok(found.map_or(Request::ByRecord, |version| Request::Known(Known::bare(Revision::Version(version)))))
            }
            To::Definition(revision) => Err(anyhow!("{revision} is no version of {function}").into()),
            To::Deployment(_) | To::Commit(_) | To::Tag(_) | To::Name(_) => Ok(Request::ByRecord),
        }
    }
}

/// The version that was asked for by this word.
async fn request_of(lambda: &Lambda, place: &FunctionPlace, version: Version, word: &str) -> Step<Request> {
    let point = point_of(lambda, place, version).await?.ok_or_else(|| unknown(place.function(), word))?;
    Ok(Request::Known(Known::bare(point)))
}

pub(super) fn unknown(function: &FunctionName, asked: &str) -> Stop {
    Outcome::fail(message!("unknown-version", "no version of {function} is known as {asked}"))
        .advise("name the version by its number: `aws lambda list-versions-by-function` shows them")
        .into()
}

/// What a version is at a place: itself behind an alias, its code in `$LATEST`; `None` when its code is not known there.
pub(super) async fn point_of(lambda: &Lambda, place: &FunctionPlace, version: Version) -> Result<Option<Revision>> {
    match place {
        FunctionPlace::Alias(_) => Ok(Some(Revision::Version(version))),
        FunctionPlace::Latest(function) => {
            let version = lambda.existing(&function.name, Some(version)).await?;
            Ok(version.as_ref().and_then(CodeId::of).map(Revision::Code))
        }
    }
}

/// What was published before what serves: it may never have worked.
pub(super) async fn guess(lambda: &Lambda, place: &FunctionPlace) -> Result<Option<Revision>> {
    let published = lambda.published_versions(place.function()).await?;
    Ok(match place.serves() {
        Some(Revision::Version(serves)) => {
            let before = published.into_iter().filter_map(|one| one.version).filter(|version| *version < serves);
            before.max().map(Revision::Version)
        }
        Some(Revision::Code(serves)) => {
            let place = published.iter().rposition(|version| serves.is_in(version)).unwrap_or(published.len());
            let before = published.iter().take(place).rfind(|version| !serves.is_in(version));
            before.and_then(CodeId::of).map(Revision::Code)
        }
        Some(Revision::Definition(_) | Revision::Release(_)) | None => None,
    })
}
