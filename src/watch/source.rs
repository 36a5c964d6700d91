//! Where the watch learns what happens: AWS and the web, or a script in tests.

use anyhow::Result;
use time::OffsetDateTime;

use crate::aws::cloudwatch::{Alarm, Metric, Series, Stretch};
use crate::aws::logs::{LogClass, LogEvent, LogPage, LogQuery};
use crate::aws::refusal;
use crate::calls::{Again, Ended, ServiceError as _};
use crate::lambda::{Alias, AliasName, FunctionName};

/// What the watch asks. Each call keeps to its own deadline; errors that pass by themselves are asked again at the next look.
pub trait Source {
    /// The time by AWS's clock, as far as it is known: the runner's may be wrong.
    fn now(&self) -> OffsetDateTime;

    /// An alias as it is now.
    fn alias(&self, function: &FunctionName, alias: &AliasName) -> impl Future<Output = Result<Option<Alias>>>;

    /// Points of these metrics in this span, in the order of the queries. The end is exclusive.
    fn metrics(&self, metrics: &[Metric], span: Stretch) -> impl Future<Output = Result<Vec<Series>>>;

    /// How a log group can be read; `None` where there is no such group.
    fn log_class(&self, group: &str) -> impl Future<Output = Result<Option<LogClass>>>;

    /// A page of a log, sorted by the time of the events.
    fn log_page(&self, query: &LogQuery, next: Option<&str>) -> impl Future<Output = Result<LogPage>>;

    /// The same by a query of Logs Insights, for a class that has no pages.
    fn insights(&self, query: &LogQuery) -> impl Future<Output = Result<Vec<LogEvent>>>;

    /// The alarms of these names that exist.
    fn alarms(&self, names: &[String]) -> impl Future<Output = Result<Vec<Alarm>>>;

    /// The names of the rules that mute an alarm now.
    fn mutes(&self, alarm: &str) -> impl Future<Output = Result<Vec<String>>>;

    /// What put an alarm into its state, where it watches several things.
    fn contributors(&self, alarm: &str) -> impl Future<Output = Result<Vec<String>>>;

    /// Asks the address of this number once; what was wrong with the answer, if anything.
    fn ask(&self, place: usize) -> impl Future<Output = Result<Option<String>>>;

    /// Asks another system whether it shows the release: `None` when it does, else what it shows.
    fn probe(&self) -> impl Future<Output = Result<Probed>>;

    /// Invokes the function of this number once, for a sample.
    fn invoke(&self, function: usize) -> impl Future<Output = Result<Sampled>>;
}

/// How a sample request was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Sampled {
    /// As expected.
    Good,
    /// Otherwise, in words.
    Bad(String),
    /// By a version that is not watched: the alias splits its traffic.
    ByAnother,
}

/// What another system shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Probed {
    /// The release, as expected.
    Shown,
    /// Nothing of it yet, in words.
    NotYet(String),
    /// It does not let itself be asked.
    Refused(String),
}

/// Whether a call may go well at the next look: throttled, or broken on the way.
#[must_use]
pub fn passes_by_itself(error: &anyhow::Error) -> bool {
    match refusal(error) {
        Some(refusal) => refusal.again() != Again::No,
        None => Ended::by_deadline(error),
    }
}
