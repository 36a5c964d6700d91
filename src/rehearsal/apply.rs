//! Runs a migration as its tool would, one statement at a time, and looks after each what it did.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::Instant;

use super::catalog::{self, Held, Relations};
use super::model::{Broke, Failed, Ran};
use super::queries::{Query, Try, attempt, refused, worse};
use crate::calls::Deadline;
use crate::migrations::{Sent, SentStatement};
use crate::postgres::{Address, Failure, Refusal, Session};

/// PostgreSQL refuses a statement inside a transaction: `active_sql_transaction`, and `invalid_transaction_termination` of a procedure.
const OUTSIDE: [&str; 2] = ["25001", "2D000"];
/// For so long the watcher's snapshot holds a statement up that waits for it, so that its locks are seen.
const HOLDING: Duration = Duration::from_secs(2);
/// Between two looks of the watcher, after that.
const PAUSE: Duration = Duration::from_millis(20);

/// The session in which migrations run, and what is looked at beside it.
#[derive(Debug)]
pub(super) struct Apply<'a> {
    address: &'a Address,
    deadline: &'a Deadline,
    session: Session,
    watcher: Session,
    pid: String,
    /// Whether a transaction is open in the session.
    is_open: bool,
    /// Whether it ends with the text that is sent: PostgreSQL has made one of its statements.
    is_of_text: bool,
    /// What is measured: nothing for migrations that are applied already.
    measured: Option<Measured<'a>>,
}

/// What is measured of a migration.
#[derive(Debug)]
pub(super) struct Measured<'a> {
    queries: &'a [Query],
    /// How each query works now.
    pub(super) works: Vec<Try>,
    /// The relations that were there before the first new migration.
    known: Relations,
    pub(super) ran: Vec<Ran>,
    pub(super) broke: Vec<Broke>,
    /// The statements that are not committed yet, by their places.
    uncommitted: Vec<usize>,
    /// Of each query the statement since which it does not work, seen inside of the transaction.
    suspects: Vec<Option<usize>>,
}

impl<'a> Apply<'a> {
    pub(super) async fn new(address: &'a Address, deadline: &'a Deadline) -> Result<Self, Failure> {
        let session = Session::open(address, deadline).await?;
        let watcher = Session::open(address, deadline).await?;
        let pid = session.value("SELECT pg_catalog.pg_backend_pid()").await?;
        Ok(Self { address, deadline, session, watcher, pid, is_open: false, is_of_text: false, measured: None })
    }

    /// From now on it is measured. How the queries work now is what they are compared with.
    pub(super) async fn measure(&mut self, queries: &'a [Query]) -> Result<(), Failure> {
        let beside = Session::open(self.address, self.deadline).await?;
        let mut works = Vec::new();
        for query in queries {
            works.push(attempt(&beside, query, None, false).await?);
        }
        let known = catalog::relations(&beside).await?;
        let suspects = vec![None; queries.len()];
        self.measured =
            Some(Measured { queries, works, known, ran: vec![], broke: vec![], uncommitted: vec![], suspects });
        Ok(())
    }

    /// What was measured since this was asked last.
    pub(super) fn taken(&mut self) -> (Vec<Ran>, Vec<Broke>) {
        let Some(measured) = &mut self.measured else { return Default::default() };
        (std::mem::take(&mut measured.ran), std::mem::take(&mut measured.broke))
    }

    /// How the queries work now.
    pub(super) fn works(&self) -> &[Try] {
        self.measured.as_ref().map_or(&[], |measured| &measured.works)
    }

    /// Runs a migration; or says where it fails. What was not committed then is taken back.
    pub(super) async fn run(&mut self, file: &str, parts: &[Sent]) -> Result<Result<(), Failed>> {
        for part in parts {
            let ran = self.part(file, part).await?;
            if ran.is_err() {
                self.session.send("ROLLBACK").await?;
                self.is_open = false;
                return Ok(ran);
            }
        }
        if self.is_open {
            self.session.send("ROLLBACK").await?;
            self.is_open = false;
            let line = parts.iter().flat_map(|part| part.texts.iter().flatten()).last().map_or(1, |one| one.line);
            let why = "the file has begun a transaction and does not commit it".to_owned();
            return Ok(Err(Failed { line, text: String::new(), why }));
        }
        Ok(Ok(()))
    }

    async fn part(&mut self, file: &str, part: &Sent) -> Result<Result<(), Failed>> {
        if part.around {
            self.begin(false).await?;
        }
        for text in &part.texts {
            for one in text {
                let at = || format!("run {file}:{} on the scratch database", one.line);
                // Several statements in one text are one transaction, and one is, so that its locks can be looked at.
                let is_ours = !self.is_open && !one.controls && (text.len() > 1 || !one.alone);
                if is_ours {
                    self.begin(true).await?;
                }
                let mut ran = self.statement(one).await.with_context(at)?;
                let is_alone = is_ours && text.len() == 1;
                if let Err(refusal) = &ran
                    && is_alone
                    && OUTSIDE.contains(&refusal.code.as_str())
                {
                    self.session.send("ROLLBACK").await?;
                    self.is_open = false;
                    ran = self.statement(one).await.with_context(at)?;
                }
                if let Err(refusal) = ran {
                    let why = refusal.to_string();
                    return Ok(Err(Failed { line: one.line, text: one.text.clone(), why }));
                }
                let is_last = text.last().is_some_and(|last| std::ptr::eq(one, last));
                if is_last
                    && self.is_open
                    && self.is_of_text
                    && let Err(refusal) = self.commit().await.with_context(at)?
                {
                    return Ok(Err(Failed { line: one.line, text: "COMMIT".to_owned(), why: refusal.to_string() }));
                }
                if !self.is_open {
                    self.committed().await?;
                }
            }
        }
        if part.around
            && self.is_open
            && let Err(refusal) = self.commit().await?
        {
            let line = part.texts.iter().flatten().last().map_or(1, |one| one.line);
            return Ok(Err(Failed { line, text: "COMMIT".to_owned(), why: refusal.to_string() }));
        }
        // As long as the file's own transaction is open, its locks would keep others waiting, who would see nothing of it.
        if !self.is_open {
            self.committed().await?;
        }
        Ok(Ok(()))
    }

    async fn begin(&mut self, is_of_text: bool) -> Result<(), Failure> {
        self.session.send("BEGIN").await?;
        (self.is_open, self.is_of_text) = (true, is_of_text);
        Ok(())
    }

    async fn commit(&mut self) -> Result<Result<(), Refusal>, Failure> {
        let done = refused(self.session.send("COMMIT").await)?;
        self.is_open = false;
        Ok(done.map(drop))
    }

    /// Runs one statement where the session is now: in a transaction, or in none.
    async fn statement(&mut self, one: &SentStatement) -> Result<Result<(), Refusal>, Failure> {
        if self.measured.is_none() {
            let sent = refused(self.session.send(&one.text).await)?;
            self.look_whether_open(one).await?;
            return Ok(sent.map(drop));
        }
        let before = catalog::relations(&self.session).await?;
        let (held, _) = catalog::locks(&self.session, &self.pid).await?;
        let (sent, seen) = if self.is_open || one.controls {
            (refused(self.session.send(&one.text).await)?.map(drop), Held::new())
        } else {
            self.watched(&one.text).await?
        };
        if let Err(refusal) = sent {
            return Ok(Err(refusal));
        }
        let now = if self.is_open && !one.controls { catalog::locks(&self.session, &self.pid).await?.0 } else { seen };
        self.look_whether_open(one).await?;
        let after = catalog::relations(&self.session).await?;
        let Some(measured) = &mut self.measured else { return Ok(Ok(())) };
        if !one.controls {
            measured.uncommitted.push(measured.ran.len());
            measured.ran.push(Ran {
                line: one.line,
                text: one.text.clone(),
                locks: catalog::taken(&held, &now, &measured.known),
                rewritten: catalog::rewritten(&before, &after)
                    .into_iter()
                    .filter(|name| measured.knows(name))
                    .collect(),
            });
            if self.is_open {
                measured.suspect(&self.session).await?;
            }
        }
        Ok(Ok(()))
    }

    /// A file may begin and end transactions itself: a transaction began before the statement that asks.
    async fn look_whether_open(&mut self, one: &SentStatement) -> Result<(), Failure> {
        if one.controls {
            let asked = "SELECT pg_catalog.now() <> pg_catalog.statement_timestamp()";
            self.is_open = self.session.value(asked).await? == "t";
            self.is_of_text = false;
        }
        Ok(())
    }

    /// Runs a statement outside of a transaction, while another session looks at its locks. What waits for older snapshots, as
    /// `CREATE INDEX CONCURRENTLY` does, waits for the watcher's: so its locks are seen, however fast it is.
    async fn watched(&self, text: &str) -> Result<(Result<(), Refusal>, Held), Failure> {
        self.watcher.send("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        self.watcher.send("SELECT 1").await?;
        let began = Instant::now();
        let mut seen = Held::new();
        let watch = async {
            let mut holds = true;
            loop {
                let (held, waits) = catalog::locks(&self.watcher, &self.pid).await?;
                for (relation, mode) in held {
                    let strongest = seen.entry(relation).or_insert(mode);
                    *strongest = mode.max(*strongest);
                }
                if holds && (waits || began.elapsed() > HOLDING) {
                    self.watcher.send("ROLLBACK").await?;
                    holds = false;
                }
                if !holds {
                    self.deadline.sleep(PAUSE).await?;
                }
            }
        };
        let sent = tokio::select! {
            sent = self.session.send(text) => refused(sent)?,
            ended = watch => return ended,
        };
        self.watcher.send("ROLLBACK").await?;
        Ok((sent.map(drop), seen))
    }

    /// Others see now what was done: do the queries still work?
    async fn committed(&mut self) -> Result<(), Failure> {
        let Some(measured) = self.measured.as_mut().filter(|measured| !measured.uncommitted.is_empty()) else {
            return Ok(());
        };
        if !measured.queries.is_empty() {
            // A session of its own: what is set for roles and databases counts for new ones.
            let beside = Session::open(self.address, self.deadline).await?;
            let last = measured.uncommitted.last().copied().unwrap_or_default();
            for (at, query) in measured.queries.iter().enumerate() {
                let before = &measured.works[at];
                let now = attempt(&beside, query, Some(before), false).await?;
                if let Some(why) = worse(before, &now) {
                    measured.broke.push(Broke { query: at, by: measured.suspects[at].unwrap_or(last), why });
                }
                measured.works[at] = now;
            }
        }
        measured.uncommitted.clear();
        measured.suspects.fill(None);
        Ok(())
    }
}

impl Measured<'_> {
    fn knows(&self, relation: &str) -> bool {
        self.known.values().any(|known| known.name == relation)
    }

    /// Which queries stopped working with the statement that ran last, inside of its transaction.
    async fn suspect(&mut self, session: &Session) -> Result<(), Failure> {
        for (at, query) in self.queries.iter().enumerate() {
            let now = attempt(session, query, Some(&self.works[at]), true).await?;
            let is_worse = worse(&self.works[at], &now).is_some();
            let suspect = &mut self.suspects[at];
            *suspect = if is_worse { suspect.or(self.uncommitted.last().copied()) } else { None };
        }
        Ok(())
    }
}
