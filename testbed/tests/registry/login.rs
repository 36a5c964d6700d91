//! Who gets credentials, and for how long they are good.

use std::time::Duration;

use anyhow::{Context as _, Result};
use testbed::aws::ImageSpec;
use testbed::registry::{Access, Blob, Credential, Location, Login, Place, Registry};

use super::client::{Auth, Peer};

#[tokio::test]
async fn a_challenge_names_the_token_endpoint_and_the_scope() -> Result<()> {
    let registry = Registry::ghcr().start().await?;
    registry.put_image(&ImageSpec::new("org/app").tag("v1"));
    let peer = Peer::of(&registry);
    let refused = peer.once("GET", "/v2/org/app/manifests/v1", &[], &[], None).await?;
    let realm = format!("http://{}/token", registry.token_host());
    let wanted = format!("Bearer realm=\"{realm}\",service=\"{}\",scope=\"repository:org/app:pull\"", registry.host());
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, wanted.as_str()));
    let refused = peer.once("POST", "/v2/org/app/blobs/uploads/", &[], &[], None).await?;
    assert!(refused.header("www-authenticate").ends_with("scope=\"repository:org/app:pull,push\""), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn credentials_are_seen_where_they_belong() -> Result<()> {
    let registry = Registry::ghcr().start().await?;
    let digest = registry.put_blob("org/app", Blob::bytes("content"));
    let peer = Peer::of(&registry);
    assert_eq!(peer.download("org/app", &digest, &[]).await.body, b"content");
    let seen: Vec<(Place, bool, Option<u16>)> = registry
        .requests()
        .iter()
        .map(|request| {
            (registry.place(request), matches!(request.credential(), Some(Credential::Basic(..))), request.status)
        })
        .collect();
    let wanted = [
        (Place::Registry, false, Some(401)),
        (Place::Tokens, true, Some(200)),
        (Place::Registry, false, Some(307)),
        (Place::Store, false, Some(200)),
    ];
    assert_eq!(seen, wanted);
    assert!(registry.requests()[3].credential().is_none());
    let place = registry.requests()[3].path().to_owned();
    let signature = registry.requests()[3].query("X-Amz-Signature").context("a signature")?;
    let url = format!("http://{}{place}?X-Amz-Signature={signature}", registry.store_host());
    assert_eq!(peer.once("GET", &url, &[], &[], None).await?.status, 200);
    let refused = peer.once("GET", &url, &[], &[], Some("token")).await?;
    assert_eq!(refused.status, 400, "as S3 refuses two ways to sign");
    let forged = peer.once("GET", &url.replace(&signature, "0"), &[], &[], None).await?;
    assert_eq!(forged.status, 403);
    Ok(())
}

#[tokio::test]
async fn a_reader_does_not_push_and_a_stranger_does_nothing() -> Result<()> {
    let registry = Registry::ghcr().start().await?;
    registry.put_image(&ImageSpec::new("org/app").tag("v1"));
    let password = registry.user("reader", &[("org/app", Access::Pull)]);
    let reader = Peer::new(registry.host(), Auth::Bearer("reader".to_owned(), password));
    assert_eq!(reader.get("/v2/org/app/manifests/v1").await.status, 200);
    let refused = reader.begin("org/app", "").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "DENIED"));
    assert_eq!(reader.get("/v2/org/other/tags/list").await.status, 403);
    let challenge = reader.once("GET", "/v2/org/app/tags/list", &[], &[], None).await?;
    let wrong = Peer { auth: Auth::Bearer("reader".to_owned(), "wrong".to_owned()), ..reader };
    assert_eq!(wrong.token(challenge.header("www-authenticate")).await.status, 403);
    Ok(())
}

#[tokio::test]
async fn tokens_and_passwords_end() -> Result<()> {
    let registry = Registry::ghcr().with(|options| options.token_lifetime = Duration::from_millis(200)).start().await?;
    registry.put_image(&ImageSpec::new("org/app").tag("v1"));
    let peer = Peer::of(&registry);
    let path = "/v2/org/app/tags/list";
    let challenge = peer.once("GET", path, &[], &[], None).await?;
    let token = peer.token(challenge.header("www-authenticate")).await.json();
    let token = token["token"].as_str().context("a token")?;
    assert_eq!(peer.once("GET", path, &[], &[], Some(token)).await?.status, 200);
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(peer.once("GET", path, &[], &[], Some(token)).await?.status, 401);

    let registry = Registry::ecr().start().await?;
    registry.create_repository("org/app");
    let peer = Peer::of(&registry);
    assert_eq!(peer.get(path).await.status, 200);
    registry.expire_credentials();
    assert_eq!(peer.get(path).await.status, 403);
    assert_eq!(Peer::of(&registry).get(path).await.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_registry_that_is_reached_by_another_address_names_its_own_host() -> Result<()> {
    let registry = Registry::ghcr().with(|options| options.own_tokens = true).start().await?;
    registry.configure(|options| options.location = Location::Absolute);
    let peer = Peer::of(&registry);
    assert!(peer.begin("org/app", "").await.header("location").starts_with(&format!("{}/v2/", registry.url())));
    let peer = Peer { host: Some("ghcr.io".to_owned()), ..peer };
    let refused = peer.once("GET", "/v2/", &[], &[], None).await?;
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"https://ghcr.io/token\",service=\"ghcr.io\"");
    registry.configure(|options| options.login = Login::None);
    assert!(peer.begin("org/app", "").await.header("location").starts_with("https://ghcr.io/v2/"));
    Ok(())
}
