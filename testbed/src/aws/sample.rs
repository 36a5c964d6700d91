//! The sample application of the demo and the tests: a shop's API with `/health`, in `testbed/apps/shop_api`.

use super::zips;

const SOURCE: &[u8] = include_bytes!("../../apps/shop_api/index.py");

/// A release that works.
pub const GOOD: &str = "";

/// A release that answers 500 to everything where the variable `STAGE` is `prd`.
pub const FAILS_IN_PRODUCTION: &str = "stage: prd";

/// The package of a release of the shop's API, for `python3.12` and `index.handler`.
///
/// `behaviour` says when it answers 500, in lines: `stage: prd` (only where the variable `STAGE` has that value),
/// `after: 3` (that many good answers of an environment first), `path: /orders` (only there). Empty: never.
#[must_use]
pub fn sample_zip(version: &str, commit: &str, behaviour: &str) -> Vec<u8> {
    let release = format!("version: {version}\ncommit: {commit}\n");
    let fails = if behaviour.is_empty() { String::new() } else { format!("fails: yes\n{behaviour}\n") };
    zips::package(&[
        ("index.py", SOURCE, false),
        ("release.txt", release.as_bytes(), false),
        ("behaviour.txt", fails.as_bytes(), false),
    ])
}

/// The event of an HTTP API (API Gateway, payload format 2.0) for `GET path`.
#[must_use]
pub fn http_event(path: &str) -> serde_json::Value {
    serde_json::json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "shop.example.com"},
        "requestContext": {
            "accountId": "123456789012",
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "stage": "$default",
        },
        "isBase64Encoded": false,
    })
}
