//! What protects branches and environments.

use anyhow::Result;
use serde::Deserialize;

use super::client::Github;
use super::tags::{BranchName, absent_is_none, encode};
use crate::text::escape::RESERVED;

/// What protects a branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BranchProtection {
    /// Whether a branch protection rule does: what it asks for beside checks, only an administrator may read.
    pub by_rule: bool,
    /// The kinds of rules of rulesets that are in force, `pull_request`, `deletion`.
    pub rules: Vec<String>,
    /// The checks that must pass, of both.
    pub checks: Vec<String>,
}

/// What protects an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvironmentProtection {
    /// Whether somebody must approve.
    pub has_reviewers: bool,
    /// Whether it may be deployed from some branches or tags only.
    pub is_restricted: bool,
    /// Minutes that a job waits.
    pub wait_minutes: u64,
}

impl Github {
    /// What protects a branch; `None` when there is no such branch.
    /// <https://docs.github.com/en/rest/branches/branches#get-a-branch>,
    /// <https://docs.github.com/en/rest/repos/rules#get-rules-for-a-branch>
    pub async fn branch_protection(&self, branch: &BranchName) -> Result<Option<BranchProtection>> {
        #[derive(Deserialize)]
        struct Branch {
            #[serde(default)]
            protection: Classic,
        }
        #[derive(Default, Deserialize)]
        struct Classic {
            #[serde(default)]
            enabled: bool,
            #[serde(default)]
            required_status_checks: Checks,
        }
        #[derive(Default, Deserialize)]
        struct Checks {
            #[serde(default)]
            contexts: Vec<String>,
        }
        #[derive(Deserialize)]
        struct Rule {
            r#type: String,
            #[serde(default)]
            parameters: Parameters,
        }
        #[derive(Default, Deserialize)]
        struct Parameters {
            #[serde(default)]
            required_status_checks: Vec<Required>,
        }
        #[derive(Deserialize)]
        struct Required {
            context: String,
        }
        let name = encode(branch.as_str());
        let found = self.get::<Branch>(&format!("read branch {branch}"), &format!("branches/{name}")).await;
        let Some(classic) = absent_is_none(found)?.map(|branch| branch.protection) else { return Ok(None) };
        let what = format!("read the rules for branch {branch}");
        let rules: Vec<Rule> = self.list(&what, &format!("rules/branches/{name}"), |_| false).await?;
        let of_rules = rules.iter().flat_map(|rule| &rule.parameters.required_status_checks);
        let mut checks: Vec<String> = of_rules.map(|check| check.context.clone()).collect();
        checks.extend(classic.required_status_checks.contexts);
        let rules = rules.into_iter().map(|rule| rule.r#type).collect();
        Ok(Some(BranchProtection { by_rule: classic.enabled, rules, checks }))
    }

    /// What protects an environment; `None` when there is none of this name.
    /// <https://docs.github.com/en/rest/deployments/environments#get-an-environment>
    pub async fn environment_protection(&self, name: &str) -> Result<Option<EnvironmentProtection>> {
        #[derive(Deserialize)]
        struct Environment {
            #[serde(default)]
            protection_rules: Vec<Rule>,
            deployment_branch_policy: Option<serde::de::IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct Rule {
            r#type: String,
            #[serde(default)]
            wait_timer: u64,
        }
        let what = format!("read environment {name}");
        let route = format!("environments/{}", percent_encoding::utf8_percent_encode(name, RESERVED));
        let found = absent_is_none(self.get::<Environment>(&what, &route).await)?;
        Ok(found.map(|found| EnvironmentProtection {
            has_reviewers: found.protection_rules.iter().any(|rule| rule.r#type == "required_reviewers"),
            is_restricted: found.deployment_branch_policy.is_some(),
            wait_minutes: found.protection_rules.iter().map(|rule| rule.wait_timer).max().unwrap_or_default(),
        }))
    }
}
