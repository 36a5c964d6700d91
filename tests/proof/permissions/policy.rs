//! The policies as the documentation prints them, for the names of a stage.

use deploy_action::permissions::When;
use deploy_action::steps::{self, Definition};
use serde_json::{Value, json};

use super::variants::Variant;

/// The documentation.
pub(super) const PAGE: &str = include_str!("../../../docs/permissions.md");

/// A policy of the page, narrowed to what one run asks for.
#[derive(Clone, Debug)]
pub(super) struct Policy(Vec<Statement>);

#[derive(Clone, Debug)]
struct Statement {
    sid: String,
    actions: Vec<String>,
    resources: Vec<String>,
    /// On what else it depends.
    condition: Value,
}

/// An action of a policy, by the statement that allows it.
#[derive(Clone, Debug)]
pub(super) struct Action {
    /// The name of the statement.
    pub(super) sid: String,
    /// As IAM names it.
    pub(super) name: String,
    /// Whether the step does its work without.
    pub(super) optional: bool,
    resources: Vec<String>,
}

pub(super) fn definition(step: &str) -> Definition {
    steps::all().into_iter().find(|known| known.name == step).unwrap()
}

impl Policy {
    /// The policy of a step, with the statements whose condition holds in this run.
    pub(super) fn of(variant: &Variant, account: &str) -> Self {
        let section = PAGE.split_once(&format!("#### {}\n\n```json\n", variant.step()));
        let Some((_, rest)) = section else { return Self(Vec::new()) };
        let text = variant.names.iter().fold(rest.split("```").next().unwrap().to_owned(), |text, (from, to)| {
            text.replace(&format!("{from}\""), &format!("{to}\"")).replace(&format!("{from}:"), &format!("{to}:"))
        });
        let text = text
            .replace("111122223333", account)
            .replace("shop-releases", &format!("shop-{account}"))
            .replace("arn:aws:s3:::shop-site-prd", &format!("arn:aws:s3:::shop-site-{account}"));
        let policy: Value = serde_json::from_str(&text).unwrap();
        let sids: Vec<String> = definition(variant.step())
            .permissions
            .aws
            .iter()
            .filter(|one| one.when == When::Always || variant.when.contains(&one.when))
            .map(deploy_action::permissions::AwsPermission::sid)
            .collect();
        let strings = |value: &Value| match value {
            Value::Array(all) => all.iter().map(|one| one.as_str().unwrap().to_owned()).collect(),
            one => vec![one.as_str().unwrap().to_owned()],
        };
        let statements = policy["Statement"].as_array().unwrap().iter().map(|one| Statement {
            sid: one["Sid"].as_str().unwrap().to_owned(),
            actions: strings(&one["Action"]),
            resources: strings(&one["Resource"]),
            condition: one["Condition"].clone(),
        });
        Self(statements.filter(|one| sids.contains(&one.sid)).collect())
    }

    /// Every action, once for each resource. One that is needed is not optional beside that.
    pub(super) fn actions(&self) -> Vec<Action> {
        let mut found: Vec<Action> = Vec::new();
        for statement in &self.0 {
            for name in &statement.actions {
                found.push(Action {
                    sid: statement.sid.clone(),
                    name: name.clone(),
                    optional: statement.sid.starts_with("Optional"),
                    resources: statement.resources.clone(),
                });
            }
        }
        let all = found.clone();
        let needed = |one: &Action| all.iter().any(|other| !other.optional && other.is_as(one));
        found.retain(|one| !one.optional || !needed(one));
        found
    }

    /// The same without one action on its resource, whichever statement allows it.
    pub(super) fn without(&self, action: &Action) -> Self {
        let mut left = self.clone();
        for statement in &mut left.0 {
            if statement.sid == action.sid || statement.resources == action.resources {
                statement.actions.retain(|name| *name != action.name);
            }
        }
        left.0.retain(|statement| !statement.actions.is_empty());
        left
    }

    /// As IAM takes it. One that allows nothing must have a statement all the same.
    pub(super) fn json(&self) -> Value {
        let mut statements: Vec<Value> = self
            .0
            .iter()
            .map(|one| {
                let mut made =
                    json!({"Sid": one.sid, "Effect": "Allow", "Action": one.actions, "Resource": one.resources});
                if one.condition.is_object() {
                    made["Condition"] = one.condition.clone();
                }
                made
            })
            .collect();
        if statements.is_empty() {
            statements.push(json!({"Effect": "Deny", "Action": "*", "Resource": "*"}));
        }
        json!({"Version": "2012-10-17", "Statement": statements})
    }
}

impl Action {
    fn is_as(&self, other: &Self) -> bool {
        self.name == other.name && self.resources == other.resources
    }

    /// For people: with what it is allowed on, where the same action is on several.
    pub(super) fn shown(&self) -> String {
        format!("`{}` ({})", self.name, self.sid)
    }
}
