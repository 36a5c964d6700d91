//! PostgreSQL: one session, to which statements are sent as text. No type of its library leaves this folder.

mod address;
mod tls;

use std::time::Duration;

use thiserror::Error;
use tokio_postgres::{CancelToken, Client, SimpleQueryMessage};

pub use self::address::Address;
use self::tls::Tls;
use crate::calls::{Deadline, Ended};
use crate::text::message;

/// For so long a server that does not take connections yet is asked again.
const STARTING: Duration = Duration::from_secs(15);
/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(500);
/// The server is told within this time that nobody waits for its answer any more.
const CANCELLING: Duration = Duration::from_secs(1);

/// The rows of an answer, each the texts of its columns.
pub type Rows = Vec<Vec<Option<String>>>;

/// What a statement answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its rows.
    pub rows: Rows,
    /// How many rows it returned or changed.
    pub count: u64,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Failure {
    /// The server refused the statement.
    #[error("{0}")]
    Refused(Refusal),
    /// The connection is lost, or was not made.
    #[error("{}", not_reached(.0))]
    Lost(String),
    /// Its certificate is not one that is trusted, or it has none.
    #[error("{}", not_trusted(.0))]
    Untrusted(String),
    /// The deadline passed, or the step was cancelled.
    #[error("its answer was not waited for")]
    Ended(#[from] Ended),
}

/// What PostgreSQL says when it refuses a statement.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}{}", detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default())]
pub struct Refusal {
    /// The code of five signs, `SQLSTATE`.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// More about it.
    pub detail: Option<String>,
}

fn not_reached(why: &str) -> String {
    message!("database-not-reached", "the database is not reached: {why}")
}

fn not_trusted(why: &str) -> String {
    message!("database-not-trusted", "the database does not show a certificate that is trusted: {why}")
}

impl Failure {
    fn of(error: &tokio_postgres::Error) -> Self {
        if let Some(refused) = error.as_db_error() {
            return Self::Refused(Refusal {
                code: refused.code().code().to_owned(),
                message: refused.message().to_owned(),
                detail: refused.detail().map(str::to_owned),
            });
        }
        let cause = std::error::Error::source(error);
        let inner = cause.and_then(|cause| cause.downcast_ref::<std::io::Error>()?.get_ref());
        let is_of_tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some();
        if let Some(cause) = cause.filter(|_| is_of_tls) {
            return Self::Untrusted(cause.to_string());
        }
        let cause = cause.map(|cause| format!(": {cause}"));
        Self::Lost(format!("{error}{}", cause.unwrap_or_default()))
    }

    /// Whether asking again a little later may help: the server starts, or is not there yet.
    fn is_early(&self) -> bool {
        match self {
            // cannot_connect_now
            Self::Refused(refused) => refused.code == "57P03",
            Self::Lost(_) => true,
            Self::Untrusted(_) | Self::Ended(_) => false,
        }
    }
}

/// A session.
pub struct Session {
    client: Client,
    cancel: CancelToken,
    tls: Tls,
    deadline: Deadline,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}

impl Session {
    /// Opens a session, each of whose statements ends with this deadline.
    pub async fn open(address: &Address, deadline: &Deadline) -> Result<Self, Failure> {
        let starting = deadline.at_most(STARTING);
        let tls = Tls::new().map_err(|error| Failure::Lost(format!("{error:#}")))?;
        loop {
            let failure = match deadline.read(address.config().connect(tls.clone())).await? {
                Ok((client, connection)) => {
                    tokio::spawn(async move {
                        // Its errors come to whoever asks.
                        let _ = connection.await;
                    });
                    return Ok(Self { cancel: client.cancel_token(), client, tls, deadline: deadline.clone() });
                }
                Err(error) => Failure::of(&error),
            };
            if !failure.is_early() || starting.remaining().is_zero() {
                return Err(failure);
            }
            if let Err(ended) = deadline.sleep(PAUSE).await {
                return Err(if ended == Ended::Cancelled { ended.into() } else { failure });
            }
        }
    }

    /// Sends one text, and reads all that it answers. What is abandoned is cancelled.
    pub async fn send(&self, text: &str) -> Result<Answer, Failure> {
        match self.deadline.read(self.client.simple_query(text)).await {
            Ok(Ok(messages)) => Ok(answer(messages)),
            Ok(Err(error)) => Err(Failure::of(&error)),
            Err(ended) => {
                let told = tokio::time::timeout(CANCELLING, self.cancel.cancel_query(self.tls.clone()));
                let _nobody_waits_for_it = told.await;
                Err(ended.into())
            }
        }
    }

    /// The rows that one text answers.
    pub async fn rows(&self, text: &str) -> Result<Rows, Failure> {
        Ok(self.send(text).await?.rows)
    }

    /// The first value that one text answers; empty where there is none.
    pub async fn value(&self, text: &str) -> Result<String, Failure> {
        let first = self.rows(text).await?.into_iter().next().and_then(|row| row.into_iter().next());
        Ok(first.flatten().unwrap_or_default())
    }
}

fn answer(messages: Vec<SimpleQueryMessage>) -> Answer {
    let mut answer = Answer::default();
    for message in messages {
        match message {
            SimpleQueryMessage::Row(row) => {
                answer.rows.push((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect());
            }
            SimpleQueryMessage::CommandComplete(count) => answer.count = count,
            _ => {}
        }
    }
    answer
}
