//! What registries differ in when something is pushed, and blobs that do not fit in memory.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::json;
use testbed::aws::{ImageSpec, LocalAws};
use testbed::registry::{Blob, Location, Mount, Registry};

use super::client::{Auth, Peer};

#[tokio::test]
async fn a_tag_of_an_immutable_repository_is_put_once() -> Result<()> {
    let registry = Registry::ecr().with(|options| options.immutable = true).start().await?;
    let pushed = registry.put_image(&ImageSpec::new("org/app").tag("v1"));
    let peer = Peer::of(&registry);
    let text = String::from_utf8(pushed.manifest.bytes.to_vec())?;
    let again = peer.put("org/app", "v1", &pushed.manifest.media_type, &text).await;
    assert_eq!((again.status, again.code().as_str()), (400, "TAG_INVALID"));
    assert!(again.json()["errors"][0]["message"].as_str().is_some_and(|text| {
        text.starts_with("The image tag 'v1' already exists in the 'org/app' repository and cannot be overwritten")
    }));
    assert_eq!(peer.put("org/app", "prd-1", &pushed.manifest.media_type, &text).await.status, 201);
    Ok(())
}

#[tokio::test]
async fn uploads_go_on_where_the_test_wants() -> Result<()> {
    let registry = Registry::ghcr().start().await?;
    let peer = Peer::of(&registry);
    assert!(peer.begin("org/app", "").await.header("location").starts_with("/v2/org/app/blobs/uploads/"));
    registry.configure(|options| options.location = Location::Absolute);
    assert!(peer.begin("org/app", "").await.header("location").starts_with(&format!("http://{}/v2/", registry.host())));
    registry.configure(|options| options.location = Location::OtherHost("169.254.169.254".to_owned()));
    assert!(peer.begin("org/app", "").await.header("location").starts_with("http://169.254.169.254/v2/"));
    registry.configure(|options| options.location = Location::Missing);
    assert_eq!(peer.begin("org/app", "").await.header("location"), "");
    assert_eq!(registry.open_uploads("org/app"), 4);
    Ok(())
}

#[tokio::test]
async fn tags_come_in_pages() -> Result<()> {
    let registry = Registry::ghcr().with(|options| options.page = 2).start().await?;
    for tag in ["a", "b", "c"] {
        registry.put_image(&ImageSpec::new("org/app").tag(tag));
    }
    let peer = Peer::of(&registry);
    let first = peer.get("/v2/org/app/tags/list").await;
    assert_eq!(first.json()["tags"], json!(["a", "b"]));
    let link = first.header("link");
    let next = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).context("a link")?;
    let second = peer.get(next).await;
    assert_eq!((second.json()["tags"].clone(), second.header("link")), (json!(["c"]), ""));
    Ok(())
}

#[tokio::test]
async fn ecr_mounts_what_an_image_needs() -> Result<()> {
    let registry = Registry::ecr().with(|options| options.mount = Mount::OfReferenced).start().await?;
    let pushed = registry.put_image(&ImageSpec::new("org/app").tag("v1"));
    let unneeded = registry.put_blob("org/app", Blob::bytes("unneeded"));
    registry.create_repository("org/other");
    let peer = Peer::of(&registry);
    for (digest, status) in [(&pushed.blobs[0].0, 201), (&unneeded, 202)] {
        assert_eq!(peer.begin("org/other", &format!("?mount={digest}&from=org/app")).await.status, status);
    }
    Ok(())
}

#[tokio::test]
async fn one_description_is_the_same_image_everywhere() -> Result<()> {
    let spec = ImageSpec::new("org/app")
        .tag("v1")
        .release("1.0.0", "c0ffee")
        .behaviour("- do: ok")
        .architectures(&["amd64", "arm64"])
        .attestation()
        .layer(Blob::generated(100_000, 3))
        .referrer("application/vnd.dev.sigstore.bundle.v0.3+json")
        .signature("sig");
    let registry = Registry::ghcr().start().await?;
    let pushed = registry.put_image(&spec);
    assert_eq!(pushed.children.len(), 4);
    let account = LocalAws::shared().account();
    account.create_repository("org/app").await?;
    assert_eq!(account.push_image(&spec).await?, pushed.digest);
    let hex = pushed.digest.replace(':', "-");
    let tags: Vec<String> = registry.tags("org/app").into_keys().collect();
    assert_eq!(
        tags,
        [hex.clone(), format!("{hex}.sig"), "v1".to_owned()],
        "referrers have a tag where there is no API"
    );
    let fallback = registry.manifest("org/app", &hex).context("the list of referrers")?;
    assert_eq!(fallback.json()["manifests"][0]["digest"], pushed.referrers[0].digest);
    Ok(())
}

#[tokio::test]
async fn a_huge_blob_passes_without_being_held() -> Result<()> {
    const SIZE: u64 = 1 << 30;
    let start = Instant::now();
    let source = Registry::ghcr().with(|options| options.login = testbed::registry::Login::None).start().await?;
    let destination = Registry::ecr().with(|options| options.login = testbed::registry::Login::None).start().await?;
    destination.create_repository("org/app");
    let digest = source.put_blob("org/app", Blob::generated(SIZE, 4));
    let from = Peer::new(source.host(), Auth::None);
    let to = Peer::new(destination.host(), Auth::None);
    let place = from.get(&format!("/v2/org/app/blobs/{digest}")).await.header("location").to_owned();
    let body = reqwest::Body::from(from.client.get(place).send().await?);
    let begun = to.begin("org/app", "").await;
    let end = format!("{}&digest={digest}", begun.header("location"));
    let put = to.client.put(end).header("content-length", SIZE).body(body).send().await?;
    assert_eq!(put.status().as_u16(), 201);
    assert_eq!(destination.blobs("org/app")[&digest], SIZE);
    let peak = std::fs::read_to_string("/proc/self/status")?;
    let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the peak")?;
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse()?;
    eprintln!("1 GiB in {:?}, peak {peak} kB", start.elapsed());
    assert!(peak < 128_000, "{peak} kB");
    Ok(())
}

#[tokio::test]
async fn an_unknown_large_blob_is_kept_on_disk() -> Result<()> {
    let registry = Registry::ghcr().with(|options| options.redirects = false).start().await?;
    let peer = Peer::of(&registry);
    let content: Vec<u8> = (0..5_000_000_u32).map(|number| (number % 251) as u8).collect();
    assert_eq!(peer.upload("org/app", &content).await.status, 201);
    let digest = testbed::registry::digest(&content);
    assert_eq!(peer.download("org/app", &digest, &[]).await.body, content);
    let part = peer.download("org/app", &digest, &[("range", "bytes=4999990-")]).await;
    assert_eq!((part.status, part.body.as_slice()), (206, &content[4_999_990..]));
    Ok(())
}
