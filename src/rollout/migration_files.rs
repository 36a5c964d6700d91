//! The migrations of a deployment: what the commit has, what is applied where it goes, and so what is new.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::rc::Rc;

use anyhow::Result;
use futures_util::future::try_join_all;

use super::bases;
use crate::action::inputs::CommitSha;
use crate::changes::{Base, Components, Trees};
use crate::context::Context;
use crate::github::Files;
use crate::migrations::{About, Folder, Layout, Listing, Migration, Pending, is_sql};
use crate::outcome::{Outcome, Step};
use crate::record;
use crate::text::message;

/// Files that are read at the same time.
const AT_ONCE: usize = 8;

/// What is read.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// The folders, from the root of the repository.
    pub folders: Vec<&'a str>,
    /// The tool; else it is found.
    pub layout: Option<Layout>,
    /// Since when migrations are new.
    pub base: &'a Base,
    /// Files of the workspace that are larger, in bytes, are not read to their end.
    pub largest: usize,
    /// Also what was applied, and the files that take new migrations back: to run them, not only to judge them.
    pub whole: bool,
}

/// What was read.
#[derive(Debug, Default)]
pub struct MigrationFiles {
    /// The migrations that are new, in the order in which they run, folder by folder.
    pub pending: Vec<Pending>,
    /// Those that were applied, in their order; only where all was wanted.
    pub applied: Vec<Pending>,
    /// What is to be said of files as a whole.
    pub about: Vec<About>,
    /// The greatest version of each folder, as it is named.
    pub greatest: Vec<String>,
    /// The commits that were compared with, in words.
    pub since: Vec<String>,
    /// The files of these commits, and then those of the commit itself.
    pub commits: Vec<Rc<Files>>,
}

/// Reads the migrations.
pub async fn read(cx: &Context, trees: &Trees, wanted: &Wanted<'_>) -> Step<MigrationFiles> {
    let reader = Reader { cx, wanted };
    if wanted.layout == Some(Layout::Plain) { reader.workspace() } else { reader.commits(trees).await }
}

struct Reader<'a> {
    cx: &'a Context,
    wanted: &'a Wanted<'a>,
}

impl Reader<'_> {
    async fn commits(&self, trees: &Trees) -> Step<MigrationFiles> {
        let (cx, wanted) = (self.cx, self.wanted);
        let Some(head) = cx.commit() else {
            return Err(Outcome::error("no commit is known").advise("give the input `sha`").into());
        };
        let one = component(cx)?;
        let name = record::component(cx);
        let names: Vec<_> = one.names().filter(|known| known.as_str() == name).collect();
        let (files, bases) =
            tokio::try_join!(trees.of(cx, &head), bases::find(cx, trees, wanted.base, &head, &one, &names))?;
        let Some(files) = files else { return Err(no_commit(&head).into()) };
        whole(&files)?;
        let mut found = MigrationFiles::default();
        for fall_back in &bases.fall_backs {
            cx.report.warn(fall_back);
        }
        match bases.only() {
            Ok(points) => {
                for (commit, told) in points {
                    match trees.of(cx, commit).await? {
                        Some(files) => {
                            whole(&files)?;
                            found.commits.push(files);
                            found.since.push(told.to_owned());
                        }
                        None => cx.report.warn(format!("not compared with {told}: GitHub no longer has it")),
                    }
                }
            }
            Err(why) => cx.report.warn(message!("all-migrations-new", "all migrations are judged as new: {why}")),
        }
        for path in &wanted.folders {
            let folder = path.trim_end_matches('/');
            let listing = listing(&files, folder);
            let bases: Vec<Listing> = found.commits.iter().map(|files| self::listing(files, folder)).collect();
            if listing.is_empty() {
                let nothing =
                    message!("no-migrations-there", "there are no files below {folder} in commit {}", head.short());
                // A folder that was never there is a wrong name: what checks nothing must not be green.
                if bases.iter().all(Listing::is_empty) {
                    return Err(Outcome::error(nothing)
                        .advise("name the folder of the migrations with `path`, from the root of the repository")
                        .into());
                }
                cx.report.warn(nothing);
            }
            let Some(layout) = self.layout_of(folder, &listing).await? else { continue };
            let compared = Folder::compare(layout, folder, &listing, &bases);
            found.about.extend(compared.about);
            found.greatest.extend(compared.greatest.map(|version| self.named(folder, &version)));
            found.pending.extend(self.contents(&compared.pending, wanted.whole).await?);
            if wanted.whole {
                // As it was where it serves: what was changed or deleted since then was applied all the same.
                let mut applied = Listing::new();
                for base in bases {
                    for (path, sha) in base {
                        applied.entry(path).or_insert(sha);
                    }
                }
                let all = Folder::compare(layout, folder, &applied, &[]);
                found.applied.extend(self.contents(&all.pending, false).await?);
            }
        }
        found.commits.push(files);
        Ok(found)
    }

    /// What another tool has printed into the workspace.
    fn workspace(&self) -> Step<MigrationFiles> {
        let workspace = self.cx.runner.workspace();
        let mut found = MigrationFiles::default();
        for folder in &self.wanted.folders {
            let missing = |why: String| {
                Outcome::error(format!("the folder {folder} of the workspace cannot be read: {why}"))
                    .advise("print the SQL into it in an earlier step of the job")
            };
            let entries = workspace.find(folder).and_then(fs::read_dir).map_err(|error| missing(error.to_string()))?;
            let mut contents: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for entry in entries.flatten() {
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
                if !is_sql(&name) {
                    continue;
                }
                let file = workspace.find(&format!("{folder}/{name}"));
                let mut content = Vec::new();
                let most = u64::try_from(self.wanted.largest).unwrap_or(u64::MAX).saturating_add(1);
                let read = file.and_then(fs::File::open).and_then(|file| file.take(most).read_to_end(&mut content));
                match read {
                    Ok(_) => contents.insert(name, content),
                    Err(error) if error.kind() == ErrorKind::IsADirectory => continue,
                    Err(error) => return Err(missing(format!("{name}: {error}")).into()),
                };
            }
            let listing: Listing = contents.keys().map(|name| (name.clone(), String::new())).collect();
            let compared = Folder::compare(Layout::Plain, folder, &listing, &[]);
            found.about.extend(compared.about);
            found.greatest.extend(compared.greatest.map(|version| self.named(folder, &version)));
            found.pending.extend(compared.pending.into_iter().map(|migration| {
                let content = contents.remove(&migration.written).unwrap_or_default();
                let name = self.named(folder, &migration.written);
                Pending { name, content, migration, settings: None, down: None }
            }));
        }
        Ok(found)
    }

    /// A version as it is told and recorded.
    fn named(&self, folder: &str, version: &str) -> String {
        if self.wanted.folders.len() > 1 { format!("{folder}:{version}") } else { version.to_owned() }
    }

    /// The layout of a folder; nothing where there are no migrations.
    async fn layout_of(&self, folder: &str, listing: &Listing) -> Step<Option<Layout>> {
        if self.wanted.layout.is_some() {
            return Ok(self.wanted.layout);
        }
        let found = Layout::of_names(listing.keys().map(String::as_str)).map_err(|why| {
            Outcome::fail(message!("migrations-of-two-kinds", "{folder} holds migrations of two kinds: {why}"))
                .advise("give the input `layout`")
        })?;
        match found.as_slice() {
            // Only code, or nothing: any layout tells that.
            [] => Ok(Some(Layout::GolangMigrate)),
            [one] => Ok(Some(*one)),
            several => {
                // The newest of them says whose marks it has.
                let last = listing.iter().rev().find(|(path, _)| !path.contains('/') && is_sql(path));
                let Some((path, sha)) = last else { return Ok(several.first().copied()) };
                let content = self.cx.github().await?.blob(&format!("{folder}/{path}"), sha).await?;
                Ok(Some(Layout::of_content(&String::from_utf8_lossy(&content))))
            }
        }
    }

    async fn contents(&self, all: &[Migration], with_down: bool) -> Result<Vec<Pending>> {
        let mut read = Vec::new();
        for some in all.chunks(AT_ONCE) {
            read.extend(try_join_all(some.iter().map(|one| self.content(one, with_down))).await?);
        }
        Ok(read)
    }

    async fn content(&self, one: &Migration, with_down: bool) -> Result<Pending> {
        let github = self.cx.github().await?;
        let content = github.blob(&one.file, &one.sha).await?;
        let settings = match &one.beside {
            Some((path, sha)) => Some(String::from_utf8_lossy(&github.blob(path, sha).await?).into_owned()),
            None => None,
        };
        let down = match &one.down {
            Some((path, sha)) if with_down => Some(github.blob(path, sha).await?),
            _ => None,
        };
        Ok(Pending { name: self.named(&one.folder, &one.written), content, migration: one.clone(), settings, down })
    }
}

/// The one component whose migrations these are: all files are its own.
fn component(cx: &Context) -> Step<Components> {
    let name = record::component(cx);
    let quoted = serde_json::Value::from(name).to_string();
    let components = Components::read(&format!("{{{quoted}: {{paths: ['**']}}}}"));
    Ok(components.map_err(|why| Outcome::error(format!("input `component`: {why}")))?)
}

/// That a commit is not there.
#[must_use]
pub fn no_commit(head: &CommitSha) -> Outcome {
    Outcome::error(message!("unknown-commit", "GitHub does not show commit {head}"))
        .advise("check `sha`; for a private repository the job needs `contents: read`")
}

fn whole(files: &Files) -> Result<(), Outcome> {
    if files.truncated {
        return Err(Outcome::error(message!(
            "more-files-than-listed",
            "commit {} has more files than GitHub lists (100,000, or 7 MB of names), so its migrations may not all be seen",
            files.commit.short()
        )));
    }
    Ok(())
}

/// The files below a folder, by their paths below it: links and submodules are none.
fn listing(files: &Files, folder: &str) -> Listing {
    let below = files.files.iter().filter(|(_, file)| file.mode.starts_with("100"));
    let below = below
        .filter_map(|(path, file)| Some((path.strip_prefix(folder)?.strip_prefix('/')?.to_owned(), file.sha.clone())));
    below.collect()
}
