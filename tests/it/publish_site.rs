//! publish-site: what users get, at every moment. The cases ST.. are inputs from practice that other tools get wrong.

mod again;
mod back;
pub(crate) mod by_key;
mod by_origin;
mod edge;
mod refusals;
pub(crate) mod table;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::aws::{Fault, Hook, Settings, Site, SiteSpec};
use testbed::runner::{Report, Runner};

use crate::world::World;

pub(crate) use self::table::UNDER_TEST;

/// A site behind a distribution, and the folder of its build.
pub(crate) struct Shop {
    pub(crate) world: World,
    pub(crate) bucket: String,
    pub(crate) site: Site,
    pub(crate) folder: TempDir,
}

/// Writes a release: a page that names an asset of its own, another that does not change, and a source map.
pub(crate) fn build(folder: &Path, release: &str) {
    let asset = format!("assets/app-abcd{release:0>4}.js");
    let files = [
        ("index.html".to_owned(), format!("<!doctype html><script src=\"/{asset}\"></script>release {release}")),
        (asset.clone(), format!("console.log('{release}')")),
        (format!("{asset}.map"), format!("{{\"version\":3,\"release\":\"{release}\"}}")),
        ("about.html".to_owned(), "<!doctype html>about us".to_owned()),
        ("robots.txt".to_owned(), "User-agent: *".to_owned()),
    ];
    let _ = fs::remove_dir_all(folder.join("dist"));
    for (path, content) in files {
        write(folder, &format!("dist/{path}"), &content);
    }
}

pub(crate) fn write(folder: &Path, path: &str, content: &str) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, content).unwrap();
}

pub(crate) fn asset(release: &str) -> String {
    format!("/assets/app-abcd{release:0>4}.js")
}

impl Shop {
    pub(crate) async fn new() -> Self {
        Self::with(|spec| spec).await
    }

    pub(crate) async fn with(change: impl FnOnce(SiteSpec) -> SiteSpec) -> Self {
        let world = World::new().await;
        let bucket = format!("site-{}", world.aws.id);
        let spec = change(SiteSpec::new(&bucket).origin_path("/live"));
        let site = world.aws.create_site(&spec).await.unwrap();
        world.aws.clear_requests().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        build(folder.path(), "1");
        Self { world, bucket, site, folder }
    }

    pub(crate) fn build(&self, release: &str) {
        build(self.folder.path(), release);
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        write(self.folder.path(), &format!("dist/{path}"), content);
    }

    /// The step, of a commit by its number.
    pub(crate) fn publish(&self, commit: usize) -> Runner {
        self.at(self.world.step("publish-site"), commit).input("source", "dist")
    }

    /// A step at this site.
    pub(crate) fn at(&self, step: Runner, commit: usize) -> Runner {
        step.sha(&self.world.commits[commit])
            .workspace(self.folder.path())
            .input("environment", "prd")
            .input("bucket", &self.bucket)
            .input("prefix", "live")
            .input("distribution", &self.site.distribution)
            .input("url", self.world.aws.site_url(&self.site))
    }

    /// Edges forget at once: what is put back or taken away is not waited for.
    pub(crate) async fn forgets_at_once(self) -> Self {
        let at_once = Settings { invalidation_delay: Some(0.0), ..Settings::default() };
        self.world.aws.settings(&at_once).await.unwrap();
        self
    }

    /// What a viewer gets.
    pub(crate) async fn view(&self, path: &str) -> (u16, String) {
        let seen = self.world.aws.view(&self.site, path, &[]).await.unwrap();
        (seen.status, seen.text())
    }

    /// The release that the page names.
    pub(crate) async fn page(&self) -> String {
        self.view("/index.html").await.1
    }

    pub(crate) async fn marker(&self) -> Value {
        let text = self.world.aws.s3_get(&self.bucket, "live/.release.json").await.unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// How often each of these was called since the requests were forgotten.
    pub(crate) async fn count(&self, operation: &str) -> usize {
        self.world.operations().await.iter().filter(|one| one.ends_with(operation)).count()
    }

    /// The keys that were written, in their order.
    pub(crate) async fn written(&self) -> Vec<String> {
        let requests = self.world.aws.requests().await.unwrap();
        let puts = requests.iter().filter(|one| matches!(one.operation.as_str(), "PutObject" | "CopyObject"));
        puts.map(|one| {
            one.path.rsplit_once(&format!("/{}/", self.bucket)).map_or(one.path.clone(), |(_, key)| key.to_owned())
        })
        .collect()
    }

    pub(crate) async fn forget(&self) {
        self.world.aws.clear_requests().await.unwrap();
    }
}

pub(crate) fn fault(operation: &str, pattern: &str) -> Fault {
    Fault { operation: Some(operation.to_owned()), pattern: Some(pattern.to_owned()), ..Fault::default() }
}

fn uploaded(report: &Report) -> &str {
    report.output("uploaded")
}

#[tokio::test]
async fn a_site_is_published_and_the_next_release_replaces_only_what_differs() {
    let shop = Shop::new().await;
    let report = shop.publish(0).run().await;
    report.assert_verdict("pass", 0).assert_runner_safe().assert_no_secret(&shop.world.aws.id);
    assert!(shop.page().await.ends_with("release 1"));
    assert_eq!(shop.view(&asset("1")).await, (200, "console.log('1')".to_owned()));
    let record = &shop.world.records()[0];
    let target = &record.payload["targets"][0];
    assert_eq!(
        (&target["kind"], &target["bucket"], &target["prefix"]),
        (&json!("site"), &json!("site-*"), &json!("live"))
    );
    assert_eq!(target["release"], json!(shop.world.commits[0]));
    assert_eq!(record.states(), ["success"]);

    shop.forget().await;
    shop.build("2");
    let report = shop.publish(1).run().await;
    report.assert_verdict("pass", 0);
    assert!(shop.page().await.ends_with("release 2"));
    assert_eq!(report.output("previous-release"), shop.world.commits[0]);
    // The asset, its map and the page; what did not change is not sent.
    assert_eq!((uploaded(&report), report.output("unchanged")), ("3", "2"));
    let written = shop.written().await;
    let place =
        |key: &str| written.iter().position(|one| one.ends_with(key)).unwrap_or_else(|| panic!("{key}: {written:?}"));
    assert!(place("app-abcd0002.js") < place(".release.json") && place(".release.json") < place("live/index.html"));
    assert!(written.last().unwrap().ends_with("live/.release.json"), "{written:?}");
    assert_eq!(shop.marker().await["release"], json!(shop.world.commits[1]));
}

#[tokio::test]
async fn st01_same_size_and_an_older_time_are_no_reason_to_keep_a_file() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.write("robots.txt", "User-agent: x");
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(shop.folder.path().join("dist/robots.txt")).unwrap().set_modified(long_ago).unwrap();
    let report = shop.publish(1).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(uploaded(&report), "1");
    assert_eq!(shop.view("/robots.txt").await.1, "User-agent: x");
}

#[tokio::test]
async fn st02_what_is_there_already_is_not_sent_again() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("1");
    shop.forget().await;
    let report = shop.publish(0).run().await;
    report.assert_verdict("skipped", 0);
    let asked = shop.world.operations().await;
    let asked: Vec<&String> = asked.iter().filter(|one| !one.starts_with("edge ")).collect();
    assert!(asked.len() <= 3, "{asked:?}");
    assert!(report.output("serving").contains(&shop.world.commits[0]));
}

#[tokio::test]
async fn st03_another_cache_control_is_a_change() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    let report = shop.publish(0).input("cache", "{'**/*.html': 'public, max-age=60'}").run().await;
    report.assert_verdict("pass", 0);
    assert!(report.log.iter().any(|line| line.contains("index.html: only its header fields change")), "{report}");
    assert!(
        report.output("release").starts_with(&format!("{}-", shop.world.commits[0])),
        "the same commit, other content"
    );
    let seen = shop.world.aws.view(&shop.site, "/index.html", &[]).await.unwrap();
    assert_eq!(seen.header("cache-control"), Some("public, max-age=60"));
}

#[tokio::test]
async fn st04_where_an_upload_fails_no_document_is_touched() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    shop.forget().await;
    let denied =
        Fault { status: Some(403), code: Some("AccessDenied".to_owned()), ..fault("PutObject", "app-abcd0002.js") };
    shop.world.aws.faults(&[denied]).await.unwrap();
    let report = shop.publish(1).run().await;
    report.assert_verdict("error", 4);
    assert!(report.output("reason").contains("s3:PutObject"), "{report}");
    assert!(shop.page().await.ends_with("release 1"));
    assert!(shop.written().await.iter().all(|key| !key.contains("index.html") && !key.contains(".release.json")));
    assert_eq!(shop.world.records()[1].states().last(), Some(&"failure"));
}

#[tokio::test]
async fn st06_of_two_publishers_one_wins_and_the_other_writes_no_document() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.build("2");
    // Somebody else publishes between the reading of the marker and the claim.
    let theirs = json!({"schema": 1, "release": "theirs", "digest": format!("sha256:{}", "1".repeat(64)), "serial": 2});
    let other = Fault {
        before: vec![Hook {
            service: None,
            method: "PUT".to_owned(),
            path: format!("/{}/live/.release.json", shop.bucket),
            body: theirs.clone(),
            ..Hook::default()
        }],
        ..fault("PutObject", "^PUT [^\n]*/live/.release.json")
    };
    shop.world.aws.faults(&[other]).await.unwrap();
    shop.forget().await;
    let report = shop.publish(1).run().await;
    report.assert_verdict("superseded", 5);
    assert!(report.output("reason").contains("theirs"), "{report}");
    assert!(shop.written().await.iter().all(|key| !key.ends_with("live/index.html")), "{:?}", shop.written().await);
}

#[tokio::test]
async fn st07_tabs_that_are_open_find_their_assets_and_st08_old_releases_leave_only_what_is_theirs() {
    let shop = Shop::new().await;
    shop.write("assets/shared-abcdef12.css", "body{}");
    shop.publish(0).run().await.assert_verdict("pass", 0);
    for release in ["2", "3"] {
        // S3 tells the age of an object in whole seconds.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        shop.build(release);
        shop.write("assets/shared-abcdef12.css", "body{}");
        shop.publish(release.parse::<usize>().unwrap() - 1).run().await.assert_verdict("pass", 0);
    }
    assert_eq!(shop.view(&asset("1")).await.0, 200);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    shop.build("4");
    shop.write("assets/shared-abcdef12.css", "body{}");
    let report = shop.publish(3).input("prune-after", "1s").input("keep-releases", "2").run().await;
    report.assert_verdict("pass", 0);
    let there = async |path: &str| shop.world.aws.s3_get(&shop.bucket, &format!("live{path}")).await.is_ok();
    assert!(!there(&asset("1")).await && there(&asset("3")).await && there(&asset("4")).await, "{report}");
    assert!(there("/assets/shared-abcdef12.css").await && there("/about.html").await);
}

/// Whatever becomes of the deletion, the release counts, and the next publication takes up what is left.
#[tokio::test]
async fn st08_what_could_not_be_deleted_is_deleted_by_the_next_publication() {
    let refused = Fault { status: Some(403), code: Some("AccessDenied".to_owned()), ..fault("DeleteObjects", "") };
    let lost = Fault { applied: true, drop: true, ..fault("DeleteObjects", "") };
    for (fault, is_there) in [(refused, true), (lost, false)] {
        let shop = Shop::new().await;
        let wait = || tokio::time::sleep(std::time::Duration::from_millis(2100));
        let publish = |commit, kept| shop.publish(commit).input("prune-after", "1s").input("keep-releases", kept);
        shop.publish(0).run().await.assert_verdict("pass", 0);
        wait().await;
        shop.build("2");
        shop.publish(1).run().await.assert_verdict("pass", 0);
        wait().await;
        shop.build("3");
        shop.world.aws.faults(&[Fault { pattern: None, ..fault }]).await.unwrap();
        let third = publish(2, "1").run().await;
        third.assert_verdict("pass", 0);
        assert!(shop.page().await.ends_with("release 3"));
        assert_eq!(shop.world.records()[2].states(), ["success"]);
        // The edge keeps what it has seen.
        let key = format!("live{}", asset("1"));
        assert_eq!(shop.world.aws.s3_get(&shop.bucket, &key).await.is_ok(), is_there, "{third}");
        shop.world.aws.clear_faults().await.unwrap();
        wait().await;
        shop.build("4");
        publish(3, "2").run().await.assert_verdict("pass", 0);
        let gone = shop.world.aws.s3_get(&shop.bucket, &key).await.is_err();
        assert!(gone && shop.view(&asset("3")).await.0 == 200);
    }
}

#[tokio::test]
async fn st15_source_maps_are_kept_and_not_served() {
    let shop = Shop::new().await;
    shop.publish(0).run().await.assert_verdict("pass", 0);
    assert_ne!(shop.view(&format!("{}.map", asset("1"))).await.0, 200);
    let key = format!(".deploy-action/live/(private)/{}{}.map", shop.world.commits[0], asset("1"));
    assert!(shop.world.aws.s3_get(&shop.bucket, &key).await.is_ok());
}

#[tokio::test]
async fn st16_content_types_are_right_and_unknown_ones_are_said() {
    let shop = Shop::new().await;
    for name in ["a.wasm", "b.mjs", "c.webmanifest", "d.avif", "e.xyz"] {
        shop.write(name, "x");
    }
    let report = shop.publish(0).input("headers", "{'*.mjs': {Content-Language: de}}").run().await;
    report.assert_verdict("pass", 0);
    for (path, expected) in [
        ("/a.wasm", "application/wasm"),
        ("/b.mjs", "text/javascript; charset=utf-8"),
        ("/c.webmanifest", "application/manifest+json"),
        ("/d.avif", "image/avif"),
        ("/e.xyz", "application/octet-stream"),
    ] {
        let seen = shop.world.aws.view(&shop.site, path, &[]).await.unwrap();
        assert_eq!(seen.header("content-type"), Some(expected), "{path}");
    }
    assert!(
        report.annotations.iter().any(|one| one.message.contains("e.xyz"))
            || report.log.iter().any(|line| line.contains("e.xyz"))
    );
}

#[tokio::test]
async fn st17_names_with_all_kinds_of_characters_arrive_and_are_invalidated() {
    // As a browser spells a path: the edge keeps each spelling by itself.
    const SPELT: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    let shop = Shop::new().await;
    let names = ["a b.txt", "tilde~.txt", "hash#.txt", "percent%41.txt", "schön.txt", "plus+.txt"];
    for name in names {
        shop.write(name, "one");
    }
    shop.publish(0).run().await.assert_verdict("pass", 0);
    let encoded = |name: &str| format!("/{}", percent_encoding::utf8_percent_encode(name, SPELT));
    for name in names {
        assert_eq!(shop.view(&encoded(name)).await, (200, "one".to_owned()), "{name}");
        shop.write(name, "two");
    }
    shop.publish(1).run().await.assert_verdict("pass", 0);
    for name in names {
        assert_eq!(shop.view(&encoded(name)).await.1, "two", "{name}");
    }
}

#[tokio::test]
async fn st24_one_build_serves_environments_that_differ_in_their_runtime_config() {
    let shop = Shop::new().await;
    let first = shop.publish(0).input("runtime-config", "/config.json: {api: one}").run().await;
    first.assert_verdict("pass", 0);
    assert_eq!(shop.view("/config.json").await.1, r#"{"api":"one"}"#);
    let second = shop.publish(0).input("runtime-config", "/config.json: {api: two}").run().await;
    second.assert_verdict("pass", 0);
    assert_eq!(first.output("digest"), second.output("digest"));
    assert_eq!(shop.view("/config.json").await.1, r#"{"api":"two"}"#);
    shop.publish(0).input("runtime-config", "/config.json: {api: two}").run().await.assert_verdict("skipped", 0);
}

#[tokio::test]
async fn st28_large_files_are_compared_by_their_content() {
    let shop = Shop::new().await;
    fs::write(shop.folder.path().join("dist/film.mp4"), vec![7_u8; 9 * 1024 * 1024]).unwrap();
    shop.publish(0).run().await.assert_verdict("pass", 0);
    shop.write("robots.txt", "other");
    let report = shop.publish(1).run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(uploaded(&report), "1");
}

#[tokio::test]
async fn pages_without_an_ending_are_named_so() {
    let shop = Shop::new().await;
    shop.publish(0).input("documents", "both").run().await.assert_verdict("pass", 0);
    let seen = shop.world.aws.view(&shop.site, "/about", &[]).await.unwrap();
    assert_eq!((seen.status, seen.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(shop.view("/about.html").await.0, 200);
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let shop = Shop::new().await;
    let report = shop.publish(0).input("dry-run", "true").run().await;
    report.assert_verdict("pass", 0);
    assert_eq!(report.output("changed"), "true");
    assert!(shop.written().await.is_empty() && shop.world.records().is_empty());
}

#[tokio::test]
async fn a_preview_is_taken_away_and_what_serves_is_not() {
    let shop = Shop::new().await;
    let remove = |shop: &Shop| {
        let step = shop.world.step("publish-site").sha(&shop.world.commits[0]).input("environment", "prd");
        step.input("bucket", &shop.bucket).input("prefix", "live").input("remove", "true")
    };
    shop.publish(0).run().await.assert_verdict("pass", 0);
    let report = remove(&shop).run().await;
    report.assert_verdict("fail", 1);
    assert!(shop.page().await.ends_with("release 1"));

    let shop = Shop::new().await;
    shop.publish(0).input("serves", "false").run().await.assert_verdict("pass", 0);
    remove(&shop).run().await.assert_verdict("pass", 0);
    let listed = shop.world.aws.s3("GET", &format!("/{}", shop.bucket), Vec::new()).await.unwrap().text();
    assert!(!listed.contains("<Key>"), "{listed}");
    remove(&shop).run().await.assert_verdict("skipped", 0);
}
