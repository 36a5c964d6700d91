//! What is in a world, as AWS, GitHub and the registries tell it.

mod images;

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::{Value, json};
use testbed::aws::Account;
use testbed::github::Deployment;

use self::images::{buckets, ecr, registry_images};
use super::Stage;

/// The tasks of run-task in the cluster `main`, and the builds of its project.
async fn tasks(stage: &Stage) -> Vec<(f64, f64)> {
    if !stage.is_step("run-task") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut arns = Vec::new();
    for status in ["RUNNING", "STOPPED"] {
        let listed = stage.aws.ecs("ListTasks", &json!({"cluster": "main", "desiredStatus": status})).await;
        arns.extend(listed.ok().and_then(|listed| listed["taskArns"].as_array().cloned()).unwrap_or_default());
    }
    if !arns.is_empty() {
        let body = json!({"cluster": "main", "tasks": arns});
        let described = stage.aws.ecs("DescribeTasks", &body).await.unwrap();
        let is_ours = |task: &&Value| task["startedBy"].as_str().is_some_and(|by| by.starts_with("da-"));
        let own = described["tasks"].as_array().into_iter().flatten().filter(is_ours);
        found.extend(
            own.map(|task| (task["createdAt"].as_f64().unwrap(), task["stoppedAt"].as_f64().unwrap_or(f64::MAX))),
        );
    }
    let listed = stage.aws.codebuild("ListBuildsForProject", &json!({"projectName": "shop-vpc-tests"})).await;
    let ids =
        listed.ok().map(|listed| listed["ids"].clone()).filter(|ids| ids.as_array().is_some_and(|ids| !ids.is_empty()));
    if let Some(ids) = ids {
        let builds = stage.aws.codebuild("BatchGetBuilds", &json!({"ids": ids})).await.unwrap();
        let all = builds["builds"].as_array().into_iter().flatten();
        found.extend(all.map(|one| (one["startTime"].as_f64().unwrap(), one["endTime"].as_f64().unwrap_or(f64::MAX))));
    }
    found
}

/// A world at one moment, in words that are the same in every stage of a scene.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    /// By function: `latest`, its `versions` with code and commit, its `aliases` with version and weights.
    pub(crate) functions: Value,
    /// By service of the cluster `main`: its task definition, and what its containers run. And what the newest revision of the family
    /// `shop-nightly`, which no service has, would run.
    pub(crate) services: Value,
    /// By bucket and folder of a site: the digest of the release that serves, and of one on its way.
    pub(crate) sites: Value,
    /// By registry and repository: the tags, each with its image, and whether everything of that is there. By bucket: the keys, each with
    /// its content's hash.
    pub(crate) images: Value,
    /// When each task and build began, and when it ended, in seconds.
    pub(crate) tasks: Vec<(f64, f64)>,
    /// The records, oldest first: environment, task, commit, targets, and the states.
    pub(crate) records: Value,
    /// The records of other jobs of the run, of other places.
    pub(crate) siblings: Value,
    /// The workflow runs that were started, by name: how many.
    pub(crate) runs: Value,
    /// What people are told: the issues with their comments, by their first lines, and the newest statuses of commits.
    pub(crate) news: Value,
    /// The published releases by tag, with their text and assets.
    pub(crate) releases: Value,
    /// How many drafts a tag has.
    pub(crate) drafts: Value,
    /// The commit that the submodule of the repository refers to, by branch, and the branches of pull requests.
    pub(crate) pins: Value,
}

impl fmt::Display for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "functions {:#}", self.functions)?;
        writeln!(out, "services {:#}", self.services)?;
        writeln!(out, "sites {:#}", self.sites)?;
        writeln!(out, "images {:#}", self.images)?;
        writeln!(out, "records {:#}", self.records)?;
        writeln!(out, "runs {:#}", self.runs)?;
        writeln!(out, "news {:#}", self.news)?;
        writeln!(out, "releases {:#}", self.releases)?;
        write!(out, "pins {:#}", self.pins)
    }
}

impl State {
    pub(super) async fn of(stage: &Stage) -> Self {
        let mut images = ecr(stage).await;
        images.extend(buckets(stage).await);
        for (name, registry) in &stage.registries {
            images.extend(registry_images(name, registry));
        }
        let records = stage.repository.deployments();
        let (theirs, records): (Vec<Value>, Vec<Value>) =
            records.iter().map(record).partition(|record| stage.is_of_sibling(record));
        let here = functions(&stage.aws).await;
        let mut runs: BTreeMap<String, u32> = BTreeMap::new();
        stage.repository.runs().into_iter().for_each(|run| *runs.entry(run.display_title).or_default() += 1);
        let mut drafts: BTreeMap<String, u32> = BTreeMap::new();
        let all = stage.repository.releases().into_iter().filter(|release| release.draft);
        all.for_each(|draft| *drafts.entry(draft.tag_name).or_default() += 1);
        Self {
            functions: stage.named(&here),
            services: stage.named(&services(&stage.aws).await),
            sites: stage.named(&sites(stage).await),
            images: stage.named(&json!(images)),
            tasks: tasks(stage).await,
            records: stage.named(&json!(records)),
            siblings: stage.named(&json!(theirs)),
            runs: json!(runs),
            news: stage.named(&news(stage)),
            releases: stage.named(&releases(stage)),
            drafts: json!(drafts),
            pins: stage.named(&pins(stage)),
        }
    }

    /// The functions of other jobs of the run, in other places.
    pub(super) async fn functions_elsewhere(stage: &Stage) -> Value {
        stage.named(&json!(join_all(stage.siblings.iter().map(functions)).await))
    }

    /// Whether what serves, what could serve, or what has a name differs.
    pub(crate) fn serves_otherwise(&self, other: &Self) -> bool {
        self.functions != other.functions
            || self.services != other.services
            || self.sites != other.sites
            || self.images != other.images
    }

    /// The same, or what was started or released.
    pub(crate) fn changed(&self, other: &Self) -> bool {
        self.serves_otherwise(other)
            || self.runs != other.runs
            || self.releases != other.releases
            || self.pins != other.pins
    }

    /// Whether it is the same world to users and to the next run. Records of runs that failed are history.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        !self.changed(other) && self.told() == other.told() && self.news == other.news
    }

    /// What a target of a record is called.
    pub(super) fn place(record: &Value, target: &Value) -> String {
        if let Some(bucket) = target["bucket"].as_str() {
            let pointer = target["pointer"].as_str().unwrap_or_default();
            return format!("{} {bucket}/{} {pointer}", record["environment"], target["prefix"]);
        }
        if let Some(family) = target["family"].as_str() {
            return format!("{} {family}", record["environment"]);
        }
        match target["service"].as_str() {
            Some(service) => format!("{} {}/{service}", record["environment"], target["cluster"]),
            None => format!("{} {}:{}", record["environment"], target["function"], Self::alias(target)),
        }
    }

    /// How users call a target.
    fn alias(target: &Value) -> &str {
        target["alias"].as_str().unwrap_or("$LATEST")
    }

    /// What a record says of a target: its version, or its code where users call the function without an alias.
    fn led_to(target: &Value) -> Value {
        if target["service"].is_string() || target["family"].is_string() {
            return target["images"].clone();
        }
        if target["bucket"].is_string() {
            return target["digest"].clone();
        }
        if Self::alias(target) != "$LATEST" {
            return target["version"].clone();
        }
        // The digest of an image is the hash of its code.
        let digest = target["digest"].as_str().map(|digest| json!(digest.trim_start_matches("sha256:")));
        digest.unwrap_or_else(|| target["code_sha256"].clone())
    }

    /// What a target serves now, in the same words.
    pub(super) fn serves(&self, target: &Value) -> Value {
        let name = |field: &str| target[field].as_str().unwrap_or_default();
        if target["service"].is_string() {
            return self.services[name("service")]["images"].clone();
        }
        if target["bucket"].is_string() {
            let name = if target["pointer"].is_string() { name("pointer") } else { name("prefix") };
            return self.sites[name]["digest"].clone();
        }
        let function = &self.functions[name("function")];
        let alias = &function["aliases"][name("alias")]["version"];
        if Self::alias(target) == "$LATEST" { function["latest"].clone() } else { alias.clone() }
    }

    /// What the records tell of each target: the version or code that succeeded last, and those still open.
    pub(crate) fn told(&self) -> BTreeMap<String, (Option<Value>, Vec<Value>)> {
        let mut told: BTreeMap<String, (Option<Value>, Vec<Value>)> = BTreeMap::new();
        for record in self.records.as_array().into_iter().flatten() {
            for target in record["targets"].as_array().into_iter().flatten() {
                let (succeeded, open) = told.entry(Self::place(record, target)).or_default();
                match record["standing"].as_str() {
                    Some("succeeded") => *succeeded = Some(Self::led_to(target)),
                    Some("open") => open.push(Self::led_to(target)),
                    _ => {}
                }
            }
        }
        told
    }
}

fn news(stage: &Stage) -> Value {
    let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
    let issues = stage.repository.issues().into_iter().map(|issue| {
        let comments: Vec<String> =
            stage.repository.comments(issue.number).iter().map(|comment| first(&comment.body)).collect();
        let text = first(issue.body.as_deref().unwrap_or_default());
        json!({"text": text, "open": issue.open, "labels": issue.labels, "comments": comments})
    });
    let issues: Vec<Value> = issues.collect();
    let mut statuses = serde_json::Map::new();
    for status in stage.commits.iter().flat_map(|commit| stage.repository.commit_statuses(commit)) {
        statuses.insert(format!("{} {}", status.sha, status.context), json!([status.state, status.description]));
    }
    json!({"issues": issues, "statuses": statuses})
}

async fn functions(aws: &Account) -> Value {
    let mut found = serde_json::Map::new();
    for function in list(aws, "functions", "Functions").await {
        let name = text(&function, "FunctionName");
        let mut versions = serde_json::Map::new();
        for version in list(aws, &format!("functions/{name}/versions"), "Versions").await {
            let told = json!({"code": version["CodeSha256"], "commit": version["Description"]});
            versions.insert(text(&version, "Version"), told);
        }
        let latest = versions.remove("$LATEST").unwrap_or_default();
        let mut aliases = serde_json::Map::new();
        for alias in aliases_of(aws, &name).await {
            let weights = alias["RoutingConfig"]["AdditionalVersionWeights"].clone();
            let serves = json!({"version": alias["FunctionVersion"], "weights": weights});
            aliases.insert(text(&alias, "Name"), serves);
        }
        found.insert(name, json!({"latest": latest["code"], "versions": versions, "aliases": aliases}));
    }
    Value::Object(found)
}

/// The services of the cluster `main`, once their deployments are over.
async fn services(aws: &Account) -> Value {
    let mut found = serde_json::Map::new();
    let Ok(listed) = aws.ecs("ListServices", &json!({"cluster": "main"})).await else { return Value::Object(found) };
    let names: Vec<String> = listed["serviceArns"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|arn| Some(arn.as_str()?.rsplit('/').next()?.to_owned()))
        .collect();
    for name in names {
        let service = settled(aws, &name).await;
        let arns: Vec<Value> =
            service["currentServiceRevisions"].as_array().into_iter().flatten().map(|one| one["arn"].clone()).collect();
        let revisions = aws.ecs("DescribeServiceRevisions", &json!({"serviceRevisionArns": arns})).await.unwrap();
        let mut images = serde_json::Map::new();
        for image in revisions["serviceRevisions"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|one| one["containerImages"].as_array().cloned().unwrap_or_default())
        {
            images.insert(text(&image, "containerName"), image["imageDigest"].clone());
        }
        let definition = text(&service, "taskDefinition");
        let definition = definition.rsplit('/').next().unwrap_or_default();
        found.insert(name, json!({"definition": definition, "images": images}));
    }
    if let Ok(newest) = aws.ecs("DescribeTaskDefinition", &json!({"taskDefinition": "shop-nightly"})).await {
        let containers = newest["taskDefinition"]["containerDefinitions"].as_array().into_iter().flatten();
        let images: Vec<&Value> = containers.map(|container| &container["image"]).collect();
        found.insert("shop-nightly".to_owned(), json!({"images": images}));
    }
    Value::Object(found)
}

async fn settled(aws: &Account, name: &str) -> Value {
    let begin = Instant::now();
    loop {
        let asked = json!({"cluster": "main", "services": [name]});
        let service = aws.ecs("DescribeServices", &asked).await.unwrap()["services"][0].clone();
        let asked = json!({"serviceDeploymentArns": [service["currentServiceDeployment"]]});
        let last = aws.ecs("DescribeServiceDeployments", &asked).await.unwrap()["serviceDeployments"][0].clone();
        let is_over = ["SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"]
            .contains(&last["status"].as_str().unwrap_or_default());
        let is_alone = service["currentServiceRevisions"].as_array().is_some_and(|all| all.len() == 1);
        if is_over && is_alone || begin.elapsed() > Duration::from_secs(30) {
            return service;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The aliases, once AWS itself has moved the traffic of those with provisioned concurrency.
async fn aliases_of(aws: &Account, name: &str) -> Vec<Value> {
    let begin = Instant::now();
    loop {
        let found = list(aws, &format!("functions/{name}/aliases"), "Aliases").await;
        let is_moving = |alias: &Value| {
            let weights = alias["RoutingConfig"]["AdditionalVersionWeights"].as_object();
            weights.into_iter().flatten().any(|(_, weight)| weight.as_f64() == Some(1.0))
        };
        if !found.iter().any(is_moving) || begin.elapsed() > Duration::from_secs(30) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Those that users see.
fn releases(stage: &Stage) -> Value {
    let mut found = serde_json::Map::new();
    for release in stage.repository.releases().into_iter().filter(|release| !release.draft) {
        let assets: Vec<Value> =
            release.assets.iter().map(|asset| json!([asset.name, asset.state, asset.content.len()])).collect();
        let text = release.body.unwrap_or_default().replace(stage.github.url(), "{github}");
        let known = found.insert(release.tag_name.clone(), json!({"text": text, "assets": assets}));
        assert!(known.is_none(), "two releases of {}", release.tag_name);
    }
    Value::Object(found)
}

async fn list(aws: &Account, path: &str, field: &str) -> Vec<Value> {
    let answer = aws.lambda("GET", &format!("/2015-03-31/{path}"), &Value::Null).await.unwrap().ok().unwrap();
    answer.json()[field].as_array().cloned().unwrap_or_default()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

const MARKER: &str = "/.release.json";

/// What the markers of sites say, by the folder.
async fn sites(stage: &Stage) -> Value {
    let bucket = format!("shop-site-{}", stage.aws.id);
    let mut found = serde_json::Map::new();
    for prefix in ["live", "test"] {
        let Ok(text) = stage.aws.s3_get(&bucket, &format!("{prefix}{MARKER}")).await else { continue };
        let marker: Value = serde_json::from_slice(&text).unwrap();
        let lacks = lacks(stage, &bucket, (prefix, prefix)).await;
        let (digest, next) = (&marker["digest"], &marker["next"]["digest"]);
        found.insert(prefix.to_owned(), json!({"digest": digest, "next": next, "lacks": lacks}));
    }
    for (pointer, folder) in pointers(stage).await {
        let text = stage.aws.s3_get(&bucket, &format!("live/r/{folder}{MARKER}")).await.unwrap_or_default();
        let marker: Value = serde_json::from_slice(&text).unwrap_or_default();
        let folder = format!("live/r/{folder}");
        let assets = if pointer.starts_with("origin-path") { folder.as_str() } else { "live" };
        let lacks = lacks(stage, &bucket, (&folder, assets)).await;
        found.insert(pointer, json!({"digest": marker["digest"], "next": Value::Null, "lacks": lacks}));
    }
    Value::Object(found)
}

/// What the first page in this folder names that is not there, and the page itself where a release lacks it.
async fn lacks(stage: &Stage, bucket: &str, (folder, assets): (&str, &str)) -> Vec<String> {
    let Ok(page) = stage.aws.s3_get(bucket, &format!("{folder}/index.html")).await else {
        // In its place it comes after the marker was claimed.
        return if folder == assets && !folder.contains("/r/") { Vec::new() } else { vec!["/index.html".to_owned()] };
    };
    let mut lacking = Vec::new();
    for named in String::from_utf8_lossy(&page).split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        if stage.aws.s3_get(bucket, &format!("{assets}{named}")).await.is_err() {
            lacking.push(named.to_owned());
        }
    }
    lacking
}

/// Where pointers of sites lead: keys of stores, and the paths of origins.
async fn pointers(stage: &Stage) -> Vec<(String, String)> {
    let list = async |path: &str| stage.aws.cloudfront("GET", path, &[], Vec::new()).await.unwrap().text();
    let between = |text: &str, open: &str, close: &str| {
        text.split_once(open).and_then(|(_, rest)| Some(rest.split_once(close)?.0.to_owned())).unwrap_or_default()
    };
    let mut found = Vec::new();
    for store in list("/2020-05-31/key-value-store").await.split("<KeyValueStore>").skip(1) {
        let (name, arn) = (between(store, "<Name>", "</Name>"), between(store, "<ARN>", "</ARN>"));
        let keys = list(&format!("/key-value-stores/{}/keys", arn.replace(':', "%3A").replace('/', "%2F"))).await;
        let keys: Value = serde_json::from_str(&keys).unwrap_or_default();
        for item in keys["Items"].as_array().into_iter().flatten() {
            found.push((format!("kvs:{name}/{}", text(item, "Key")), text(item, "Value")));
        }
    }
    for one in list("/2020-05-31/distribution").await.split("<DistributionSummary>").skip(1) {
        let path = between(one, "<OriginPath>", "</OriginPath>");
        if let Some((_, folder)) = path.split_once("/r/") {
            found.push((format!("origin-path:{}", between(one, "<Id>", "</Id>")), folder.to_owned()));
        }
    }
    found
}

fn record(deployment: &Deployment) -> Value {
    let states = deployment.states();
    let last = |wanted: &[&str]| states.iter().rposition(|state| wanted.contains(state));
    let standing = match (last(&["success"]), last(&["failure", "error"])) {
        (Some(good), bad) if bad.is_none_or(|bad| bad < good) => "succeeded",
        (_, Some(_)) => "failed",
        _ => "open",
    };
    json!({
        "environment": deployment.environment,
        "task": deployment.task,
        "commit": deployment.sha,
        "targets": deployment.payload["targets"],
        "run": deployment.payload["run"]["id"],
        "states": states,
        "standing": standing,
    })
}

/// Where the submodule is on `main`, and on the branches of pull requests.
fn pins(stage: &Stage) -> Value {
    let requests = stage.repository.pull_requests().into_iter().map(|(_, _, _, request)| request.head);
    let branches = ["main".to_owned()].into_iter().chain(requests);
    branches.map(|branch| json!([branch, stage.repository.entry(&branch, "services/api")])).collect()
}
