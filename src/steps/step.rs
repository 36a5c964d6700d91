//! What a step is, and what it says when it ends.

use std::fmt::Debug;

use futures_util::future::LocalBoxFuture;

use crate::action::Output;
use crate::action::inputs::common::CommonInputs;
use crate::action::inputs::{Field, Inputs, Problems, RawInputs, Span, fields};
use crate::context::Context;
use crate::outcome::{Outcome, Step, Verdict};
use crate::permissions::Permissions;
use crate::record::status_line::Figure;

/// One step: a struct of its inputs, its documented outputs, and what it does.
pub trait DeployStep: Inputs + Debug + 'static {
    /// Its name, the value of the input `step`.
    const NAME: &'static str;
    /// What it does, in one sentence.
    const ABOUT: &'static str;
    /// Its own outputs, besides those of every step.
    const OUTPUTS: &'static [Output];
    /// What it must be allowed.
    const PERMISSIONS: Permissions;
    /// The deadline when no `timeout` is given, without what is waited for on purpose.
    const TIMEOUT: Span;
    /// The verdict when the deadline passes.
    const AT_EXPIRY: Verdict = Verdict::Error;

    /// What it measured, as the record keeps it.
    const FIGURES: &'static [Figure] = &[];

    /// Whether what it found is added to the open record named by `deployment-id`. Steps that write records do that themselves.
    const ATTACHES: bool = true;

    /// The deadline when no `timeout` is given, where the inputs say how long the step takes.
    fn timeout(&self) -> Span {
        Self::TIMEOUT
    }

    /// What must hold between its inputs and the common ones.
    fn check_with(&self, common: &CommonInputs, problems: &mut Problems) {
        let _ = (common, problems);
    }

    /// Observes, plans, applies, reads back.
    fn run(&self, cx: &Context) -> impl Future<Output = Step<Outcome>>;
}

/// A step whose inputs have been read.
pub trait Invocation: Debug {
    /// The deadline when no `timeout` is given.
    fn timeout(&self) -> Span;
    /// The verdict when the deadline passes.
    fn at_expiry(&self) -> Verdict;
    /// [`DeployStep::ATTACHES`].
    fn attaches(&self) -> bool;
    /// Does it.
    fn run<'a>(&'a self, cx: &'a Context) -> LocalBoxFuture<'a, Step<Outcome>>;
}

impl<S: DeployStep> Invocation for S {
    fn timeout(&self) -> Span {
        DeployStep::timeout(self)
    }

    fn at_expiry(&self) -> Verdict {
        S::AT_EXPIRY
    }

    fn attaches(&self) -> bool {
        S::ATTACHES
    }

    fn run<'a>(&'a self, cx: &'a Context) -> LocalBoxFuture<'a, Step<Outcome>> {
        Box::pin(DeployStep::run(self, cx))
    }
}

/// A step as the list knows it.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// [`DeployStep::NAME`].
    pub name: &'static str,
    /// [`DeployStep::ABOUT`].
    pub about: &'static str,
    /// [`DeployStep::OUTPUTS`].
    pub outputs: &'static [Output],
    /// [`DeployStep::PERMISSIONS`].
    pub permissions: Permissions,
    /// [`DeployStep::TIMEOUT`].
    pub timeout: Span,
    /// [`DeployStep::FIGURES`].
    pub figures: &'static [Figure],
    /// Its own inputs.
    pub inputs: fn() -> Vec<Field>,
    /// Reads its inputs; tells every problem.
    pub read: Reader,
}

/// Reads the inputs of one step, in the light of the common ones.
type Reader = fn(&RawInputs, Option<&CommonInputs>, &mut Problems) -> Option<Box<dyn Invocation>>;

impl Definition {
    /// The definition of a step.
    #[must_use]
    pub const fn of<S: DeployStep>() -> Self {
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
