//! What says which release of a site serves, as it was found: the marker among its files, or what a pointer leads to.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, anyhow};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::bucket::{Guard, SiteBucket};
use super::distribution::{Cdn, Configuration};
use super::manifest::Manifest;
use super::marker::Marker;
use super::names::{Pointer, ReleaseName, Site};
use super::stores::{StoredKey, Stores};
use crate::text::message;

/// A pointer that others change all the time is given up after so many tries.
const TRIES: usize = 20;
/// Stands between the name of a release and what tells its folder from others: no release has it in its name.
const MARK: char = '~';

/// What says which release serves, as it was found, and what a write of it is guarded by.
#[derive(Clone, Debug)]
pub struct Found {
    /// The marker; an empty one where there is none.
    pub marker: Marker,
    /// What must still be there when the marker is written.
    pub guard: Guard,
    /// For how long it has been there.
    pub age: time::Duration,
    /// Where the pointer of the site leads, where it has one.
    pub pointed: Option<Pointed>,
}

/// Where a pointer leads.
#[derive(Clone, Debug)]
pub struct Pointed {
    /// The folder of the release; none where it leads to none yet.
    pub folder: Option<String>,
    /// Whether all that belongs to the switch to it was done: else a run ended in between.
    pub is_settled: bool,
    at: At,
}

/// What a write of a pointer is guarded by.
#[derive(Clone, Debug)]
enum At {
    Key(StoredKey),
    Origin(Configuration),
}

/// What is remembered of a pointer beside the site: that it is one, and what nobody else tells who is about to take releases away.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Note {
    /// The last switch that was completed, of the path of an origin.
    pub folder: Option<String>,
    /// The functions that read a key: while they cannot, they lead to a release that stands in their code.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub functions: Vec<String>,
}

impl Found {
    /// The key of a document of what serves.
    #[must_use]
    pub fn document_key(&self, site: &Site, path: &str) -> String {
        match self.pointed.as_ref().and_then(|pointed| pointed.folder.as_ref()) {
            Some(folder) => site.folder_key(folder, path),
            None => site.key(path),
        }
    }

    /// Whether nothing of the last switch is missing.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.pointed.as_ref().is_none_or(|pointed| pointed.is_settled)
    }
}

/// Reads what says which release of a site serves.
///
/// # Errors
/// AWS refuses, or it cannot be read.
pub async fn read_marker(bucket: &SiteBucket, site: &Site) -> Result<Found> {
    let pointed = match &site.pointer {
        Some(pointer) => Some(Pointed::read(bucket, site, pointer).await?),
        None => None,
    };
    let key = match &pointed {
        None => Some(site.marker_key()),
        Some(pointed) => pointed.folder.as_ref().map(|folder| site.folder_key(folder, site.marker.path())),
    };
    let read = match key {
        Some(key) => bucket.get(&key).await?,
        None => None,
    };
    Ok(match read {
        Some((etag, text, modified)) => Found {
            marker: Marker::read(&text)?,
            guard: Guard::Is(etag),
            age: time::OffsetDateTime::now_utc() - modified,
            pointed,
        },
        None => Found { marker: Marker::empty(), guard: Guard::New, age: time::Duration::ZERO, pointed },
    })
}

impl Pointed {
    /// Reads where a pointer leads.
    ///
    /// # Errors
    /// AWS refuses, or it is none of this site.
    pub async fn read(bucket: &SiteBucket, site: &Site, pointer: &Pointer) -> Result<Self> {
        match pointer {
            Pointer::Key(store, key) => {
                let read = Stores::new(bucket.aws().clone()).await?.read(store, key).await?;
                Ok(Self { folder: read.value.clone(), is_settled: true, at: At::Key(read) })
            }
            Pointer::OriginPath(id) => {
                let read = Cdn::new(bucket.aws().clone())?.configuration(id).await?;
                let path = read.origin_path(&site.bucket)?.ok_or_else(|| {
                    anyhow!(message!(
                        "no-origin-of-bucket",
                        "the pages of distribution {id} do not come from bucket {}: correct `distribution` or `bucket`",
                        site.bucket.label()
                    ))
                })?;
                let folder = site.folder_at(&path).map(str::to_owned);
                let note = read_note(bucket, site, pointer).await?;
                let is_settled = folder.is_none() || note.is_some_and(|note| note.folder == folder);
                Ok(Self { folder, is_settled, at: At::Origin(read) })
            }
        }
    }

    /// Lets the pointer lead to a folder, unless it was changed since it was read; where it leads then. What else was changed in the
    /// store or in the distribution is no reason to stop.
    ///
    /// # Errors
    /// AWS refuses; or others change the store or the distribution all the time.
    pub async fn lead_to(&self, bucket: &SiteBucket, site: &Site, folder: &str) -> Result<Option<String>> {
        let pointer = site.pointer.as_ref().context("the site has no pointer")?;
        let aws = bucket.aws().with_calls(bucket.aws().calls().separate());
        let mut read = self.clone();
        for _ in 0..TRIES {
            let (is_written, applied): (bool, Box<dyn Fn()>) = match (pointer, &read.at) {
                (Pointer::Key(_, key), At::Key(at)) => {
                    let stores = Stores::new(aws.clone()).await?;
                    (stores.put(at, key, folder).await?, Box::new(move || stores.note_applied()))
                }
                (Pointer::OriginPath(id), At::Origin(at)) => {
                    let cdn = Cdn::new(aws.clone())?;
                    let wanted = at.with_origin_path(&site.bucket, &site.folder_path(folder))?;
                    (cdn.configure(id, &wanted).await?, Box::new(move || cdn.note_applied()))
                }
                _ => return Err(anyhow!("{pointer} was read as something else: this is a bug, please report it")),
            };
            if is_written {
                return Ok(Some(folder.to_owned()));
            }
            let again = Self::read(bucket, site, pointer).await;
            read = again.context("read the pointer again, which was changed in between")?;
            if read.folder.as_deref() == Some(folder) {
                applied();
            }
            if read.folder != self.folder {
                return Ok(read.folder);
            }
        }
        Err(anyhow!("{pointer} could not be written: others change its store or distribution all the time"))
    }

    /// What tells this state from others of the pointer, for the reference of an invalidation.
    #[must_use]
    pub fn state(&self) -> &str {
        match &self.at {
            At::Key(read) => &read.etag,
            At::Origin(read) => &read.etag,
        }
    }

    /// The store that the functions at the edge must read; none of a pointer that is none in a store.
    #[must_use]
    pub fn store(&self) -> Option<&str> {
        match &self.at {
            At::Key(read) => Some(&read.store),
            At::Origin(_) => None,
        }
    }
}

/// The folder of a release, with what belongs to its environment: of one name is one content only.
#[must_use]
pub fn folder_of(manifest: &Manifest, runtime: &BTreeMap<String, String>) -> String {
    let mut all = manifest.digest.to_string();
    for (path, sha256) in runtime {
        let _ = write!(all, "\n{path}\0{sha256}");
    }
    let hash: String = format!("{:x}", Sha256::digest(all)).chars().take(12).collect();
    format!("{}{MARK}{hash}", manifest.release)
}

/// What the names of all folders of a release begin with.
#[must_use]
pub fn folders_of(release: &ReleaseName) -> String {
    format!("{release}{MARK}")
}

/// The release that a folder is of.
#[must_use]
pub fn release_of(folder: &str) -> Option<ReleaseName> {
    folder.rsplit_once(MARK)?.0.parse().ok()
}

/// Reads what is remembered of a pointer beside the site.
///
/// # Errors
/// S3 refuses, or it cannot be read.
pub async fn read_note(bucket: &SiteBucket, site: &Site, pointer: &Pointer) -> Result<Option<Note>> {
    let read = bucket.get(&site.pointer_key(pointer)).await?;
    read.map(|(_, text, _)| serde_json::from_slice(&text).context("read what is remembered of the pointer")).transpose()
}

impl Note {
    /// As it is written.
    ///
    /// # Errors
    /// It cannot be.
    pub fn write(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).context("write what is remembered of the pointer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_that_of_one_release_with_one_runtime() {
        let manifest = |name: &str| Manifest::new(name.parse().unwrap(), None, Vec::new()).unwrap();
        let config = |content: &str| BTreeMap::from([("config.json".to_owned(), content.to_owned())]);
        let plain = folder_of(&manifest("v1.0"), &BTreeMap::new());
        assert_eq!(release_of(&plain).unwrap().as_str(), "v1.0");
        assert!(plain.starts_with(&folders_of(&"v1.0".parse().unwrap())));
        let all = [plain, folder_of(&manifest("v1.0"), &config("a")), folder_of(&manifest("v1.0"), &config("b"))];
        assert!(all[0] != all[1] && all[1] != all[2]);
        assert_eq!(release_of("r0"), None);
    }
}
