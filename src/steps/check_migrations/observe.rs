//! What check-migrations reads: the files of the commit and of what serves, and which migrations were applied.

use anyhow::{Context as _, Result};

use super::CheckMigrations;
use super::plan::Applied;
use crate::action::inputs::CommitSha;
use crate::changes::Trees;
use crate::context::Context;
use crate::github::{State, Status};
use crate::migrations::{FolderPath, Judgement, Ownership, OwnershipInput};
use crate::outcome::{Outcome, Step};
use crate::record::{self, History, Standing};
use crate::rollout::migration_files::{self, MigrationFiles, Wanted, no_commit};

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// The migrations.
    pub(super) files: MigrationFiles,
    /// Who owns what.
    pub(super) ownership: Option<Ownership>,
}

impl CheckMigrations {
    pub(super) async fn observe(&self, cx: &Context) -> Step<Observed> {
        let trees = Trees::default();
        let wanted = Wanted {
            folders: self.path.iter().map(FolderPath::as_str).collect(),
            layout: self.layout,
            base: &self.base,
            largest: self.max_file_size.0,
            whole: false,
        };
        let files = migration_files::read(cx, &trees, &wanted).await?;
        Ok(Observed { files, ownership: self.ownership(cx, &trees, cx.commit().as_ref()).await? })
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
