//! monitor: what was just deployed, watched on the local AWS. Releases came two minutes ago, so that a window of a minute is over and its
//! numbers are all there; what must happen within the window is watched with one that begins now.

mod acts;
mod judges;
mod services;
mod table;
mod waits;

use serde_json::{Value, json};
use testbed::runner::Runner;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

/// When most releases of these tests came, in seconds from now.
const RELEASED: i64 = -120;

/// A time so many seconds from now, RFC 3339.
fn at(seconds: i64) -> String {
    let at = OffsetDateTime::now_utc() + std::time::Duration::from_hours(1);
    (at - std::time::Duration::from_secs(u64::try_from(3600 - seconds).unwrap())).format(&Rfc3339).unwrap()
}

/// A shop of two versions; the second serves.
async fn released() -> World {
    let world = World::new().await;
    world.shop("shop-api", 2).await;
    world.aws.move_alias("shop-api", "live", "2").await.unwrap();
    world
}

/// What serves, watched for the minute after its release.
fn monitor(world: &World) -> Runner {
    watch(world).input("function", "shop-api").input("since", at(RELEASED))
}

/// A minute of anything, without waiting for late metrics.
fn watch(world: &World) -> Runner {
    world.step("monitor").input("window", "1m").input("settle", "1s")
}

/// Requests and errors of version 2 in the minute after the release: in its middle, however busy the machine is.
async fn traffic(world: &World, requests: u32, errors: u32) {
    counted(world, ("Invocations", "Errors"), "2", (requests, errors)).await;
}

async fn counted(world: &World, names: (&str, &str), version: &str, counts: (u32, u32)) {
    let series = |metric: &str, value: u32| {
        json!({
            "function": "shop-api", "alias": "live", "version": version, "metric": metric, "at": RELEASED + 30,
            "values": [value],
        })
    };
    let mut all = vec![series(names.0, counts.0)];
    if counts.1 > 0 {
        all.push(series(names.1, counts.1));
    }
    world.aws.put_metrics(&json!(all)).await.unwrap();
}

/// An invocation of version 2 that says something.
async fn says(world: &World, lines: &[&str]) {
    logs(world, json!({"lines": lines, "invocation": true})).await;
}

/// Events in the log of version 2, after the release.
async fn logs(world: &World, mut more: Value) {
    more["function"] = "shop-api".into();
    more["version"] = "2".into();
    if more.get("at").is_none() {
        more["at"] = (RELEASED + 30).into();
    }
    world.aws.put_logs(&more).await.unwrap();
}

/// A release that is well: 60 requests, none failed, and the application speaks.
async fn well() -> World {
    let world = released().await;
    traffic(&world, 60, 0).await;
    says(&world, &["order 17 taken"]).await;
    world
}

/// The output `state` of the swap from version 1 to 2.
fn state(world: &World, previous: &Value) -> String {
    let more = json!({"version": "2", "previous": previous});
    let target = world.aws.target("shop-api", "live", &more);
    json!({"form": 1, "run": {"id": crate::world::RUN, "attempt": 1}, "targets": [target]}).to_string()
}
