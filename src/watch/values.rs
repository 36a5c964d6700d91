//! Values of the watch's inputs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::latency::LatencyLimit;
use super::statistics::Statistic;
use crate::action::inputs::{Span, Yaml, input_value, is_made_of, text_value, word};
use crate::health::expectation::Expectation;
use crate::health::values::{Headers, Pause};
use crate::smoke::cases::read_expectation;

/// A check of the input `checks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckName(pub super::Check);

impl FromStr for CheckName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = super::Check::CHOSEN.into_iter().find(|check| check.word() == text).map(Self);
        let all: Vec<&str> = super::Check::CHOSEN.into_iter().map(super::Check::word).collect();
        found.ok_or_else(|| format!("must be one of {}", all.join(", ")))
    }
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.word())
    }
}

input_value!(name CheckName, "`init-errors`, `error-rate`, `app-logs`, `alarms`, `url`, `latency` or `probe`", "error-rate");

/// A percentage, kept as a share from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Percent(pub f64);

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text
            .strip_suffix('%')
            .filter(|number| is_plain_number(number))
            .and_then(|number| number.parse::<f64>().ok());
        match number {
            Some(number) if (0.0..=100.0).contains(&number) => Ok(Self((number * 1e6).round() / 1e8)),
            _ => Err("must be a percentage from 0% to 100%, e.g. `5%` or `0.5%`".to_owned()),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", (self.0 * 1e8).round() / 1e6)
    }
}

input_value!(name Percent, "a percentage, e.g. `5%`", "5%");

/// Digits with at most one dot among them.
fn is_plain_number(text: &str) -> bool {
    is_made_of(text, 12, |c| c.is_ascii_digit() || c == '.') && text.starts_with(|c: char| c.is_ascii_digit())
}

/// How often a step may fail a release that is exactly at the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alpha(pub f64);

impl FromStr for Alpha {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(number) if is_plain_number(text) && number > 0.0 && number <= 0.5 => Ok(Self(number)),
            _ => Err("must be a number above 0, at most 0.5, e.g. `0.05`".to_owned()),
        }
    }
}

impl fmt::Display for Alpha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

input_value!(name Alpha, "a number above 0, at most 0.5", "0.05");

/// Which requests are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateSource {
    /// Lambda, and the function's own address where the alias has one.
    Auto,
    /// Invocations: an answer with status 500 is none of their errors.
    Lambda,
    /// The address of the function.
    FunctionUrl,
    /// A REST API and its stage.
    RestApi(String, String),
    /// An HTTP API and its stage.
    HttpApi(String, String),
    /// A target group of a load balancer.
    TargetGroup(String),
}

impl FromStr for RateSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "must be `auto`, `lambda`, `function-url`, `apigw:<name>/<stage>`, `httpapi:<id>/<stage>` or `alb:targetgroup/<name>/<id>`".to_owned()
        };
        let named = |text: &str| is_made_of(text, 255, |c| c.is_ascii_graphic() || c == ' ').then(|| text.to_owned());
        let with_stage = |rest: &str| {
            let (api, stage) = rest.rsplit_once('/')?;
            Some((named(api)?, named(stage)?))
        };
        let read = match text.split_once(':') {
            None => match text {
                "auto" => Some(Self::Auto),
                "lambda" => Some(Self::Lambda),
                "function-url" => Some(Self::FunctionUrl),
                _ => None,
            },
            Some(("apigw", rest)) => with_stage(rest).map(|(api, stage)| Self::RestApi(api, stage)),
            Some(("httpapi", rest)) => with_stage(rest).map(|(api, stage)| Self::HttpApi(api, stage)),
            Some(("alb", group)) if group.starts_with("targetgroup/") => named(group).map(Self::TargetGroup),
            Some(_) => None,
        };
        read.ok_or_else(wrong)
    }
}

impl fmt::Display for RateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Lambda => f.write_str("lambda"),
            Self::FunctionUrl => f.write_str("function-url"),
            Self::RestApi(api, stage) => write!(f, "apigw:{api}/{stage}"),
            Self::HttpApi(api, stage) => write!(f, "httpapi:{api}/{stage}"),
            Self::TargetGroup(group) => write!(f, "alb:{group}"),
        }
    }
}

input_value!(
    name RateSource,
    "`auto`, `lambda`, `function-url`, `apigw:<name>/<stage>`, `httpapi:<id>/<stage>` or `alb:targetgroup/<name>/<id>`",
    "apigw:shop/prd"
);

/// How an error rate is judged.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum StatisticInput {
    /// At most five looks, each an exact test, within `alpha` together.
    #[default]
    Exact,
    /// A look every minute, within `alpha` together; needs more errors.
    Anytime,
    /// Above the limit at a look with `min-samples` or more: no bound on anything.
    Naive,
}

impl From<StatisticInput> for Statistic {
    fn from(input: StatisticInput) -> Self {
        match input {
            StatisticInput::Exact => Self::Exact,
            StatisticInput::Anytime => Self::Anytime,
            StatisticInput::Naive => Self::Naive,
        }
    }
}

/// What an error rate is compared with.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Compare {
    /// Nothing.
    #[default]
    None,
    /// The version that served before: when it is as bad, it is not this release.
    Previous,
}

/// What too few requests to be expected mean.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum RequirePower {
    /// Nothing: they are reported.
    #[default]
    Off,
    /// A warning.
    Warn,
    /// The step fails before it waits.
    Fail,
}

/// What an inconclusive watch means.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnInconclusive {
    /// A warning; the job goes on.
    #[default]
    Warn,
    /// The job ends with exit code 1.
    Fail,
}

/// What is done about a watch that could not be judged.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum OnBad {
    /// The step ends so.
    #[default]
    Fail,
    /// What served before is put back.
    Rollback,
}

/// The most a latency may be: a duration, or so much more than the previous version.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LatencyAbove(pub LatencyLimit);

impl FromStr for LatencyAbove {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            |_: String| "must be a duration such as `800ms` or `2s`, or `+20%` against the previous version".to_owned();
        match text.strip_prefix('+') {
            Some(rest) => rest.parse::<Percent>().map(|share| Self(LatencyLimit::Above(share.0))).map_err(wrong),
            None => text.parse::<Pause>().map(|limit| Self(LatencyLimit::Absolute(limit.0))).map_err(wrong),
        }
    }
}

impl fmt::Display for LatencyAbove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            LatencyLimit::Absolute(limit) => Pause(limit).fmt(f),
            LatencyLimit::Above(share) => write!(f, "+{}", Percent(share)),
        }
    }
}

input_value!(name LatencyAbove, "a duration, e.g. `800ms`, or `+20%` against the previous version", "800ms");

text_value!(
    /// A percentile of CloudWatch.
    name pub struct Percentile, "a percentile, e.g. `p95` or `p99.9`", "p95",
    |text| text.strip_prefix('p').is_some_and(|number| is_plain_number(number) && number.parse().is_ok_and(|number: f64| number > 0.0 && number < 100.0))
);

impl Percentile {
    /// `p95`.
    #[must_use]
    pub fn p95() -> Self {
        Self("p95".to_owned())
    }
}

/// Another system that must show the release.
#[derive(Clone, Debug)]
pub struct Probe {
    /// Its address, with `{sha}`, `{version}` and `{since}` in it.
    pub url: String,
    /// What is sent with it.
    pub headers: Option<Headers>,
    /// What it must answer.
    pub expect: Expectation,
    /// How long after the window it may come.
    pub grace: Duration,
}

impl FromStr for Probe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const KEYS: [&str; 4] = ["url", "headers", "expect", "grace"];
        let yaml = Yaml::read(text).map_err(|error| format!("must be YAML: {error}"))?;
        let Yaml::Mapping(members) = &yaml else { return Err("must be a mapping of YAML with `url`".to_owned()) };
        if let Some((key, _)) = members.iter().find(|(key, _)| !KEYS.contains(&key.as_str())) {
            let named = word(key).map(|key| format!(" `{key}`")).unwrap_or_default();
            return Err(format!("must have the keys `url`, `headers`, `expect` and `grace` only, not{named}"));
        }
        let url = yaml.get("url").and_then(Yaml::text).ok_or("must have an `url`")?.to_owned();
        let filled = ["{sha}", "{version}", "{since}"].iter().fold(url.clone(), |url, name| url.replace(name, "x"));
        filled.parse::<crate::action::inputs::HttpUrl>().map_err(|error| format!("`url` {error}"))?;
        let headers = match yaml.get("headers") {
            None => None,
            Some(Yaml::Mapping(members)) => {
                let line = |(name, value): &(String, Yaml)| Some(format!("{name}: {}\n", value.text()?));
                let lines: Option<String> = members.iter().map(line).collect();
                Some(
                    lines
                        .ok_or("`headers` must map names to text")?
                        .parse::<Headers>()
                        .map_err(|error| format!("`headers` {error}"))?,
                )
            }
            Some(_) => return Err("`headers` must map names to text".to_owned()),
        };
        let expect =
            yaml.get("expect").map(read_expectation).transpose().map_err(|error| format!("`expect` {error}"))?;
        let grace = yaml.get("grace").map(|grace| grace.text().unwrap_or_default().parse::<Pause>()).transpose();
        let grace = grace.map_err(|error| format!("`grace` {error}"))?.map_or(Duration::from_mins(2), |grace| grace.0);
        Ok(Self { url, headers, expect: expect.unwrap_or_default(), grace })
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.split('?').next().unwrap_or_default())
    }
}

input_value!(
    Probe,
    "YAML with `url`, `headers`, `expect` and `grace`",
    "url: https://traces.example.com/api?release={sha}"
);
/// How long late metrics are waited for; none for `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settle(pub Option<Duration>);

impl Settle {
    /// The longest that `auto` is.
    const MOST: Duration = Duration::from_mins(5);
    /// The shortest.
    const LEAST: Duration = Duration::from_mins(2);

    /// The longest that it can be.
    #[must_use]
    pub fn longest(self) -> Duration {
        self.0.unwrap_or(Self::MOST)
    }

    /// The time for functions with such a timeout: Lambda stamps a point with the begin of its invocation, and sends it after its end.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html>
    #[must_use]
    pub fn of(self, timeout: Duration) -> Duration {
        self.0.unwrap_or_else(|| timeout.clamp(Self::LEAST, Self::MOST))
    }
}

impl FromStr for Settle {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self(None)),
            text => text.parse::<Span>().map(|span| Self(Some(span.0))).map_err(|error| format!("{error}, or `auto`")),
        }
    }
}

impl fmt::Display for Settle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("auto"),
            Some(span) => Span(span).fmt(f),
        }
    }
}

input_value!(name Settle, "`auto`, or a duration, e.g. `90s`", "2m");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn shares_and_sources_are_read_and_shown() {
        assert_eq!("5%".parse::<Percent>().unwrap(), Percent(0.05));
        assert_eq!("0.5%".parse::<Percent>().unwrap().to_string(), "0.5%");
        for wrong in ["5", "-1%", "101%", "1e1%", "%", ".5%", "nan%"] {
            assert!(wrong.parse::<Percent>().is_err(), "{wrong}");
        }
        let rest = "apigw:shop/v1/prd".parse::<RateSource>().unwrap();
        assert_eq!(rest, RateSource::RestApi("shop/v1".to_owned(), "prd".to_owned()));
        for wrong in ["apigw:shop", "httpapi:/x", "alb:api", "elb:x", "lambda:x", "apigw:a\nb/c"] {
            assert!(wrong.parse::<RateSource>().is_err(), "{wrong}");
        }
        assert_eq!("+20%".parse::<LatencyAbove>().unwrap().0, LatencyLimit::Above(0.2));
        assert_eq!("800ms".parse::<LatencyAbove>().unwrap().to_string(), "800ms");
        for wrong in ["p0", "p100", "95", "p", "p1e1"] {
            assert!(wrong.parse::<Percentile>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["5%", "0.125%", "0.05", "apigw:shop/prd", "alb:targetgroup/a/1", "+20%", "1m30s", "p99.9", "app-logs"]),
        ) {
            reads_plainly::<Percent>(&text);
            reads_plainly::<Alpha>(&text);
            reads_plainly::<RateSource>(&text);
            reads_plainly::<LatencyAbove>(&text);
            reads_plainly::<Percentile>(&text);
            reads_plainly::<CheckName>(&text);
        }
    }
}
