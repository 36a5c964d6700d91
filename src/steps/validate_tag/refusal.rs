//! Why a rule refuses the tag.

use crate::outcome::Outcome;

/// Why a rule refuses the tag, and the fix, one item a line.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub reason: String,
    pub advice: Vec<String>,
}

impl Refusal {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), advice: Vec::new() }
    }

    pub(super) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }

    pub(super) fn advise_all<T: Into<String>>(self, advice: impl IntoIterator<Item = T>) -> Self {
        advice.into_iter().fold(self, Self::advise)
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        refusal.advice.into_iter().fold(Self::fail(refusal.reason), Self::advise)
    }
}
