//! Faults, cuts, and requests that are held.

use std::time::{Duration, Instant};

use anyhow::Result;
use testbed::aws::ImageSpec;
use testbed::registry::{Blob, Cut, Fault, Registry};

use super::client::{Auth, Peer, with_digest};

async fn open() -> Result<Registry> {
    Registry::ghcr().with(|options| options.login = testbed::registry::Login::None).start().await
}

fn peer(registry: &Registry) -> Peer {
    Peer::new(registry.host(), Auth::None)
}

#[tokio::test]
async fn a_rule_answers_waits_and_ends() -> Result<()> {
    let registry = open().await?;
    registry.put_image(&ImageSpec::new("org/app").tag("v1"));
    let busy = Fault::on("GET", "/manifests/v1$")?.status(429).code("TOOMANYREQUESTS").retry_after(3).after(1).times(2);
    registry.fault(busy);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let got = peer(&registry).get("/v2/org/app/manifests/v1").await;
        seen.push((got.status, got.header("retry-after").to_owned(), got.code()));
    }
    let (good, refused) = ((200, String::new(), String::new()), (429, "3".to_owned(), "TOOMANYREQUESTS".to_owned()));
    assert_eq!(seen, [good.clone(), refused.clone(), refused, good]);

    registry.fault(Fault::on("PUT", "/manifests/v2$")?.status(500).applied().delay(Duration::from_millis(100)));
    let image = registry.manifest("org/app", "v1").unwrap();
    let text = String::from_utf8(image.bytes.to_vec())?;
    let start = Instant::now();
    assert_eq!(peer(&registry).put("org/app", "v2", &image.media_type, &text).await.status, 500);
    assert!(start.elapsed() >= Duration::from_millis(100));
    assert_eq!(registry.tags("org/app")["v2"], image.digest, "it was carried out");

    registry.fault(Fault::on("GET", "/manifests/")?.header("docker-content-digest", ""));
    assert_eq!(peer(&registry).get("/v2/org/app/manifests/v1").await.header("docker-content-digest"), "");
    Ok(())
}

#[tokio::test]
async fn downloads_are_cut_corrupted_and_slow() -> Result<()> {
    let registry = open().await?;
    let blob = Blob::generated(300_000, 1);
    let digest = registry.put_blob("org/app", blob.clone());
    let location = peer(&registry).get(&format!("/v2/org/app/blobs/{digest}")).await.header("location").to_owned();
    let get = async |range: &str| peer(&registry).once("GET", &location, &[("range", range)], &[], None).await;
    for cut in [Cut::After(100_000), Cut::Truncate, Cut::Close, Cut::Reset] {
        registry.fault(Fault::on("GET", "^/store/")?.cut(cut));
        assert!(get("bytes=0-").await.is_err(), "{cut:?}");
    }
    let sent: Vec<u64> = registry.requests().iter().skip(1).map(|request| request.sent).collect();
    assert_eq!(sent, [100_000, 150_000, 0, 0]);
    let rest = get("bytes=100000-").await?;
    assert_eq!((rest.status, rest.body.as_slice()), (206, &blob.to_vec()[100_000..]));

    registry.fault(Fault::on("GET", "^/store/")?.corrupt());
    let wrong = get("bytes=0-").await?;
    assert_eq!(wrong.body.len(), 300_000);
    assert_ne!(wrong.body, blob.to_vec());

    registry.fault(Fault::on("GET", "^/store/")?.drip(Duration::from_millis(50)));
    let start = Instant::now();
    assert_eq!(get("bytes=0-").await?.body, blob.to_vec());
    assert!(start.elapsed() >= Duration::from_millis(200));
    Ok(())
}

#[tokio::test]
async fn an_upload_is_cut_in_the_middle() -> Result<()> {
    let registry = open().await?;
    let content = Blob::generated(500_000, 2).to_vec();
    let begun = peer(&registry).begin("org/app", "").await;
    let end = with_digest(begun.header("location"), &content);
    registry.fault(Fault::on("PUT", "/blobs/uploads/")?.cut(Cut::Upload(100_000)));
    let cut = peer(&registry).once("PUT", &end, &[], &content, None).await;
    assert!(cut.is_err(), "{cut:?}");
    let request = registry.requests().pop().unwrap();
    assert_eq!((request.received, request.status), (100_000, None));
    assert!(registry.blobs("org/app").is_empty());
    registry.configure(|options| options.refuses_restart = true);
    let again = peer(&registry).once("PUT", &end, &[], &content, None).await?;
    assert_eq!(again.status, 416, "as ECR has it");
    assert_eq!(peer(&registry).upload("org/app", &content).await.status, 201);
    assert_eq!(registry.blobs("org/app").values().copied().collect::<Vec<_>>(), [500_000]);
    Ok(())
}

#[tokio::test]
async fn a_request_is_held_until_its_client_is_gone() -> Result<()> {
    for applied in [false, true] {
        let registry = open().await?;
        registry.put_image(&ImageSpec::new("org/app").tag("v1"));
        let image = registry.manifest("org/app", "v1").unwrap();
        let peer = peer(&registry);
        let held = Fault::on("PUT", "/manifests/")?.hold();
        registry.fault(if applied { held.applied() } else { held });
        assert_eq!(peer.get("/v2/org/app/manifests/v1").await.status, 200);
        let (client, text) = (peer.clone(), String::from_utf8(image.bytes.to_vec())?);
        let program = tokio::spawn(async move { client.put("org/app", "v2", &image.media_type, &text).await });
        registry.held().await;
        let held = registry.requests().into_iter().find(|request| request.faulty).unwrap();
        assert_eq!((held.method.as_str(), held.path()), ("PUT", "/v2/org/app/manifests/v2"));
        assert_eq!(held.status, None);
        program.abort();
        assert_eq!(registry.tags("org/app").contains_key("v2"), applied);
        registry.clear_faults();
        assert_eq!(peer.get("/v2/org/app/manifests/v1").await.status, 200);
    }
    Ok(())
}
