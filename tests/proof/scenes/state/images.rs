//! What registries and buckets hold.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::Digest as _;
use testbed::registry::Registry;

use super::{MARKER, text};
use crate::proof::scenes::Stage;

pub(super) async fn ecr(stage: &Stage) -> serde_json::Map<String, Value> {
    let mut found = serde_json::Map::new();
    let repositories = stage.aws.ecr("DescribeRepositories", &json!({})).await.unwrap();
    for repository in repositories["repositories"].as_array().into_iter().flatten() {
        let name = text(repository, "repositoryName");
        let listed = stage.aws.ecr("ListImages", &json!({"repositoryName": name})).await.unwrap();
        let ids = listed["imageIds"].as_array().cloned().unwrap_or_default();
        let tags: BTreeMap<String, String> = ids
            .iter()
            .filter(|id| id["imageTag"].is_string())
            .map(|id| (text(id, "imageTag"), text(id, "imageDigest")))
            .collect();
        let digests: BTreeSet<String> = ids.iter().map(|id| text(id, "imageDigest")).collect();
        let mut manifests = BTreeMap::new();
        for digest in digests.iter().filter(|_| !tags.is_empty()) {
            let asked = json!({"repositoryName": name, "imageIds": [{"imageDigest": digest}]});
            let image = stage.aws.ecr("BatchGetImage", &asked).await.unwrap();
            let manifest = image["images"][0]["imageManifest"].as_str().unwrap_or_default();
            manifests.insert(digest.clone(), serde_json::from_str(manifest).unwrap_or_default());
        }
        let wanted: BTreeSet<String> = manifests.values().flat_map(blobs).collect();
        let mut there = BTreeSet::new();
        if !wanted.is_empty() {
            let asked = json!({"repositoryName": name, "layerDigests": wanted});
            let known = stage.aws.ecr("BatchCheckLayerAvailability", &asked).await.unwrap();
            let known = known["layers"].as_array().cloned().unwrap_or_default();
            let known = known.iter().filter(|layer| layer["layerAvailability"] == "AVAILABLE");
            there.extend(known.map(|layer| text(layer, "layerDigest")));
        }
        found.insert(format!("ecr {name}"), tagged(&tags, &manifests, &there));
    }
    found
}

/// The objects of all buckets.
pub(super) async fn buckets(stage: &Stage) -> serde_json::Map<String, Value> {
    let names = async |path: &str, tag: &str| {
        let listed = stage.aws.s3("GET", path, Vec::new()).await.unwrap().ok().unwrap().text();
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let parts = listed.split(&open).skip(1).filter_map(|part| part.split_once(&close));
        parts.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    let mut found = serde_json::Map::new();
    for bucket in names("/", "Name").await {
        let mut objects = serde_json::Map::new();
        for key in names(&format!("/{bucket}"), "Key").await {
            let content = stage.aws.s3_get(&bucket, &key).await.unwrap();
            // What says which release serves changes on the way: see `sites`.
            if key.ends_with(MARKER) || key.contains("/(pointers)/") {
                continue;
            }
            // A manifest names its commit, which is another in each stage.
            let manifest = key.contains("/(releases)/").then(|| serde_json::from_slice::<Value>(&content).unwrap());
            let digest = manifest.as_ref().and_then(|manifest| manifest["digest"].as_str());
            let hash = digest.map_or_else(|| format!("{:x}", sha2::Sha256::digest(&content)), str::to_owned);
            objects.insert(key, json!({"image": hash, "complete": true}));
        }
        // The folder that an origin leads to gets the assets of all releases, in whatever order these come and go.
        let is_shared = |key: &str, object: &Value| {
            let shared = key.split_once("/r/").and_then(|(site, rest)| {
                let (_, path) = rest.split_once('/').filter(|(_, path)| path.starts_with("assets/"))?;
                objects.get(&format!("{site}/{path}"))
            });
            shared == Some(object)
        };
        let objects = objects.iter().filter(|(key, object)| !is_shared(key, object));
        let objects = objects.map(|(key, object)| (key.clone(), object.clone())).collect();
        found.insert(format!("s3 {bucket}"), Value::Object(objects));
    }
    found
}

pub(super) fn registry_images(place: &str, registry: &Registry) -> impl Iterator<Item = (String, Value)> {
    registry.repositories().into_iter().map(move |name| {
        let digests = registry.manifests(&name);
        let manifests = digests
            .into_iter()
            .filter_map(|digest| Some((digest.clone(), registry.manifest(&name, &digest)?.json())))
            .collect();
        let there = registry.blobs(&name).into_keys().collect();
        (format!("{place} {name}"), tagged(&registry.tags(&name), &manifests, &there))
    })
}

/// The tags, each with its image, and whether everything of it is there.
fn tagged(tags: &BTreeMap<String, String>, manifests: &BTreeMap<String, Value>, there: &BTreeSet<String>) -> Value {
    let told = tags.iter().map(|(tag, digest)| {
        (tag.clone(), json!({"image": digest, "complete": is_complete(digest, manifests, there)}))
    });
    Value::Object(told.collect())
}

fn is_complete(digest: &str, manifests: &BTreeMap<String, Value>, there: &BTreeSet<String>) -> bool {
    manifests.get(digest).is_some_and(|manifest| {
        let children = manifest["manifests"].as_array().into_iter().flatten();
        blobs(manifest).all(|blob| there.contains(&blob))
            && children.into_iter().all(|child| is_complete(&text(child, "digest"), manifests, there))
    })
}

fn blobs(manifest: &Value) -> impl Iterator<Item = String> {
    let layers = manifest["layers"].as_array().into_iter().flatten();
    layers.chain(manifest.get("config")).map(|blob| text(blob, "digest"))
}
