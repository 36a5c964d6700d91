//! An alias: which version serves, and what is needed to move it safely.

use std::collections::BTreeMap;
use std::fmt;

use super::names::{AliasName, FunctionName, Version};

/// An alias as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The function.
    pub function: FunctionName,
    /// The alias.
    pub name: AliasName,
    /// The version it points to; `None` for `$LATEST`.
    pub version: Option<Version>,
    /// Shares of the traffic that go to other versions, from 0 to 1: a canary, or what a dead one left behind.
    pub weights: BTreeMap<Version, f64>,
    /// Names this state of the alias: a write that carries it is refused when somebody else wrote in between.
    pub revision: AliasRevision,
}

/// The `RevisionId` of an alias.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AliasRevision(pub(super) String);

impl Alias {
    /// The version that users get. It is not the one the alias points to where another one has a weight of 1, as AWS gives it to the
    /// version an alias left until the provisioned concurrency of the new one is ready.
    #[must_use]
    pub fn serving(&self) -> Option<Version> {
        let whole = self.weights.iter().find(|(_, weight)| **weight >= 1.0);
        whole.map_or(self.version, |(version, _)| Some(*version))
    }

    /// The alias as it has to be for users to get the same, without a weight of 1.
    #[must_use]
    pub fn settle(&self) -> Self {
        if self.serving() == self.version { self.clone() } else { self.without_weights() }
    }

    /// The alias with all of the traffic on the version that users get.
    #[must_use]
    pub fn without_weights(&self) -> Self {
        Self { version: self.serving(), weights: BTreeMap::new(), ..self.clone() }
    }

    /// The alias with this share of the traffic, from 0 to 1, on another version, and the rest on the one that users get.
    #[must_use]
    pub fn with_share(&self, version: Version, weight: f64) -> Self {
        Self { weights: BTreeMap::from([(version, weight)]), ..self.without_weights() }
    }

    /// True when the version, and it alone, gets all the traffic.
    #[must_use]
    pub fn serves_only(&self, version: Version) -> bool {
        self.version == Some(version) && self.weights.is_empty()
    }
}

impl fmt::Display for Alias {
    /// `42`, `$LATEST`, or `42 with 10% to 43`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "{version}")?,
            None => f.write_str("$LATEST")?,
        }
        for (version, weight) in &self.weights {
            write!(f, " with {}% to {version}", (weight * 1000.0).round() / 10.0)?;
        }
        Ok(())
    }
}
