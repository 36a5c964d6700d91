//! The writes of publish-site: what nobody names yet first, then the switch.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Result, anyhow};

use super::PublishSite;
use super::plan::{Plan, clash};
use super::report;
use super::source::Source;
use crate::context::Context;
use crate::outcome::{Outcome, Step};
use crate::rollout::sites::{each, put_manifest};
use crate::site::{Body, File, Guard, Marker, Put, Site, SiteBucket};

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    files: Cell<usize>,
    bytes: Cell<u64>,
}

impl Sent {
    fn note(&self, file: &File) {
        self.files.set(self.files.get() + 1);
        self.bytes.set(self.bytes.get() + file.size);
    }
}

/// Sends assets, the content of documents, and the manifest; then switches. What serves afterwards is the answer.
pub(super) async fn apply(
    step: &PublishSite,
    cx: &Context,
    (site, bucket): (&Site, &SiteBucket),
    source: &Source,
    plan: &Plan,
) -> Step<Marker> {
    let Plan { changes, wanted, .. } = plan;
    let files: BTreeMap<&str, &PathBuf> =
        source.files.iter().map(|local| (local.file.path.as_str(), &local.on_disk)).collect();
    let sent = Sent::default();
    let refused: RefCell<Option<Outcome>> = RefCell::default();
    let body = |file: &File| {
        let found = files.get(file.path.as_str()).ok_or_else(|| anyhow!("{} is no file of the folder", file.path))?;
        anyhow::Ok(Body::File((*found).clone()))
    };
    let put = async |key: String, file: &File, guard: &Guard| -> Result<bool> {
        let is_new = bucket.put(&key, &body(file)?, &file.sha256, &file.meta, guard).await? != Put::Refused;
        if is_new {
            sent.note(file);
        }
        Ok(is_new)
    };
    let at_once = step.edge.max_parallel.0;
    let (put, refused_one, headers_only) = (&put, &refused, &changes.headers_only);
    let asset = async |file: &File| -> Result<()> {
        let key = site.key(&file.path);
        if headers_only.contains(&file.path) {
            return put(key, file, &Guard::Claimed).await.map(|_| ());
        }
        if put(key.clone(), file, &Guard::New).await? {
            return Ok(());
        }
        match bucket.sha256(&key).await? {
            Some(there) if there != file.sha256 => {
                refused_one.borrow_mut().get_or_insert(clash(site, &file.path, &there, &file.sha256));
                Err(anyhow!("{} is there with other content", file.path))
            }
            _ => Ok(()),
        }
    };
    let asset = &asset;
    let assets = each(&changes.assets, at_once, |file| asset(file)).await;
    if let Some(refused) = refused.take() {
        return Err(refused.into());
    }
    assets?;
    let private = changes.private.iter().map(|file| (site.private_key(&wanted.release, &file.path), file));
    let mut contents: BTreeMap<&str, &File> = BTreeMap::new();
    for file in &changes.documents {
        contents.entry(file.sha256.as_str()).or_insert(file);
    }
    let contents = contents.into_values().map(|file| (site.content_key(&file.sha256), file));
    let all: Vec<(String, &File)> = private.chain(contents).collect();
    each(all, at_once, |(key, file)| async move { put(key, file, &Guard::New).await.map(|_| ()) }).await?;
    put_manifest(bucket, site, wanted).await?;
    report::sent(cx, plan, sent.files.get(), sent.bytes.get());
    let replaced = (&plan.found, wanted, changes);
    step.edge.switch(cx, (site, bucket), replaced, (&plan.fronts, plan.edge.as_ref())).await
}
