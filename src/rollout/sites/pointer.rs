//! The switch of a site that has a pointer. A release gets a folder of its own, which nobody reads before the pointer leads to it; then the
//! pointer is written once, over the one that was read. What is named after its content lies beside the folders and is shared by all
//! releases; where the pointer is the path of an origin, which leads to one folder only, the folders hold it too.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, anyhow, bail};
use futures_util::future::try_join_all;

use super::edge::{Front, INVALIDATING, invalidate, wait, wait_deployed};
use super::planned::{Switch, superseded};
use super::runtime::{Runtime, hashes, put_json};
use super::{each, read_manifest};
use crate::aws::absent_is_none;
use crate::context::Context;
use crate::outcome::Step;
use crate::site::{
    Cdn, File, Guard, Manifest, Marker, Note, Pointed, Pointer, Put, ReleaseName, Site, SiteBucket, folder_of,
    folders_of, invalidation_path, read_marker, read_note, release_of,
};

/// The folder of a release.
#[derive(Clone, Debug)]
pub struct Built {
    /// Its name.
    pub folder: String,
    /// Its marker, where all of the release is in it.
    pub marker: Option<Marker>,
}

/// The folder of a release with what belongs to the environment, by the hashes of that.
///
/// # Errors
/// S3 refuses.
pub async fn built(
    bucket: &SiteBucket,
    site: &Site,
    wanted: &Manifest,
    runtime: &BTreeMap<String, String>,
) -> Result<Built> {
    let folder = folder_of(wanted, runtime);
    // The marker is written last.
    let marker = marker_in(bucket, site, &folder).await?;
    Ok(Built { folder, marker })
}

async fn marker_in(bucket: &SiteBucket, site: &Site, folder: &str) -> Result<Option<Marker>> {
    let read = bucket.get(&site.folder_key(folder, site.marker.path())).await?;
    read.map(|(_, text, _)| Marker::read(&text)).transpose()
}

/// Carries out a switch by the pointer; with the marker that users get, and how many paths edges were told to forget.
///
/// # Errors
/// Somebody else wrote the pointer; or AWS refuses.
pub(super) async fn switch(cx: &Context, switch: &Switch<'_>, pointed: &Pointed) -> Step<(Marker, usize)> {
    let Switch { site, bucket, wanted, found, .. } = *switch;
    let runtime = switch.runtime.map_or_else(|| found.marker.runtime.clone(), hashes);
    let built = built(bucket, site, wanted, &runtime).await?;
    let marker = if let Some(there) = built.marker {
        there
    } else {
        let (release, digest) = (Some(wanted.release.clone()), Some(wanted.digest.clone()));
        let marker = Marker { release, digest, commit: wanted.commit.clone(), runtime, ..Marker::empty() };
        build(switch, &built.folder, marker).await?
    };
    if found.marker.release.is_none() {
        remember(switch, None, &Guard::New).await?;
    }
    let paths = lead(cx, switch, pointed, &built.folder).await?;
    Ok((marker, paths))
}

/// Puts a release into its folder: documents from their content, what belongs to the environment, and the marker last; with the marker that
/// is there then.
async fn build(switch: &Switch<'_>, folder: &str, marker: Marker) -> Result<Marker> {
    let Switch { site, bucket, wanted, .. } = *switch;
    let is_alone = matches!(site.pointer, Some(Pointer::OriginPath(_)));
    let documents = wanted.documents().into_iter().map(|file| (site.content_key(&file.sha256), file));
    let assets = wanted.assets().filter(|_| is_alone).map(|file| (site.key(&file.path), file));
    let place = async |(from, file): (String, &File)| {
        let to = site.folder_key(folder, &file.path);
        let arrived = bucket.copy(&from, &to, &file.meta, &Guard::Claimed).await?;
        if arrived.as_ref() == Some(&file.sha256) {
            return Ok(());
        }
        Err(anyhow!("the content kept of {} was changed by hand: {from} is not what its name says", file.path))
    };
    let place = &place;
    each(documents.chain(assets), switch.at_once, place).await?;
    for one in of_environment(switch).await? {
        bucket.put(&site.folder_key(folder, &one.path), &one.body(), &one.sha256, &one.meta(), &Guard::Claimed).await?;
    }
    let key = site.folder_key(folder, site.marker.path());
    match put_json(bucket, &key, marker.write()?, &Guard::New).await? {
        Put::Done(_) => Ok(marker),
        // Somebody else built the same at the same time, of another commit perhaps.
        Put::Refused => {
            let there = marker_in(bucket, site, folder).await?;
            there.with_context(|| format!("the marker of {folder} is there, and cannot be read"))
        }
    }
}

/// What belongs to the environment: as it is given, else as what serves has it.
async fn of_environment(switch: &Switch<'_>) -> Result<Vec<Runtime>> {
    if let Some(given) = switch.runtime {
        return Ok(given.to_vec());
    }
    let mut all = Vec::new();
    for (path, sha256) in &switch.found.marker.runtime {
        let key = switch.found.document_key(switch.site, path);
        let read = switch.bucket.get(&key).await?.map(|(_, content, _)| String::from_utf8(content));
        let content = read.transpose().with_context(|| format!("read {path} of what serves"))?.unwrap_or_default();
        let one = Runtime::new(path, content);
        if one.sha256 != *sha256 {
            bail!("{path} of what serves was changed by hand: give it as `runtime-config`");
        }
        all.push(one);
    }
    Ok(all)
}

/// Notes beside the site that it has this pointer, so that nobody takes away what that leads to; and how far a switch came.
async fn remember(switch: &Switch<'_>, folder: Option<&str>, guard: &Guard) -> Result<()> {
    let pointer = switch.site.pointer.as_ref().context("the site has no pointer")?;
    // One that is there already says the same.
    let folder = folder.map(str::to_owned);
    let functions = functions_of(switch.site, switch.fronts).into_iter().collect();
    let note = Note { folder, functions }.write()?;
    put_json(switch.bucket, &switch.site.pointer_key(pointer), note, guard).await.map(|_| ())
}

/// Lets the pointer lead to a folder, and does what belongs to that; with how many paths edges were told to forget.
///
/// # Errors
/// Somebody else wrote the pointer; or AWS refuses.
pub(super) async fn lead(cx: &Context, switch: &Switch<'_>, pointed: &Pointed, folder: &str) -> Step<usize> {
    let Switch { site, bucket, fronts, .. } = *switch;
    let reference = format!("{site}\n{folder}\n{}", pointed.state());
    // Header fields of shared files are changed in their places.
    let headers = switch.changes.assets.iter().filter(|file| switch.changes.headers_only.contains(&file.path));
    let headers: Vec<String> = headers.map(|file| invalidation_path(&file.path)).collect();
    let is_origin = matches!(site.pointer, Some(Pointer::OriginPath(_)));
    let mut begun = Vec::new();
    if !is_origin && !headers.is_empty() {
        begun = invalidate(cx, fronts, &headers, &reference).await?;
    }
    if pointed.folder.as_deref() != Some(folder) {
        let now = pointed.lead_to(bucket, site, folder).await?;
        if now.as_deref() != Some(folder) {
            let release = now.as_deref().and_then(|now| release_of(now).or_else(|| now.parse().ok()));
            return Err(superseded(site, &Marker { release, ..Marker::empty() }).into());
        }
    }
    let mut paths = headers;
    if let Some(Pointer::OriginPath(id)) = &site.pointer {
        carry(switch, folder).await?;
        wait_deployed(cx, id).await?;
        // The edges keep by paths, which are the same in all releases. What a run left that ended in between is not known.
        paths = if pointed.is_settled { switch.changes.paths(site.marker.path()) } else { vec!["/*".to_owned()] };
        begun = invalidate(cx, fronts, &paths, &reference).await?;
        remember(switch, Some(folder), &Guard::Claimed).await?;
    }
    if switch.waits {
        wait(cx, &begun, INVALIDATING).await?;
    }
    Ok(if fronts.is_empty() { 0 } else { paths.len() })
}

/// Tabs that are open ask for files of other releases: a folder that is all that viewers reach gets those of all that are kept.
async fn carry(switch: &Switch<'_>, folder: &str) -> Result<()> {
    let Switch { site, bucket, wanted, .. } = *switch;
    let own: BTreeSet<&str> = wanted.files.iter().map(|file| file.path.as_str()).collect();
    let kept = manifests(bucket, site).await?;
    let others: BTreeMap<&str, &File> = kept
        .iter()
        .flat_map(Manifest::assets)
        .filter(|file| !own.contains(file.path.as_str()))
        .map(|file| (file.path.as_str(), file))
        .collect();
    let copy = async |file: &File| {
        let (from, to) = (site.key(&file.path), site.folder_key(folder, &file.path));
        // It is there already, or was taken away in the meantime.
        absent_is_none(bucket.copy(&from, &to, &file.meta, &Guard::New).await).map(|_| ())
    };
    let copy = &copy;
    each(others.into_values(), switch.at_once, copy).await
}

async fn manifests(bucket: &SiteBucket, site: &Site) -> Result<Vec<Manifest>> {
    let folder = site.beside("releases");
    let listed = bucket.list(&folder).await?;
    let names = listed.iter().filter_map(|one| one.key.strip_prefix(&folder)?.strip_suffix(".json")?.parse().ok());
    let names: Vec<ReleaseName> = names.collect();
    let read = try_join_all(names.iter().map(|name| read_manifest(bucket, site, name))).await?;
    Ok(read.into_iter().flatten().collect())
}

/// The functions that read the key of a site, in front of these distributions.
fn functions_of(site: &Site, fronts: &[Front]) -> BTreeSet<String> {
    let reads = matches!(site.pointer, Some(Pointer::Key(..)));
    fronts.iter().filter(|_| reads).flat_map(Front::functions).collect()
}

/// What of a place may not be taken away, whatever its age.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// The releases that serve, by the marker among the files and by each pointer that was ever used here.
    pub(super) serving: BTreeSet<ReleaseName>,
    /// The code of the functions that read a key, by their names: what they lead to while they cannot read it stands there.
    code: BTreeMap<String, String>,
    /// What is remembered of the step's own pointer, where other functions read it now.
    note: Option<Note>,
}

impl Needed {
    /// Reads it, but for the code of the functions; `fronts` are the distributions of the step.
    ///
    /// # Errors
    /// Something of it cannot be read.
    pub(super) async fn read(bucket: &SiteBucket, site: &Site, fronts: &[Front]) -> Result<Self> {
        let folder = site.beside("pointers");
        let mut pointers = vec![None];
        for one in bucket.list(&folder).await? {
            let name = one.key.strip_prefix(&folder).unwrap_or_default();
            let pointer: Pointer = name.parse().map_err(|why| anyhow!("{} {why}", one.key))?;
            pointers.push(Some(pointer));
        }
        let mut needed = Self::default();
        let own = functions_of(site, fronts);
        let mut functions = own.clone();
        for pointer in pointers {
            if let Some(pointer @ Pointer::Key(..)) = &pointer {
                let note = read_note(bucket, site, pointer).await?.unwrap_or_default();
                // What is noted of the step's own pointer is what was in front of it once.
                if site.pointer.as_ref() != Some(pointer) || own.is_empty() {
                    functions.extend(note.functions);
                } else if !own.iter().eq(&note.functions) {
                    needed.note = Some(Note { functions: own.iter().cloned().collect(), ..note });
                }
            }
            let of_pointer = Site { pointer, ..site.clone() };
            let found =
                read_marker(bucket, &of_pointer).await.with_context(|| format!("read what serves at {of_pointer}"))?;
            needed.serving.extend(found.marker.release);
            needed.serving.extend(found.marker.next.map(|next| next.release));
            needed.serving.extend(found.pointed.and_then(|pointed| release_of(&pointed.folder?)));
        }
        needed.code = functions.into_iter().map(|name| (name, String::new())).collect();
        Ok(needed)
    }

    /// Reads the code of the functions.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) async fn read_code(&mut self, cx: &Context) -> Result<()> {
        if self.code.is_empty() {
            return Ok(());
        }
        let cdn = &Cdn::new(cx.aws().await?)?;
        for (name, code) in &mut self.code {
            // One that was deleted leads nobody anywhere.
            *code = absent_is_none(cdn.code(name).await)?.unwrap_or_default();
        }
        Ok(())
    }

    /// Notes the functions of the step, where others than those that are noted read its key now: who has another distribution knows of its own
    /// function only.
    ///
    /// # Errors
    /// S3 refuses.
    pub(super) async fn remember(&self, bucket: &SiteBucket, site: &Site) -> Result<()> {
        let Some((note, pointer)) = self.note.as_ref().zip(site.pointer.as_ref()) else { return Ok(()) };
        put_json(bucket, &site.pointer_key(pointer), note.write()?, &Guard::Claimed).await.map(|_| ())
    }

    /// The function in whose code a folder of the release stands.
    pub(super) fn named_by(&self, release: &ReleaseName) -> Option<&str> {
        let folders = folders_of(release);
        self.code.iter().find(|(_, code)| code.contains(&folders)).map(|(name, _)| name.as_str())
    }
}
