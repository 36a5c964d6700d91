//! What it was measured on, and with what.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The machine, in one sentence.
pub(super) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let value = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once([':', '='])
            .map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = value(&read("/proc/meminfo"), "MemTotal").trim_end_matches(" kB").parse::<u64>().unwrap_or_default();
    format!(
        "{cpus} processors ({}), {} GiB of memory, {}; everything on the loopback interface, on the same processors",
        value(&read("/proc/cpuinfo"), "model name"),
        memory / 1024 / 1024,
        value(&read("/etc/os-release"), "PRETTY_NAME"),
    )
}

/// The versions of what is compared with.
pub(super) fn versions(python: &Path) -> String {
    let told = |command: &mut Command| {
        let output = command.output().map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
        String::from_utf8_lossy(&output).lines().next().unwrap_or("unknown").trim().to_owned()
    };
    let aws = told(Command::new(python).args(["-m", "awscli", "--version"]));
    let mut words = aws.split(' ');
    let aws = [words.next(), words.next()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    format!("deploy-action {}, {aws}, {}", env!("CARGO_PKG_VERSION"), told(Command::new("jq").arg("--version")))
}
