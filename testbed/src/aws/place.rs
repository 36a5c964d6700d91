//! Places as records name them.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Account;

impl Account {
    /// A target of a record: a function behind an alias, or without one (`$LATEST`), and what else is said of it.
    #[must_use]
    pub fn target(&self, function: &str, alias: &str, more: &Value) -> Value {
        target((&self.id, self.region()), function, alias, more)
    }
}

impl Account {
    /// A target of a record that speaks of a service of the cluster `main`.
    #[must_use]
    pub fn service_target(&self, service: &str, more: &Value) -> Value {
        let mut target = json!({
            "kind": "ecs-service", "cluster": "main", "service": service, "region": self.region(), "account": account_hash(&self.id),
        });
        if let Some(fields) = target.as_object_mut() {
            fields.extend(more.as_object().cloned().unwrap_or_default());
        }
        target
    }
}

impl Account {
    /// A target of a record that speaks of a family without a service.
    #[must_use]
    pub fn family_target(&self, family: &str, more: &Value) -> Value {
        let mut target =
            json!({"kind": "ecs-task", "family": family, "region": self.region(), "account": account_hash(&self.id)});
        if let Some(fields) = target.as_object_mut() {
            fields.extend(more.as_object().cloned().unwrap_or_default());
        }
        target
    }
}

/// The same in any account and region.
#[must_use]
pub fn target((account, region): (&str, &str), function: &str, alias: &str, more: &Value) -> Value {
    let mut target = json!({
        "kind": "lambda-alias", "function": function, "alias": alias, "region": region, "account": account_hash(account),
    });
    if let Some(fields) = target.as_object_mut() {
        if alias == "$LATEST" {
            fields.remove("alias");
            fields.insert("kind".to_owned(), json!("lambda-latest"));
        }
        fields.extend(more.as_object().cloned().unwrap_or_default());
    }
    target
}

/// What records tell accounts apart by.
#[must_use]
pub fn account_hash(account: &str) -> String {
    let hash = Sha256::digest(format!("deploy-action:{account}"));
    format!("{hash:x}")[..12].to_owned()
}
