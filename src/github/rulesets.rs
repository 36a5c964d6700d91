//! Rulesets: what may be done to tags.

use anyhow::Result;
use serde::Deserialize;

use super::client::Github;

/// A ruleset for tags that is enforced.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct Ruleset {
    /// Its name.
    pub name: String,
    #[serde(default)]
    conditions: Option<Conditions>,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
struct Conditions {
    #[serde(default)]
    ref_name: Names,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
struct Names {
    #[serde(default)]
    include: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Rule {
    r#type: String,
}

impl Ruleset {
    /// The patterns of references that it holds for, and those of which it does not, `refs/tags/v*` or `~ALL`.
    #[must_use]
    pub fn patterns(&self) -> (&[String], &[String]) {
        self.conditions.as_ref().map_or((&[], &[]), |all| (&all.ref_name.include, &all.ref_name.exclude))
    }

    /// Whether it holds a rule of this kind, `update` or `deletion`.
    #[must_use]
    pub fn forbids(&self, what: &str) -> bool {
        self.rules.iter().any(|rule| rule.r#type == what)
    }
}

impl Github {
    /// The rulesets for tags that are enforced, those of the organization too. Every token may read them.
    /// <https://docs.github.com/en/rest/repos/rules#get-all-repository-rulesets>
    pub async fn tag_rulesets(&self) -> Result<Vec<Ruleset>> {
        #[derive(Deserialize)]
        struct Listed {
            id: u64,
            #[serde(default)]
            target: Option<String>,
            enforcement: String,
        }
        let what = "list the rulesets for tags";
        let all: Vec<Listed> = self.list(what, "rulesets?targets=tag", |_| false).await?;
        let enforced = all.iter().filter(|one| one.enforcement == "active" && one.target.as_deref() == Some("tag"));
        let mut rulesets = Vec::new();
        for one in enforced {
            let what = format!("read ruleset {}", one.id);
            rulesets.push(self.get(&what, &format!("rulesets/{}", one.id)).await?);
        }
        Ok(rulesets)
    }
}
