//! The other jobs of the run: what was deployed here was deployed by the same run to another region and to another account,
//! where a function of the same name was at other versions. Nothing that happens here may concern them.

use futures_util::future::join_all;
use serde_json::{Value, json};
use testbed::aws::sample::{GOOD, sample_zip};
use testbed::aws::{Account, FunctionSpec, LocalAws, Settings, account_hash};
use testbed::github::Deployment;

use super::Stage;
use super::stage::FUNCTION;

impl Stage {
    /// Puts the newest record, with its states, into the places of two other jobs. A world without a record has no others.
    pub(super) async fn add_siblings(&mut self) {
        let Some(record) = self.repository.deployments().into_iter().max_by_key(|record| record.id) else { return };
        let places = [self.aws.in_region("us-east-1"), LocalAws::shared().account()];
        let made = join_all(places.iter().map(|place| self.add_function(place))).await;
        for (place, code) in places.into_iter().zip(made) {
            self.name(&code, "code of the siblings");
            let targets: Vec<Value> = record.payload["targets"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|here| elsewhere(here, &place))
                .collect();
            let mut sibling = Deployment { id: 0, statuses: Vec::new(), ..record.clone() };
            sibling.payload["targets"] = json!(targets);
            let id = self.repository.add_deployment(sibling);
            for state in record.states() {
                self.repository.add_status(id, state, "da1 swap-alias pass by hand");
            }
            self.name(&account_hash(&place.id), &format!("account of job {}", self.siblings.len() + 2));
            self.siblings.push(place);
        }
    }

    /// Whether a record is of another place than this job's.
    pub(super) fn is_of_sibling(&self, record: &Value) -> bool {
        let place = |target: &Value| (target["account"].clone(), target["region"].clone());
        let is_at = |sibling: &Account| {
            let there = place(&sibling.target(FUNCTION, "live", &Value::Null));
            record["targets"].as_array().into_iter().flatten().any(|target| place(target) == there)
        };
        self.siblings.iter().any(is_at)
    }

    /// Makes the function, whose alias serves version 1, and answers the hash of its code.
    async fn add_function(&self, place: &Account) -> String {
        place.settings(&Settings { update_delay: Some(0.0), ..Settings::default() }).await.unwrap();
        let package = sample_zip("1.1.0", &self.commits[0], GOOD);
        let made = place.create_function(&FunctionSpec::zip(FUNCTION, package)).await.unwrap();
        place.publish(FUNCTION, &self.commits[0]).await.unwrap();
        place.create_alias(FUNCTION, "live", "1").await.unwrap();
        made["CodeSha256"].as_str().unwrap_or_default().to_owned()
    }
}

/// The target of a record at another place: it led from a version, or code, that never served here to another.
fn elsewhere(here: &Value, place: &Account) -> Value {
    let (mut target, there) = (here.clone(), place.target(FUNCTION, "live", &json!({})));
    for member in ["account", "region"] {
        target[member].clone_from(&there[member]);
    }
    if here["version"].is_string() {
        target["version"] = json!("1");
        target["previous"]["version"] = json!("3");
    }
    if here["previous"]["code_sha256"].is_string() {
        target["previous"]["code_sha256"] = json!("5fWbzqfKyb1Xk1OX8bTrxVyRzTn4jrCOMlfRXQmPMWY=");
    }
    target
}
