//! What serves now, in one line.

use std::fmt;

use anyhow::Result;

use super::alias::Alias;
use super::client::Lambda;
use super::code_id::CodeId;
use super::function::{Function, LastUpdate};
use super::names::{FunctionName, Qualifier, Version};
use crate::action::inputs::CommitSha;
use crate::calls::error_line;

/// What users of a function get: the last word of every step.
#[derive(Clone, Debug)]
pub struct Serving {
    function: FunctionName,
    qualifier: Qualifier,
    found: Found,
    /// The commit of what serves, when a version's description tells.
    commit: Option<CommitSha>,
}

#[derive(Clone, Debug)]
enum Found {
    /// There is no such alias.
    Nothing,
    /// The alias, and what identifies the code of the version that serves.
    Alias(Alias, Option<CodeId>),
    /// `$LATEST`: its code, and the version that holds the same, if there is one.
    Latest(Option<CodeId>, Option<Version>, LastUpdate),
}

impl Serving {
    /// From what a step has read: the alias, and the version that serves.
    #[must_use]
    pub fn of(alias: &Alias, version: Option<&Function>) -> Self {
        Self {
            function: alias.function.clone(),
            qualifier: alias.name.clone().into(),
            found: Found::Alias(alias.clone(), version.and_then(CodeId::of)),
            commit: version.and_then(Function::commit),
        }
    }

    /// From what a step has read: `$LATEST`, and the version that holds the same code.
    #[must_use]
    pub fn latest(function: &Function, version: Option<&Function>) -> Self {
        let number = version.and_then(|version| version.version);
        Self {
            function: function.name.clone(),
            qualifier: Qualifier::Latest,
            found: Found::Latest(CodeId::of(function), number, function.last_update.clone()),
            commit: version.and_then(Function::commit),
        }
    }

    /// ` (commit 8f3c1b2, sha256:..)`.
    fn holding(&self, code: Option<&CodeId>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.commit {
            Some(commit) => write!(f, " (commit {}", commit.short())?,
            None => f.write_str(" (commit unknown")?,
        }
        match code {
            Some(code) => write!(f, ", {code})"),
            None => f.write_str(")"),
        }
    }
}

impl fmt::Display for Serving {
    /// `shop-api-prd:live -> version 42 (commit 8f3c1b2, sha256:..)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.function, self.qualifier)?;
        match &self.found {
            Found::Nothing => f.write_str(" does not exist"),
            Found::Alias(alias, _) if alias.serving().is_none() => write!(f, " -> version {alias}"),
            Found::Alias(alias, code) => {
                write!(f, " -> version {}", alias.settle())?;
                self.holding(code.as_ref(), f)?;
                match alias.version.filter(|version| alias.serving() != Some(*version)) {
                    Some(next) => write!(f, "; the alias points to version {next}, which gets no traffic"),
                    None => Ok(()),
                }
            }
            Found::Latest(code, version, update) => {
                match version {
                    Some(version) => write!(f, " -> version {version}")?,
                    None => f.write_str(" -> no published version")?,
                }
                self.holding(code.as_ref(), f)?;
                match update {
                    LastUpdate::Successful => Ok(()),
                    LastUpdate::InProgress => {
                        f.write_str(" once its update has ended; until then what was there before")
                    }
                    LastUpdate::Failed(_) => f.write_str(", whose update failed: what was there before still answers"),
                }
            }
        }
    }
}

/// What users of a function get, version by version.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// The alias, where they come through one.
    pub alias: Option<Alias>,
    /// What answers, each with its share of the traffic, from 0 to 1: the greatest first. Of `$LATEST` also the version that holds the same code.
    pub parts: Vec<(Function, f64)>,
    /// The version that holds the code of `$LATEST`.
    pub published: Option<Function>,
}

impl Lambda {
    /// Reads what answers the users of an alias, or of a function without one: as [`serving`](Self::serving), with every version that
    /// has a share. `None` where there is no such alias, or no such function.
    ///
    /// # Errors
    /// It cannot be read, or a version that has a share is gone.
    pub async fn traffic(&self, function: &FunctionName, qualifier: &Qualifier) -> Result<Option<Traffic>> {
        let name = match qualifier {
            Qualifier::Alias(name) => name,
            Qualifier::Latest => {
                let Some(latest) = self.existing(function, None).await? else { return Ok(None) };
                let published = match CodeId::of(&latest) {
                    Some(code) => self.version_with_code(function, &code).await?,
                    None => None,
                };
                return Ok(Some(Traffic { alias: None, parts: vec![(latest, 1.0)], published }));
            }
        };
        let Some(alias) = self.alias(function, name).await? else { return Ok(None) };
        let settled = alias.settle();
        let others: f64 = settled.weights.values().sum();
        let mut parts = vec![(self.function(function, settled.version).await?, 1.0 - others)];
        for (version, share) in &settled.weights {
            parts.push((self.function(function, Some(*version)).await?, *share));
        }
        parts.sort_by(|one, other| other.1.total_cmp(&one.1));
        Ok(Some(Traffic { alias: Some(alias), parts, published: None }))
    }

    /// Reads what users of an alias, or of a function without one, get now. What cannot be read of the version is left out; what
    /// was read of it before still holds.
    pub async fn serving(&self, function: &FunctionName, qualifier: &Qualifier) -> Result<Serving> {
        let name = match qualifier {
            Qualifier::Alias(name) => name,
            Qualifier::Latest => return self.serving_unqualified(function).await,
        };
        let Some(alias) = self.alias(function, name).await? else {
            let (function, qualifier) = (function.clone(), qualifier.clone());
            return Ok(Serving { function, qualifier, found: Found::Nothing, commit: None });
        };
        let version = match alias.serving() {
            Some(version) => match self.cached_version(function, version) {
                Some(kept) => Some(kept),
                None => match self.function(function, Some(version)).await {
                    Ok(version) => Some(version),
                    Err(error) => {
                        tracing::info!(
                            "what version {version} of {function} holds could not be read: {}",
                            error_line(&error)
                        );
                        None
                    }
                },
            },
            None => None,
        };
        Ok(Serving::of(&alias, version.as_ref()))
    }

    async fn serving_unqualified(&self, function: &FunctionName) -> Result<Serving> {
        let latest = self.function(function, None).await?;
        let version = match CodeId::of(&latest) {
            Some(code) => self.version_with_code(function, &code).await.ok().flatten(),
            None => None,
        };
        Ok(Serving::latest(&latest, version.as_ref()))
    }
}

/// Several, in one line.
#[must_use]
pub fn line(serving: impl IntoIterator<Item = impl fmt::Display>) -> String {
    serving.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join("; ")
}
