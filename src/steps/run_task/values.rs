//! Values of the inputs of run-task.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::action::inputs::{Yaml, input_value, is_made_of, mapping, text_value};
use crate::ecs::{Family, Revision};

text_value!(
    /// A project of `CodeBuild`.
    name pub(super) struct ProjectName, "a project's name (not its ARN): letters, digits, `-`, `_`, at most 255", "shop-vpc-tests",
    |text| is_made_of(text, 255, |c| c.is_ascii_alphanumeric() || "-_".contains(c))
);

text_value!(
    /// What `CodeBuild` checks out.
    name pub(super) struct SourceVersion, "a commit, a branch or a tag: letters, digits and `._-+/@`, at most 255", "8f3c1b2",
    |text| is_made_of(text, 255, |c| c.is_ascii_alphanumeric() || "._-+/@".contains(c))
);

text_value!(
    /// A version of a schema.
    name pub(super) struct SchemaVersion, "a version of the schema: letters, digits and `._-`, at most 100", "000015",
    |text| is_made_of(text, 100, |c| c.is_ascii_alphanumeric() || "._-".contains(c))
);

/// Whether two versions of a schema are one: `000015` and `15` are.
pub(super) fn is_same_version(one: &str, other: &str) -> bool {
    one.trim_start_matches('0') == other.trim_start_matches('0')
}

/// Whether a version of a schema comes after another, where both are numbers.
pub(super) fn is_later_version(one: &str, other: &str) -> bool {
    one.parse::<u128>().ok().zip(other.parse::<u128>().ok()).is_some_and(|(one, other)| one > other)
}

/// A task definition: the newest ACTIVE revision of a family, or this revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TaskDefinition {
    /// Of this family.
    Family(Family),
    /// This one.
    Revision(Revision),
}

impl FromStr for TaskDefinition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_error| "must be a family, or a revision `family:n`".to_owned();
        if text.contains(':') {
            return text.parse().map(Self::Revision).map_err(wrong);
        }
        text.parse().map(Self::Family).map_err(wrong)
    }
}

impl fmt::Display for TaskDefinition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Family(family) => family.fmt(f),
            Self::Revision(revision) => revision.fmt(f),
        }
    }
}

input_value!(name TaskDefinition, "a family, whose newest revision is run, or a revision `family:n`", "shop-migrate");

/// Where a task is in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    subnets: Vec<String>,
    security_groups: Vec<String>,
    assign_public_ip: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Written {
    subnets: Vec<String>,
    #[serde(default)]
    security_groups: Vec<String>,
    #[serde(default)]
    assign_public_ip: bool,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |error| format!("must be YAML with `subnets`, `security-groups` and `assign-public-ip` ({error})");
        let value = Yaml::read(text).map_err(wrong)?.json();
        let Written { subnets, security_groups, assign_public_ip } = mapping(value).map_err(wrong)?;
        let is_id = |id: &String, begin: &str| {
            id.starts_with(begin) && is_made_of(id, 64, |c| c.is_ascii_alphanumeric() || c == '-')
        };
        if subnets.is_empty() || !subnets.iter().all(|id| is_id(id, "subnet-")) {
            return Err("must name `subnets`, a list of ids such as subnet-0a1b".to_owned());
        }
        if !security_groups.iter().all(|id| is_id(id, "sg-")) {
            return Err("must name `security-groups` by ids such as sg-0a1b".to_owned());
        }
        Ok(Self { subnets, security_groups, assign_public_ip })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subnets, security_groups, assign_public_ip } = self;
        let groups = json!(security_groups);
        write!(f, "{}", json!({"subnets": subnets, "security-groups": groups, "assign-public-ip": assign_public_ip}))
    }
}

input_value!(Network, "YAML with `subnets`, `security-groups` and `assign-public-ip`", "subnets: [subnet-0a1b]");

impl Network {
    /// As ECS takes it.
    pub(super) fn configuration(&self) -> Value {
        let public = if self.assign_public_ip { "ENABLED" } else { "DISABLED" };
        json!({"awsvpcConfiguration": {
            "subnets": self.subnets, "securityGroups": self.security_groups, "assignPublicIp": public,
        }})
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads, reads_plainly};

    #[test]
    fn versions_are_compared_as_numbers_where_they_are_some() {
        assert!(is_same_version("000015", "15") && !is_same_version("15", "150"));
        assert!(is_later_version("20240102000000", "15") && is_later_version("16", "000015"));
        assert!(!is_later_version("1.10", "1.9"), "what is no number has no order");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["shop:4", "shop", "subnets: [subnet-1]", "015"])) {
            reads_plainly::<ProjectName>(&text);
            reads_plainly::<SourceVersion>(&text);
            reads_plainly::<SchemaVersion>(&text);
            reads_plainly::<TaskDefinition>(&text);
            reads::<Network>(&text);
        }
    }
}
