//! The load balancer in front of a service: which target group the users' rule leads to now. ECS does not look before it shifts
//! (<https://github.com/aws/containers-roadmap/issues/2853>).

use anyhow::{Context as _, Result, anyhow};
use roxmltree::{Document, Node};

use crate::aws::Aws;
use crate::aws::signed::{self, Signed};
use crate::calls::Calls;

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

/// Reads where the rule of an answer leads: the weights of `ForwardConfig`, else the one target group.
fn read(answer: &str) -> Result<RuleWeights> {
    let document = Document::parse(answer)
        .map_err(|error| anyhow!("the answer of the load balancer could not be read: {error}"))?;
    let named = |node: &Node<'_, '_>, name: &str| node.tag_name().name() == name;
    let text = |node: Node<'_, '_>, name: &str| {
        node.children().find(|child| named(child, name)).and_then(|child| child.text()).map(str::to_owned)
    };
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
        assert!(read("<R>").is_err());
        assert_eq!(read("<R/>").unwrap().serving().count(), 0);
    }
}
