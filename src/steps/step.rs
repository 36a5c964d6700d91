//! What a step is, and what it says when it ends.

use std::fmt::Debug;

use anyhow::Result;
use futures_util::future::LocalBoxFuture;

use super::common::Common;
use super::permissions::Permissions;
use crate::action::inputs::{Field, Given, Inputs, Problems, Span, fields};
use crate::context::Context;
use crate::record::said::Figure;
use crate::verdict::{Ending, Verdict};

/// A documented output: name and meaning.
pub type Output = (&'static str, &'static str);

/// One step: a struct of its inputs, its documented outputs, and what it does.
pub trait Step: Inputs + Debug + 'static {
    /// Its name, the value of the input `step`.
    const NAME: &'static str;
    /// What it does, in one sentence.
    const ABOUT: &'static str;
    /// Its own outputs, besides those of every step.
    const OUTPUTS: &'static [Output];
    /// What it must be allowed.
    const PERMISSIONS: Permissions;
    /// The deadline when no `timeout` is given.
    const TIMEOUT: Span;
    /// The verdict when the deadline passes.
    const AT_EXPIRY: Verdict = Verdict::Error;

    /// What it measured, as the record keeps it.
    const FIGURES: &'static [Figure] = &[];

    /// Whether what it found is added to the open record named by `deployment-id`. Steps that write records do that themselves.
    const ATTACHES: bool = true;

    /// What must hold between its inputs and the common ones.
    fn check_with(&self, common: &Common, problems: &mut Problems) {
        let _ = (common, problems);
    }

    /// Observes, plans, applies, reads back.
    fn run(&self, cx: &Context) -> impl Future<Output = Result<Outcome>>;
}

/// How a step ended, in words.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The verdict and with it the exit code.
    pub ending: Ending,
    /// Why, in one line.
    pub reason: String,
    /// What to do about it, one item each.
    pub advice: Vec<String>,
}

impl Outcome {
    /// An outcome with this verdict.
    pub fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { ending: Ending::Judged(verdict), reason: reason.into(), advice: Vec::new() }
    }

    /// Done and proved.
    pub fn pass(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, reason)
    }

    /// Nothing to do.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, reason)
    }

    /// Judged bad, or refused by a rule.
    pub fn fail(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, reason)
    }

    /// Could not tell or could not do.
    pub fn error(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Error, reason)
    }

    /// What an input names turned out to be wrong; nothing was attempted.
    pub fn bad_input(reason: impl Into<String>) -> Self {
        Self { ending: Ending::BadInput, reason: reason.into(), advice: Vec::new() }
    }

    /// Somebody newer owns the target.
    pub fn superseded(reason: impl Into<String>) -> Self {
        Self::new(Verdict::Superseded, reason)
    }

    /// Failed, and what served before could not be put back.
    pub fn bad_version_serves(reason: impl Into<String>) -> Self {
        Self { ending: Ending::BadVersionServes, reason: reason.into(), advice: Vec::new() }
    }

    /// The same with one more thing to do.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice.push(advice.into());
        self
    }
}

/// A step whose inputs have been read.
pub trait Invocation: Debug {
    /// The verdict when the deadline passes.
    fn at_expiry(&self) -> Verdict;
    /// [`Step::ATTACHES`].
    fn attaches(&self) -> bool;
    /// Does it.
    fn run<'a>(&'a self, cx: &'a Context) -> LocalBoxFuture<'a, Result<Outcome>>;
}

impl<S: Step> Invocation for S {
    fn at_expiry(&self) -> Verdict {
        S::AT_EXPIRY
    }

    fn attaches(&self) -> bool {
        S::ATTACHES
    }

    fn run<'a>(&'a self, cx: &'a Context) -> LocalBoxFuture<'a, Result<Outcome>> {
        Box::pin(Step::run(self, cx))
    }
}

/// A step as the list knows it.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// [`Step::NAME`].
    pub name: &'static str,
    /// [`Step::ABOUT`].
    pub about: &'static str,
    /// [`Step::OUTPUTS`].
    pub outputs: &'static [Output],
    /// [`Step::PERMISSIONS`].
    pub permissions: Permissions,
    /// [`Step::TIMEOUT`].
    pub timeout: Span,
    /// [`Step::FIGURES`].
    pub figures: &'static [Figure],
    /// Its own inputs.
    pub inputs: fn() -> Vec<Field>,
    /// Reads its inputs; tells every problem.
    pub read: Reader,
}

/// Reads the inputs of one step, in the light of the common ones.
type Reader = fn(&Given, Option<&Common>, &mut Problems) -> Option<Box<dyn Invocation>>;

impl Definition {
    /// The definition of a step.
    #[must_use]
    pub const fn of<S: Step>() -> Self {
        Self {
            name: S::NAME,
            about: S::ABOUT,
            outputs: S::OUTPUTS,
            permissions: S::PERMISSIONS,
            timeout: S::TIMEOUT,
            figures: S::FIGURES,
            inputs: fields::<S>,
            read: |given, common, problems| {
                let step = given.read::<S>(problems)?;
                if let Some(common) = common {
                    step.check_with(common, problems);
                }
                Some(Box::new(step))
            },
        }
    }
}
