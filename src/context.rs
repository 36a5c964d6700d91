//! What every step is handed: the run, the common inputs, the deadline, the report, and the two ways to call a service: reads,
//! and writes that are noted before they are sent.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use thiserror::Error;
use tokio::sync::OnceCell;

use crate::action::inputs::CommitSha;
use crate::action::report::{About, Answer};
use crate::action::{Report, Runner};
use crate::aws::Aws;
use crate::deadline::{Deadline, Ended};
use crate::github::Github;
use crate::lambda::{Function, FunctionName, Lambda, Qualifier, Version};
use crate::retry::{Again, Kind, Retryable, retry};
use crate::steps::common::Common;

/// Cheap to clone: a clone with another deadline is how what serves is read back after the first one has passed.
#[derive(Clone, Debug)]
pub struct Context {
    /// The run this step belongs to.
    pub runner: Rc<Runner>,
    /// The inputs common to all steps.
    pub common: Rc<Common>,
    /// When everything must have ended.
    pub deadline: Deadline,
    /// The growing account of this invocation.
    pub report: Rc<Report>,
    aws: Rc<OnceCell<Aws>>,
    github: Rc<OnceCell<Github>>,
    watched: Rc<RefCell<Vec<(FunctionName, Qualifier)>>>,
    seen: Rc<RefCell<Vec<Function>>>,
}

impl Context {
    /// The context of one invocation. Nothing is called yet.
    #[must_use]
    pub fn new(runner: Rc<Runner>, common: Rc<Common>, deadline: Deadline, report: Rc<Report>) -> Self {
        Self {
            runner,
            common,
            deadline,
            report,
            aws: Rc::default(),
            github: Rc::default(),
            watched: Rc::default(),
            seen: Rc::default(),
        }
    }

    /// The same with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Deadline) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// True when nothing may be changed.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.common.dry_run.0
    }

    /// The commit being deployed: the input `sha`, else the commit that triggered the workflow.
    #[must_use]
    pub fn commit(&self) -> Option<CommitSha> {
        self.common.sha.clone().or_else(|| self.runner.github_sha.as_deref()?.parse().ok())
    }

    /// The connection to AWS, made at the first call.
    pub async fn aws(&self) -> Result<&Aws> {
        self.aws.get_or_try_init(|| Box::pin(Aws::connect(self))).await
    }

    /// Lambda, with this context's deadline.
    pub async fn lambda(&self) -> Result<Lambda<'_>> {
        Ok(Lambda::new(self, self.aws().await?.config()))
    }

    /// The connection to GitHub, made at the first call.
    pub async fn github(&self) -> Result<&Github> {
        self.github.get_or_try_init(async || Github::connect(self)).await
    }

    /// Names an alias, or a function without one: what serves there is read back when the step ends, however it ends.
    pub fn watch(&self, function: &FunctionName, qualifier: impl Into<Qualifier>) {
        let target = (function.clone(), qualifier.into());
        let mut watched = self.watched.borrow_mut();
        if !watched.contains(&target) {
            watched.push(target);
        }
    }

    /// What was named by [`watch`](Self::watch).
    #[must_use]
    pub fn watched(&self) -> Vec<(FunctionName, Qualifier)> {
        self.watched.borrow().clone()
    }

    /// Keeps what was read of a published version: its code and its description never change.
    pub fn keep(&self, version: &Function) {
        if version.version.is_some() {
            self.seen.borrow_mut().push(version.clone());
        }
    }

    /// What was read of a published version before, if anything.
    #[must_use]
    pub fn kept(&self, function: &FunctionName, version: Version) -> Option<Function> {
        let seen = self.seen.borrow();
        seen.iter().find(|one| one.name == *function && one.version == Some(version)).cloned()
    }

    /// A read: repeated as the retry policy allows, abandoned when the step is cancelled.
    pub async fn read<T, E: Refusal, F>(&self, what: &str, mut call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        // Boxed: the SDK's futures are large, and every call of every step holds one.
        let answer = Box::pin(retry(&self.deadline, what, Kind::Repeatable, || {
            let sent = call();
            async { self.deadline.read(sent).await.map_err(Failure::Ended)?.map_err(Failure::Refused) }
        }));
        answer.await.map_err(Failure::into_error)
    }

    /// A write: noted before it is sent, so that an answer that never comes is reported as unknown; refused in a dry run and
    /// after a cancellation. A call in flight is not abandoned when the step is cancelled.
    pub async fn write<T, E: Refusal, F>(&self, what: &str, kind: Kind, call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.send(what, kind, About::Target, call).await
    }

    /// A write to the GitHub record: like [`write`](Self::write), but it changes nothing that serves.
    pub async fn record<T, E: Refusal, F>(&self, what: &str, kind: Kind, call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.send(what, kind, About::Record, call).await
    }

    async fn send<T, E: Refusal, F>(
        &self,
        what: &str,
        kind: Kind,
        about: About,
        mut call: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        ensure!(!self.is_dry_run(), "a dry run was about to {what}: this is a bug, please report it");
        self.deadline.check().with_context(|| format!("before sending: {what}"))?;
        let number = self.report.write(what, about);
        let answer = Box::pin(retry(&self.deadline, what, kind, || {
            let sent = call();
            async { self.deadline.within(sent).await.map_err(Failure::Ended)?.map_err(Failure::Refused) }
        }))
        .await;
        match &answer {
            Ok(_) => self.report.answered(number, Answer::Applied),
            Err(failure) if failure.again() != Again::Broken => self.report.answered(number, Answer::Refused),
            Err(_) => {}
        }
        answer.map_err(Failure::into_error).with_context(|| what.to_owned())
    }
}

/// An error of a service that says whether its call may be sent again.
pub trait Refusal: Retryable + std::error::Error + Send + Sync + 'static {}

impl<E: Retryable + std::error::Error + Send + Sync + 'static> Refusal for E {}

#[derive(Debug, Error)]
enum Failure<E> {
    Ended(Ended),
    Refused(E),
}

impl<E: Refusal> Failure<E> {
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Ended(ended) => ended.into(),
            Self::Refused(refusal) => refusal.into(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(ended) => ended.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl<E: Retryable> Retryable for Failure<E> {
    fn again(&self) -> Again {
        match self {
            // The deadline passed while the call was in flight: whether it was applied is unknown, and no time is left.
            Self::Ended(_) => Again::Broken,
            Self::Refused(refusal) => refusal.again(),
        }
    }
}
