//! What check-migrations reads: the files of the commit and of what serves, and which migrations were applied.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read as _};

use anyhow::{Context as _, Result};
use futures_util::future::try_join_all;

use super::CheckMigrations;
use super::plan::Applied;
use crate::action::inputs::CommitSha;
use crate::changes::{Components, Trees};
use crate::context::Context;
use crate::github::{Files, State, Status};
use crate::migrations::{About, Folder, Judgement, Layout, Listing, Migration, Ownership, OwnershipInput, Pending};
use crate::outcome::{Outcome, Step};
use crate::record::{self, History, Standing};
use crate::rollout::bases;
use crate::text::message;

/// Files that are read at the same time.
const AT_ONCE: usize = 8;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// The migrations that are new, in the order in which they run, folder by folder.
    pub(super) pending: Vec<Pending>,
    /// What is to be said of files as a whole.
    pub(super) about: Vec<About>,
    /// The greatest version of each folder, as it is named.
    pub(super) greatest: Vec<String>,
    /// The commits that were compared with, in words.
    pub(super) since: Vec<String>,
    /// Who owns what.
    pub(super) ownership: Option<Ownership>,
}

impl CheckMigrations {
    pub(super) async fn observe(&self, cx: &Context) -> Step<Observed> {
        if self.layout == Some(Layout::Plain) {
            return self.observe_workspace(cx).await;
        }
        let Some(head) = cx.commit() else {
            return Err(Outcome::error("no commit is known").advise("give the input `sha`").into());
        };
        let trees = Trees::default();
        let one = component(cx)?;
        let name = record::component(cx);
        let names: Vec<_> = one.names().filter(|known| known.as_str() == name).collect();
        let (files, bases) =
            tokio::try_join!(trees.of(cx, &head), bases::find(cx, &trees, &self.base, &head, &one, &names))?;
        let Some(files) = files else { return Err(no_commit(&head).into()) };
        whole(&files)?;
        let mut observed =
            Observed { ownership: self.ownership(cx, &trees, Some(&head)).await?, ..Observed::default() };
        for fall_back in &bases.fall_backs {
            cx.report.warn(fall_back);
        }
        let mut of_bases = Vec::new();
        match bases.only() {
            Ok(points) => {
                for (commit, told) in points {
                    match trees.of(cx, commit).await? {
                        Some(files) => {
                            whole(&files)?;
                            of_bases.push(files);
                            observed.since.push(told.to_owned());
                        }
                        None => cx.report.warn(format!("not compared with {told}: GitHub no longer has it")),
                    }
                }
            }
            Err(why) => cx.report.warn(message!("all-migrations-new", "all migrations are judged as new: {why}")),
        }
        for path in &self.path {
            let folder = path.as_str().trim_end_matches('/');
            let listing = listing(&files, folder);
            let bases: Vec<Listing> = of_bases.iter().map(|files| self::listing(files, folder)).collect();
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
            let layout = self.layout_of(cx, folder, &listing).await?;
            let Some(layout) = layout else { continue };
            let compared = Folder::compare(layout, folder, &listing, &bases);
            observed.about.extend(compared.about);
            observed.greatest.extend(compared.greatest.map(|version| self.named(folder, &version)));
            for some in compared.pending.chunks(AT_ONCE) {
                observed.pending.extend(try_join_all(some.iter().map(|one| self.read(cx, one))).await?);
            }
        }
        Ok(observed)
    }

    /// What another tool has printed into the workspace.
    async fn observe_workspace(&self, cx: &Context) -> Step<Observed> {
        let trees = Trees::default();
        let ownership = self.ownership(cx, &trees, cx.commit().as_ref()).await?;
        let mut observed = Observed { ownership, ..Observed::default() };
        for path in &self.path {
            let folder = path.as_str();
            let missing = |why: String| {
                Outcome::error(format!("the folder {folder} of the workspace cannot be read: {why}"))
                    .advise("print the SQL into it in an earlier step of the job")
            };
            let found = cx
                .runner
                .workspace()
                .find(folder)
                .and_then(fs::read_dir)
                .map_err(|error| missing(error.to_string()))?;
            let mut contents: BTreeMap<String, Vec<u8>> = BTreeMap::new();
            for entry in found.flatten() {
                let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
                if !name.ends_with(".sql") {
                    continue;
                }
                let file = cx.runner.workspace().find(&format!("{folder}/{name}"));
                let mut content = Vec::new();
                let most = u64::try_from(self.max_file_size.0).unwrap_or(u64::MAX).saturating_add(1);
                let read = file.and_then(fs::File::open).and_then(|file| file.take(most).read_to_end(&mut content));
                match read {
                    Ok(_) => contents.insert(name, content),
                    Err(error) if error.kind() == ErrorKind::IsADirectory => continue,
                    Err(error) => return Err(missing(format!("{name}: {error}")).into()),
                };
            }
            let listing: Listing = contents.keys().map(|name| (name.clone(), String::new())).collect();
            let compared = Folder::compare(Layout::Plain, folder, &listing, &[]);
            observed.about.extend(compared.about);
            observed.greatest.extend(compared.greatest.map(|version| self.named(folder, &version)));
            observed.pending.extend(compared.pending.into_iter().map(|migration| {
                let content = contents.remove(&migration.written).unwrap_or_default();
                Pending { name: self.named(folder, &migration.written), content, migration, settings: None }
            }));
        }
        Ok(observed)
    }

    /// A version as it is told and recorded.
    fn named(&self, folder: &str, version: &str) -> String {
        if self.path.iter().count() > 1 { format!("{folder}:{version}") } else { version.to_owned() }
    }

    /// The layout of a folder; nothing where there are no migrations.
    async fn layout_of(&self, cx: &Context, folder: &str, listing: &Listing) -> Step<Option<Layout>> {
        if self.layout.is_some() {
            return Ok(self.layout);
        }
        let advice = "give the input `layout`";
        let found = Layout::of_names(listing.keys().map(String::as_str));
        let found = found.map_err(|why| {
            Outcome::fail(message!("migrations-of-two-kinds", "{folder} holds migrations of two kinds: {why}"))
                .advise(advice)
        })?;
        match found.as_slice() {
            // Only code, or nothing: any layout tells that.
            [] => Ok(Some(Layout::GolangMigrate)),
            [one] => Ok(Some(*one)),
            several => {
                // The newest of them says whose marks it has.
                let last = listing.iter().rev().find(|(path, _)| !path.contains('/') && path.ends_with(".sql"));
                let Some((path, sha)) = last else { return Ok(several.first().copied()) };
                let content = cx.github().await?.blob(&format!("{folder}/{path}"), sha).await?;
                Ok(Some(Layout::of_content(&String::from_utf8_lossy(&content))))
            }
        }
    }

    async fn read(&self, cx: &Context, one: &Migration) -> Result<Pending> {
        let github = cx.github().await?;
        let content = github.blob(&one.file, &one.sha).await?;
        let settings = match &one.beside {
            Some((path, sha)) => Some(String::from_utf8_lossy(&github.blob(path, sha).await?).into_owned()),
            None => None,
        };
        Ok(Pending { name: self.named(&one.folder, &one.written), content, migration: one.clone(), settings })
    }

    async fn ownership(&self, cx: &Context, trees: &Trees, head: Option<&CommitSha>) -> Step<Option<Ownership>> {
        let path = match &self.ownership {
            None => return Ok(None),
            Some(OwnershipInput::Inline(_, ownership)) => return Ok(Some(ownership.clone())),
            Some(OwnershipInput::File(path)) => path,
        };
        let refuse = |why: String| {
            Outcome::error(format!("input `ownership`: {why}"))
                .advise("name a file of the commit, or write the map itself")
        };
        let head = head.ok_or_else(|| refuse("no commit is known".to_owned()))?;
        let files = trees.of(cx, head).await?.ok_or_else(|| no_commit(head))?;
        let file = files
            .files
            .get(path)
            .ok_or_else(|| refuse(format!("there is no file {path} in commit {}", head.short())))?;
        let content = cx.github().await?.blob(path, &file.sha).await?;
        let text = String::from_utf8(content).map_err(|_not_text| refuse(format!("{path} is not UTF-8 text")))?;
        Ok(Some(Ownership::read(&text).map_err(|why| refuse(format!("{path} {why}")))?))
    }

    /// Which migrations were applied in this environment and when, by the record. Read only where a CONTRACT asks for it.
    pub(super) async fn applied(&self, cx: &Context, judgement: &Judgement) -> Result<Applied> {
        let asks = judgement.migrations.iter().any(|one| one.contract.is_some() && (one.is_contract || one.is_unknown));
        let Some(environment) = cx.common.environment.as_ref().filter(|_| asks) else { return Ok(Applied::default()) };
        let history = match History::of_component(cx, environment, &record::component(cx)).await {
            Ok(history) => history,
            Err(error) if record::unreadable(&error) => {
                let why = format!("the record of {environment} could not be read: {error:#}");
                return Ok(Applied { unread: Some(why), ..Applied::default() });
            }
            Err(error) => {
                return Err(error).with_context(|| format!("read which migrations were applied in {environment}"));
            }
        };
        let mut versions = Vec::new();
        for entry in history.entries.iter().filter(|entry| !entry.payload.migrations.is_empty()) {
            if history.standing(cx, entry).await? != Standing::Succeeded {
                continue;
            }
            let statuses = history.statuses(cx, entry).await?;
            let success = statuses.iter().filter(|status| status.state == State::Success).filter_map(Status::at).min();
            if let Some(success) = success {
                versions.extend(entry.payload.migrations.iter().map(|version| (version.clone(), success)));
            }
        }
        let now = cx.github().await?.now();
        Ok(Applied { versions, now, unread: None })
    }
}

/// The one component whose migrations these are: all files are its own.
fn component(cx: &Context) -> Step<Components> {
    let name = record::component(cx);
    let quoted = serde_json::Value::from(name).to_string();
    let components = Components::read(&format!("{{{quoted}: {{paths: ['**']}}}}"));
    Ok(components.map_err(|why| Outcome::error(format!("input `component`: {why}")))?)
}

fn no_commit(head: &CommitSha) -> Outcome {
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
