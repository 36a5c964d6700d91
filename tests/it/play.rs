//! `cargo play` at a terminal of its own, and the commands it prints in another process.

use std::net::TcpStream;
use std::time::Duration;

use testbed::build;
use testbed::pty::Terminal;
use tokio::process::Command;

/// It may have to be built.
const STARTED: Duration = Duration::from_mins(5);
const ENDED: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_five_commands_do_what_they_say_and_ctrl_c_leaves_nothing_running() {
    // Cargo describes this test's package in variables, which would have others built again.
    let own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    let mut play = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    play.args(["run", "--quiet", "--package", "deploy-action", "--example", "play"]);
    play.envs(std::env::vars().filter(|(name, _)| !own(name))).current_dir(build::workspace());
    let mut play = Terminal::start(&play).unwrap();
    let shown = play.wait_for("Ctrl-C ends all of it", STARTED).await.unwrap().replace('\r', "");
    let exports: Vec<&str> = shown.lines().filter(|line| line.starts_with("export ")).collect();
    let commands: Vec<&str> = shown.lines().filter(|line| line.starts_with("deploy-action ")).collect();
    assert_eq!(commands.len(), 5, "{shown}");

    let folder = tempfile::tempdir().unwrap();
    let path = "export PATH=/usr/local/bin:/usr/bin:/bin\n";
    for (command, expected) in commands.iter().zip([
        "1.1.0 of ghcr.io/org/shop is sha256:",
        "published version 2 of shop-api",
        "version 2 of shop-api passed 1 case",
        "serves now: shop-api:live -> version 2",
        "serves now: shop-api:live -> version 1",
    ]) {
        let script = format!("{path}{}\nexec {command} --yes 2>&1", exports.join("\n"));
        let ended = Command::new("sh").arg("-c").arg(&script).env_clear().current_dir(folder.path()).output().await;
        let ended = ended.unwrap();
        let printed = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && printed.contains(expected), "{command}\n{printed}");
    }

    play.interrupt().await.unwrap();
    let (code, shown) = play.end(ENDED).await.unwrap();
    assert!(code == 0 && shown.contains("nothing is left running"), "{code} {shown}");
    let address = |export: &&str| export.split("http://").nth(1).map(|rest| rest.trim_end_matches('"').to_owned());
    let addresses: Vec<String> = exports.iter().filter_map(address).collect();
    assert!(addresses.len() >= 2, "{exports:?}");
    for address in addresses.into_iter().filter(|address| address.starts_with("127.0.0.1:")) {
        assert!(TcpStream::connect(&address).is_err(), "{address} still listens");
    }
}
