//! Services, deployments and tasks of ECS, as a test makes and steers them. `testbed/fidelity/ecs/control.py` lists the fields, and
//! `testbed/fidelity/ecs/images.py` what the label `testbed.behaviour` of an image makes a container do.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Account;

const TARGET: &str = "AmazonEC2ContainerServiceV20141113";

/// A service to make: in the cluster `main`, with the family of its name and one container of its name, unless it is said otherwise.
#[derive(Clone, Debug)]
pub struct ServiceSpec {
    body: Value,
}

impl ServiceSpec {
    /// A service of two Fargate tasks of an image.
    #[must_use]
    pub fn new(name: &str, image: &str) -> Self {
        Self { body: json!({"service": name, "image": image}) }
    }

    /// Another cluster, which is made if there is none.
    #[must_use]
    pub fn cluster(self, cluster: &str) -> Self {
        self.with("cluster", json!(cluster))
    }

    /// Another family than that of its name.
    #[must_use]
    pub fn family(self, family: &str) -> Self {
        self.with("family", json!(family))
    }

    /// How many tasks it has.
    #[must_use]
    pub fn count(self, count: u32) -> Self {
        self.with("count", json!(count))
    }

    /// Puts a load balancer in front, with a rule for production traffic, one for test traffic (`x-test: 1`), and two target groups.
    /// What is checked there is `/health`.
    #[must_use]
    pub fn balanced(self) -> Self {
        self.with("balanced", json!(true))
    }

    /// Fields of `CreateService`, such as `{"deploymentConfiguration": {"strategy": "CANARY"}}`.
    #[must_use]
    pub fn fields(self, fields: &Value) -> Self {
        self.with("fields", fields.clone())
    }

    /// Fields of `RegisterTaskDefinition`, such as `{"taskRoleArn": "arn:.."}`.
    #[must_use]
    pub fn definition(self, fields: &Value) -> Self {
        self.with("definition", fields.clone())
    }

    /// The containers of its task definition, in place of the one of its name.
    #[must_use]
    pub fn containers(self, containers: &Value) -> Self {
        self.with("containers", containers.clone())
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.body[name] = value;
        self
    }
}

/// A service that runs, and what stands in front of it if it is balanced.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// Its cluster.
    pub cluster: String,
    /// Its name.
    pub service: String,
    /// ARN of its task definition.
    pub definition: String,
    /// ARN of its first deployment, which has ended well; none of a service with another controller than ECS.
    pub deployment: Option<String>,
    /// ARNs of its two target groups, the one that serves first.
    #[serde(default)]
    pub groups: Vec<String>,
    /// ARN of the rule of production traffic.
    #[serde(default)]
    pub rule: String,
    /// ARN of the rule of test traffic.
    #[serde(default)]
    pub test_rule: String,
    /// ARN of the listener.
    #[serde(default)]
    pub listener: String,
    /// Where the load balancer answers, below [`Account::endpoint`].
    #[serde(default)]
    pub path: String,
}

impl Account {
    /// Calls ECS, such as `ecs("UpdateService", &json!({..}))`, and answers what it does.
    ///
    /// # Errors
    ///
    /// ECS refuses.
    pub async fn ecs(&self, action: &str, body: &Value) -> Result<Value> {
        let answer = self.json_service("ecs", &format!("{TARGET}.{action}"), body).await?;
        Ok(answer.ok().with_context(|| action.to_owned())?.json())
    }

    /// Makes a service whose tasks run, and its cluster if there is none.
    ///
    /// # Errors
    ///
    /// ECS refuses.
    pub async fn create_service(&self, spec: &ServiceSpec) -> Result<Service> {
        let made = self.steer("POST", "service", &spec.body).await?;
        serde_json::from_value(made).context("read the service")
    }

    /// What the next deployment of a service does, such as `{"hold": "BAKE_TIME"}`, `{"break": {"at": "SCALE_UP", "reason": ".."}}`,
    /// `{"superseded": {"task-definition": ".."}}` or `{"rollback": "fail"}`.
    ///
    /// # Errors
    ///
    /// There is no such service in the cluster `main`.
    pub async fn script_deployment(&self, service: &str, script: &Value) -> Result<()> {
        let mut script = script.clone();
        script["service"] = json!(service);
        self.steer("POST", "script", &json!([script])).await?;
        Ok(())
    }

    /// Changes the script of a service's newest deployment, such as `{"hold": null}`, which lets it go on.
    ///
    /// # Errors
    ///
    /// As [`Account::script_deployment`].
    pub async fn change_script(&self, service: &str, fields: &Value) -> Result<()> {
        self.steer("PATCH", "script", &json!({"service": service, "set": fields})).await?;
        Ok(())
    }

    /// Sets fields of a service's newest deployment as it is described, whatever is true, such as `{"status": "PAUSED"}`.
    ///
    /// # Errors
    ///
    /// As [`Account::script_deployment`].
    pub async fn set_deployment(&self, service: &str, fields: &Value) -> Result<()> {
        self.steer("PATCH", "deployment", &json!({"service": service, "set": fields})).await?;
        Ok(())
    }

    /// Sets fields of a service that ECS sets by itself, such as `{"status": "DRAINING"}` or `{"resourceManagementType": "ECS"}`.
    ///
    /// # Errors
    ///
    /// As [`Account::script_deployment`].
    pub async fn set_service(&self, service: &str, fields: &Value) -> Result<()> {
        self.steer("PATCH", "service", &json!({"service": service, "set": fields})).await?;
        Ok(())
    }

    /// Sets what ECS changed of the newest revision's platform: `{"runtimePlatform": {"cpuArchitecture": "ARM64"}}`.
    ///
    /// # Errors
    ///
    /// As [`Account::script_deployment`].
    pub async fn set_revision_overrides(&self, service: &str, overrides: &Value) -> Result<()> {
        let body = json!({"service": service, "set": {"overrides": overrides}});
        self.steer("PATCH", "revision", &body).await?;
        Ok(())
    }

    /// ECS stops a task, by this stop code (`SpotInterruption`, ..) and for this reason.
    ///
    /// # Errors
    ///
    /// There is no such task.
    pub async fn interrupt_task(&self, task: &str, code: &str, reason: &str) -> Result<()> {
        self.steer("POST", "stop", &json!({"task": task, "code": code, "reason": reason})).await?;
        Ok(())
    }

    /// Adds so many events of this message to a service.
    ///
    /// # Errors
    ///
    /// As [`Account::script_deployment`].
    pub async fn add_events(&self, service: &str, message: &str, times: u32) -> Result<()> {
        let body = json!({"service": service, "message": message, "times": times});
        self.steer("POST", "event", &body).await?;
        Ok(())
    }

    async fn steer(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("accounts/{}/ecs/{path}?region={}", self.id, self.region());
        self.control(method, &path, body).await.context("steer ECS")
    }
}
