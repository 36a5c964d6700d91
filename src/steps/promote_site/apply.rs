//! The writes of promote-site: everything is copied within the bucket, then the switch.

use anyhow::{Result, ensure};

use super::PromoteSite;
use super::plan::Plan;
use crate::context::Context;
use crate::outcome::Step;
use crate::rollout::sites::{each, put_manifest};
use crate::site::{File, Guard, Marker, Site, SiteBucket};

/// Copies assets, the content of documents and private files; puts the manifest, and switches. What serves afterwards is the answer.
pub(super) async fn apply(
    step: &PromoteSite,
    cx: &Context,
    (site, bucket): (&Site, &SiteBucket),
    plan: &Plan,
) -> Step<Marker> {
    let Plan { source, changes, wanted, .. } = plan;
    let replaced = (&plan.found, wanted, changes);
    // Two pointers that lead into one folder share all that lies there.
    if source.prefix == site.prefix {
        return step.edge.switch(cx, (site, bucket), replaced, (&plan.fronts, plan.edge.as_ref())).await;
    }
    let at_once = step.edge.max_parallel.0;
    let copy = async |(from, to, file): (String, String, &File)| -> Result<()> {
        let headers_only = changes.headers_only.contains(&file.path);
        let guard = if headers_only { Guard::Claimed } else { Guard::New };
        let arrived = match bucket.copy(&from, &to, &file.meta, &guard).await? {
            Some(arrived) => Some(arrived),
            None => bucket.sha256(&to).await?,
        };
        ensure!(
            arrived.as_ref() == Some(&file.sha256),
            "/{} is at the target with other content: a file that is named after its content never changes",
            file.path
        );
        Ok(())
    };
    let copy = &copy;
    let assets = changes.assets.iter().map(|file| (source.key(&file.path), site.key(&file.path), file));
    let contents =
        changes.documents.iter().map(|file| (source.content_key(&file.sha256), site.content_key(&file.sha256), file));
    let private = changes.private.iter().map(|file| {
        let release = &wanted.release;
        (source.private_key(release, &file.path), site.private_key(release, &file.path), file)
    });
    each(assets, at_once, copy).await?;
    each(contents.chain(private).collect::<Vec<_>>(), at_once, copy).await?;
    put_manifest(bucket, site, wanted).await?;
    cx.report.output("copied", changes.count().to_string());
    step.edge.switch(cx, (site, bucket), replaced, (&plan.fronts, plan.edge.as_ref())).await
}
