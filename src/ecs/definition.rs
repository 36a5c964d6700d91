//! A task definition, kept as the JSON that ECS sent: what no release knows of it is registered again as it was.
//!
//! A typed round trip loses what it does not know: `enableFaultInjection` broke every user of a well-known action overnight
//! (<https://github.com/aws-actions/amazon-ecs-deploy-task-definition/issues/701>).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::names::{ContainerName, Family, Revision};
use crate::action::inputs::CommitSha;
use crate::oci::Platform;

/// What ECS says of a task definition and does not take.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html> beside
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html>
const DESCRIBED_ONLY: [&str; 10] = [
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "tags",
    "taskDefinitionArn",
];

/// The tag of what this action registers; its value is the commit.
const OURS: &str = "deploy-action";

/// A task definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    fields: Map<String, Value>,
    /// `{"key": .., "value": ..}` each.
    tags: Vec<Value>,
}

/// Where a container writes its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerLog {
    /// To a stream of CloudWatch Logs, whose name is this prefix, `/`, and the id of the task.
    CloudWatch {
        /// The log group.
        group: String,
        /// How the stream's name begins, the container's name included.
        prefix: String,
        /// Its region, where it says one.
        region: Option<String>,
    },
    /// To somewhere else, in words.
    Elsewhere(String),
}

impl Definition {
    /// As it was described, and its tags.
    #[must_use]
    pub fn new(fields: Map<String, Value>, tags: Vec<Value>) -> Self {
        Self { fields, tags }
    }

    /// From a file: what `RegisterTaskDefinition` takes, or what `DescribeTaskDefinition` answers.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| format!("is no JSON: {error}"))?;
        let whole = value.as_object().ok_or("must be an object")?;
        let fields = whole.get("taskDefinition").and_then(Value::as_object).unwrap_or(whole).clone();
        let tags = [whole.get("tags"), fields.get("tags")];
        let tags = tags.into_iter().flatten().find_map(Value::as_array).cloned().unwrap_or_default();
        let definition = Self { fields, tags };
        if definition.containers().is_empty() {
            return Err("has no `containerDefinitions` with names".to_owned());
        }
        Ok(definition)
    }

    /// Which revision it is; none of a file.
    #[must_use]
    pub fn revision(&self) -> Option<Revision> {
        Revision::of_arn(self.fields.get("taskDefinitionArn")?.as_str()?).ok()
    }

    /// Its ARN; empty of a file.
    #[must_use]
    pub fn arn(&self) -> &str {
        self.fields.get("taskDefinitionArn").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether services can be given it.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.fields.get("status").and_then(Value::as_str) == Some("ACTIVE")
    }

    /// Whether this action has registered it.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.tags.iter().any(|tag| tag.get("key").and_then(Value::as_str) == Some(OURS))
    }

    /// The commit for which this action has registered it.
    #[must_use]
    pub fn commit(&self) -> Option<CommitSha> {
        let own = self.tags.iter().find(|tag| tag.get("key").and_then(Value::as_str) == Some(OURS))?;
        own.get("value")?.as_str()?.parse().ok()
    }

    fn list(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let list = self.fields.get("containerDefinitions").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_object)
    }

    fn container(&self, name: &ContainerName) -> Option<&Map<String, Value>> {
        self.list().find(|container| container.get("name").and_then(Value::as_str) == Some(name.as_str()))
    }

    fn container_mut(&mut self, name: &ContainerName) -> Option<&mut Map<String, Value>> {
        let list = self.fields.get_mut("containerDefinitions")?.as_array_mut()?;
        let mut all = list.iter_mut().filter_map(Value::as_object_mut);
        all.find(|container| container.get("name").and_then(Value::as_str) == Some(name.as_str()))
    }

    /// Its family.
    #[must_use]
    pub fn family(&self) -> Option<Family> {
        self.fields.get("family")?.as_str()?.parse().ok()
    }

    /// Its containers.
    #[must_use]
    pub fn containers(&self) -> Vec<ContainerName> {
        self.list().filter_map(|container| container.get("name")?.as_str()?.parse().ok()).collect()
    }

    /// The image of a container.
    #[must_use]
    pub fn image(&self, container: &ContainerName) -> Option<&str> {
        self.container(container)?.get("image")?.as_str()
    }

    /// Whether its tasks get an address of their own, and are told where in the network they are.
    #[must_use]
    pub fn has_own_network(&self) -> bool {
        self.fields.get("networkMode").and_then(Value::as_str) == Some("awsvpc")
    }

    /// Whether its tasks can run on Fargate.
    #[must_use]
    pub fn is_for_fargate(&self) -> bool {
        let required = self.fields.get("requiresCompatibilities").and_then(Value::as_array);
        required.into_iter().flatten().any(|one| one.as_str() == Some("FARGATE"))
    }

    /// Where a container writes its log.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>
    #[must_use]
    pub fn log(&self, container: &ContainerName) -> ContainerLog {
        let configuration = self.container(container).and_then(|container| container.get("logConfiguration"));
        let driver = configuration.and_then(|one| one.get("logDriver")?.as_str());
        let option = |name: &str| configuration.and_then(|one| one.get("options")?.get(name)?.as_str());
        match (driver, option("awslogs-group"), option("awslogs-stream-prefix")) {
            (Some("awslogs"), Some(group), Some(prefix)) => ContainerLog::CloudWatch {
                group: group.to_owned(),
                prefix: format!("{prefix}/{container}"),
                region: option("awslogs-region").map(str::to_owned),
            },
            (Some("awslogs"), _, _) => ContainerLog::Elsewhere("awslogs without `awslogs-stream-prefix`".to_owned()),
            (Some(driver), _, _) => ContainerLog::Elsewhere(format!("the log driver {driver}")),
            (None, _, _) => ContainerLog::Elsewhere("no log driver".to_owned()),
        }
    }

    /// Whether ECS pins the image of a container by its digest, so that it can tell what runs.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html#deployment-container-image-stability>
    #[must_use]
    pub fn pins(&self, container: &ContainerName) -> bool {
        let consistency = self.container(container).and_then(|container| container.get("versionConsistency"));
        consistency.and_then(Value::as_str) != Some("disabled")
    }

    /// Where its tasks run: `linux/amd64` where it does not say it.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RuntimePlatform.html>
    #[must_use]
    pub fn platform(&self) -> Platform {
        let word = |name: &str| self.fields.get("runtimePlatform").and_then(|platform| platform.get(name)?.as_str());
        let architecture = match word("cpuArchitecture") {
            Some("ARM64") => "arm64",
            _ => "amd64",
        };
        let os =
            if word("operatingSystemFamily").is_some_and(|os| os.starts_with("WINDOWS")) { "windows" } else { "linux" };
        Platform { os: os.to_owned(), architecture: architecture.to_owned() }
    }

    /// The same with another image in a container. A container that is not there is left out.
    pub fn set_image(&mut self, container: &ContainerName, image: &str) {
        if let Some(container) = self.container_mut(container) {
            container.insert("image".to_owned(), json!(image));
        }
    }

    /// The same with a variable of a container.
    pub fn set_variable(&mut self, container: &ContainerName, name: &str, value: &str) {
        let Some(container) = self.container_mut(container) else { return };
        let Some(list) = container.entry("environment").or_insert_with(|| json!([])).as_array_mut() else { return };
        list.retain(|one| one.get("name").and_then(Value::as_str) != Some(name));
        list.push(json!({"name": name, "value": value}));
    }

    /// The same in a family, under which a file or a template is registered.
    #[must_use]
    pub fn in_family(mut self, family: &Family) -> Self {
        self.fields.insert("family".to_owned(), json!(family.as_str()));
        self
    }

    /// What is registered of it, marked as this action's by the commit.
    #[must_use]
    pub fn to_register(&self, commit: &str) -> Value {
        let mut fields = self.registered();
        // Tags that begin so are AWS's own: nobody else may set them.
        let is_free = |tag: &&Value| {
            tag.get("key").and_then(Value::as_str).is_some_and(|key| !key.starts_with("aws:") && key != OURS)
        };
        let tags = self.tags.iter().filter(is_free).cloned().chain([json!({"key": OURS, "value": commit})]);
        fields.insert("tags".to_owned(), tags.collect());
        Value::Object(fields)
    }

    fn registered(&self) -> Map<String, Value> {
        let kept = self.fields.iter().filter(|(name, _)| !DESCRIBED_ONLY.contains(&name.as_str()));
        kept.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Whether both say the same, but for tags, order and what ECS fills in.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.facts() == other.facts()
    }

    /// What differs from another, one line each. Values of variables are not shown.
    #[must_use]
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let (old, new) = (before.facts(), self.facts());
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort();
        names.dedup();
        let line = |name: &&String| {
            let (old, new) = (old.get(*name), new.get(*name));
            let is_variable = name.contains("environment[");
            match (old, new) {
                (Some(old), Some(new)) if old == new => None,
                (Some(_), Some(_)) if is_variable => Some(format!("{name} is another")),
                (Some(old), Some(new)) => Some(format!("{name}: {old} -> {new}")),
                (None, Some(_)) if is_variable => Some(format!("{name} is new")),
                (None, Some(new)) => Some(format!("{name}: {new} (new)")),
                (Some(_), None) => Some(format!("{name} is gone")),
                (None, None) => None,
            }
        };
        names.iter().filter_map(line).collect()
    }

    /// Containers and secrets of another that this one does not have: `app`, `app/DATABASE_URL`.
    #[must_use]
    pub fn lost(&self, before: &Self) -> Vec<String> {
        let parts = |definition: &Self| {
            let name = |value: &Value| Some(value.get("name")?.as_str()?.to_owned());
            let each = definition.list().flat_map(|container| {
                let Some(own) = container.get("name").and_then(Value::as_str) else { return Vec::new() };
                let secrets = container.get("secrets").and_then(Value::as_array).into_iter().flatten();
                let secrets = secrets.filter_map(name).map(|secret| format!("{own}/{secret}"));
                std::iter::once(own.to_owned()).chain(secrets).collect()
            });
            each.collect::<Vec<String>>()
        };
        let now = parts(self);
        // Of a container that is gone, its secrets need not be named.
        let containers: Vec<String> = parts(before).into_iter().filter(|one| !now.contains(one)).collect();
        let of_lost =
            |one: &String| one.split_once('/').is_some_and(|(own, _)| containers.iter().any(|lost| lost == own));
        containers.iter().filter(|one| !of_lost(one)).cloned().collect()
    }

    /// Every value by its place, without what is empty and what ECS fills in.
    fn facts(&self) -> BTreeMap<String, String> {
        let mut facts = BTreeMap::new();
        for (name, value) in self.registered() {
            let name = if name == "containerDefinitions" { "container".to_owned() } else { name };
            gather(&name, &value, &mut facts);
        }
        facts
    }
}

fn gather(place: &str, value: &Value, facts: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            let port = fields.get("containerPort");
            for (name, value) in fields {
                // A port of the host is that of the container unless it is given, and a protocol is `tcp`.
                let is_filled = name == "hostPort" && port == Some(value)
                    || name == "protocol" && value == "tcp"
                    || name == "cpu" && *value == json!(0)
                    || name == "name";
                if !is_filled {
                    gather(&format!("{place}.{name}"), value, facts);
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str).map_or_else(|| number.to_string(), str::to_owned);
                gather(&format!("{place}[{name}]"), item, facts);
            }
        }
        Value::String(text) => {
            facts.insert(place.to_owned(), text.clone());
        }
        scalar => {
            facts.insert(place.to_owned(), scalar.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like};

    fn definition(value: &Value) -> Definition {
        Definition::read(value.to_string().as_bytes()).unwrap()
    }

    fn web() -> Value {
        json!({
            "family": "web", "taskDefinitionArn": "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7", "revision": 7,
            "status": "ACTIVE", "registeredBy": "arn:aws:iam::111122223333:role/ci", "futureKey": {"a": [1, null, ""]},
            "containerDefinitions": [
                {"name": "app", "image": "app@sha256:old", "cpu": 0, "environment": [{"name": "A", "value": ""}],
                 "secrets": [{"name": "DATABASE_URL", "valueFrom": "arn:x"}], "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}]},
                {"name": "log", "image": "log:1", "mountPoints": []},
            ],
            "tags": [{"key": "team", "value": "shop"}, {"key": "aws:cloudformation:stack-name", "value": "s"}],
        })
    }

    #[test]
    fn ec12_ec13_ec14_what_nobody_knows_is_registered_again_as_it_was() {
        let mut next = definition(&web());
        next.set_image(&"app".parse().unwrap(), "app@sha256:new");
        let written = next.to_register("8f3c1b2");
        let mut expected = web();
        expected["containerDefinitions"][0]["image"] = json!("app@sha256:new");
        expected["tags"] = json!([{"key": "team", "value": "shop"}, {"key": "deploy-action", "value": "8f3c1b2"}]);
        for name in ["taskDefinitionArn", "revision", "status", "registeredBy"] {
            expected.as_object_mut().unwrap().remove(name);
        }
        assert_eq!(written, expected);
        assert_eq!(next.differences(&definition(&web())), ["container[app].image: app@sha256:old -> app@sha256:new"]);
    }

    #[test]
    fn order_and_what_ecs_fills_in_make_no_difference() {
        let mut other = web();
        other["containerDefinitions"][0]["portMappings"] = json!([{"containerPort": 80}]);
        other["containerDefinitions"].as_array_mut().unwrap().reverse();
        other["containerDefinitions"][1].as_object_mut().unwrap().remove("cpu");
        other["volumes"] = json!([]);
        assert!(definition(&other).says_the_same(&definition(&web())));
        other["cpu"] = json!("512");
        assert!(!definition(&other).says_the_same(&definition(&web())));
    }

    #[test]
    fn a_secret_or_a_container_that_disappears_is_named_and_values_of_variables_are_not_shown() {
        let mut other = web();
        other["containerDefinitions"][0]["secrets"] = json!([]);
        other["containerDefinitions"][0]["environment"] =
            json!([{"name": "A", "value": "hunter2"}, {"name": "B", "value": "hunter2"}]);
        let other_definition = definition(&other);
        assert_eq!(other_definition.lost(&definition(&web())), ["app/DATABASE_URL"]);
        let told = other_definition.differences(&definition(&web())).join("\n");
        assert!(
            !told.contains("hunter2") && told.contains("environment[A]") && told.contains("environment[B]"),
            "{told}"
        );
        other["containerDefinitions"].as_array_mut().unwrap().remove(0);
        assert_eq!(definition(&other).lost(&definition(&web())), ["app"]);
        assert!(definition(&web()).lost(&definition(&other)).is_empty());
    }

    #[test]
    fn where_tasks_run_is_linux_amd64_unless_it_says_otherwise() {
        let platform = |value: Value| {
            let mut fields = web();
            fields["runtimePlatform"] = value;
            definition(&fields).platform().to_string()
        };
        assert_eq!(platform(Value::Null), "linux/amd64");
        assert_eq!(platform(json!({"cpuArchitecture": "ARM64"})), "linux/arm64");
        assert_eq!(platform(json!({"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})), "windows/amd64");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_file_is_read_or_refused(text in like(&[r#"{"family":"web","containerDefinitions":[{"name":"a"}]}"#])) {
            if let Ok(read) = Definition::read(text.as_bytes()) {
                prop_assert!(read.says_the_same(&read) && read.differences(&read).is_empty());
            }
        }
    }
}
