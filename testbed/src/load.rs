//! Users: requests to an address, one after the other from each of several at once, until they are told to stop.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::task::JoinSet;

/// Users that are at work.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicUsize>,
    users: JoinSet<Served>,
}

/// What users got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// By the commit that the answer names and its status: how many.
    pub answers: BTreeMap<(String, u16), usize>,
    /// Requests without an answer of the application: what they got in its place.
    pub lost: Vec<String>,
}

impl Served {
    /// All answers of this commit.
    #[must_use]
    pub fn of(&self, commit: &str) -> usize {
        self.answers.iter().filter(|((of, _), _)| of == commit).map(|(_, count)| count).sum()
    }

    /// Requests that were not served well: lost, or answered with an error of the server.
    #[must_use]
    pub fn failed(&self) -> usize {
        let errors = self.answers.iter().filter(|((_, status), _)| *status >= 500).map(|(_, count)| count);
        errors.sum::<usize>() + self.lost.len()
    }

    /// All requests.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.answers.values().sum::<usize>() + self.lost.len()
    }
}

impl Load {
    /// Lets this many users ask an address, each again as soon as it has its answer and has waited for a moment.
    #[must_use]
    pub fn start(url: &str, users: usize, pause: Duration) -> Self {
        let (stop, sent) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let client = reqwest::Client::new();
        let mut all = JoinSet::new();
        for _ in 0..users {
            let (stop, sent, client, url) = (Arc::clone(&stop), Arc::clone(&sent), client.clone(), url.to_owned());
            all.spawn(async move {
                let mut served = Served::default();
                while !stop.load(Ordering::Relaxed) {
                    match ask(&client, &url).await {
                        Ok(answer) => *served.answers.entry(answer).or_default() += 1,
                        Err(error) => served.lost.push(format!("{error:#}")),
                    }
                    sent.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                }
                served
            });
        }
        Self { stop, sent, users: all }
    }

    /// Waits until this many requests have been answered since the users began.
    pub async fn wait_for(&self, requests: usize) {
        while self.sent.load(Ordering::Relaxed) < requests {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How many requests have been answered so far.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Stops the users, each after its answer.
    pub async fn stop(self) -> Served {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Served::default();
        for served in self.users.join_all().await {
            for (answer, count) in served.answers {
                *all.answers.entry(answer).or_default() += count;
            }
            all.lost.extend(served.lost);
        }
        all
    }
}

async fn ask(client: &reqwest::Client, url: &str) -> Result<(String, u16)> {
    let answer = client.get(url).send().await?;
    let status = answer.status().as_u16();
    let body = answer.text().await?;
    let read: Value = serde_json::from_str(&body).with_context(|| format!("{status} {body}"))?;
    let commit = read["commit"].as_str().with_context(|| format!("{status} {body}"))?;
    Ok((commit.to_owned(), status))
}
