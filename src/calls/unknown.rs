//! Words of other people's enumerations that this release does not know.

use thiserror::Error;

/// A word that this release does not know where a service has an enumeration. It is never taken for the good one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field} is {value}, which this release does not know")]
pub struct UnknownValue {
    /// What holds it, e.g. `State of shop-api-prd`.
    pub field: String,
    /// The word.
    pub value: String,
}

impl UnknownValue {
    /// The error about a field and its value.
    pub fn new(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.into() }
    }
}
