//! What one check of the watch found.

use crate::outcome::Verdict;

/// The check, by its name in the input `checks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Whether the alias still serves what is watched.
    Routing,
    /// Whether the code starts.
    InitErrors,
    /// How many requests fail.
    ErrorRate,
    /// Whether the application writes a log.
    AppLogs,
    /// Alarms of CloudWatch.
    Alarms,
    /// Whether the address answers.
    Url,
    /// How long requests take.
    Latency,
    /// Whether another system shows the release.
    Probe,
}

impl Check {
    /// Those that the input `checks` chooses from.
    pub const CHOSEN: [Self; 7] =
        [Self::InitErrors, Self::ErrorRate, Self::AppLogs, Self::Alarms, Self::Url, Self::Latency, Self::Probe];

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::InitErrors => "init-errors",
            Self::ErrorRate => "error-rate",
            Self::AppLogs => "app-logs",
            Self::Alarms => "alarms",
            Self::Url => "url",
            Self::Latency => "latency",
            Self::Probe => "probe",
        }
    }
}

/// What a check found in the end, or what it ends with.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The check.
    pub check: Check,
    /// What was looked at, e.g. `error rate of shop-api:live, version 42`.
    pub name: String,
    /// What was found.
    pub observed: String,
    /// What was asked for.
    pub required: String,
    /// What that means.
    pub verdict: Verdict,
    /// Where it was read, e.g. `cloudwatch:GetMetricData`.
    pub source: &'static str,
    /// What to do about it.
    pub advice: Option<String>,
    /// Of what is inconclusive: whether more requests would decide it.
    pub wants_requests: bool,
    /// Of a failure: whether it is bad enough to put the previous version back.
    pub rolls_back: bool,
    /// A warning beside it.
    pub warns: Option<String>,
}

impl Finding {
    /// A finding with this verdict. A failure rolls back.
    pub fn new(check: Check, name: impl Into<String>, verdict: Verdict, source: &'static str) -> Self {
        Self {
            check,
            name: name.into(),
            observed: String::new(),
            required: String::new(),
            verdict,
            source,
            advice: None,
            wants_requests: false,
            rolls_back: verdict == Verdict::Fail,
            warns: None,
        }
    }

    /// The same with what was found, and what was asked for.
    #[must_use]
    pub fn saw(self, observed: impl Into<String>, required: impl Into<String>) -> Self {
        Self { observed: observed.into(), required: required.into(), ..self }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// The same with a warning.
    #[must_use]
    pub fn warn(self, warning: impl Into<String>) -> Self {
        Self { warns: Some(warning.into()), ..self }
    }
}
