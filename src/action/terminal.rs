//! A person at a terminal, who starts the program by hand: what they wish, and the question before a write.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::screen;
use crate::text::human_duration;

/// Who started the program, where no runner did.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Whether plans are carried out without a question.
    pub yes: bool,
    /// Whether the outputs are printed as JSON.
    pub json: bool,
}

impl Terminal {
    /// Whether somebody is there to be asked.
    #[must_use]
    pub fn can_ask(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Shows a plan and asks whether it is carried out. Only `y` and `yes` say so.
    pub async fn ask(&self, plan: &str) -> bool {
        screen::show_progress(None);
        screen::write(&screen::harmless(&format!("plan: {plan}")));
        screen::write("Carry this out? [y/N] ");
        let (sender, answer) = oneshot::channel();
        // A thread of its own, which the end of the program does not wait for.
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().read_line(&mut line);
            let _ = sender.send(read.is_ok() && ["y", "yes"].contains(&line.trim().to_lowercase().as_str()));
        });
        answer.await.unwrap_or(false)
    }

    /// Shows for how long a step is at work, until this is dropped.
    pub async fn show_progress(&self, step: &str, limit: Duration) -> Infallible {
        let began = Instant::now();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let elapsed = Duration::from_secs(began.elapsed().as_secs());
            let line = format!("{step}: {} of at most {}", human_duration(elapsed), human_duration(limit));
            screen::show_progress(Some(line));
        }
    }
}
