//! A preview is taken away, with everything of it.

use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::record::{self, History, Place};
use crate::rollout::guard;
use crate::rollout::sites::{forget, look};
use crate::site::{DistributionId, Site, SiteBucket};
use crate::text::{message, number_of};

/// Deletes all objects of the site, and lets edges forget them: only where its record says that it does not serve users.
pub(super) async fn run(cx: &Context, site: &Site, bucket: &SiteBucket, ids: &[DistributionId]) -> Step<Outcome> {
    guard::check_bucket(cx, bucket, &site.bucket).await?;
    let Some(environment) = &cx.common.environment else {
        return Err(Outcome::bad_input("input `environment` is required with `remove: true`").into());
    };
    let place = Place::of_site(&cx.aws().await?.location().await?, site);
    let history = History::read(cx, environment, &record::component(cx), std::slice::from_ref(&place)).await?;
    let newest = history.entries.iter().find(|entry| entry.payload.target(&place).is_some());
    if newest.is_none_or(|newest| newest.payload.serves) {
        let why = newest.map_or("there is no record of it".to_owned(), |newest| {
            format!("deployment {} says that it serves users", newest.id)
        });
        return Err(Outcome::fail(message!("not-a-preview", "{site} is not taken away: {why}; nothing was written"))
            .advise("give the environment and the `prefix` with which it was published, with `serves: false`")
            .into());
    }
    let (found, fronts, _) = look(cx, bucket, site, ids).await?;
    let own = |kind: &str| site.beside(kind);
    let mut keys = Vec::new();
    let public = site.key("");
    for prefix in [public, own("content"), own("private"), own("releases"), own("runtime")] {
        keys.extend(bucket.list(&prefix).await?.into_iter().map(|object| object.key));
    }
    if keys.is_empty() {
        return Ok(Outcome::skipped(format!("nothing to do: {site} holds nothing")));
    }
    tracing::info!("{site}: {}, {}", found.marker.label(), number_of(keys.len(), "object"));
    if cx.is_dry_run() {
        cx.report.note_change();
        return Ok(Outcome::pass(format!(
            "dry run, nothing was changed: {} of {site} would be deleted",
            number_of(keys.len(), "object")
        )));
    }
    cx.confirm(&format!("take {site} away, with {}", number_of(keys.len(), "object"))).await?;
    let left = bucket.delete(&keys).await?;
    if let Some(first) = left.first() {
        return Ok(Outcome::error(format!(
            "{} of {site} could not be deleted: {first}",
            number_of(left.len(), "object")
        ))
        .advise("allow s3:DeleteObject on the site to the role of this job, and run this step again"));
    }
    forget(cx, site, &fronts).await?;
    Ok(Outcome::pass(format!("{site} is taken away: {} deleted", number_of(keys.len(), "object")))
        .advise("end its record with finish-deployment and `status: ended`"))
}
