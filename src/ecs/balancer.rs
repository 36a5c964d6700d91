//! The load balancer in front of a service: which target group the users' rule leads to now, and how its targets are. ECS does not look
//! before it shifts (<https://github.com/aws/containers-roadmap/issues/2853>).

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use roxmltree::{Document, Node};

use crate::aws::Aws;
use crate::aws::signed::{self, Signed};
use crate::calls::Calls;
use crate::text::{Foreign, LONGEST};

/// The version of the API.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeRules.html>
const VERSION: &str = "2015-12-01";

/// The client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Balancers {
    api: Signed,
    calls: Calls,
}

/// What share of the users a rule leads to which target group: ARN and weight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleWeights(Vec<(String, u64)>);

impl RuleWeights {
    /// The target groups that get users.
    pub fn serving(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, weight)| *weight > 0).map(|(group, _)| group.as_str())
    }
}

impl Balancers {
    /// The client of this connection.
    ///
    /// # Errors
    /// HTTP cannot be set up.
    pub fn new(aws: &Aws) -> Result<Self> {
        let service = signed::Service { name: "elasticloadbalancing", id: "Elastic Load Balancing v2" };
        Ok(Self { api: Signed::new(aws, service)?, calls: aws.calls().clone() })
    }

    /// The load balancer of each target group, as metrics name them: `targetgroup/web/1`, `app/web/2`. A group that no load balancer
    /// leads to is left out.
    ///
    /// # Errors
    /// A group does not exist or cannot be read.
    pub async fn of_groups(&self, groups: &[&str]) -> Result<Vec<(String, String)>> {
        let members: Vec<String> =
            (1..=groups.len()).map(|number| format!("TargetGroupArns.member.{number}")).collect();
        let mut form = vec![("Action", "DescribeTargetGroups"), ("Version", VERSION)];
        form.extend(members.iter().map(String::as_str).zip(groups.iter().copied()));
        let action = "elasticloadbalancing:DescribeTargetGroups";
        let answer = self.calls.read(action, || self.api.query(action, &form)).await;
        read_groups(&answer.context("read the target groups of the service")?)
    }

    /// How the targets of a group are, one line each kind: `2 unhealthy (Target.ResponseCodeMismatch)`.
    ///
    /// # Errors
    /// The group does not exist or cannot be read.
    pub async fn health(&self, group: &str) -> Result<Vec<String>> {
        let form = [("Action", "DescribeTargetHealth"), ("Version", VERSION), ("TargetGroupArn", group)];
        let action = "elasticloadbalancing:DescribeTargetHealth";
        let answer = self.calls.read(action, || self.api.query(action, &form)).await;
        read_health(&answer.context("read the health of the targets")?)
    }

    /// Where a rule leads.
    ///
    /// # Errors
    /// The rule does not exist or cannot be read.
    pub async fn weights(&self, rule: &str) -> Result<RuleWeights> {
        let form = [("Action", "DescribeRules"), ("Version", VERSION), ("RuleArns.member.1", rule)];
        let action = "elasticloadbalancing:DescribeRules";
        let answer = self.calls.read(action, || self.api.query(action, &form)).await;
        let answer = answer.context("read the rule of the load balancer")?;
        read(&answer)
    }
}

fn parse(answer: &str) -> Result<Document<'_>> {
    Document::parse(answer).map_err(|error| anyhow!("the answer of the load balancer could not be read: {error}"))
}

fn named(node: &Node<'_, '_>, name: &str) -> bool {
    node.tag_name().name() == name
}

fn text(node: Node<'_, '_>, name: &str) -> Option<String> {
    node.children().find(|child| named(child, name)).and_then(|child| child.text()).map(str::to_owned)
}

/// What stands after the account in an ARN of a load balancer or a target group.
fn end_of(arn: &str) -> &str {
    let end = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    end.strip_prefix("loadbalancer/").unwrap_or(end)
}

/// Reads the target groups of an answer with their load balancers.
fn read_groups(answer: &str) -> Result<Vec<(String, String)>> {
    let document = parse(answer)?;
    let groups = document.descendants().filter(|node| node.children().any(|child| named(&child, "TargetGroupArn")));
    let found = groups.filter_map(|group| {
        let list = group.children().find(|child| named(child, "LoadBalancerArns"))?;
        let balancer = list.children().find_map(|member| member.text().filter(|text| text.starts_with("arn:")))?;
        Some((end_of(&text(group, "TargetGroupArn")?).to_owned(), end_of(balancer).to_owned()))
    });
    Ok(found.collect())
}

/// Counts the targets of an answer by their state.
fn read_health(answer: &str) -> Result<Vec<String>> {
    let document = parse(answer)?;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for health in document.descendants().filter(|node| named(node, "TargetHealth")) {
        let Some(state) = text(health, "State") else { continue };
        let shown = |text: String| Foreign::new(text).for_message(LONGEST);
        let reason = text(health, "Reason").map(|reason| format!(" ({})", shown(reason))).unwrap_or_default();
        *counts.entry(format!("{}{reason}", shown(state))).or_default() += 1;
    }
    Ok(counts.into_iter().map(|(state, count)| format!("{count} {state}")).collect())
}

/// Reads where the rule of an answer leads: the weights of `ForwardConfig`, else the one target group.
fn read(answer: &str) -> Result<RuleWeights> {
    let document = parse(answer)?;
    let tuples = document.descendants().filter(|node| named(node, "TargetGroups")).flat_map(|list| list.children());
    let weights: Vec<(String, u64)> = tuples
        .filter_map(|tuple| {
            let weight = text(tuple, "Weight").and_then(|weight| weight.parse().ok()).unwrap_or(1);
            Some((text(tuple, "TargetGroupArn")?, weight))
        })
        .collect();
    if !weights.is_empty() {
        return Ok(RuleWeights(weights));
    }
    let single = document.descendants().find(|node| named(node, "TargetGroupArn")).and_then(|node| node.text());
    Ok(RuleWeights(single.map(|group| (group.to_owned(), 1)).into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_leads_to_the_groups_that_have_a_weight() {
        let answer = r#"<DescribeRulesResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><DescribeRulesResult><Rules>
            <member><Actions><member><Type>forward</Type><ForwardConfig><TargetGroups>
            <member><TargetGroupArn>blue</TargetGroupArn><Weight>100</Weight></member>
            <member><TargetGroupArn>green</TargetGroupArn><Weight>0</Weight></member>
            </TargetGroups></ForwardConfig></member></Actions></member></Rules></DescribeRulesResult></DescribeRulesResponse>"#;
        assert_eq!(read(answer).unwrap().serving().collect::<Vec<_>>(), ["blue"]);
        let single = "<R><Actions><member><TargetGroupArn>only</TargetGroupArn></member></Actions></R>";
        assert_eq!(read(single).unwrap().serving().collect::<Vec<_>>(), ["only"]);
        let groups = "<R><TargetGroups><member><TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/web/1</TargetGroupArn>\
            <LoadBalancerArns><member>arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/2</member></LoadBalancerArns></member></TargetGroups></R>";
        assert_eq!(read_groups(groups).unwrap(), [("targetgroup/web/1".to_owned(), "app/web/2".to_owned())]);
        let health = "<R><m><TargetHealth><State>healthy</State></TargetHealth></m><m><TargetHealth><State>unhealthy</State>\
            <Reason>Target.Timeout</Reason></TargetHealth></m></R>";
        assert_eq!(read_health(health).unwrap(), ["1 healthy", "1 unhealthy (Target.Timeout)"]);
        assert!(read("<R>").is_err());
        assert_eq!(read("<R/>").unwrap().serving().count(), 0);
    }
}
