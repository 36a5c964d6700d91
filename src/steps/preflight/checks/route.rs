//! The way of a user: from the host by the API to the function, through the alias that deployments move.
//! <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/domainnames-domainname-apimappings.html>

use anyhow::Result;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::Value;

use super::super::finding::{Finding, given_or, nothing_named};
use super::super::job::Job;
use crate::action::inputs::texts;
use crate::aws::signed::{Service, Signed};
use crate::aws::{Aws, absent_is_none};
use crate::outcome::Step;
use crate::text::escape::RESERVED;

const NEEDS: &str = "apigateway:GET";

/// Which hosts, and where they must lead.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Host names of custom domains of API Gateway.
    #[serde(default, deserialize_with = "texts")]
    hosts: Vec<String>,
    /// Ids of APIs that have no host of their own.
    #[serde(default, deserialize_with = "texts")]
    apis: Vec<String>,
    /// The functions that must be led to; without them, those of the input `function`.
    #[serde(default, deserialize_with = "texts")]
    functions: Vec<String>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    if options.hosts.is_empty() && options.apis.is_empty() {
        return Ok(nothing_named("hosts", NEEDS, "`hosts` or `apis`"));
    }
    let functions = given_or(&options.functions, &job.functions);
    let api = match job.cx.aws().await {
        Ok(aws) => Gateway::new(&aws),
        Err(error) => Err(error),
    };
    let api = match api {
        Ok(api) => api,
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, "hosts", NEEDS, error)?]),
    };
    let mut found = Vec::new();
    let mut places: Vec<(String, String)> = options.apis.iter().map(|id| (format!("API {id}"), id.clone())).collect();
    for host in &options.hosts {
        let what = format!("host {host}");
        match api.mappings(host).await {
            Ok(Some(ids)) if !ids.is_empty() => {
                found.push(Finding::ok(&what, NEEDS, format!("leads to API {}", ids.join(", "))));
                places.extend(ids.into_iter().map(|id| (what.clone(), id)));
            }
            Ok(_) => {
                let advice = "make the custom domain name in API Gateway, and map it to the API";
                found.push(Finding::fail(
                    what,
                    NEEDS,
                    "API Gateway has no such domain name, or it leads nowhere",
                    advice,
                ));
            }
            Err(error) => found.push(Finding::unanswered(job.cx, what, NEEDS, error)?),
        }
    }
    for (what, id) in places {
        match api.integrations(&id).await {
            Ok(targets) => found.extend(judge(&what, &targets, &functions, job.alias.as_str())),
            Err(error) => found.push(Finding::unanswered(job.cx, format!("{what}, API {id}"), NEEDS, error)?),
        }
    }
    Ok(found)
}

struct Gateway {
    api: Signed,
    calls: crate::calls::Calls,
}

impl Gateway {
    fn new(aws: &Aws) -> Result<Self> {
        let api = Signed::new(aws, Service { name: "apigateway", id: "API Gateway" })?;
        Ok(Self { api, calls: aws.calls().clone() })
    }

    async fn get(&self, path: &str) -> Result<Option<Value>> {
        absent_is_none(self.calls.read(NEEDS, || self.api.rest_json(NEEDS, path)).await)
    }

    /// The APIs that a host leads to; nothing where there is no such domain name.
    async fn mappings(&self, host: &str) -> Result<Option<Vec<String>>> {
        let host = utf8_percent_encode(host, RESERVED);
        let found = self.get(&format!("v2/domainnames/{host}/apimappings")).await?;
        Ok(found.map(|found| texts_of(&found, &["apiId", "ApiId"])))
    }

    /// What an API calls: of an HTTP API its integrations, of a REST API those of its methods.
    async fn integrations(&self, id: &str) -> Result<Vec<String>> {
        let id = utf8_percent_encode(id, RESERVED).to_string();
        let names = ["integrationUri", "IntegrationUri", "uri"];
        if let Some(found) = self.get(&format!("v2/apis/{id}/integrations")).await? {
            return Ok(texts_of(&found, &names));
        }
        let found = self.get(&format!("restapis/{id}/resources?embed=methods&limit=500")).await?;
        Ok(found.map(|found| texts_of(&found, &names)).unwrap_or_default())
    }
}

/// The texts under these names, anywhere within.
fn texts_of(value: &Value, names: &[&str]) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(|item| texts_of(item, names)).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, inner)| match inner {
                Value::String(text) if names.contains(&name.as_str()) => vec![text.clone()],
                other => texts_of(other, names),
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn judge(what: &str, targets: &[String], functions: &[String], alias: &str) -> Vec<Finding> {
    if functions.is_empty() {
        return vec![Finding::skip(format!("{what}, function"), NEEDS, "no function is named: give `function`")];
    }
    let each = functions.iter().map(|function| {
        let what = format!("{what}, function {function}");
        let after = |target: &String| {
            let (_, rest) = target.rsplit_once(&format!(":function:{function}"))?;
            Some(rest.split('/').next().unwrap_or_default().to_owned())
        };
        let led: Vec<String> =
            targets.iter().filter_map(after).filter(|rest| rest.is_empty() || rest.starts_with(':')).collect();
        let is_meant = |rest: &&String| rest.strip_prefix(':') == Some(alias);
        // What leads elsewhere is what there is to mend.
        let shown = led.iter().find(|rest| !is_meant(rest)).or(led.first()).map_or_else(
            || "not led to".to_owned(),
            |rest| {
                if rest.is_empty() {
                    "called without an alias: users get `$LATEST`".to_owned()
                } else {
                    format!("by {}", &rest[1..])
                }
            },
        );
        let is_good = !led.is_empty() && led.iter().all(|rest| is_meant(&rest));
        let advice = format!("let every integration call the function by its alias: an ARN that ends in `:{alias}`");
        Finding::when(is_good, what, NEEDS, shown, advice).require(format!("by {alias}"))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::finding::State::{self, Fail, Ok};
    use super::*;

    #[test]
    fn every_integration_must_lead_to_the_alias() {
        let arn = |rest: &str| format!("arn:aws:lambda:eu-west-1:111122223333:function:shop{rest}");
        let of_rest = |rest: &str| {
            format!("arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/{}/invocations", arn(rest))
        };
        let table: [(Vec<String>, State); 6] = [
            (vec![arn(":live")], Ok),
            (vec![of_rest(":live")], Ok),
            (vec![arn("")], Fail),
            (vec![of_rest("")], Fail),
            (vec![arn(":live"), arn(":old")], Fail),
            (vec![arn("-other:live")], Fail),
        ];
        for (targets, state) in table {
            let found = judge("host a", &targets, &["shop".to_owned()], "live");
            assert_eq!(found.iter().map(|one| one.state).collect::<Vec<_>>(), [state], "{targets:?}");
        }
        let methods =
            json!({"item": [{"resourceMethods": {"GET": {"methodIntegration": {"uri": "a"}}}}, {"uri": "b"}]});
        assert_eq!(texts_of(&methods, &["uri"]), ["a", "b"]);
    }
}
