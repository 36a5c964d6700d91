//! The inputs of a rehearsal.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Lines, Problems};
use crate::changes::Base;
use crate::migrations::{FolderPath, Layout, PostgresVersion, QueryFile};
use crate::postgres::Address;

/// Each folder and each file costs nothing but its reading; more of them are a mistake.
const MOST: usize = 20;

/// The inputs of a rehearsal, in place of those that say where a task runs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(in crate::steps::run_task) struct RehearsalInputs {
    /// Rehearse the migrations of this deployment on this PostgreSQL instead of running a task: the URL of an empty database, e.g. of a
    /// service container. Nothing of AWS is touched.
    scratch_database: Option<Address>,
    /// For a rehearsal: the folders of migrations, one a line, from the root of the repository. Without it, `db/migrations`.
    path: Option<Lines<FolderPath>>,
    /// For a rehearsal: the tool that runs them. Without it, it is found by their names and marks; `plain`, for SQL that another tool has
    /// printed into the workspace, only when it is given.
    layout: Option<Layout>,
    /// For a rehearsal: since when migrations are new, as in check-migrations. All older ones are applied first. Without it, `last-deployed`.
    base: Option<Base>,
    /// For a rehearsal: the major version that the scratch database must have.
    pg_version: Option<PostgresVersion>,
    /// For a rehearsal: files of the statements that the serving code sends, one a line as `name=file`, one for each service. They must work
    /// after each new migration as they did before it.
    compat_queries: Option<Lines<QueryFile>>,
}

/// What is rehearsed.
#[derive(Debug)]
pub(in crate::steps::run_task) struct Asked<'a> {
    pub(super) database: &'a Address,
    pub(super) folders: Vec<&'a str>,
    pub(super) layout: Option<Layout>,
    pub(super) base: Base,
    pub(super) version: Option<PostgresVersion>,
    pub(super) queries: Vec<&'a QueryFile>,
}

impl RehearsalInputs {
    /// Whether a rehearsal is asked for.
    pub(in crate::steps::run_task) fn is_given(&self) -> bool {
        self.scratch_database.is_some()
    }

    /// What belongs to a rehearsal only.
    pub(in crate::steps::run_task) fn check(&self, problems: &mut Problems) {
        let given = [
            ("path", self.path.is_some()),
            ("layout", self.layout.is_some()),
            ("base", self.base.is_some()),
            ("pg-version", self.pg_version.is_some()),
            ("compat-queries", self.compat_queries.is_some()),
        ];
        for (name, _) in given.iter().filter(|(_, given)| *given && !self.is_given()) {
            problems.add(format!("input `{name}` is for a rehearsal: give `scratch-database` too"));
        }
        let many = [
            ("path", self.path.iter().flatten().count()),
            ("compat-queries", self.compat_queries.iter().flatten().count()),
        ];
        for (name, _) in many.iter().filter(|(_, count)| *count > MOST) {
            problems.add(format!("input `{name}` must hold at most {MOST} lines"));
        }
    }

    /// A base by the record needs an environment.
    pub(in crate::steps::run_task) fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        let by_record =
            self.base.clone().unwrap_or_default() == Base::LastDeployed && self.layout != Some(Layout::Plain);
        problems.add_if(
            self.is_given() && by_record && common.environment.is_none(),
            "input `environment` is required, because `base: last-deployed` asks what is deployed there (or give another `base`, e.g. \
             `merge-base`)",
        );
    }

    /// What is rehearsed, if a rehearsal is asked for.
    pub(in crate::steps::run_task) fn asked(&self) -> Option<Asked<'_>> {
        let folders = self.path.iter().flatten().map(FolderPath::as_str).collect::<Vec<_>>();
        Some(Asked {
            database: self.scratch_database.as_ref()?,
            folders: if folders.is_empty() { vec![FolderPath::USUAL] } else { folders },
            layout: self.layout,
            base: self.base.clone().unwrap_or_default(),
            version: self.pg_version,
            queries: self.compat_queries.iter().flatten().collect(),
        })
    }
}
