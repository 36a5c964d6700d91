//! What a check found: it was carried out and is good, or bad, or it was not carried out, and why.

use serde::Serialize;

use crate::aws::{self, Kind, NoCredentials, refusal};
use crate::calls::deadline::Ended;
use crate::context::Context;
use crate::explain::explain;
use crate::github::{GithubError, Kind as GithubKind};
use crate::outcome::{Stop, Verdict};

/// What must be, where nothing else was asked for.
const REQUIRED: &str = "good";

/// How a check ended. Nothing is `Ok` that was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It was carried out, and is as it must be.
    Ok,
    /// It was carried out, and a deployment or a rollback would fail.
    Fail,
    /// It was not carried out.
    Skip,
    /// It should have been, and something broke.
    Error,
}

impl State {
    /// In the tree.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Ok => "[OK]",
            Self::Fail => "[FAIL]",
            Self::Skip | Self::Error => "[SKIP]",
        }
    }

    /// In the report.
    pub(super) const fn verdict(self) -> Verdict {
        match self {
            Self::Ok => Verdict::Pass,
            Self::Fail => Verdict::Fail,
            Self::Skip => Verdict::Skipped,
            Self::Error => Verdict::Error,
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What was looked at, e.g. `alarm shop-errors`.
    pub(super) what: String,
    pub(super) state: State,
    /// What was found; why it was skipped.
    pub(super) observed: String,
    /// What was asked for.
    pub(super) required: String,
    /// The permission it takes.
    pub(super) needs: &'static str,
    /// What to do about it.
    pub(super) advice: Vec<String>,
    /// Worth a warning, though it is good.
    pub(super) warns: bool,
}

impl Finding {
    fn new(state: State, what: impl Into<String>, needs: &'static str, observed: impl Into<String>) -> Self {
        let (what, observed) = (what.into(), observed.into());
        Self { what, state, observed, required: REQUIRED.to_owned(), needs, advice: Vec::new(), warns: false }
    }

    /// It is as it must be.
    pub(super) fn ok(what: impl Into<String>, needs: &'static str, observed: impl Into<String>) -> Self {
        Self::new(State::Ok, what, needs, observed)
    }

    /// It is not, and what to do.
    pub(super) fn fail(
        what: impl Into<String>,
        needs: &'static str,
        observed: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { advice: vec![advice.into()], ..Self::new(State::Fail, what, needs, observed) }
    }

    /// It was not looked at.
    pub(super) fn skip(what: impl Into<String>, needs: &'static str, why: impl Into<String>) -> Self {
        Self::new(State::Skip, what, needs, why)
    }

    /// What must be.
    pub(super) fn require(self, required: impl Into<String>) -> Self {
        Self { required: required.into(), ..self }
    }

    /// Good, and worth a warning.
    pub(super) fn warn(self) -> Self {
        Self { warns: true, ..self }
    }

    /// Good or bad, by whether it holds.
    pub(super) fn when(
        holds: bool,
        what: impl Into<String>,
        needs: &'static str,
        observed: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        if holds { Self::ok(what, needs, observed) } else { Self::fail(what, needs, observed, advice) }
    }

    /// What could not be asked: a missing permission is a reason to skip it, all else an error.
    ///
    /// # Errors
    /// The step was cancelled, or its time is over: it ends so.
    pub(super) fn unanswered(
        cx: &Context,
        what: impl Into<String>,
        needs: &'static str,
        error: anyhow::Error,
    ) -> Result<Self, Stop> {
        if cx.calls.deadline.is_cancelled() || Ended::by_deadline(&error) {
            return Err(Stop::Error(error));
        }
        let told = GithubError::of(&error).map(|refusal| &refusal.kind);
        let is_denied = aws::is_denied(&error)
            || matches!(told, Some(GithubKind::Denied(_) | GithubKind::Unusable))
            || error.chain().any(<dyn std::error::Error>::is::<NoCredentials>);
        let why = explain(&error);
        if is_denied {
            let reason = format!("it takes {needs}: {}", why.reason);
            return Ok(Self { advice: why.advice, ..Self::skip(what, needs, reason) });
        }
        let state = if is_gone(&error) { State::Fail } else { State::Error };
        Ok(Self { advice: why.advice, ..Self::new(state, what, needs, why.reason) })
    }
}

/// Names that were given, or where none were, those of an input.
pub(super) fn given_or(given: &[String], input: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    if given.is_empty() { input.into_iter().map(|one| one.to_string()).collect() } else { given.to_vec() }
}

/// What a check says that was given nothing to look at.
pub(super) fn nothing_named(what: &str, needs: &'static str, input: &str) -> Vec<Finding> {
    vec![Finding::skip(what, needs, format!("nothing is named: give {input}"))]
}

/// Whether AWS says that what was asked about is not there.
fn is_gone(error: &anyhow::Error) -> bool {
    let says_so = |code: &str| ["NotFound", "NoSuch"].iter().any(|word| code.contains(word));
    // Several services say so with 400, and each by a word of its own.
    refusal(error).is_some_and(|refusal| refusal.kind == Kind::NotFound || says_so(&refusal.code))
}
