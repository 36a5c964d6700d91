//! The inputs of preflight.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::checks::{CHECKS, Check, Options, names};
use super::job::{Doppler, Job};
use crate::action::inputs::{Inputs, Lines, Problems, Text, Yaml, input_value, mapping};
use crate::context::Context;
use crate::ecs::{ClusterName, ServiceName};
use crate::lambda::{AliasName, FunctionName};
use crate::text::secrets::Secret;

/// Its inputs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Preflight {
    /// What is checked, YAML: a list of names, or a mapping from each name to what it takes. Without it, what the other inputs make possible.
    pub(super) checks: Option<Checks>,
    /// The functions, one a line.
    pub(super) function: Option<Lines<FunctionName>>,
    /// The alias users call.
    #[serde(default = "AliasName::live")]
    pub(super) alias: AliasName,
    /// The cluster of `service`.
    pub(super) cluster: Option<ClusterName>,
    /// The service.
    pub(super) service: Option<ServiceName>,
    /// Names of alarms, one a line.
    pub(super) alarms: Option<Lines<Text>>,
    /// The token of Doppler. Only names are read by it.
    pub(super) doppler_token: Option<Secret>,
    /// The project in Doppler; a service token knows its own.
    pub(super) doppler_project: Option<Text>,
    /// The config of that project, e.g. `prd`.
    pub(super) doppler_config: Option<Text>,
}

impl Inputs for Preflight {
    fn check(&self, problems: &mut Problems) {
        problems.add_if(
            self.cluster.is_some() != self.service.is_some(),
            "give the inputs `cluster` and `service` together, or neither",
        );
        let names_doppler = self.doppler_project.is_some() || self.doppler_config.is_some();
        problems.add_if(
            names_doppler && self.doppler_token.is_none(),
            "input `doppler-project` or `doppler-config` goes with `doppler-token`",
        );
        problems.add_if(
            self.doppler_project.is_some() != self.doppler_config.is_some(),
            "give the inputs `doppler-project` and `doppler-config` together, or neither",
        );
    }
}

impl Preflight {
    /// What all checks share.
    pub(super) fn job<'a>(&'a self, cx: &'a Context) -> Job<'a> {
        let config = self.doppler_project.as_ref().zip(self.doppler_config.as_ref());
        let config = config.map(|(project, config)| (project.0.as_str(), config.0.as_str()));
        Job {
            cx,
            functions: self.function.iter().flatten().cloned().collect(),
            alias: self.alias.clone(),
            service: self.cluster.clone().zip(self.service.clone()),
            alarms: self.alarms.iter().flatten().map(|alarm| alarm.0.clone()).collect(),
            doppler: self.doppler_token.as_ref().map(|token| Doppler { token, config }),
            workflow: OnceCell::new(),
        }
    }

    /// The checks that were asked for, else those that the other inputs make possible; and what they take.
    pub(super) fn chosen(&self, job: &Job<'_>) -> (Vec<&'static Check>, Options) {
        let is_chosen = |check: &&Check| match &self.checks {
            Some(checks) => checks.0.contains_key(check.name),
            None => (check.is_possible)(job),
        };
        let options = self.checks.as_ref().map(|checks| mapping(Value::Object(checks.0.clone())).unwrap_or_default());
        (CHECKS.iter().filter(is_chosen).collect(), options.unwrap_or_default())
    }
}

/// What is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checks(Map<String, Value>);

impl FromStr for Checks {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("must be YAML: a list of checks, or a mapping from checks to what they take; known are {}", names())
        };
        let read = Yaml::read(text).map_err(|error| format!("must be YAML ({error})"))?;
        let empty = || Value::Object(Map::new());
        let checks: Map<String, Value> = match read.texts() {
            Value::String(name) => [(name, empty())].into_iter().collect(),
            Value::Array(list) => {
                let name = |value: Value| if let Value::String(name) = value { Some((name, empty())) } else { None };
                list.into_iter().map(name).collect::<Option<_>>().ok_or_else(wrong)?
            }
            Value::Object(mapping) => {
                // A check without anything behind it takes nothing.
                mapping.into_iter().map(|(name, value)| (name, if value.is_null() { empty() } else { value })).collect()
            }
            _ => return Err(wrong()),
        };
        if checks.is_empty() {
            return Err(wrong());
        }
        let known = mapping::<Options>(Value::Object(checks.clone()));
        known.map_err(|error| format!("must be YAML of checks that are known, with what they take: {error}"))?;
        Ok(Self(checks))
    }
}

impl fmt::Display for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Value::Object(self.0.clone()))
    }
}

input_value!(Checks, "YAML: checks, and what they take", "{workflow: {}, alarms: {names: [shop-errors]}}");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn checks_are_a_list_or_a_mapping_and_a_misspelt_one_is_named() {
        for text in ["workflow", "[workflow, role]", "workflow:\nrole: {actions: 's3:GetObject'}", "- alarms"] {
            assert!(text.parse::<Checks>().is_ok(), "{text}");
        }
        let table = [
            ("[alarm]", "`alarm` is not known (did you mean `alarms`?)"),
            ("{role: {action: [a]}}", "`action` is not known (did you mean `actions`?)"),
            ("{ecr: {scan: [a]}}", "`ecr.scan` must be"),
            ("[]", "must be YAML: a list of checks"),
            ("[[a]]", "must be YAML: a list of checks"),
            ("{a: [", "must be YAML ("),
        ];
        for (text, said) in table {
            let error = text.parse::<Checks>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_list_is_read_or_refused(text in like(&["[workflow]", "{alarms: {names: [a]}, rds: {instances: x}}"])) {
            reads_plainly::<Checks>(&text);
        }
    }
}
