//! Rulesets.

use crate::github::clock::Seconds;

/// A ruleset.
#[derive(Debug, Clone, Default)]
pub struct Ruleset {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// `branch` or `tag`.
    pub target: String,
    /// `disabled`, `active` or `evaluate`.
    pub enforcement: String,
    /// Patterns of references it holds for, `refs/tags/v*`, or `~ALL`.
    pub include: Vec<String>,
    /// Patterns of those it does not.
    pub exclude: Vec<String>,
    /// `creation update deletion non_fast_forward`.
    pub rules: Vec<String>,
    /// The checks that `required_status_checks` asks for.
    pub checks: Vec<String>,
    /// Seconds since 1970.
    pub created_at: Seconds,
}
