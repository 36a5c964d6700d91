//! crane and regctl at fixed versions, and the registries they know.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use testbed::engine::go_tool;
use testbed::registry::DockerRegistry;
use tokio::process::Command;

const CRANE: (&str, &str) = ("github.com/google/go-containerregistry/cmd/crane", "v0.22.1");
const REGCTL: (&str, &str) = ("github.com/regclient/regclient/cmd/regctl", "v0.11.7");

/// A registry, and who enters it.
pub(crate) struct Login {
    pub(crate) host: String,
    pub(crate) credentials: Option<(String, String)>,
    /// It ends when this does.
    pub(crate) _keep: Option<DockerRegistry>,
}

pub(crate) struct Tools {
    crane: PathBuf,
    regctl: PathBuf,
    hosts: Vec<String>,
    folder: tempfile::TempDir,
}

impl Tools {
    /// The tools, logged in to these registries. Built from their Go modules if they are not here yet.
    pub(crate) fn with(logins: &[&Login]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let auth = |login: &&&Login| {
            let (user, password) = login.credentials.as_ref()?;
            Some((login.host.clone(), json!({"auth": STANDARD.encode(format!("{user}:{password}"))})))
        };
        let auths: Map<String, Value> = logins.iter().filter_map(|login| auth(&login)).collect();
        fs::write(folder.path().join("config.json"), json!({"auths": auths}).to_string()).unwrap();
        let host = |login: &&Login| match &login.credentials {
            Some((user, password)) => format!("reg={},tls=disabled,user={user},pass={password}", login.host),
            None => format!("reg={},tls=disabled", login.host),
        };
        Self {
            crane: go_tool(CRANE.0, CRANE.1, "").unwrap(),
            regctl: go_tool(REGCTL.0, REGCTL.1, "").unwrap(),
            hosts: logins.iter().map(host).collect(),
            folder,
        }
    }

    /// A folder for files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs crane, and answers what it says.
    pub(crate) async fn crane(&self, arguments: &[&str]) -> String {
        self.run(Command::new(&self.crane).args(arguments)).await
    }

    /// Runs regctl, and answers what it says.
    pub(crate) async fn regctl(&self, arguments: &[&str]) -> String {
        let hosts = self.hosts.iter().flat_map(|host| ["--host", host]);
        self.run(Command::new(&self.regctl).args(hosts).args(arguments)).await
    }

    async fn run(&self, command: &mut Command) -> String {
        let folder = self.folder();
        command.env("DOCKER_CONFIG", folder).env("REGCTL_CONFIG", folder.join("regctl.json")).current_dir(folder);
        let output = command.kill_on_drop(true).output().await.unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
