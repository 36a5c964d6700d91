//! The image itself: what it weighs and holds, and that it works where runners put it.

use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use testbed::aws::{FunctionSpec, LocalAws, Settings, zips};
use testbed::engine::{ActionImage, Engine};
use testbed::web::{Answer, Proxy, Site, Tls, WebServer};

/// What the image may weigh at most, in bytes.
const LIMIT: u64 = 15_000_000;

/// `docker run` of a step, with only the variables that are given: nothing of GitHub's.
fn step(options: &[&str], step: &str, variables: &[(&str, &str)]) -> Command {
    let engine = Engine::shared();
    let mut command = engine.docker();
    command.args(["run", "--network", "host", "--env", &format!("INPUT_STEP={step}")]).args(options);
    for (name, value) in variables {
        command.arg("--env").arg(format!("{name}={value}"));
    }
    command.arg(&engine.action_image().unwrap().name);
    command
}

/// Runs a command, while the servers of the test go on.
async fn run(command: Command) -> Output {
    tokio::process::Command::from(command).output().await.unwrap()
}

fn printed(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A container that is taken away when this is dropped.
struct Container(String);

impl Container {
    async fn start(command: Command) -> Self {
        let output = run(command).await;
        assert!(output.status.success(), "{}", printed(&output));
        Self(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs the client; `ID` stands for the container.
    async fn docker(&self, arguments: &[&str]) -> String {
        let mut command = Engine::shared().docker();
        command.args(arguments.iter().map(|word| if *word == "ID" { &self.0 } else { *word }));
        let output = run(command).await;
        assert!(output.status.success(), "{}", printed(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn log(&self) -> String {
        printed(&Engine::shared().docker().args(["logs", &self.0]).output().unwrap())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = Engine::shared().run(&["rm", "--force", &self.0]);
    }
}

#[test]
fn it_is_small_and_assembled_twice_it_is_the_same() {
    let image = Engine::shared().action_image().unwrap();
    assert!(image.size < LIMIT, "{} bytes", image.size);
    let folder = tempfile::tempdir().unwrap();
    let again = ActionImage::build(folder.path().to_path_buf(), &image.profile).unwrap();
    assert_eq!(again.digest, image.digest);
    assert_eq!(again.size, image.size);
}

#[test]
fn it_runs_as_root_from_an_absolute_entrypoint_and_says_what_it_is() {
    let engine = Engine::shared();
    let image = engine.action_image().unwrap();
    let told: Value = serde_json::from_str(&engine.run(&["image", "inspect", &image.name]).unwrap()).unwrap();
    let configuration = &told[0]["Config"];
    assert_eq!(configuration["Entrypoint"], json!(["/usr/local/bin/deploy-action"]));
    assert_eq!([&configuration["User"], &configuration["WorkingDir"]], ["", ""]);
    let labels = configuration["Labels"].as_object().unwrap();
    for label in ["title", "description", "source", "licenses", "version", "revision"] {
        let value = labels[&format!("org.opencontainers.image.{label}")].as_str().unwrap();
        assert!(!value.is_empty() && !value.contains('$'), "{label}: {value}");
    }
    let notice = fs::read_to_string(image.folder.join("root/usr/share/doc/deploy-action/NOTICE")).unwrap();
    assert!(notice.contains("BusyBox"));
    let licences = fs::read_to_string(image.folder.join("root/usr/share/doc/deploy-action/LICENCES")).unwrap();
    for (what, text) in [
        ("tokio v", "Permission is hereby granted"),
        ("LGPL-2.1", "Lesser General Public"),
        ("GPL-2", "GNU GENERAL PUBLIC"),
    ] {
        assert!(licences.contains(what) && licences.contains(text), "{what}");
    }
}

#[tokio::test]
async fn it_works_without_any_variable_of_github() {
    let server = WebServer::start([Answer::text("fine")]);
    let variables = [("INPUT_URL", server.url("/health")), ("INPUT_ATTEMPTS", "2".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = run(step(&["--rm"], "health-check-with-backoff", &variables)).await;
    assert!(output.status.success(), "{}", printed(&output));
    assert_eq!(server.requests().len(), 1);
}

/// <https://github.com/actions/runner-container-hooks/blob/main/packages/k8s/src/k8s/utils.ts>: the container is kept alive by
/// `tail -f /dev/null`; the step is a script, run by `sh -e`, that goes over to `env` with all variables and the entrypoint.
#[tokio::test]
async fn it_works_as_runners_on_kubernetes_start_it() {
    let engine = Engine::shared();
    let server = WebServer::start([Answer::text("fine")]);
    let folder = tempfile::tempdir().unwrap();
    let url = server.url("/health");
    let script = format!(
        "#!/bin/sh -l\nexport PATH=$PATH\ncd /github/workspace && exec env \"INPUT_STEP=health-check-with-backoff\" \
         \"INPUT_URL={url}\" \"INPUT_EXPECT-BODY=fine\" \"GITHUB_OUTPUT=/github/workspace/output\" \
         /usr/local/bin/deploy-action\n"
    );
    fs::write(folder.path().join("script.sh"), script).unwrap();
    let mount = format!("{}:/github/workspace", folder.path().display());
    let mut command = engine.docker();
    let image = &engine.action_image().unwrap().name;
    command.args([
        "run",
        "--detach",
        "--network",
        "host",
        "--volume",
        &mount,
        "--entrypoint",
        "tail",
        image,
        "-f",
        "/dev/null",
    ]);
    let container = Container::start(command).await;

    container.docker(&["exec", "ID", "sh", "-e", "/github/workspace/script.sh"]).await;

    assert_eq!(server.requests().len(), 1);
    let outputs = fs::read_to_string(folder.path().join("output")).unwrap();
    assert!(outputs.contains("verdict<<") && outputs.contains("\npass\n"), "{outputs}");
}

#[tokio::test]
async fn it_goes_through_a_proxy_and_trusts_a_private_authority_when_it_is_told_to() {
    let server = Site::new([Answer::text("fine")]).tls(Tls::Valid).start();
    let proxy = Proxy::start();
    let mount = format!("{}:/ca.pem:ro", server.ca_file().display());
    let (url, through) = (server.url("/health"), proxy.url());
    let check = |more: &[(&str, &str)]| {
        let variables =
            [&[("INPUT_URL", url.as_str()), ("INPUT_ATTEMPTS", "1"), ("HTTPS_PROXY", &through)], more].concat();
        run(step(&["--rm", "--volume", &mount], "health-check-with-backoff", &variables))
    };

    let refused = check(&[]).await;
    assert_eq!(refused.status.code(), Some(1), "{}", printed(&refused));
    assert!(printed(&refused).contains("certificate"), "{}", printed(&refused));
    for variable in ["SSL_CERT_FILE", "AWS_CA_BUNDLE"] {
        let trusted = check(&[(variable, "/ca.pem")]).await;
        assert!(trusted.status.success(), "{variable}: {}", printed(&trusted));
    }
    assert_eq!(proxy.requests().len(), 3);
    let around = check(&[("SSL_CERT_FILE", "/ca.pem"), ("NO_PROXY", "localhost,127.0.0.1")]).await;
    assert!(around.status.success(), "{}", printed(&around));
    assert_eq!(proxy.requests().len(), 3);
}

/// Six seconds after the signal the engine kills what is still there, with exit code 137.
#[tokio::test]
async fn stopped_while_it_waits_for_health_it_is_out_in_time_with_its_verdict() {
    let server = WebServer::start([Answer::status(503)]);
    let url = server.url("/health");
    for (number, signal, code) in [(1, "TERM", "143"), (2, "INT", "130")] {
        let variables = [("INPUT_URL", url.as_str()), ("INPUT_BASE-WAIT", "1m")];
        let container = Container::start(step(&["--detach"], "health-check-with-backoff", &variables)).await;
        server.wait_for_requests(number).await;
        if signal == "INT" {
            container.docker(&["kill", "--signal", "INT", "ID"]).await;
        }
        container.docker(&["stop", "--time", "6", "ID"]).await;
        assert_eq!(container.docker(&["wait", "ID"]).await, code, "{}", container.log());
        assert!(container.log().contains("cancelled"), "{}", container.log());
    }
}

#[tokio::test]
async fn stopped_while_lambda_updates_it_is_out_in_time_and_says_what_serves() {
    let account = LocalAws::shared().account();
    let spec = FunctionSpec::zip("shop-api", zips::python("def handler(event, context): return 1"));
    account.create_function(&spec).await.unwrap();
    let version = account.publish("shop-api", "first").await.unwrap();
    account.create_alias("shop-api", "live", &version).await.unwrap();
    account.settings(&Settings { update_delay: Some(600.0), ..Settings::default() }).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("shop.zip"), zips::python("def handler(event, context): return 2")).unwrap();
    let mount = format!("{}:/github/workspace", folder.path().display());
    let known = account.environment();
    let mut variables: Vec<(&str, &str)> = known.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    variables.extend([("INPUT_FUNCTION", "shop-api"), ("INPUT_ZIP", "shop.zip")]);
    account.clear_requests().await.unwrap();
    let options = ["--detach", "--volume", &mount, "--workdir", "/github/workspace"];

    let container = Container::start(step(&options, "publish-version", &variables)).await;
    // The update was begun, and its state has been asked for.
    let before = |name: &String| !name.ends_with(" UpdateFunctionCode");
    while account.operations().await.unwrap().iter().skip_while(|name| before(name)).count() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    container.docker(&["stop", "--time", "6", "ID"]).await;

    assert_eq!(container.docker(&["wait", "ID"]).await, "143", "{}", container.log());
    assert!(container.log().contains("shop-api:live -> version 1"), "{}", container.log());
}
