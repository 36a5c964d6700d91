//! What no release that is kept needs any more is taken away: by the age of releases, never by what the newest one lacks.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Result;
use time::OffsetDateTime;

use super::edge::Front;
use super::pointer::Needed;
use super::read_manifest;
use super::runtime::{Hashes, hashes_of};
use crate::calls::error_line;
use crate::context::Context;
use crate::site::{FileKind, Listed, Manifest, ReleaseName, Site, SiteBucket, folders_of};
use crate::text::{message, number_of};

/// Which releases are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// The newest so many, whatever their age.
    pub count: usize,
    /// And those that were replaced no longer ago.
    pub age: Duration,
}

/// Takes away what only releases need that are kept no longer. What goes wrong is reported, and changes nothing of the release that serves.
pub(super) async fn prune(
    cx: &Context,
    (site, bucket, fronts): (&Site, &SiteBucket, &[Front]),
    serving: &Manifest,
    keep: Keep,
) {
    match take_away(cx, (site, bucket, fronts), serving, keep).await {
        Ok(left) if left.is_empty() => {}
        Ok(left) => {
            let some: Vec<&str> = left.iter().take(3).map(String::as_str).collect();
            cx.report.warn(message!(
                "not-pruned",
                "{} could not be deleted ({}); allow s3:DeleteObject on the site to the role of this job",
                number_of(left.len(), "object"),
                some.join(", ")
            ));
        }
        Err(error) => {
            cx.report.warn(message!("prune-failed", "old releases were not taken away: {}", error_line(&error)));
        }
    }
}

async fn take_away(
    cx: &Context,
    (site, bucket, fronts): (&Site, &SiteBucket, &[Front]),
    serving: &Manifest,
    keep: Keep,
) -> Result<Vec<String>> {
    let folder = site.beside("releases");
    let listed = bucket.list(&folder).await?;
    let (mut kept, old) = sort(&folder, listed, &serving.release, keep, OffsetDateTime::now_utc());
    if old.is_empty() {
        return Ok(Vec::new());
    }
    // Several pointers may lead into one folder of the bucket: what one of them serves, or leads to without its key, is old for another.
    let mut needed = Needed::read(bucket, site, fronts).await?;
    // First, for those who prune by another pointer, also where the code may not be read here.
    needed.remember(bucket, site).await?;
    needed.read_code(cx).await?;
    let is_needed = |release: &ReleaseName| needed.serving.contains(release) || needed.named_by(release).is_some();
    let (spared, old): (Vec<_>, Vec<_>) = old.into_iter().partition(is_needed);
    let named = spared.iter().filter_map(|release| Some((release, needed.named_by(release)?)));
    let lines = named.map(|(release, function)| format!("release {release} is kept: function {function} names it"));
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        cx.report.section("Kept beyond `prune-after`", lines);
    }
    kept.extend(spared);
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let read = async |names: &[ReleaseName]| {
        let mut all = Vec::new();
        for name in names {
            all.extend(read_manifest(bucket, site, name).await?);
        }
        anyhow::Ok(all)
    };
    // What belonged to the environment, of the releases that were served with it.
    let folder = site.beside("runtime");
    let listed = bucket.list(&folder).await?;
    let (mut own, mut gone) = (Vec::new(), Vec::new());
    for name in listed.iter().filter_map(|one| name_of(&folder, one)) {
        let hashes = hashes_of(bucket, site, &name).await?.unwrap_or_default();
        if old.contains(&name) { &mut gone } else { &mut own }.push((name, hashes));
    }
    let mut kept = read(&kept).await?;
    kept.push(serving.clone());
    let old = read(&old).await?;
    let mut keys = Vec::new();
    for one in &old {
        let folders = site.folders_key(&folders_of(&one.release));
        keys.extend(bucket.list(&folders).await?.into_iter().map(|object| object.key));
    }
    keys.extend(keys_of(site, (&old, &gone), (&kept, &own)));
    tracing::info!(
        "{} kept no longer: {} deleted ({})",
        number_of(old.len(), "release"),
        number_of(keys.len(), "object"),
        old.iter().map(|one| one.release.to_string()).collect::<Vec<_>>().join(", ")
    );
    cx.calls.deadline.check()?;
    bucket.delete(&keys).await
}

/// Those that are kept, and those that are not. A release is as old as the time since the next one came.
fn sort(
    folder: &str,
    mut listed: Vec<Listed>,
    serving: &ReleaseName,
    keep: Keep,
    now: OffsetDateTime,
) -> (Vec<ReleaseName>, Vec<ReleaseName>) {
    listed.sort_by(|one, other| other.modified.cmp(&one.modified).then_with(|| one.key.cmp(&other.key)));
    let (mut kept, mut old) = (Vec::new(), Vec::new());
    let mut replaced = now;
    let mut place = 0;
    // S3 lists times in whole seconds: of those of one second nobody can say which came first, so that they go together.
    for of_a_second in listed.chunk_by(|one, other| one.modified == other.modified) {
        let is_serving = of_a_second.iter().any(|one| name_of(folder, one).as_ref() == Some(serving));
        let is_old = place >= keep.count && now - replaced > keep.age && !is_serving;
        let names = of_a_second.iter().filter_map(|one| name_of(folder, one));
        if is_old { &mut old } else { &mut kept }.extend(names);
        place += of_a_second.len();
        replaced = of_a_second[0].modified;
    }
    (kept, old)
}

/// The release whose object this is.
fn name_of(folder: &str, one: &Listed) -> Option<ReleaseName> {
    one.key.strip_prefix(folder)?.strip_suffix(".json")?.parse().ok()
}

/// Releases, and with what of the environment they were served.
type Releases<'a> = (&'a [Manifest], &'a [(ReleaseName, Hashes)]);

/// What only the old ones have: the manifests last, so that a run that ends early is taken up by the next one.
fn keys_of(site: &Site, old: Releases<'_>, kept: Releases<'_>) -> Vec<String> {
    let keys = |(all, runtime): Releases<'_>| -> BTreeSet<String> {
        let each = all.iter().flat_map(|manifest| {
            manifest.files.iter().flat_map(|file| match file.kind {
                FileKind::Private => vec![site.private_key(&manifest.release, &file.path)],
                FileKind::Asset => vec![site.key(&file.path)],
                FileKind::Document | FileKind::Entry => vec![site.key(&file.path), site.content_key(&file.sha256)],
            })
        });
        // The document itself stays: what serves may be older than its release.
        let runtime = runtime.iter().flat_map(|(_, hashes)| hashes.values().map(|sha256| site.content_key(sha256)));
        each.chain(runtime).collect()
    };
    let kept = keys(kept);
    let mut gone: Vec<String> = keys(old).into_iter().filter(|key| !kept.contains(key)).collect();
    gone.extend(old.1.iter().map(|(release, _)| site.runtime_key(release)));
    gone.extend(old.0.iter().map(|manifest| site.manifest_key(&manifest.release)));
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::{File, MarkerPath, Meta};

    fn site() -> Site {
        Site { bucket: "site".parse().unwrap(), prefix: None, marker: MarkerPath::usual(), pointer: None }
    }

    #[test]
    fn releases_are_kept_by_their_number_and_by_how_long_ago_they_were_replaced() {
        let now = OffsetDateTime::now_utc();
        let listed = |days: &[(&str, i64)]| {
            let one = |(name, days): &(&str, i64)| Listed {
                key: format!("f/{name}.json"),
                modified: now - time::Duration::days(*days),
            };
            days.iter().map(one).collect::<Vec<_>>()
        };
        let old = |days: &[(&str, i64)], count, serving: &str| {
            let keep = Keep { count, age: Duration::from_hours(30 * 24) };
            let (_, old) = sort("f/", listed(days), &serving.parse().unwrap(), keep, now);
            old.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let all = [("a", 90), ("b", 60), ("c", 10), ("d", 1)];
        assert_eq!(old(&all, 10, "d"), Vec::<String>::new(), "among the newest ten");
        assert_eq!(old(&all, 1, "d"), ["a"], "b was replaced ten days ago");
        assert_eq!(old(&all, 1, "a"), Vec::<String>::new(), "what serves is kept");
        let of_a_second = [("a", 90), ("b", 60), ("c", 60), ("d", 50)];
        assert_eq!(old(&of_a_second, 1, "d"), ["b", "c", "a"]);
        assert_eq!(old(&of_a_second, 2, "d"), ["a"], "nobody can say which of b and c came first");
        assert_eq!(old(&of_a_second, 1, "c"), ["a"], "the same of what serves");
        let replaced_lately = [("a", 60), ("b", 60), ("c", 1)];
        assert_eq!(old(&replaced_lately, 1, "c"), Vec::<String>::new(), "one of them served till yesterday");
    }

    #[test]
    fn what_a_kept_release_shares_stays() {
        let file = |path: &str, kind| File {
            path: path.to_owned(),
            sha256: format!("hash-of-{path}"),
            size: 1,
            kind,
            meta: Meta::default(),
        };
        let release = |name: &str, assets: &[&str]| {
            let files = assets.iter().map(|path| file(path, FileKind::Asset));
            let files = files.chain([file("index.html", FileKind::Entry)]).collect();
            Manifest::new(name.parse().unwrap(), None, files).unwrap()
        };
        let (a, b) = ([release("a", &["shared.js", "own.js"])], [release("b", &["shared.js"])]);
        assert_eq!(keys_of(&site(), (&a, &[]), (&b, &[])), ["own.js", ".deploy-action/(root)/(releases)/a.json"]);
        let served = |name: &str, sha256: &str| {
            let hashes = Hashes::from([("config.json".to_owned(), sha256.to_owned())]);
            [(name.parse().unwrap(), hashes)]
        };
        let keys = keys_of(&site(), (&a, &served("a", "1")), (&b, &served("b", "2")));
        let of = |kind: &str, name: &str| format!(".deploy-action/(root)/({kind})/{name}");
        assert_eq!(keys, [of("content", "1"), "own.js".to_owned(), of("runtime", "a.json"), of("releases", "a.json")]);
    }
}
