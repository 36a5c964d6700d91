//! Secrets of Secrets Manager: each has a current version, and is not about to be deleted. No value is read.

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::finding::{Finding, nothing_named};
use super::super::job::Job;
use crate::action::inputs::texts;
use crate::aws::Aws;
use crate::aws::signed::{Service, Signed};
use crate::outcome::Step;

const NEEDS: &str = "secretsmanager:DescribeSecret";

/// Which secrets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Their names, or ARNs.
    #[serde(default, deserialize_with = "texts")]
    names: Vec<String>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    if options.names.is_empty() {
        return Ok(nothing_named("secrets", NEEDS, "`names`"));
    }
    let mut found = Vec::new();
    for name in &options.names {
        let what = format!("secret {}", name.rsplit(":secret:").next().unwrap_or(name));
        let read = match job.cx.aws().await {
            Ok(aws) => describe(&aws, name).await,
            Err(error) => Err(error),
        };
        found.push(match read {
            Ok(secret) => judge(&what, &secret),
            Err(error) => Finding::unanswered(job.cx, what, NEEDS, error)?,
        });
    }
    Ok(found)
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>
async fn describe(aws: &Aws, name: &str) -> Result<Value> {
    let api = Signed::new(aws, Service { name: "secretsmanager", id: "Secrets Manager" })?;
    let body = json!({"SecretId": name});
    aws.calls().read(NEEDS, || api.json(NEEDS, "secretsmanager.DescribeSecret", &body)).await
}

fn judge(what: &str, secret: &Value) -> Finding {
    let stages = secret["VersionIdsToStages"].as_object().into_iter().flat_map(|versions| versions.values());
    let is_current =
        stages.flat_map(|stages| stages.as_array().into_iter().flatten()).any(|stage| stage == "AWSCURRENT");
    let (is_good, shown) = match (secret["DeletedDate"].is_null(), is_current) {
        (false, _) => (false, "about to be deleted: it cannot be read"),
        (true, false) => (false, "has no current version"),
        (true, true) => (true, "has a current version"),
    };
    Finding::when(
        is_good,
        what,
        NEEDS,
        shown,
        "restore it (`aws secretsmanager restore-secret`), or put a value into it",
    )
    .require("a current version")
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State::{Fail, Ok};
    use super::*;

    #[test]
    fn a_secret_must_have_a_current_version_and_stay() {
        let current = json!({"a": ["AWSPREVIOUS"], "b": ["AWSCURRENT"]});
        for (secret, state) in [
            (json!({"VersionIdsToStages": current}), Ok),
            (json!({"VersionIdsToStages": {"a": ["AWSPREVIOUS"]}}), Fail),
            (json!({}), Fail),
            (json!({"VersionIdsToStages": current, "DeletedDate": 1.5}), Fail),
        ] {
            assert_eq!(judge("secret a", &secret).state, state, "{secret}");
        }
    }
}
