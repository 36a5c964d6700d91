//! Images of every form, made by crane and regctl.

use std::fs;
use std::process::Command;

use crate::REPOSITORY;
use crate::tools::Tools;

/// An image in a registry.
#[derive(Debug)]
pub(crate) struct Made {
    /// Its tag.
    pub(crate) name: &'static str,
    pub(crate) digest: String,
    /// What Lambda gets of it for linux/amd64; empty if there is nothing.
    pub(crate) lambda: String,
    /// Whether crane can read all its layers: those that are archives compressed by gzip.
    pub(crate) is_readable: bool,
}

/// Makes them in a registry.
pub(crate) async fn make(tools: &Tools, host: &str) -> Vec<Made> {
    let at = |name: &str| format!("{host}/{REPOSITORY}:{name}");
    let digest = async |name: &str| tools.crane(&["digest", &at(name)]).await;
    files(tools);
    // append, mutate, flatten: in the types of Docker, then in those of OCI.
    tools.crane(&["append", "-f", "one.tar", "-t", &at("append")]).await;
    let label = "org.opencontainers.image.revision=8888888888888888888888888888888888888888";
    tools
        .crane(&["mutate", &at("append"), "--set-platform", "linux/amd64", "--label", label, "-t", &at("mutate")])
        .await;
    tools.crane(&["append", "-b", &at("mutate"), "-f", "two.tar", "-t", &at("layers")]).await;
    tools.crane(&["flatten", &at("layers"), "-t", &at("flatten")]).await;
    tools.crane(&["append", "--oci-empty-base", "-f", "one.tar", "-f", "two.tar", "-t", &at("oci")]).await;
    let note = "org.example.note=a+b";
    tools.crane(&["mutate", &at("oci"), "--set-platform", "linux/arm64", "--annotation", note, "-t", &at("arm")]).await;
    tools.crane(&["mutate", &at("oci"), "--set-platform", "linux/amd64", "-t", &at("oci-amd")]).await;
    tools.regctl(&["image", "mod", &at("oci-amd"), "--create", &at("zstd"), "--layer-compress", "zstd"]).await;
    // Indexes: with platforms, without, in one another, and with what attests.
    tools.crane(&["index", "append", "-m", &at("mutate"), "-m", &at("arm"), "-t", &at("index")]).await;
    let (amd, arm) = (digest("mutate").await, digest("arm").await);
    tools.regctl(&["index", "create", &at("silent"), "--digest", &arm, "--digest", &amd]).await;
    tools.crane(&["index", "append", "--flatten=false", "-m", &at("index"), "-t", &at("nested")]).await;
    tools.crane(&["index", "append", "--flatten=false", "-m", &at("silent"), "-t", &at("nested-silent")]).await;
    let (put, in_toto) = (["artifact", "put", "--artifact-type"], "application/vnd.in-toto+json");
    let statement = [in_toto, "--file-media-type", in_toto, "--file", "statement.json", &at("statement")];
    tools.regctl(&[&put[..], &statement[..]].concat()).await;
    tools.regctl(&["index", "create", &at("attested"), "--digest", &amd, "--desc-platform", "linux/amd64"]).await;
    let described =
        ["--desc-platform", "unknown/unknown", "--desc-annotation", "vnd.docker.reference.type=attestation-manifest"];
    let added = ["index", "add", &at("attested"), "--digest", &digest("statement").await];
    tools.regctl(&[&added[..], &described[..]].concat()).await;

    let of_amd = ["index", "silent", "nested", "nested-silent", "attested"];
    let own = ["mutate", "layers", "flatten", "oci-amd"];
    let mut made = Vec::new();
    for name in ["append", "oci", "arm", "zstd"].into_iter().chain(own).chain(of_amd) {
        let digest = digest(name).await;
        let lambda = match name {
            _ if own.contains(&name) => digest.clone(),
            _ if of_amd.contains(&name) => amd.clone(),
            _ => String::new(),
        };
        made.push(Made { name, digest, lambda, is_readable: !["attested", "zstd"].contains(&name) });
    }
    made
}

/// The layers, and a statement about an image.
fn files(tools: &Tools) {
    for name in ["one", "two"] {
        let content = tools.folder().join(name);
        fs::create_dir(&content).unwrap();
        fs::write(content.join(name), name.repeat(1000)).unwrap();
        let mut tar = Command::new("tar");
        tar.args(["-cf", &format!("{name}.tar"), "-C", name, "."]).current_dir(tools.folder());
        assert!(tar.status().unwrap().success());
    }
    fs::write(tools.folder().join("statement.json"), "{\"_type\":\"https://in-toto.io/Statement/v1\"}").unwrap();
}
