//! One thing that was looked at before the first write.

use crate::lambda::Function;
use crate::outcome::Verdict;
use crate::text::message;

/// One thing that was looked at before the first write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Finding {
    pub name: String,
    pub observed: String,
    pub required: String,
    pub source: &'static str,
    pub judged: Judged,
}

/// What a finding means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Judged {
    Good,
    /// It could not be checked, for want of this permission.
    Unknown(String),
    /// What is wrong, and the fix.
    Bad(String, String),
}

impl Finding {
    pub(in super::super) fn verdict(&self) -> Verdict {
        match self.judged {
            Judged::Good => Verdict::Pass,
            Judged::Unknown(_) => Verdict::Inconclusive,
            Judged::Bad(..) => Verdict::Fail,
        }
    }
}

pub(super) fn wrong_architecture(function: &Function, problem: &str) -> Judged {
    let wanted = function.architecture;
    Judged::Bad(
        message!("wrong-architecture", "{problem}, and function {} is {wanted}: it would not start", function.name),
        format!("build it for {wanted}, or change the function's architecture where it is defined"),
    )
}
