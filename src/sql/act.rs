//! What a script does, in words of our own: no type of the parser leaves `syntax`.

use std::ops::Range;

use super::name::Name;
use super::rule::Rule;

/// A script as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its statements, in order.
    pub statements: Vec<Statement>,
    /// What could not be read.
    pub faults: Vec<Fault>,
    /// Its comments, in order.
    pub comments: Vec<Comment>,
}

/// A place that could not be read, by bytes of the script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: Range<usize>,
    /// Why, in words.
    pub why: String,
}

/// A comment with its marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Where, by bytes of the script.
    pub at: Range<usize>,
    /// `-- ..` or `/* .. */`, as it stands there.
    pub text: String,
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Where, without the blanks and comments before it.
    pub at: Range<usize>,
    /// What it does.
    pub acts: Vec<Act>,
    /// Its words, if PostgreSQL refuses it inside a transaction.
    pub alone: Option<&'static str>,
    /// Its string constants, by which a new value of an enumeration is known again.
    pub texts: Vec<String>,
}

/// One thing that a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Where, by bytes of the script.
    pub at: Range<usize>,
    /// Whether it is done only under a condition, in a `DO` block or when a function is called: what it makes may not be there.
    pub conditional: bool,
    /// What.
    pub what: What,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A transaction begins.
    Begin,
    /// It ends, or is taken back.
    End,
    /// Names without a schema mean something else from here on. `None` where it cannot be told.
    SearchPath {
        /// The schemas, in order.
        schemas: Option<Vec<String>>,
        /// Only until the transaction ends.
        local: bool,
    },
    /// An object is made.
    Creates {
        /// What kind.
        kind: Kind,
        /// Its name.
        name: Name,
        /// It was not there before: neither `IF NOT EXISTS` nor `OR REPLACE`.
        new: bool,
        /// It is gone with the session.
        temporary: bool,
    },
    /// A column is added.
    AddsColumn {
        /// The table.
        table: Name,
        /// The column.
        column: Column,
    },
    /// A column is changed.
    ChangesColumn {
        /// The table.
        table: Name,
        /// The column.
        column: String,
        /// How.
        change: ColumnChange,
    },
    /// A constraint is added to a table.
    AddsConstraint {
        /// The table.
        table: Name,
        /// The constraint.
        constraint: Constraint,
    },
    /// A constraint is looked over: the rows that are there.
    Validates {
        /// The table.
        table: Name,
        /// The constraint.
        constraint: String,
    },
    /// An object gets another name, or goes to another schema.
    Renames {
        /// What kind.
        kind: Kind,
        /// From.
        from: Name,
        /// To.
        to: Name,
        /// Which rule it breaks where it is old.
        rule: Rule,
    },
    /// An object is dropped.
    Drops {
        /// What kind.
        kind: Kind,
        /// Its name.
        name: Name,
        /// Which rule it breaks where it is old.
        rule: Rule,
    },
    /// An index is made.
    CreatesIndex {
        /// Its name, if it was given one.
        index: Option<String>,
        /// The table.
        table: Name,
        /// `UNIQUE`.
        unique: bool,
        /// `CONCURRENTLY`.
        concurrently: bool,
        /// Neither `IF NOT EXISTS` nor another condition.
        new: bool,
    },
    /// A new table refers to another one.
    Refers {
        /// The other table.
        table: Name,
    },
    /// Tables are read.
    Uses {
        /// These.
        tables: Vec<Name>,
    },
    /// Sequences may be used by others.
    GrantsSequences {
        /// These.
        names: Vec<Name>,
        /// All of these schemas.
        schemas: Vec<String>,
    },
    /// A rule by itself. It does not count where all it is about is new.
    Does {
        /// The rule.
        rule: Rule,
        /// What it is done to; empty where it is done to something that cannot be new.
        to: Vec<(Kind, Name)>,
        /// A detail for the message.
        detail: String,
    },
}

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A table, also a foreign one.
    Table,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// An index.
    Index,
    /// A sequence.
    Sequence,
    /// A type.
    Type,
    /// A domain.
    Domain,
    /// A function, procedure or aggregate; its name ends with its arguments.
    Function,
    /// A schema.
    Schema,
    /// Something else, by its word.
    Other(&'static str),
}

impl Kind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::Index => "index",
            Self::Sequence => "sequence",
            Self::Type => "type",
            Self::Domain => "domain",
            Self::Function => "function",
            Self::Schema => "schema",
            Self::Other(word) => word,
        }
    }

    /// Kinds that share their names: there is no table and view of one name.
    pub(super) fn space(self) -> u8 {
        match self {
            Self::Table | Self::View | Self::MaterializedView | Self::Index | Self::Sequence => 0,
            Self::Type | Self::Domain => 1,
            Self::Function => 2,
            Self::Schema => 3,
            Self::Other(_) => 4,
        }
    }
}

/// A column that is added.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a clause of its own in SQL")]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: ColumnType,
    /// It takes no NULL.
    pub not_null: bool,
    /// What is filled in where nothing is given.
    pub default: Default,
    /// How it is generated, if it is.
    pub generated: Option<Generated>,
    /// `PRIMARY KEY`.
    pub primary_key: bool,
    /// `UNIQUE`.
    pub unique: bool,
    /// It has a `CHECK` that a row without a value fails, as far as can be told.
    pub check_fails: bool,
    /// The table of its `REFERENCES`.
    pub references: Option<Name>,
    /// `IF NOT EXISTS`.
    pub if_not_exists: bool,
}

/// The type of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// One of PostgreSQL or of a well-known extension, which has no constraint.
    Plain,
    /// `serial` and its kin: a sequence is made with it.
    Serial,
    /// One of the database: an enumeration, a composite type, or a domain.
    Own(Name),
}

/// The default of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// None, or `NULL`.
    None,
    /// The same for all rows that are there.
    Same,
    /// Computed for each row: the table is rewritten.
    PerRow,
}

/// How a column is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// By a sequence of its own.
    Identity,
    /// From other columns, and stored.
    Stored,
    /// From other columns, whenever it is read.
    Virtual,
    /// From other columns; the version of PostgreSQL says which.
    ByVersion,
}

/// What happens to a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnChange {
    /// It is dropped.
    Drop,
    /// It gets another name.
    Rename(String),
    /// It gets another type.
    Type,
    /// It takes no NULL any more.
    SetNotNull,
    /// It takes NULL.
    DropNotNull,
    /// It gets a default; `false` for `NULL`.
    SetDefault(bool),
    /// It loses its default.
    DropDefault,
    /// It is made an identity.
    AddIdentity {
        /// `ALWAYS`.
        always: bool,
    },
    /// Something that has a rule of its own.
    Other(Rule),
    /// Something that no code sees.
    Unseen,
}

/// A constraint that is added to a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is a clause of its own in SQL")]
pub struct Constraint {
    /// What it asks for.
    pub asks: Asks,
    /// Its name, if it was given one.
    pub name: Option<String>,
    /// The columns that it is about, as far as can be told.
    pub columns: Vec<String>,
    /// The table of a foreign key.
    pub references: Option<Name>,
    /// `NOT VALID`: what is there is not looked at.
    pub not_valid: bool,
    /// `NOT ENFORCED`.
    pub not_enforced: bool,
    /// `USING INDEX`: the index is there.
    pub using_index: bool,
    /// A row without values in its columns passes, as far as can be told.
    pub null_passes: bool,
}

/// What a constraint asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// `CHECK`.
    Check,
    /// `FOREIGN KEY`.
    ForeignKey,
    /// `UNIQUE`.
    Unique,
    /// `PRIMARY KEY`.
    PrimaryKey,
    /// `EXCLUDE`.
    Exclusion,
    /// `NOT NULL`.
    NotNull,
}
