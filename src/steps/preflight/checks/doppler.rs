//! Doppler: the secrets that are injected at build time and at runtime are there. Only names are read.
//! <https://docs.doppler.com/reference/secrets-names>

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use thiserror::Error;

use super::super::finding::{Finding, nothing_named};
use super::super::job::{Doppler, Job};
use crate::action::inputs::texts;
use crate::calls::{Again, ServiceError};
use crate::net::{self, failure};
use crate::outcome::Step;

const NEEDS: &str = "a token of Doppler that reads the config";
const API: &str = "https://api.doppler.com";
/// A request may take this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What must be there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Names of secrets; without them, any.
    #[serde(default, deserialize_with = "texts")]
    secrets: Vec<String>,
}

/// What Doppler answers when it gives no names. Its words are not repeated.
#[derive(Clone, Debug, Error)]
#[error("Doppler {0}")]
struct Refused(String, Again);

impl ServiceError for Refused {
    fn again(&self) -> Again {
        self.1
    }
}

#[derive(Deserialize)]
struct Names {
    names: Vec<String>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let Some(doppler) = &job.doppler else {
        return Ok(nothing_named("names of secrets", NEEDS, "the input `doppler-token`"));
    };
    match names(job, doppler).await {
        Ok(names) => Ok(judge(&names, &options.secrets)),
        Err(error) => {
            let words = error.downcast_ref::<Refused>().map(|refused| refused.0.clone()).unwrap_or_default();
            let is_no = ["answered 401", "answered 403", "answered 404"].iter().any(|no| words.starts_with(no));
            let mut found = Finding::unanswered(job.cx, "names of secrets", NEEDS, error)?;
            if is_no {
                // Doppler itself has answered: a deployment that fetches its secrets would fail the same way.
                found.state = super::super::finding::State::Fail;
                found.advice = vec![
                    "give `doppler-token` one that may read the config, and `doppler-project` with `doppler-config` where it is no service token"
                        .to_owned(),
                ];
            }
            Ok(vec![found])
        }
    }
}

async fn names(job: &Job<'_>, doppler: &Doppler<'_>) -> Result<Vec<String>> {
    let base = job.cx.runner.doppler_api_host.as_deref().unwrap_or(API).trim_end_matches('/');
    let mut url =
        url::Url::parse(&format!("{base}/v3/configs/config/secrets/names")).context("read DOPPLER_API_HOST")?;
    if let Some((project, config)) = doppler.config {
        url.query_pairs_mut().append_pair("project", project).append_pair("config", config);
    }
    let http = net::client()?.timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
    let asked = async || {
        let broken = |error: &reqwest::Error| {
            let fault = failure::of_request(error, url.scheme() == "https");
            Refused(format!("gave no usable answer: {}", fault.problem), Again::Broken)
        };
        let sent =
            http.get(url.clone()).bearer_auth(doppler.token.expose()).send().await.map_err(|error| broken(&error))?;
        match sent.status().as_u16() {
            200 => {}
            429 => return Err(Refused("answered 429: too many requests".to_owned(), Again::TurnedAway(None))),
            status @ 500.. => return Err(Refused(format!("answered {status}"), Again::Broken)),
            status => return Err(Refused(format!("answered {status}: the token may not read this config"), Again::No)),
        }
        let text = sent.bytes().await.map_err(|error| broken(&error))?;
        let read = serde_json::from_slice::<Names>(&text);
        read.map_err(|_holds_values| Refused("gave no list of names".to_owned(), Again::No))
    };
    Ok(job.cx.calls.read("list the names of secrets in Doppler", asked).await?.names)
}

fn judge(names: &[String], wanted: &[String]) -> Vec<Finding> {
    let what = |name: &str| format!("secret {name}");
    if wanted.is_empty() {
        let advice = "put the secrets into the config, or correct `doppler-config`";
        let shown = format!("{} secrets", names.len());
        return vec![Finding::when(!names.is_empty(), "secrets of the config", NEEDS, shown, advice)];
    }
    let each = wanted.iter().map(|name| {
        let is_there = names.contains(name);
        let shown = if is_there { "set" } else { "not set" };
        let advice = format!("set it: `doppler secrets set {name}`");
        Finding::when(is_there, what(name), NEEDS, shown, advice).require("set")
    });
    each.collect()
}
