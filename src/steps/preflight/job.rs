//! What all checks share: the run, and what several of them read.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use tokio::sync::OnceCell;

use super::workflow_file::WorkflowFile;
use crate::context::Context;
use crate::ecs::{ClusterName, ServiceName};
use crate::lambda::{Alias, AliasName, Function, FunctionName};
use crate::oci::Digest;
use crate::text::secrets::Secret;

/// One preflight.
pub(super) struct Job<'a> {
    pub(super) cx: &'a Context,
    pub(super) functions: Vec<FunctionName>,
    /// The alias users call.
    pub(super) alias: AliasName,
    /// The service, with its cluster.
    pub(super) service: Option<(ClusterName, ServiceName)>,
    /// Names of alarms.
    pub(super) alarms: Vec<String>,
    pub(super) doppler: Option<Doppler<'a>>,
    pub(super) workflow: OnceCell<WorkflowFile>,
}

/// How Doppler is asked.
pub(super) struct Doppler<'a> {
    pub(super) token: &'a Secret,
    /// Project and config; a service token knows its own.
    pub(super) config: Option<(&'a str, &'a str)>,
}

impl Job<'_> {
    /// The workflow of this run, as it is in its commit.
    pub(super) async fn workflow(&self) -> Result<&WorkflowFile> {
        self.workflow
            .get_or_try_init(async || {
                let runner = &self.cx.runner;
                let at = runner.github_workflow_ref.as_deref().context("this is no run of a workflow")?;
                let (path, _) = at.split_once('@').unwrap_or((at, ""));
                let repository = runner.github_repository.as_deref().unwrap_or_default();
                let path = path.strip_prefix(repository).and_then(|rest| rest.strip_prefix('/'));
                let path = path.context("the workflow of this run is in another repository")?;
                let commit = runner.github_workflow_sha.clone().or_else(|| runner.github_sha.clone());
                let commit = commit.context("the commit of this run is not known")?;
                let commit = commit.parse().map_err(anyhow::Error::msg).context("read GITHUB_WORKFLOW_SHA")?;
                let text = self.cx.github().await?.text(&commit, path).await?;
                WorkflowFile::read(path, &text)
            })
            .await
    }

    /// The functions of the input, each with its alias, and the version that serves by it.
    pub(super) async fn serving(&self, function: &FunctionName) -> Result<(Option<Alias>, Option<Function>)> {
        let lambda = self.cx.lambda().await?;
        let Some(alias) = lambda.alias(function, &self.alias).await? else { return Ok((None, None)) };
        let version = alias.serving().or(alias.version);
        let served = match version {
            Some(version) => lambda.existing(function, Some(version)).await?,
            None => None,
        };
        Ok((Some(alias), served))
    }

    /// The images that the records of this environment put anywhere, or replaced: what serves, and what can be gone back to.
    pub(super) async fn recorded_digests(&self) -> Result<BTreeSet<Digest>> {
        /// Releases that are looked through, the newest first: nobody goes further back.
        const LOOKED_AT: usize = 10;
        let Some(environment) = &self.cx.common.environment else { return Ok(BTreeSet::new()) };
        let component = crate::record::component(self.cx);
        let history = crate::record::History::of_component(self.cx, environment, &component).await?;
        let targets = history.entries.iter().take(LOOKED_AT).flat_map(|entry| &entry.payload.targets);
        let digests = targets.flat_map(|target| {
            let previous = target.previous.as_ref().and_then(|previous| previous.digest.clone());
            target.images.values().cloned().chain(target.digest.clone()).chain(previous)
        });
        Ok(digests.collect())
    }
}
