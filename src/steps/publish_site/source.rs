//! The folder of the built site: what is in it, what each file is to the site, and how it is served.

use std::fs::{self, File as Opened};
use std::io::Read as _;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, Result, anyhow};

use super::PublishSite;
use super::inputs::Documents;
use crate::context::Context;
use crate::oci::Hasher;
use crate::outcome::{Outcome, Step};
use crate::rollout::sites::Runtime;
use crate::site::{File, FileKind, Meta, media_type};
use crate::text::{Foreign, LONGEST, is_plain, message};

/// A key of S3 is at most so long, and what stands before it takes some of it.
const LONGEST_PATH: usize = 700;
/// One `PutObject` takes so much.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024;

/// What users and edges keep for a year: its content never changes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// What browsers and edges ask for anew.
const EACH_TIME: &str = "public, max-age=0, must-revalidate";

/// A file of the folder, as the site has it.
#[derive(Clone, Debug)]
pub(super) struct Local {
    /// Where it is on disk.
    pub(super) on_disk: PathBuf,
    /// What becomes of it.
    pub(super) file: File,
}

/// The folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    /// The files of the release.
    pub(super) files: Vec<Local>,
    /// What is left out, and why.
    pub(super) left_out: Vec<String>,
    /// Files whose content type is not known.
    pub(super) unknown_types: Vec<String>,
}

/// Reads the folder.
///
/// # Errors
/// A refusal that names what cannot be published; or a file cannot be read.
pub(super) fn read(step: &PublishSite, cx: &Context) -> Step<Source> {
    let Some(source) = &step.source else { return Ok(Source::default()) };
    let root = cx.runner.workspace().find(source.as_str()).map_err(|error| {
        Outcome::bad_input(format!("input `source`: {source} cannot be read: {error}"))
            .advise("build the site before this step, or download its artifact; and give the folder as `source`")
    })?;
    let mut found = Vec::new();
    let mut read = Source::default();
    walk(&root, "", &mut found, &mut read.left_out)?;
    found.sort();
    let runtime: Vec<&Runtime> = step.edge.runtime_config.iter().flat_map(|config| &config.0).collect();
    let mut taken = Vec::new();
    for path in found {
        if path == step.site.marker.path() || runtime.iter().any(|one| one.path == path) {
            let by = if path == step.site.marker.path() { "`marker`" } else { "`runtime-config`" };
            read.left_out.push(format!("{path} (it is written as {by} says)"));
            continue;
        }
        let kind = step.kind(&path);
        if kind == FileKind::Private && step.site.prefix.is_none() {
            read.left_out.push(format!("{path} (private, and without a `prefix` all of the bucket is served)"));
            continue;
        }
        taken.push((root.join(&path), path, kind));
    }
    let hashes = hash_all(&taken)?;
    for ((on_disk, path, kind), (sha256, size)) in taken.into_iter().zip(hashes) {
        if media_type(&path).is_none() && kind != FileKind::Private {
            read.unknown_types.push(path.clone());
        }
        let meta = step.meta(&path, kind);
        for name in step.names(&path, kind) {
            let file = File { path: name, sha256: sha256.clone(), size, kind, meta: meta.clone() };
            read.files.push(Local { on_disk: on_disk.clone(), file });
        }
    }
    read.files.sort_by(|one, other| one.file.path.cmp(&other.file.path));
    if let Some(twice) = read.files.windows(2).find(|two| two[0].file.path == two[1].file.path) {
        let path = Foreign::new(&twice[0].file.path).for_message(LONGEST);
        return Err(
            Outcome::bad_input(format!("two files become /{path}: rename one, or set `documents: as-is`")).into()
        );
    }
    if !read.files.iter().any(|local| local.file.kind != FileKind::Private) {
        return Err(Outcome::bad_input(message!(
            "empty-site",
            "the folder {source} holds no file to publish: nothing was written"
        ))
        .advise("build the site before this step, and give the folder that the build writes as `source`")
        .into());
    }
    Ok(read)
}

/// Collects the files below a folder. What is no file is refused: a link may lead anywhere.
fn walk(folder: &Path, below: &str, found: &mut Vec<String>, left_out: &mut Vec<String>) -> Step<()> {
    let listed = fs::read_dir(folder).with_context(|| format!("read the folder {}", folder.display()))?;
    for entry in listed {
        let entry = entry.context("read a folder of the site")?;
        let Ok(name) = entry.file_name().into_string() else {
            return Err(unpublishable(below, "has a file in it whose name is not UTF-8"));
        };
        let path = format!("{below}{name}");
        let kind = entry.file_type().with_context(|| format!("look at {path}"))?;
        if matches!(name.as_str(), ".git" | ".DS_Store") {
            left_out.push(format!("{path} (never part of a site)"));
        } else if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), found, left_out)?;
        } else if kind.is_symlink() {
            return Err(unpublishable(&path, "is a symbolic link"));
        } else if !kind.is_file() {
            return Err(unpublishable(&path, "is neither a file nor a folder"));
        } else if path.len() > LONGEST_PATH || !is_plain(&path) {
            return Err(unpublishable(&path, "has a name that is too long for S3, or has control characters in it"));
        } else if entry.metadata().with_context(|| format!("look at {path}"))?.len() > LARGEST {
            return Err(unpublishable(&path, "is larger than 5 GiB"));
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn unpublishable(path: &str, why: &str) -> crate::outcome::Stop {
    let path = Foreign::new(path).for_message(LONGEST);
    Outcome::bad_input(message!("unpublishable-file", "{path} {why}: nothing was written"))
        .advise("leave it out of the folder, or put a copy in its place (`cp -rL` follows links)")
        .into()
}

/// The hash and the size of each file, in their order. They are read on all processors.
fn hash_all(files: &[(PathBuf, String, FileKind)]) -> Result<Vec<(String, u64)>> {
    let (next, workers) = (AtomicUsize::new(0), thread::available_parallelism().map_or(1, NonZero::get));
    let work = || -> Result<Vec<_>> {
        let (mut hashed, mut part) = (Vec::new(), vec![0; 256 * 1024]);
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some((file, path, _)) = files.get(place) else { return Ok(hashed) };
            hashed.push((place, hash(file, &mut part).with_context(|| format!("read {path}"))?));
        }
    };
    let mut all = Vec::with_capacity(files.len());
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.extend(worker.join().map_err(|_panic| anyhow!("a file of the site could not be hashed"))??);
        }
        anyhow::Ok(())
    })?;
    all.sort_unstable_by_key(|(place, _)| *place);
    Ok(all.into_iter().map(|(_, hash)| hash).collect())
}

fn hash(file: &Path, part: &mut [u8]) -> Result<(String, u64)> {
    let (mut opened, mut hasher, mut size) = (Opened::open(file)?, Hasher::default(), 0);
    loop {
        let read = opened.read(part)?;
        if read == 0 {
            return Ok((hasher.digest().hex().to_owned(), size));
        }
        hasher.update(&part[..read]);
        size += read as u64;
    }
}

/// Whether a name holds a hash of its content, as bundlers write it: eight characters or more after `-` or `.`, with a digit or a capital.
/// Dates are none, nor are words with a hyphen, unless they are as long as Vite's hash and have a capital.
fn is_hashed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    let stem = stem.trim_start_matches('.');
    let letters = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    let good = |text: &str| {
        let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
        let (digit, capital) = (has(char::is_ascii_digit), has(char::is_ascii_uppercase));
        let is_number = text.chars().all(|c| c.is_ascii_digit());
        let looks = if text.contains('-') { text.len() == 8 && capital } else { text.len() >= 8 && (digit || capital) };
        letters(text) && looks && !is_number
    };
    let after = |mark: char| {
        let places = stem.char_indices().filter(move |(_, c)| *c == mark).map(|(place, _)| &stem[place + 1..]);
        places.collect::<Vec<_>>()
    };
    let by_hyphen = after('-').into_iter().map(|rest| rest.split('.').next().unwrap_or_default());
    let by_dot = after('.').into_iter().map(|rest| rest.split('.').next().unwrap_or_default());
    by_hyphen.chain(by_dot).any(good)
}

impl PublishSite {
    /// What a file is to the site.
    fn kind(&self, path: &str) -> FileKind {
        let ends = |ending: &str| path.ends_with(ending);
        let is =
            |globs: Option<&super::values::Globs>, otherwise: bool| globs.map_or(otherwise, |globs| globs.take(path));
        if is(self.private.as_ref(), ends(".map")) {
            FileKind::Private
        } else if is(self.entry.as_ref(), ends(".html")) {
            FileKind::Entry
        } else if is(self.hashed.as_ref(), is_hashed(path)) {
            FileKind::Asset
        } else {
            FileKind::Document
        }
    }

    fn meta(&self, path: &str, kind: FileKind) -> Meta {
        let usual = if kind == FileKind::Asset { FOREVER } else { EACH_TIME };
        let cache = self.cache.as_ref().and_then(|rules| rules.of(path)).unwrap_or(usual).to_owned();
        let content_type = media_type(path).unwrap_or("application/octet-stream").to_owned();
        let mut meta = Meta { content_type, cache, ..Meta::default() };
        if let Some(rules) = &self.headers {
            rules.apply(path, &mut meta);
        }
        meta
    }

    /// What a file is called on the site.
    fn names(&self, path: &str, kind: FileKind) -> Vec<String> {
        let is_index = path == "index.html" || path.ends_with("/index.html");
        let bare = path.strip_suffix(".html").filter(|_| !is_index && kind != FileKind::Private);
        match (self.documents, bare) {
            (Documents::AsIs, _) | (_, None) => vec![path.to_owned()],
            (Documents::WithoutExtension, Some(bare)) => vec![bare.to_owned()],
            (Documents::Both, Some(bare)) => vec![path.to_owned(), bare.to_owned()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_hash_are_told_from_words_and_dates() {
        for (path, expected) in [
            ("assets/index-BX3a9_dk.js", true),
            ("assets/index-B-x3a9dk.css", true),
            ("main.8f3c1b2a.chunk.css", true),
            ("static/js/2.0f1e2d3c4b5a.js", true),
            ("app-a1b2c3d4.js.map", true),
            ("robots.txt", false),
            ("logo-large-2x.png", false),
            ("photo-20240131.jpg", false),
            ("service-worker.js", false),
            ("apple-touch-icon.png", false),
            (".well-known/assetlinks.json", false),
            ("jquery-3.7.1.min.js", false),
            ("LICENSE", false),
        ] {
            assert_eq!(is_hashed(path), expected, "{path}");
        }
    }
}
