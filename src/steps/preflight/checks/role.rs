//! The role: it can be assumed, and its policies allow what the deployment calls.

use anyhow::{Context as _, Result, anyhow};
use roxmltree::Document;
use serde::Deserialize;

use super::super::finding::Finding;
use super::super::job::Job;
use crate::action::inputs::{RoleArn, texts};
use crate::aws::Aws;
use crate::aws::signed::{Service, Signed};
use crate::outcome::Step;

const NEEDS: &str = "iam:SimulatePrincipalPolicy";
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html>
const VERSION: &str = "2010-05-08";

/// What it must be allowed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::steps::preflight) struct Options {
    /// Actions of IAM, `lambda:UpdateAlias`.
    #[serde(default, deserialize_with = "texts")]
    actions: Vec<String>,
    /// ARNs of what they are allowed on; without them, `*`.
    #[serde(default, deserialize_with = "texts")]
    on: Vec<String>,
    /// The role; without it, the last one of `role-to-assume`.
    #[serde(default, deserialize_with = "crate::action::inputs::parse")]
    arn: Option<RoleArn>,
}

pub(super) async fn ask(job: &Job<'_>, options: &Options) -> Step<Vec<Finding>> {
    let aws = match job.cx.aws().await {
        Ok(aws) => aws,
        Err(error) => {
            let mut found = Finding::unanswered(job.cx, "credentials", "sts:AssumeRole", error)?;
            // Nothing could be deployed: that is no reason to pass it over.
            found.state = super::super::finding::State::Fail;
            return Ok(vec![found]);
        }
    };
    let who = "credentials";
    let mut found = vec![match aws.account().await {
        Ok(_) => Finding::ok(who, "sts:GetCallerIdentity", "AWS takes them"),
        Err(error) => return Ok(vec![Finding::unanswered(job.cx, who, "sts:GetCallerIdentity", error)?]),
    }];
    let last = job.cx.common.role_to_assume.as_ref().and_then(|roles| roles.iter().last());
    let role = options.arn.as_ref().or(last);
    if options.actions.is_empty() {
        return Ok(found);
    }
    let Some(role) = role else {
        found.push(Finding::skip("allowed actions", NEEDS, "whose is not known: give `arn`, or `role-to-assume`"));
        return Ok(found);
    };
    match simulate(&aws, &role.to_string(), &options.actions, &options.on).await {
        Ok(decisions) => found.extend(judge(&decisions, "the role")),
        Err(error) => found.push(Finding::unanswered(job.cx, "allowed actions", NEEDS, error)?),
    }
    Ok(found)
}

/// What IAM's simulator says of an action.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    action: String,
    resource: String,
    /// `allowed`, `explicitDeny` or `implicitDeny`.
    word: String,
}

/// Asks which of these actions a role may call. Policies of resources are not looked at.
pub(super) async fn simulate(aws: &Aws, role: &str, actions: &[String], on: &[String]) -> Result<Vec<Decision>> {
    let region = aws.region();
    let (host, region) = match region {
        china if china.starts_with("cn-") => ("iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        gov if gov.starts_with("us-gov-") => ("iam.us-gov.amazonaws.com", "us-gov-west-1"),
        _ => ("iam.amazonaws.com", "us-east-1"),
    };
    let api = Signed::global(aws, Service { name: "iam", id: "IAM" }, host, region)?;
    let mut form = vec![
        ("Action".to_owned(), "SimulatePrincipalPolicy".to_owned()),
        ("Version".to_owned(), VERSION.to_owned()),
        ("PolicySourceArn".to_owned(), role.to_owned()),
        ("MaxItems".to_owned(), "1000".to_owned()),
    ];
    let members = |name: &'static str, all: &[String]| {
        let numbered: Vec<(String, String)> =
            (1..).zip(all).map(|(n, one): (usize, &String)| (format!("{name}.member.{n}"), one.clone())).collect();
        numbered
    };
    form.extend(members("ActionNames", actions));
    form.extend(members("ResourceArns", on));
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = aws.calls().read(NEEDS, || api.query(NEEDS, &form)).await;
    read(&answer.context("ask IAM what the role may do")?)
}

fn read(answer: &str) -> Result<Vec<Decision>> {
    let document = Document::parse(answer).map_err(|error| anyhow!("the answer of IAM could not be read: {error}"))?;
    let members = document.descendants().filter(|node| node.tag_name().name() == "EvalDecision");
    let decisions: Vec<Decision> = members
        .filter_map(|node| {
            let text = |name: &str| {
                let one = node.parent()?.children().find(|child| child.tag_name().name() == name)?;
                one.text().map(str::to_owned)
            };
            Some(Decision {
                action: text("EvalActionName")?,
                resource: text("EvalResourceName").unwrap_or_else(|| "*".to_owned()),
                word: node.text()?.to_owned(),
            })
        })
        .collect();
    anyhow::ensure!(!decisions.is_empty(), "the answer of IAM holds no decision");
    let mut nodes = document.descendants();
    let is_cut = nodes.any(|node| node.tag_name().name() == "IsTruncated" && node.text() == Some("true"));
    anyhow::ensure!(!is_cut, "IAM gave only a part of its decisions: ask for fewer actions or ARNs");
    Ok(decisions)
}

pub(super) fn judge(decisions: &[Decision], who: &str) -> Vec<Finding> {
    let each = decisions.iter().map(|one| {
        // The resource's own name, without region and account.
        let resource = one.resource.splitn(6, ':').last().unwrap_or_default();
        let what = format!("{} on {resource}", one.action);
        let advice = format!("allow {} on {resource} to {who}: docs/permissions.md has whole policies", one.action);
        Finding::when(one.word == "allowed", what, NEEDS, one.word.clone(), advice).require("allowed")
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::State;
    use super::*;

    #[test]
    fn an_action_is_allowed_only_where_iam_says_so() {
        let answer = "<R><EvaluationResults>\
            <member><EvalActionName>lambda:UpdateAlias</EvalActionName><EvalResourceName>arn:aws:lambda:eu-west-1:111122223333:function:a\
            </EvalResourceName><EvalDecision>allowed</EvalDecision></member>\
            <member><EvalActionName>ecr:PutImage</EvalActionName><EvalDecision>implicitDeny</EvalDecision></member>\
            <member><EvalActionName>s3:PutObject</EvalActionName><EvalDecision>somethingNew</EvalDecision></member></EvaluationResults></R>";
        let found = judge(&read(answer).unwrap(), "the role");
        let states: Vec<State> = found.iter().map(|one| one.state).collect();
        assert_eq!(states, [State::Ok, State::Fail, State::Fail]);
        assert_eq!(found[0].what, "lambda:UpdateAlias on function:a");
        assert!(read("<R/>").is_err() && read("<R").is_err());
    }
}
