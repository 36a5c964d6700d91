//! What serves now, in one line.

use std::fmt;

use anyhow::Result;

use super::{Alias, AliasName, Function, FunctionName, Lambda};
use crate::action::inputs::CommitSha;
use crate::explain::told;

/// What an alias serves: the last word of every step.
#[derive(Clone, Debug)]
pub struct Serving {
    /// The alias as it was read; `None` when there is none.
    pub alias: Option<Alias>,
    /// The function.
    pub function: FunctionName,
    /// The alias's name.
    pub name: AliasName,
    /// The commit of the version, when its description tells.
    pub commit: Option<CommitSha>,
    /// What identifies the code: an image's digest, or the zip's hash.
    pub code: Option<String>,
}

impl Serving {
    /// From what a step has read: the alias, and the version it points to.
    #[must_use]
    pub fn of(alias: &Alias, version: Option<&Function>) -> Self {
        Self {
            function: alias.function.clone(),
            name: alias.name.clone(),
            alias: Some(alias.clone()),
            commit: version.and_then(Function::commit),
            code: version.map(|version| {
                version.digest().map_or_else(|| format!("code {}", version.code_sha256), ToString::to_string)
            }),
        }
    }
}

impl fmt::Display for Serving {
    /// `shop-api-prd:live -> version 42 (commit 8f3c1b2, sha256:..)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(alias) = &self.alias else {
            return write!(f, "{}:{} does not exist", self.function, self.name);
        };
        write!(f, "{}:{} -> version {alias}", self.function, self.name)?;
        if alias.version.is_some() {
            match &self.commit {
                Some(commit) => write!(f, " (commit {}", commit.short())?,
                None => f.write_str(" (commit unknown")?,
            }
            match &self.code {
                Some(code) => write!(f, ", {code})")?,
                None => f.write_str(")")?,
            }
        }
        Ok(())
    }
}

impl Lambda<'_> {
    /// Reads what an alias serves now. What cannot be read of the version is left out; what was read of it before still holds.
    pub async fn serving(&self, function: &FunctionName, name: &AliasName) -> Result<Serving> {
        let Some(alias) = self.alias(function, name).await? else {
            return Ok(Serving {
                alias: None,
                function: function.clone(),
                name: name.clone(),
                commit: None,
                code: None,
            });
        };
        let version = match alias.version {
            Some(version) => match self.cx.kept(function, version) {
                Some(kept) => Some(kept),
                None => match self.function(function, Some(version)).await {
                    Ok(version) => Some(version),
                    Err(error) => {
                        tracing::info!(
                            "what version {version} of {function} holds could not be read: {}",
                            told(&error)
                        );
                        None
                    }
                },
            },
            None => None,
        };
        Ok(Serving::of(&alias, version.as_ref()))
    }
}

/// Several, in one line.
#[must_use]
pub fn line(serving: impl IntoIterator<Item = Serving>) -> String {
    serving.into_iter().map(|one| one.to_string()).collect::<Vec<_>>().join("; ")
}
