//! What a look at a task has seen.

use super::judge::End;

/// What one look has seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// How far it is, in a word.
    pub(super) state: String,
    /// How it ended.
    pub(super) end: Option<End>,
    /// Where it writes its log, once that is known.
    pub(super) log: Option<LogPlace>,
    /// What is told of the containers that do not decide.
    pub(super) others: Vec<String>,
}

/// Where a task writes its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LogPlace {
    /// A stream of CloudWatch Logs.
    Stream {
        /// The log group.
        group: String,
        /// The stream.
        stream: String,
    },
    /// Somewhere else, in words.
    Elsewhere(String),
}
