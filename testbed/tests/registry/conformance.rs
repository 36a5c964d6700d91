//! One sequence of requests, the same for all registries.

use anyhow::{Context as _, Result};
use serde_json::json;
use testbed::aws::LocalAws;
use testbed::registry::{DockerRegistry, Registry, digest};

use super::client::{Auth, Peer, with_digest};

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Where registries differ.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a difference of its own")]
struct Expected {
    patch: u16,
    empty: u16,
    mount: u16,
    redirects: bool,
    referrers: bool,
    manifest_location: bool,
    parameters: u16,
    restart: bool,
}

const DISTRIBUTION: Expected = Expected {
    patch: 202,
    empty: 201,
    mount: 201,
    redirects: false,
    referrers: false,
    manifest_location: true,
    parameters: 201,
    restart: true,
};

const GHCR: Expected = Expected { redirects: true, ..DISTRIBUTION };

const ECR: Expected = Expected {
    patch: 201,
    empty: 400,
    mount: 202,
    redirects: true,
    referrers: true,
    manifest_location: false,
    parameters: 405,
    restart: false,
};

#[tokio::test]
async fn the_github_profile_conforms() -> Result<()> {
    let registry = Registry::ghcr().start().await?;
    conforms(&Peer::of(&registry), &GHCR).await;
    Ok(())
}

#[tokio::test]
async fn the_github_profile_without_its_own_ways_is_as_docker_registry() -> Result<()> {
    let registry = Registry::ghcr().with(|options| options.redirects = false).start().await?;
    conforms(&Peer::of(&registry), &DISTRIBUTION).await;
    Ok(())
}

#[tokio::test]
async fn the_ecr_profile_conforms() -> Result<()> {
    let registry = Registry::ecr().start().await?;
    registry.create_repository("org/app");
    registry.create_repository("org/other");
    conforms(&Peer::of(&registry), &ECR).await;
    Ok(())
}

#[tokio::test]
async fn the_registry_of_the_local_aws_conforms() -> Result<()> {
    let account = LocalAws::shared().account();
    for name in ["org/app", "org/other"] {
        account.create_repository(name).await?;
    }
    let answer = account.ecr("GetAuthorizationToken", &json!({})).await?;
    let token = answer["authorizationData"][0]["authorizationToken"].as_str().context("a token")?;
    let token = String::from_utf8(base64::Engine::decode(&base64::engine::general_purpose::STANDARD, token)?)?;
    let password = token.strip_prefix("AWS:").context("a user")?.to_owned();
    let mut peer = Peer::new(account.endpoint().trim_start_matches("http://"), Auth::Basic("AWS".to_owned(), password));
    peer.host = Some(format!("{}.dkr.ecr.{}.amazonaws.com", account.id, account.region()));
    conforms(&peer, &ECR).await;
    Ok(())
}

#[tokio::test]
async fn docker_registry_conforms() -> Result<()> {
    for registry in [DockerRegistry::start().await?, DockerRegistry::start_with_login().await?].into_iter().flatten() {
        let auth = registry.credentials().map_or(Auth::None, |(user, password)| Auth::Basic(user, password));
        conforms(&Peer::new(registry.host(), auth), &DISTRIBUTION).await;
    }
    Ok(())
}

#[tokio::test]
async fn docker_registry_ends_with_its_handle() -> Result<()> {
    let Some(registry) = DockerRegistry::start().await? else { return Ok(()) };
    let host = registry.host().to_owned();
    assert!(tokio::net::TcpStream::connect(&host).await.is_ok());
    drop(registry);
    assert!(tokio::net::TcpStream::connect(&host).await.is_err());
    Ok(())
}

async fn conforms(peer: &Peer, expected: &Expected) {
    let repository = "org/app";
    login(peer).await;
    blobs(peer, expected, repository).await;
    let child = images(peer, expected, repository).await;
    mounts(peer, expected, repository).await;
    referrers(peer, expected, repository, &child).await;
}

async fn login(peer: &Peer) {
    let got = Peer { auth: Auth::None, ..peer.clone() }.get("/v2/").await;
    assert_eq!(got.status, if matches!(peer.auth, Auth::None) { 200 } else { 401 });
    match &peer.auth {
        Auth::None => {}
        Auth::Basic(user, _) => {
            assert!(got.header("www-authenticate").starts_with("Basic realm="), "{got:?}");
            let wrong = Peer { auth: Auth::Basic(user.clone(), "wrong".to_owned()), ..peer.clone() };
            let refused = wrong.get("/v2/").await.status;
            assert!(refused == 401 || refused == 403, "{refused}");
        }
        Auth::Bearer(..) => assert!(got.header("www-authenticate").starts_with("Bearer realm="), "{got:?}"),
    }
}

async fn blobs(peer: &Peer, expected: &Expected, repository: &str) {
    let content = b"a layer of some bytes".as_slice();
    let place = format!("/v2/{repository}/blobs/{}", digest(content));
    let uploaded = peer.upload(repository, content).await;
    assert_eq!((uploaded.status, uploaded.header("docker-content-digest")), (201, digest(content).as_str()));
    let head = peer.send("HEAD", &place, &[], &[]).await;
    assert_eq!((head.status, head.header("content-length")), (200, "21"));
    assert_eq!(peer.get(&place).await.status, if expected.redirects { 307 } else { 200 });
    let whole = peer.download(repository, &digest(content), &[]).await;
    assert_eq!((whole.status, whole.body.as_slice()), (200, content));
    let part = peer.download(repository, &digest(content), &[("range", "bytes=2-6")]).await;
    assert_eq!(
        (part.status, part.body.as_slice(), part.header("content-range")),
        (206, &content[2..7], "bytes 2-6/21")
    );
    let missing = format!("/v2/{repository}/blobs/{}", digest(b"missing"));
    assert_eq!(peer.send("HEAD", &missing, &[], &[]).await.status, 404);
    let none = peer.get(&missing).await;
    assert_eq!((none.status, none.code().as_str()), (404, "BLOB_UNKNOWN"));

    let begun = peer.begin(repository, "").await;
    let patched = peer.send("PATCH", begun.header("location"), &[], b"in two ").await;
    assert_eq!((patched.status, patched.header("range")), (expected.patch, "0-6"));
    if expected.restart {
        let end = with_digest(patched.header("location"), b"in two pieces");
        assert_eq!(peer.send("PUT", &end, &[], b"pieces").await.status, 201);
    } else {
        let end = with_digest(patched.header("location"), b"in two ");
        assert_eq!(peer.send("PUT", &end, &[], b"in two ").await.status, 416);
        assert_eq!(peer.send("PUT", &end, &[], b"").await.status, 201);
    }

    let begun = peer.begin(repository, "").await;
    let wrong = peer.send("PUT", &with_digest(begun.header("location"), b"other"), &[], b"content").await;
    assert_eq!((wrong.status, wrong.code().as_str()), (400, "DIGEST_INVALID"));
    assert_eq!(peer.upload(repository, b"").await.status, expected.empty);
}

/// Pushes an image and an index with it, and answers the image's digest.
async fn images(peer: &Peer, expected: &Expected, repository: &str) -> String {
    let layer = b"a layer of some bytes";
    let configuration = br#"{"architecture":"amd64","os":"linux"}"#;
    let kind = "application/vnd.oci.image.config.v1+json";
    let image = json!({
        "schemaVersion": 2,
        "mediaType": IMAGE,
        "config": {"mediaType": kind, "digest": digest(configuration), "size": configuration.len()},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest(layer), "size": 21}],
    });
    // White space that a client must carry along.
    let image = format!("{image:#}\n");
    let child = digest(image.as_bytes());
    let early = peer.put(repository, &child, IMAGE, &image).await;
    assert_eq!((early.status, early.code().as_str()), (400, "MANIFEST_BLOB_UNKNOWN"), "the configuration is not there");
    peer.upload(repository, configuration).await;
    let index = json!({
        "schemaVersion": 2,
        "mediaType": INDEX,
        "manifests": [{"mediaType": IMAGE, "digest": child, "size": image.len(),
                       "platform": {"architecture": "amd64", "os": "linux"}}],
    })
    .to_string();
    let early = peer.put(repository, "v1", INDEX, &index).await;
    assert_eq!((early.status, early.code().as_str()), (400, "MANIFEST_BLOB_UNKNOWN"), "the image is not there");
    assert_eq!(peer.get(&format!("/v2/{repository}/manifests/v1")).await.status, 404);

    let other = peer.put(repository, &digest(b"other"), IMAGE, &image).await;
    assert_eq!((other.status, other.code().as_str()), (400, "DIGEST_INVALID"));
    let put = peer.put(repository, &child, IMAGE, &image).await;
    assert_eq!((put.status, put.header("docker-content-digest")), (201, child.as_str()));
    assert_eq!(!put.header("location").is_empty(), expected.manifest_location);
    for (reference, manifest, kind) in [("v1", &index, INDEX), ("v1-amd64", &image, IMAGE)] {
        assert_eq!(peer.put(repository, reference, kind, manifest).await.status, 201);
        for reference in [reference, &digest(manifest.as_bytes())] {
            let path = format!("/v2/{repository}/manifests/{reference}");
            let got = peer.send("GET", &path, &[("accept", kind)], &[]).await;
            assert_eq!((got.status, got.header("content-type"), got.body.as_slice()), (200, kind, manifest.as_bytes()));
            let head = peer.send("HEAD", &path, &[("accept", kind)], &[]).await;
            let length = manifest.len().to_string();
            assert_eq!((head.status, head.header("content-length")), (200, length.as_str()));
            assert_eq!(head.header("docker-content-digest"), digest(manifest.as_bytes()));
        }
    }
    let none = peer.get(&format!("/v2/{repository}/manifests/none")).await;
    assert_eq!((none.status, none.code().as_str()), (404, "MANIFEST_UNKNOWN"));
    let tags = peer.get(&format!("/v2/{repository}/tags/list")).await;
    assert_eq!(tags.json(), json!({"name": repository, "tags": ["v1", "v1-amd64"]}));
    child
}

async fn mounts(peer: &Peer, expected: &Expected, repository: &str) {
    let layer = digest(b"a layer of some bytes");
    // The scopes of both repositories, as far as the challenge of the first answer can tell.
    let mut mounted = peer.begin("org/other", &format!("?mount={layer}&from={repository}")).await;
    if matches!(peer.auth, Auth::Bearer(..)) {
        assert_eq!(mounted.status, 202, "the token is not for the other repository");
        mounted = mount_with_both_scopes(peer, repository, &layer).await;
    }
    assert_eq!(mounted.status, expected.mount);
    if mounted.status == 202 {
        let end = with_digest(mounted.header("location"), b"a layer of some bytes");
        assert_eq!(peer.send("PUT", &end, &[], b"a layer of some bytes").await.status, 201);
    }
    let head = peer.send("HEAD", &format!("/v2/org/other/blobs/{layer}"), &[], &[]).await;
    assert_eq!(head.status, 200);
}

async fn mount_with_both_scopes(peer: &Peer, repository: &str, layer: &str) -> super::client::Got {
    let path = format!("/v2/org/other/blobs/uploads/?mount={layer}&from={repository}");
    let refused = peer.once("POST", &path, &[], &[], None).await.unwrap();
    let both = format!("scope=\"repository:{repository}:pull&scope=repository:org/other:pull,push\"");
    let challenge = refused.header("www-authenticate").split(",scope=").next().map(|text| format!("{text},{both}"));
    let token = peer.token(&challenge.unwrap()).await.json()["token"].as_str().unwrap().to_owned();
    peer.once("POST", &path, &[], &[], Some(&token)).await.unwrap()
}

async fn referrers(peer: &Peer, expected: &Expected, repository: &str, subject: &str) {
    peer.upload(repository, b"{}").await;
    let bundle = |kind: &str| {
        let empty = json!({"mediaType": "application/vnd.oci.empty.v1+json", "digest": digest(b"{}"), "size": 2});
        json!({
            "schemaVersion": 2, "mediaType": IMAGE, "artifactType": kind, "config": empty, "layers": [empty],
            "subject": {"mediaType": IMAGE, "digest": subject, "size": 1},
        })
        .to_string()
    };
    let new = bundle("application/vnd.dev.sigstore.bundle.v0.3+json");
    let put = peer.put(repository, &digest(new.as_bytes()), IMAGE, &new).await;
    assert_eq!((put.status, put.header("oci-subject")), (201, if expected.referrers { subject } else { "" }));
    let listed = peer.get(&format!("/v2/{repository}/referrers/{subject}")).await;
    if expected.referrers {
        assert_eq!((listed.status, listed.header("content-type")), (200, INDEX));
        assert_eq!(listed.json()["manifests"][0]["digest"], digest(new.as_bytes()));
        let none = peer.get(&format!("/v2/{repository}/referrers/{}", digest(b"none"))).await;
        assert_eq!(none.json()["manifests"], json!([]));
    } else {
        assert_eq!(listed.status, 404);
    }
    let old = bundle("application/vnd.dev.sigstore.bundle+json;version=0.2");
    assert_eq!(peer.put(repository, &digest(old.as_bytes()), IMAGE, &old).await.status, expected.parameters);
}
