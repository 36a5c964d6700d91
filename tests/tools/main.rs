//! Images as crane and regctl make them, carried between registries; crane itself says what has arrived.

mod conformance;
mod images;
mod migrations;
mod rehearsal;
mod tools;

use testbed::registry::{DockerRegistry, Registry};
use testbed::runner::{Report, Runner};

use images::Made;
use tools::{Login, Tools};

const REPOSITORY: &str = "org/app";

/// Brings an image from one registry to another.
async fn promote(from: &Login, to: &Login, image: &Made) -> Report {
    let runner = Runner::new(env!("CARGO_BIN_EXE_deploy-action"))
        .step("promote-artifact")
        .repository("org/shop")
        .sha(&"8".repeat(40))
        .input("source", format!("{}/{REPOSITORY}@{}", from.host, image.digest))
        .input("destination", format!("{}/{REPOSITORY}", to.host))
        .input("tag", image.name)
        .input("verify-revision", "off");
    let given = [("source", from), ("destination", to)].into_iter();
    let logins = given.filter_map(|(side, login)| Some((side, login.credentials.as_ref()?)));
    let runner = logins.fold(runner, |runner, (side, (user, password))| {
        runner.input(&format!("{side}-username"), user).input(&format!("{side}-password"), password)
    });
    runner.run().await
}

/// Brings every image over, twice, and has crane compare.
async fn carry(tools: &Tools, from: &Login, to: &Login, made: &[Made]) {
    for image in made {
        let first = promote(from, to, image).await;
        first.assert_verdict("pass", 0).assert_runner_safe();
        let again = promote(from, to, image).await;
        again.assert_verdict("skipped", 0).assert_runner_safe();
        for report in [&first, &again] {
            assert_eq!(report.output("lambda-digest"), image.lambda, "{}: {report}", image.name);
        }
        let copy = format!("{}/{REPOSITORY}:{}", to.host, image.name);
        let original = format!("{}/{REPOSITORY}@{}", from.host, image.digest);
        assert_eq!(tools.crane(&["digest", &copy]).await, image.digest, "{}", image.name);
        let manifests = [tools.crane(&["manifest", &copy]).await, tools.crane(&["manifest", &original]).await];
        assert_eq!(manifests[0], manifests[1], "{}", image.name);
        // Of other layers only digests and sizes are compared.
        let fast: &[&str] = if image.is_readable { &[] } else { &["--fast"] };
        let validated = tools.crane(&[&["validate", "--remote", &copy], fast].concat()).await;
        assert!(validated.starts_with("PASS"), "{}: {validated}", image.name);
    }
}

#[tokio::test]
async fn what_crane_and_regctl_make_arrives_as_it_was() {
    let docker =
        DockerRegistry::start().await.unwrap().expect("docker-registry is needed: `apt-get install docker-registry`");
    let locked = DockerRegistry::start_with_login().await.unwrap().expect("docker-registry");
    // crane asks for tokens on this machine only where the registry itself is.
    let ghcr = Registry::ghcr().with(|options| options.own_tokens = true).start().await.unwrap();
    let ecr = Registry::ecr().start().await.unwrap();
    ecr.create_repository(REPOSITORY);
    let docker = Login { host: docker.host().to_owned(), credentials: None, _keep: Some(docker) };
    let locked = Login { host: locked.host().to_owned(), credentials: locked.credentials(), _keep: Some(locked) };
    let of = |registry: &Registry| {
        let host = registry.host().to_owned();
        Login { host, credentials: Some(registry.credentials()), _keep: None }
    };
    let [ghcr_login, ecr_login] = [of(&ghcr), of(&ecr)];
    let tools = Tools::with(&[&docker, &locked, &ghcr_login, &ecr_login]);
    let made = images::make(&tools, &docker.host).await;
    carry(&tools, &docker, &ghcr_login, &made).await;
    carry(&tools, &ghcr_login, &ecr_login, &made).await;
    carry(&tools, &ecr_login, &locked, &made).await;
}
