//! An address that is asked once at a time, by whoever watches it.

use std::time::Duration;

use anyhow::Result;
use url::Url;

use super::asking::Asking;
use super::expectation::{Expectation, without_query};
use super::http::HttpProbe;
use super::values::Headers;
use crate::calls::{Deadline, Ended};
use crate::text::human_duration;

/// An address, how it is asked, and what it must answer.
#[derive(Debug)]
pub struct Address {
    name: String,
    probe: HttpProbe,
    expectation: Expectation,
    limit: Duration,
}

/// What asking once brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It answered as expected.
    Good,
    /// It answered otherwise, in words.
    Otherwise(String),
    /// There was no answer, or one that refuses whoever asks.
    Refused(String),
}

impl Address {
    /// An address of the inputs.
    #[must_use]
    pub fn of_inputs(url: &Url, asking: &Asking) -> Self {
        let probe = HttpProbe::new(url, asking);
        Self {
            name: without_query(url.as_str()),
            probe,
            expectation: asking.expectation(),
            limit: asking.request_timeout.0,
        }
    }

    /// Another one, asked with `GET`.
    #[must_use]
    pub fn plain(url: &Url, headers: Option<Headers>, expectation: Expectation, limit: Duration) -> Self {
        let probe = HttpProbe::plain(url, headers);
        Self { name: without_query(url.as_str()), probe, expectation, limit }
    }

    /// As it is named in the report: without its query.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks once.
    ///
    /// # Errors
    /// No client could be made; a cancellation.
    pub async fn ask(&self, deadline: &Deadline) -> Result<Asked> {
        let answer = match deadline.at_most(self.limit).read(self.probe.ask()).await {
            Ok(asked) => asked?,
            Err(Ended::Cancelled) => return Err(Ended::Cancelled.into()),
            Err(Ended::Deadline) => {
                return Ok(Asked::Refused(format!("no whole answer in {}", human_duration(self.limit))));
            }
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => return Ok(Asked::Refused(format!("{} ({})", fault.problem, fault.class))),
        };
        Ok(match self.expectation.judge(&answer).fault {
            None => Asked::Good,
            Some((class, problem)) if matches!(answer.status, Some(401 | 403)) => {
                Asked::Refused(format!("{problem} ({class})"))
            }
            Some((class, problem)) => Asked::Otherwise(format!("{problem} ({class})")),
        })
    }
}
