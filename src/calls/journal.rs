//! What was sent and what came back. A write is noted before it is sent, so that a failure or a signal loses nothing of it.

use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

use crate::text::{Foreign, LONGEST};

/// A write that was sent.
#[derive(Clone, Debug, Serialize)]
pub struct Write {
    /// What it does, e.g. `move alias live of shop-api-prd to version 42`.
    pub what: String,
    /// Whether AWS or GitHub answered.
    pub answer: Answer,
    /// What it is about.
    #[serde(skip)]
    pub about: About,
}

/// What a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The target of the step: it may change what serves.
    Target,
    /// The GitHub record of it.
    Record,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// No answer yet, or none will come: whether it was applied is unknown.
    Unknown,
    /// Applied.
    Applied,
    /// Refused: not applied.
    Refused,
    /// Answered, and nothing is different for it.
    Unchanged,
}

/// The number of a write in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteId(usize);

/// All writes of one invocation, in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Vec<Write>>);

impl Journal {
    fn writes_mut(&self) -> MutexGuard<'_, Vec<Write>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Notes a write about to be sent.
    pub fn sending(&self, what: &str, about: About) -> WriteId {
        let mut writes = self.writes_mut();
        writes.push(Write { what: Foreign::new(what).for_message(LONGEST), answer: Answer::Unknown, about });
        WriteId(writes.len() - 1)
    }

    /// Notes what became of a write, also when a look at the target shows later what no answer did.
    pub fn note_answer(&self, write: WriteId, answer: Answer) {
        if let Some(write) = self.writes_mut().get_mut(write.0) {
            write.answer = answer;
        }
    }

    /// A copy of all writes so far.
    #[must_use]
    pub fn writes(&self) -> Vec<Write> {
        self.writes_mut().clone()
    }

    /// How many writes to the target were sent.
    #[must_use]
    pub fn sent_to_target(&self) -> usize {
        self.writes_mut().iter().filter(|write| write.about == About::Target).count()
    }

    /// Whether a write to the target was applied.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.any_to_target(Answer::Applied)
    }

    /// Whether a write to the target may still be applied, or was and nobody knows.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.any_to_target(Answer::Unknown)
    }

    fn any_to_target(&self, answer: Answer) -> bool {
        self.writes_mut().iter().any(|write| write.about == About::Target && write.answer == answer)
    }
}
