//! What a rehearsal finds, in words of our own.

use std::fmt;

/// A lock of a relation, in the order of what it keeps out: the first keeps out almost nothing.
/// <https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES>
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Reading.
    AccessShare,
    /// `SELECT .. FOR UPDATE` and the like.
    RowShare,
    /// Writing.
    RowExclusive,
    /// Keeps out other changes of the schema.
    ShareUpdateExclusive,
    /// Keeps out writing.
    Share,
    /// Keeps out writing.
    ShareRowExclusive,
    /// Keeps out writing.
    Exclusive,
    /// Keeps out reading and writing.
    AccessExclusive,
}

impl Mode {
    /// By its word in `pg_locks`, which has `Lock` behind it.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "AccessShareLock" => Self::AccessShare,
            "RowShareLock" => Self::RowShare,
            "RowExclusiveLock" => Self::RowExclusive,
            "ShareUpdateExclusiveLock" => Self::ShareUpdateExclusive,
            "ShareLock" => Self::Share,
            "ShareRowExclusiveLock" => Self::ShareRowExclusive,
            "ExclusiveLock" => Self::Exclusive,
            "AccessExclusiveLock" => Self::AccessExclusive,
            _ => return None,
        })
    }

    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AccessShare => "AccessShare",
            Self::RowShare => "RowShare",
            Self::RowExclusive => "RowExclusive",
            Self::ShareUpdateExclusive => "ShareUpdateExclusive",
            Self::Share => "Share",
            Self::ShareRowExclusive => "ShareRowExclusive",
            Self::Exclusive => "Exclusive",
            Self::AccessExclusive => "AccessExclusive",
        }
    }

    /// What waits for it.
    #[must_use]
    pub const fn keeps_out(self) -> &'static str {
        match self {
            Self::AccessShare | Self::RowShare | Self::RowExclusive => "",
            Self::ShareUpdateExclusive => "other changes of the schema wait",
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => "writes wait",
            Self::AccessExclusive => "reads and writes wait",
        }
    }
}

/// A lock that a statement took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The relation, by its name before the statement.
    pub relation: String,
    /// How strong.
    pub mode: Mode,
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.mode.word(), self.relation)
    }
}

/// A statement that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its line in the file.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// The locks that it took, the strongest first; of relations that were there before the first new migration.
    pub locks: Vec<Lock>,
    /// The tables that it wrote anew.
    pub rewritten: Vec<String>,
}

/// A migration that was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its name: the version, with the folder where there are several.
    pub name: String,
    /// Its file.
    pub file: String,
    /// Its statements, as far as they ran.
    pub ran: Vec<Ran>,
    /// Where it failed.
    pub failed: Option<Failed>,
    /// What worked before it and does not work after it.
    pub broke: Vec<Broke>,
    /// Whether it can be taken back.
    pub down: Down,
}

/// A statement that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Its line; of the file that takes it back, where that failed.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// What PostgreSQL says.
    pub why: String,
}

/// A query that worked before and does not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broke {
    /// Which query.
    pub query: usize,
    /// Which statement of the migration did it, by its place among those that ran.
    pub by: usize,
    /// What PostgreSQL says.
    pub why: String,
}

/// Whether a migration can be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Down {
    /// It was not tried: something failed before.
    Untried,
    /// There is no way back.
    Missing,
    /// The schema is as it was before.
    LeadsBack,
    /// The schema is not as it was: what is gone (`-`) and what is too much (`+`).
    Differs(Vec<String>),
    /// It fails.
    Fails(Failed),
}
