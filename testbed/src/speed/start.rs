//! From the start of a program to the first answer it gets, and the memory it holds then.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::players::{Player, shell_environment};

/// One start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// From the start of the process to the first byte of the first answer.
    pub(super) took: Duration,
    /// The most memory the process held until then, in kilobytes of 1024 bytes.
    /// Nothing of a container: only the engine's client could be looked at.
    pub(super) peak_kb: Option<u32>,
}

/// A step whose first request is a read of Lambda.
const INPUTS: [(&str, &str); 4] =
    [("INPUT_STEP", "rollback"), ("INPUT_FUNCTION", "shop-api"), ("INPUT_TO", "1"), ("INPUT_RECORD", "off")];

/// What the server answers: any bytes end what is measured.
const ANSWER: &[u8] = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";

/// How long a program may take to ask.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a player once; nothing for one whose start this does not show.
pub(super) fn first_answer(player: &Player) -> Result<Option<Start>> {
    let server = TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", server.local_addr()?);
    let account = [
        ("AWS_ACCESS_KEY_ID", "111122223333"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut command = match player {
        Player::Product(program) => {
            let mut command = Command::new(program);
            command.env_clear().envs(account).envs(INPUTS);
            command
        }
        Player::Container(container) => {
            let mut command = Command::new("docker");
            command.env("DOCKER_HOST", &container.engine);
            command.args(["run", "--rm", "--network", "host"]).envs(account.clone()).envs(INPUTS);
            for (name, _) in account.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(INPUTS) {
                command.args(["--env", name]);
            }
            command.arg(&container.image);
            command
        }
        Player::Shell { python, waiter: "function-updated" } => {
            let mut command = Command::new(python);
            command.env_clear().envs(shell_environment(&account));
            command.args(["-m", "awscli", "lambda", "get-alias", "--function-name", "shop-api", "--name", "live"]);
            command
        }
        Player::Shell { .. } => return Ok(None),
    };
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let mut process = command.spawn().context("start it")?;
    let id = (!matches!(player, Player::Container(_))).then(|| process.id());
    let (sender, answered) = mpsc::channel();
    // Waiting for a connection has no time limit of its own.
    thread::spawn(move || sender.send(answer(&server, id, began)));
    let answered = answered.recv_timeout(PATIENCE);
    process.kill()?;
    process.wait()?;
    answered.context("it asked for nothing")?.map(Some)
}

/// Waits for a request and answers it.
fn answer(server: &TcpListener, process: Option<u32>, began: Instant) -> Result<Start> {
    let (mut stream, _) = server.accept()?;
    let (mut read, mut buffer) = (Vec::new(), [0; 8192]);
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut buffer)?;
        ensure!(length > 0, "the connection ended before there was a request");
        read.extend_from_slice(&buffer[..length]);
    }
    stream.write_all(ANSWER)?;
    Ok(Start { took: began.elapsed(), peak_kb: process.map(peak).transpose()? })
}

/// The most memory a process has held so far (`VmHWM`, proc(5)).
fn peak(process: u32) -> Result<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
