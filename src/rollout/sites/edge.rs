//! The distributions in front of a site: what they read, what of them can change an answer, and what they are to forget.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::{try_join, try_join_all};
use sha2::{Digest as _, Sha256};

use crate::calls::poll::{Look, poll};
use crate::calls::{Ended, error_line};
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::site::{
    Cdn, Distribution, DistributionId, EdgeFunction, Found, Pointed, Pointer, Site, SiteBucket, function_name,
    is_of_bucket, read_marker,
};
use crate::text::{human_duration, message};

/// An invalidation is waited for this long at most: it usually takes seconds.
pub(super) const INVALIDATING: Duration = Duration::from_mins(5);

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
    /// The key value stores that its functions read.
    pub stores: Vec<String>,
}

impl Front {
    /// The names of the functions of `CloudFront` in front of the site.
    pub fn functions(&self) -> impl Iterator<Item = String> {
        self.distribution.functions.iter().filter_map(|arn| function_name(arn)).map(str::to_owned)
    }

    /// Where users read the site.
    #[must_use]
    pub fn url(&self) -> String {
        let host = self.distribution.aliases.iter().find(|alias| !alias.starts_with('*'));
        format!("https://{}/", host.unwrap_or(&self.distribution.domain))
    }
}

/// Reads what says which release serves, and the distributions in front; with what of them can change an answer, as one hash.
///
/// # Errors
/// A refusal where a distribution reads something else than the site; or AWS refuses.
pub async fn look(
    cx: &Context,
    bucket: &SiteBucket,
    site: &Site,
    ids: &[DistributionId],
) -> Step<(Found, Vec<Front>, Option<String>)> {
    let marker = async { Step::Ok(read_marker(bucket, site).await?) };
    let (found, (fronts, edge)) = try_join(marker, fronts(cx, site, ids)).await?;
    if let Some(store) = found.pointed.as_ref().and_then(Pointed::store)
        && let Some(front) = fronts.iter().find(|front| !front.stores.iter().any(|read| read == store))
    {
        return Err(Outcome::fail(message!(
            "pointer-not-read",
            "no function in front of distribution {} reads the key value store of {site}: nothing was written",
            front.id
        ))
        .advise("associate the store with the function, publish the function, and associate that with the viewer requests of the distribution; examples/site-releases has one")
        .advise("or correct `pointer` or `distribution`")
        .into());
    }
    Ok((found, fronts, edge))
}

/// Reads the distributions, and what of them can change an answer, as one hash; none where there is nothing.
async fn fronts(cx: &Context, site: &Site, ids: &[DistributionId]) -> Step<(Vec<Front>, Option<String>)> {
    if ids.is_empty() {
        return Ok((Vec::new(), None));
    }
    let cdn = &Cdn::new(cx.aws().await?)?;
    let read = ids.iter().map(async |id| {
        anyhow::Ok(Front { id: id.clone(), distribution: cdn.distribution(id).await?, stores: Vec::new() })
    });
    let mut fronts = try_join_all(read).await?;
    for front in &fronts {
        check(site, front)?;
    }
    let functions: BTreeSet<String> = fronts.iter().flat_map(|front| front.distribution.functions.clone()).collect();
    let read = functions.iter().map(async |arn| anyhow::Ok((arn.clone(), cdn.function(arn).await?)));
    let functions: BTreeMap<String, EdgeFunction> = try_join_all(read).await?.into_iter().collect();
    for front in &mut fronts {
        let own = front.distribution.functions.iter().filter_map(|arn| functions.get(arn));
        front.stores = own.flat_map(|function| function.stores.clone()).collect();
    }
    // With a pointer a release has paths of its own at the edge: what changes answers there is kept with none of them.
    if functions.is_empty() || site.pointer.is_some() {
        return Ok((fronts, None));
    }
    let code = functions
        .iter()
        .map(|(arn, function)| format!("{} {}", arn.rsplit(':').next().unwrap_or_default(), function.etag));
    let mut hash = String::new();
    for byte in Sha256::digest(code.collect::<Vec<_>>().join("\n")).iter().take(8) {
        let _ = write!(hash, "{byte:02x}");
    }
    Ok((fronts, Some(hash)))
}

fn check(site: &Site, front: &Front) -> Result<(), Outcome> {
    let Front { id, distribution, .. } = front;
    if !distribution.is_enabled {
        return Err(Outcome::fail(format!("distribution {id} is disabled: it answers nobody; nothing was written"))
            .advise("enable it, or correct `distribution`"));
    }
    let of_bucket = |(host, _): &&(String, String)| is_of_bucket(host, &site.bucket);
    let paths: Vec<&str> = distribution.origins.iter().filter(of_bucket).map(|(_, path)| path.as_str()).collect();
    let wanted = site.origin_path();
    // The path that is the pointer leads to a release, or to none yet.
    let is_pointer = matches!(site.pointer, Some(Pointer::OriginPath(_)));
    if paths.iter().any(|path| *path == wanted || is_pointer && site.folder_at(path).is_some()) {
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

/// Tells edges to forget all of a site that was taken away, and waits for it.
///
/// # Errors
/// AWS refuses.
pub async fn forget(cx: &Context, site: &Site, fronts: &[Front]) -> Result<()> {
    let reference = format!("{site}\ntaken away\n{}", time::OffsetDateTime::now_utc().unix_timestamp());
    let begun = invalidate(cx, fronts, &["/*".to_owned()], &reference).await?;
    wait(cx, &begun, INVALIDATING).await
}

/// Waits until the configuration of a distribution has reached all edges.
///
/// # Errors
/// It has not by the deadline; or `CloudFront` refuses.
pub(super) async fn wait_deployed(cx: &Context, id: &DistributionId) -> Result<()> {
    let limit = cx.calls.deadline.remaining();
    tracing::info!(
        "waiting until distribution {id} is Deployed: usually some minutes, at most {}",
        human_duration(limit)
    );
    let cdn = &Cdn::new(cx.aws().await?)?;
    poll(&cx.calls.deadline, &format!("distribution {id} to be Deployed"), async || {
        Ok(if cdn.is_deployed(id).await? { Look::Done(()) } else { Look::NotYet("InProgress".to_owned()) })
    })
    .await
}
