//! Asks the local GitHub and holds its answers against the extract of GitHub's description.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testbed::github::{ALL, LocalGithub, Repository};

use crate::client::{Answer, Client};

const REPOSITORY: &str = "/repos/{owner}/{repo}";

pub(crate) struct Contract<'a> {
    pub(crate) app: Repository,
    /// The routes asked so far, e.g. `GET /rate_limit`.
    pub(crate) asked: BTreeSet<String>,
    github: &'a LocalGithub,
    client: Client,
    base: String,
    description: Value,
    problems: Vec<String>,
}

impl<'a> Contract<'a> {
    pub(crate) fn of(github: &'a LocalGithub, repository: &str) -> Self {
        let app = github.repository(repository);
        Self {
            client: Client::with(github.url(), Some(app.token_of("octocat", ALL))),
            app,
            asked: BTreeSet::new(),
            github,
            base: format!("/repos/{repository}"),
            description: serde_json::from_str(include_str!("../../github-openapi/github.json")).unwrap(),
            problems: Vec::new(),
        }
    }

    /// The routes of the extract.
    pub(crate) fn described(&self) -> BTreeSet<String> {
        let paths = self.description["paths"].as_object().unwrap();
        let methods = |path: &Value| path.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        paths
            .iter()
            .flat_map(|(path, operations)| methods(operations).into_iter().map(move |method| (method, path)))
            .map(|(method, path)| format!("{} {path}", method.to_uppercase()))
            .collect()
    }

    pub(crate) async fn get(&mut self, route: &str, path: &str, status: u16) -> Value {
        self.send("GET", route, path, Value::Null, status).await
    }

    pub(crate) async fn post(&mut self, route: &str, path: &str, body: Value, status: u16) -> Value {
        self.send("POST", route, path, body, status).await
    }

    /// Asks `path` (below the repository) and checks the answer against `route` and `status`.
    pub(crate) async fn send(&mut self, method: &str, route: &str, path: &str, body: Value, status: u16) -> Value {
        let url =
            if ["/rate_limit", "/user"].contains(&path) { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.client.request(method, &url);
        let request = if body.is_null() { request } else { request.json(&body) };
        let answer = self.client.send(request).await;
        self.check(method, route, status, answer)
    }

    /// Uploads an asset, as GitHub's other host takes it.
    pub(crate) async fn upload(&mut self, route: &str, path: &str, status: u16) -> Value {
        let request = self.client.request("POST", &format!("/uploads{}{path}", self.base));
        let answer = self.client.send(request.header("content-type", "text/plain").body("content")).await;
        self.check("POST", route, status, answer)
    }

    /// Asks with another token, or none.
    pub(crate) async fn refused(&mut self, token: Option<String>, path: &str, status: u16) {
        let client = Client::with(self.github.url(), token);
        let answer = client.get(&format!("{}{path}", self.base)).await;
        self.check("GET", path, status, answer);
    }

    /// Uses up the primary limit.
    pub(crate) fn github_limits(&self) {
        self.github.rate_limit(0, std::time::Duration::from_mins(1));
    }

    /// Fails with everything found.
    pub(crate) fn finish(&self) {
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
    }

    fn check(&mut self, method: &str, route: &str, status: u16, answer: Answer) -> Value {
        let route = if route.starts_with(REPOSITORY) || ["/rate_limit", "/user"].contains(&route) {
            route.to_owned()
        } else {
            format!("{REPOSITORY}{route}")
        };
        let line = format!("{method} {route}");
        let place = format!("{line} -> {}", answer.status);
        self.asked.insert(line);
        if answer.status != status {
            self.problems.push(format!("{place}: {status} was expected: {}", answer.body));
            return answer.body;
        }
        let operation = &self.description["paths"][&route][method.to_lowercase()];
        let schema = match operation["responses"].get(answer.status.to_string()) {
            Some(schema) => schema.clone(),
            // GitHub does not list for every route what it answers on all of them.
            None if answer.status >= 400 => json!({"$ref": "#/components/schemas/basic-error"}),
            None => {
                self.problems.push(format!("{place}: GitHub does not describe this status"));
                return answer.body;
            }
        };
        if schema.is_null() {
            if answer.status < 300 && !answer.body.is_null() {
                self.problems.push(format!("{place}: a body where none is described"));
            }
            return answer.body;
        }
        self.problems.extend(deviations(&self.description, &place, &schema, &answer.body));
        answer.body
    }
}

/// Where a value has not the form that a schema of a description gives it.
pub(crate) fn deviations(description: &Value, place: &str, schema: &Value, value: &Value) -> Vec<String> {
    let mut whole = json!({"allOf": [schema]});
    whole["components"] = description["components"].clone();
    let validator = jsonschema::validator_for(&whole).unwrap();
    let mut found: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{place}{}: {error}", error.instance_path())).collect();
    let mut invented = Vec::new();
    unknown(description, schema, value, "", &mut invented);
    found.extend(invented.into_iter().map(|at| format!("{place}{at}: GitHub has no such property")));
    found
}

/// Properties that the description does not know: the schemas allow them, and so would hide a misspelt one.
fn unknown(description: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = description.pointer(reference.trim_start_matches('#')).unwrap();
        return unknown(description, target, value, at, found);
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        unknown(description, &schema["items"], item, &format!("{at}/{index}"), found);
    }
    let (Some(known), Some(members)) = (schema["properties"].as_object(), value.as_object()) else {
        return;
    };
    for (name, member) in members {
        let at = format!("{at}/{name}");
        match known.get(name) {
            Some(property) => unknown(description, property, member, &at, found),
            // Every error carries its status; only the schema of plain ones says so.
            None if name == "status" && members.contains_key("message") => {}
            None => found.push(at),
        }
    }
}
