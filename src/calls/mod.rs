//! How every client calls its service: within a deadline, with one retry policy, and with each write noted before it is sent.
//! Nothing here knows AWS, GitHub or a step.

pub mod chain;
pub mod deadline;
pub mod journal;
pub mod poll;
pub mod retry;
pub mod unknown;

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use thiserror::Error;

pub use chain::{error_line, innermost, log_not_determined};
pub use deadline::{Deadline, Ended};
pub use journal::{About, Answer, Journal};
pub use retry::{Again, Budget, Kind, ServiceError, pause_after, spread};
pub use unknown::UnknownValue;
pub(crate) use unknown::enumeration;

use journal::WriteId;
use retry::retry_within;

/// The clock and the journal of one invocation, as a client holds them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Calls {
    /// When every call must have ended.
    pub deadline: Deadline,
    journal: Rc<Journal>,
    is_dry_run: bool,
    /// Whether a person has to confirm the plan first.
    awaits_person: Rc<Cell<bool>>,
    /// The write that was sent last through this handle and its clones.
    last_write: Rc<Cell<Option<WriteId>>>,
    /// What may be sent again of all calls of this handle and its clones; nothing where only each call is bounded.
    budget: Option<Budget>,
}

impl Calls {
    /// Calls within a deadline, noted in this journal. Nothing may be written in a dry run.
    #[must_use]
    pub fn new(deadline: Deadline, journal: Rc<Journal>, is_dry_run: bool) -> Self {
        Self { deadline, journal, is_dry_run, awaits_person: Rc::default(), last_write: Rc::default(), budget: None }
    }

    /// The same for many calls at a time, which are sent again so often all together.
    #[must_use]
    pub fn sharing(&self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self.clone() }
    }

    /// What may be sent again, where that is bounded for all calls together.
    #[must_use]
    pub fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }

    /// Whether writes to the target wait until a person has confirmed the plan. One that does not is a bug, and is not sent.
    pub fn await_person(&self, awaits: bool) {
        self.awaits_person.set(awaits);
    }

    /// The same journal with another deadline.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// A handle of its own on the same clock and journal: what [`correct`](Self::correct) speaks of is only what it sends itself.
    #[must_use]
    pub fn separate(&self) -> Self {
        Self { last_write: Rc::default(), ..self.clone() }
    }

    /// Everything that was sent.
    #[must_use]
    pub fn journal(&self) -> &Rc<Journal> {
        &self.journal
    }

    /// True when nothing may be changed.
    #[must_use]
    pub fn is_dry_run(&self) -> bool {
        self.is_dry_run
    }

    /// Notes of the last write of this handle what was read back: its answer was lost, or nothing is different for it.
    pub fn correct(&self, answer: Answer) {
        if let Some(write) = self.last_write.get() {
            self.journal.note_answer(write, answer);
        }
    }

    /// A read: repeated as the retry policy allows, abandoned when the step is cancelled.
    pub async fn read<T, E: ServiceError, F>(&self, what: &str, call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.ask(what, Kind::Repeatable, call).await
    }

    /// As [`read`](Self::read), for a call that may not always be repeated: an invocation.
    pub async fn ask<T, E: ServiceError, F>(&self, what: &str, kind: Kind, mut call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        // Boxed: the SDK's futures are large, and every call of every step holds one.
        let answer = Box::pin(retry_within(&self.deadline, self.budget.as_ref(), what, kind, || {
            let sent = call();
            async { self.deadline.read(sent).await.map_err(Failure::Ended)?.map_err(Failure::Refused) }
        }));
        answer.await.map_err(Failure::into_error)
    }

    /// A write: noted before it is sent, so that an answer that never comes is reported as unknown; refused in a dry run and
    /// after a cancellation. A call in flight is not abandoned when the step is cancelled.
    pub async fn write<T, E: ServiceError, F>(&self, what: &str, kind: Kind, call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.send(what, kind, About::Target, call).await
    }

    /// A write to the GitHub record: like [`write`](Self::write), but it changes nothing that serves.
    pub async fn record<T, E: ServiceError, F>(&self, what: &str, kind: Kind, call: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.send(what, kind, About::Record, call).await
    }

    /// A write about this or that: [`write`](Self::write) or [`record`](Self::record).
    pub async fn send<T, E: ServiceError, F>(
        &self,
        what: &str,
        kind: Kind,
        about: About,
        mut call: impl FnMut() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, E>>,
    {
        ensure!(!self.is_dry_run, "a dry run was about to {what}: this is a bug, please report it");
        let is_confirmed = about == About::Record || !self.awaits_person.get();
        ensure!(
            is_confirmed,
            "the plan was not confirmed, and the step was about to {what}: this is a bug, please report it"
        );
        self.deadline.check().with_context(|| format!("before sending: {what}"))?;
        let write = self.journal.sending(what, about);
        self.last_write.set(Some(write));
        let answer = Box::pin(retry_within(&self.deadline, self.budget.as_ref(), what, kind, || {
            let sent = call();
            async { self.deadline.within(sent).await.map_err(Failure::Ended)?.map_err(Failure::Refused) }
        }))
        .await;
        match &answer {
            Ok(_) => self.journal.note_answer(write, Answer::Applied),
            Err(failure) if failure.again() != Again::Broken => self.journal.note_answer(write, Answer::Refused),
            Err(_) => {}
        }
        answer.map_err(Failure::into_error).with_context(|| what.to_owned())
    }
}

#[derive(Debug, Error)]
enum Failure<E> {
    Ended(Ended),
    Refused(E),
}

impl<E: ServiceError> Failure<E> {
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

impl<E: ServiceError> ServiceError for Failure<E> {
    fn again(&self) -> Again {
        match self {
            // The deadline passed while the call was in flight: whether it was applied is unknown, and no time is left.
            Self::Ended(_) => Again::Broken,
            Self::Refused(refusal) => refusal.again(),
        }
    }
}
