//! One thing to be done, to tell somebody.

use std::fmt;

use crate::action::inputs::CommitSha;
use crate::github::{NewCommitStatus, NewIssue};

/// One thing to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    SetStatus(CommitSha, NewCommitStatus),
    /// Opens the issue.
    Open(NewIssue),
    /// Gives the issue of this number another text.
    EditIssue(u64, String),
    /// Comments on the issue, or pull request, of this number.
    Comment(u64, String),
    /// Gives a comment on it another text.
    EditComment(u64, u64, String),
    Close(u64),
    /// Sends the message of the channel at this place of the list.
    Send(usize),
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetStatus(_, status) => write!(f, "set the status {} to \"{}\"", status.context, status.description),
            Self::Open(_) => f.write_str("open an issue"),
            Self::EditIssue(number, _) => write!(f, "correct issue #{number}"),
            Self::Comment(number, _) => write!(f, "comment on #{number}"),
            Self::EditComment(number, ..) => write!(f, "correct the comment on #{number}"),
            Self::Close(number) => write!(f, "close issue #{number}"),
            Self::Send(_) => f.write_str("send the message"),
        }
    }
}
