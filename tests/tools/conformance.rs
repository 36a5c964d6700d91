//! The testbed's own registry keeps to the specification, as the suite of the Open Container Initiative has it.
//!
//! <https://github.com/opencontainers/distribution-spec/tree/main/conformance>

use std::fs;

use testbed::engine::go_tool;
use testbed::registry::{Login, Registry};
use tokio::process::Command;

const SUITE: (&str, &str) =
    ("github.com/opencontainers/distribution-spec/conformance", "v0.0.0-20260831232431-97274622c111");

/// What the registry does not have, because no registry that is tested against has it either, or the product asks for none of it.
const LEFT_OUT: [&str; 4] =
    ["OCI_API_BLOBS_DELETE", "OCI_API_MANIFESTS_DELETE", "OCI_API_TAGS_DELETE", "OCI_DATA_SHA512"];

#[tokio::test]
async fn the_registry_of_the_testbed_keeps_to_the_specification() {
    let suite = go_tool(SUITE.0, SUITE.1, "").unwrap();
    for login in [Login::None, Login::Bearer] {
        let registry = Registry::ghcr().with(|options| {
            (options.login, options.own_tokens, options.referrers) = (login, true, true);
            // The suite's client takes the token along to the store, which has the same address and refuses it.
            options.redirects = login == Login::None;
        });
        let registry = registry.start().await.unwrap();
        for repository in ["org/app", "org/other"] {
            registry.create_repository(repository);
        }
        let folder = tempfile::tempdir().unwrap();
        let (user, password) = registry.credentials();
        let mut command = Command::new(&suite);
        command
            .current_dir(folder.path())
            .env_clear()
            .envs([("OCI_VERSION", "1.1"), ("OCI_TLS", "disabled"), ("OCI_REGISTRY", registry.host())])
            .envs([("OCI_REPO1", "org/app"), ("OCI_REPO2", "org/other")])
            .env("OCI_API_MANIFESTS_DIGEST_HEADER", "true")
            .envs(LEFT_OUT.map(|name| (name, "false")));
        if login != Login::None {
            command.envs([("OCI_USERNAME", &user), ("OCI_PASSWORD", &password)]);
        }
        let output = command.kill_on_drop(true).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        let results = fs::read_to_string(folder.path().join("results/junit.xml")).unwrap_or_default();
        assert!(output.status.success() && results.contains("<testcase"), "{login:?}: {said}\n{results}");
        println!("{login:?}: {} cases", results.matches("<testcase").count());
    }
}
