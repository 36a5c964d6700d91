//! The rehearsal: what is applied, what is new, one after another, and the way back.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};

use super::apply::Apply;
use super::catalog;
use super::model::{Down, Failed, Tried};
use super::queries::Query;
use crate::calls::Deadline;
use crate::migrations::{Pending, sent_down, sent_up};
use crate::postgres::{Address, Session};

/// Differences of a schema that are told.
const TOLD: usize = 10;

/// What is rehearsed.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    /// An empty database.
    pub address: &'a Address,
    /// When it must have ended.
    pub deadline: &'a Deadline,
    /// The major version that it must have.
    pub version: Option<u8>,
    /// What is applied already where it will be done in earnest.
    pub applied: &'a [Pending],
    /// What is new.
    pub pending: &'a [Pending],
    /// What the serving code sends.
    pub queries: &'a [Query],
}

/// What was found.
#[derive(Debug)]
pub struct Rehearsed {
    /// The server's version, in its own words.
    pub server: String,
    /// The new migrations that were run, in order. After one that failed none is.
    pub tried: Vec<Tried>,
    /// The queries that did not work before the first new migration: which, and why.
    pub idle: Vec<(usize, String)>,
}

/// Why nothing could be rehearsed.
#[derive(Debug)]
pub enum Refused {
    /// There is something in the database.
    NotEmpty(String),
    /// The server is of this version, and not of the one that was asked for.
    OtherVersion(String),
    /// A migration that is applied already fails on an empty database.
    Applied(String, Failed),
}

impl Rehearsal<'_> {
    /// Rehearses.
    ///
    /// # Errors
    /// The database cannot be reached, or the deadline has passed.
    pub async fn run(&self) -> Result<Result<Rehearsed, Refused>> {
        let connect = || format!("connect to the scratch database at {}", self.address.host());
        let mut apply = Apply::new(self.address, self.deadline).await.with_context(connect)?;
        let beside = Session::open(self.address, self.deadline).await.with_context(connect)?;
        let server = beside.value("SHOW server_version").await?;
        if self.version.is_some_and(|version| server.split(['.', ' ']).next() != Some(version.to_string().as_str())) {
            return Ok(Err(Refused::OtherVersion(server)));
        }
        let something = catalog::something(&beside).await?;
        if !something.is_empty() {
            return Ok(Err(Refused::NotEmpty(something)));
        }
        for one in self.applied {
            if let Err(failed) = up(&mut apply, one).await? {
                return Ok(Err(Refused::Applied(one.migration.file.clone(), failed)));
            }
        }
        apply.measure(self.queries).await.context("try the queries before the first new migration")?;
        let idle =
            apply.works().iter().enumerate().filter_map(|(at, works)| Some((at, works.as_ref().err()?.to_string())));
        let idle = idle.collect();
        let mut schemas = vec![catalog::schema(&beside).await?];
        let mut tried = Vec::new();
        for one in self.pending {
            tracing::info!("{}: {}", one.name, one.migration.file);
            let failed = up(&mut apply, one).await?.err();
            let (ran, broke) = apply.taken();
            let (name, file) = (one.name.clone(), one.migration.file.clone());
            let has_failed = failed.is_some();
            tried.push(Tried { name, file, ran, failed, broke, down: Down::Untried });
            if has_failed {
                break;
            }
            schemas.push(catalog::schema(&beside).await?);
        }
        if tried.iter().all(|one| one.failed.is_none()) {
            drop(apply);
            self.back(&mut tried, &schemas).await?;
        }
        Ok(Ok(Rehearsed { server, tried, idle }))
    }

    /// Takes back what was run, the newest first. `schemas`: before the first, and after each.
    async fn back(&self, tried: &mut [Tried], schemas: &[BTreeSet<String>]) -> Result<()> {
        let mut apply = Apply::new(self.address, self.deadline).await?;
        let beside = Session::open(self.address, self.deadline).await?;
        for (at, one) in tried.iter_mut().enumerate().rev() {
            let (before, after) = (&schemas[at], &schemas[at + 1]);
            let parts = match sent_down(&self.pending[at]) {
                Ok(Some(parts)) => parts,
                Ok(None) => {
                    one.down = Down::Missing;
                    continue;
                }
                Err(why) => {
                    one.down = Down::Fails(Failed { line: 1, text: String::new(), why });
                    continue;
                }
            };
            // Where a newer one could not be taken back, what it made is there still.
            let now = catalog::schema(&beside).await?;
            let expected: BTreeSet<&String> = now
                .iter()
                .filter(|line| !after.contains(*line) || before.contains(*line))
                .chain(before.difference(after))
                .collect();
            one.down = if let Err(failed) = apply.run(&one.file, &parts).await? {
                Down::Fails(failed)
            } else {
                let found = catalog::schema(&beside).await?;
                let found: BTreeSet<&String> = found.iter().collect();
                let gone = expected.difference(&found).map(|line| format!("-{line}"));
                let more = found.difference(&expected).map(|line| format!("+{line}"));
                let differs: Vec<String> = gone.chain(more).take(TOLD).collect();
                if differs.is_empty() { Down::LeadsBack } else { Down::Differs(differs) }
            };
        }
        Ok(())
    }
}

async fn up(apply: &mut Apply<'_>, one: &Pending) -> Result<Result<(), Failed>> {
    match sent_up(one) {
        Ok(parts) => apply.run(&one.migration.file, &parts).await,
        Err(why) => Ok(Err(Failed { line: 1, text: String::new(), why })),
    }
}
