//! The distributions in front of a site: what they read, what of them can change an answer, and what they are to forget.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;
use sha2::{Digest as _, Sha256};

use crate::calls::poll::{Look, poll};
use crate::calls::{Ended, error_line};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::site::{Cdn, Distribution, DistributionId, Site};
use crate::text::{human_duration, message};

/// Paths of one invalidation: so many may be in progress at once.
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/InvalidationLimits.html>
const BATCH: usize = 3000;

/// A distribution in front of a site.
#[derive(Clone, Debug)]
pub struct Front {
    /// Its id.
    pub id: DistributionId,
    /// As it was read.
    pub distribution: Distribution,
}

impl Front {
    /// Where users read the site.
    #[must_use]
    pub fn url(&self) -> String {
        let host = self.distribution.aliases.iter().find(|alias| !alias.starts_with('*'));
        format!("https://{}/", host.unwrap_or(&self.distribution.domain))
    }
}

/// Reads the distributions, and what of them can change an answer, as one hash; none where there is nothing.
///
/// # Errors
/// A refusal where one of them reads something else than the site; or `CloudFront` refuses.
pub async fn fronts(cx: &Context, site: &Site, ids: &[DistributionId]) -> Step<(Vec<Front>, Option<String>)> {
    if ids.is_empty() {
        return Ok((Vec::new(), None));
    }
    let cdn = &Cdn::new(cx.aws().await?)?;
    let read =
        ids.iter().map(async |id| anyhow::Ok(Front { id: id.clone(), distribution: cdn.distribution(id).await? }));
    let fronts = try_join_all(read).await?;
    for front in &fronts {
        check(site, front)?;
    }
    let functions: BTreeSet<String> = fronts.iter().flat_map(|front| front.distribution.functions.clone()).collect();
    let code = try_join_all(functions.iter().map(async |arn| {
        let etag = cdn.function_etag(arn).await?;
        anyhow::Ok(format!("{} {etag}", arn.rsplit(':').next().unwrap_or_default()))
    }));
    let mut hash = String::new();
    for byte in Sha256::digest(code.await?.join("\n")).iter().take(8) {
        let _ = write!(hash, "{byte:02x}");
    }
    Ok((fronts, (!functions.is_empty()).then_some(hash)))
}

fn check(site: &Site, front: &Front) -> Result<(), Outcome> {
    let Front { id, distribution } = front;
    if !distribution.is_enabled {
        return Err(Outcome::fail(format!("distribution {id} is disabled: it answers nobody; nothing was written"))
            .advise("enable it, or correct `distribution`"));
    }
    let of_bucket = |host: &str| ["s3.", "s3-"].iter().any(|mark| host.starts_with(&format!("{}.{mark}", site.bucket)));
    let paths: Vec<&str> =
        distribution.origins.iter().filter(|(host, _)| of_bucket(host)).map(|(_, path)| path.as_str()).collect();
    let wanted = site.origin_path();
    if paths.contains(&wanted.as_str()) {
        return Ok(());
    }
    let found = match paths.as_slice() {
        [] => "has another bucket behind it".to_owned(),
        [""] => "reads the whole bucket".to_owned(),
        several => format!("reads {} of the bucket", several.join(", ")),
    };
    Err(Outcome::fail(message!(
        "distribution-reads-elsewhere",
        "distribution {id} {found}, and the site is {site}: nothing was written"
    ))
    .advise(
        "give the path of its origin as `prefix`, or none where it has none; or correct `distribution` or `bucket`",
    ))
}

/// Begins the invalidation of these paths at all distributions; with what was begun. The reference makes a retry the same invalidation.
///
/// # Errors
/// `CloudFront` refuses, or others fill it until the deadline.
pub(super) async fn invalidate(
    cx: &Context,
    fronts: &[Front],
    paths: &[String],
    reference: &str,
) -> Result<Vec<(DistributionId, String)>> {
    let mut begun = Vec::new();
    if fronts.is_empty() {
        return Ok(begun);
    }
    let cdn = &Cdn::new(cx.aws().await?)?;
    for Front { id, .. } in fronts {
        for (number, batch) in paths.chunks(BATCH).enumerate() {
            let hash = Sha256::digest(format!("{reference}\n{number}\n{}", batch.join("\n")));
            let reference = format!("deploy-action-{hash:x}");
            let what = format!("room for an invalidation of {id}");
            let sent = poll(&cx.calls.deadline, &what, async || {
                Ok(match cdn.invalidate(id, &reference, batch).await? {
                    Some(invalidation) => Look::Done(invalidation),
                    None => Look::NotYet("too many are in progress".to_owned()),
                })
            });
            begun.push((id.clone(), sent.await?));
        }
    }
    Ok(begun)
}

/// Waits until invalidations have reached all edges. That they have not in time, or that nobody can tell, is a warning: what viewers get is
/// proved by itself.
///
/// # Errors
/// The step is cancelled.
pub(super) async fn wait(cx: &Context, begun: &[(DistributionId, String)], limit: Duration) -> Result<()> {
    if begun.is_empty() {
        return Ok(());
    }
    let limit = limit.min(cx.calls.deadline.remaining() / 2);
    tracing::info!("waiting for the invalidation: at most {}", human_duration(limit));
    let deadline = cx.calls.deadline.at_most(limit);
    let aws = cx.aws().await?;
    let cdn = &Cdn::new(aws.with_calls(cx.calls.until(deadline.clone())))?;
    for (id, invalidation) in begun {
        let what = format!("invalidation {invalidation} of {id}");
        let waited = poll(&deadline, &what, async || {
            Ok(if cdn.is_invalidated(id, invalidation).await? {
                Look::Done(())
            } else {
                Look::NotYet("InProgress".to_owned())
            })
        });
        match waited.await {
            Ok(()) => {}
            Err(error) if Ended::by_deadline(&error) => {
                cx.report.warn(message!(
                    "invalidation-in-progress",
                    "invalidation {invalidation} of {id} is still in progress: some viewers may get what was there before for some minutes"
                ));
                return Ok(());
            }
            Err(error) if cx.calls.deadline.is_cancelled() => return Err(error),
            Err(error) => {
                cx.report.warn(format!("whether {what} is complete could not be determined: {}", error_line(&error)));
                return Ok(());
            }
        }
    }
    Ok(())
}
