//! What one place brought.

use url::Url;

use super::model::Target;
use super::run::Found;
use crate::text::Foreign;

/// What one place brought.
pub(super) struct Place {
    /// As it is named in the log.
    pub(super) name: String,
    pub(super) subject: Subject,
    /// What its attempts found.
    pub(super) found: Found,
    /// The end of the log of the last invocation.
    pub(super) log: Foreign,
}

/// What is asked.
pub(super) enum Subject {
    Url(Url),
    Function(Target),
}

impl Subject {
    /// The call by which it is asked.
    pub(super) const fn source(&self) -> &'static str {
        match self {
            Self::Url(_) => "HTTP",
            Self::Function(_) => "lambda:InvokeFunction",
        }
    }
}
