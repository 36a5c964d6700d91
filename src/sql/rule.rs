//! The rules: what a statement does to the code that serves while it runs and after it.

use serde::Serialize;

/// How bad a finding is for what serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// Worth knowing, and nothing more.
    Note,
    /// The code survives, but may wait for a lock.
    Lock,
    /// Rows are changed.
    Data,
    /// Whether the code survives depends on the code: somebody has to look.
    Review,
    /// The code that serves fails.
    Contract,
    /// It cannot be told.
    Unknown,
    /// The migration itself fails, or will never run: the tool that runs it refuses it, or a rule of the repository does.
    Blocked,
}

impl Class {
    /// Its word, as it stands in outputs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Lock => "lock",
            Self::Data => "data",
            Self::Review => "review",
            Self::Contract => "contract",
            Self::Unknown => "unknown",
            Self::Blocked => "blocked",
        }
    }
}

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $rule:ident = $id:literal $class:ident,)+) => {
        /// A rule. Its id never changes: people write it down.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $rule,)+
        }

        impl Rule {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$rule),+];

            /// Its id.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self {
                    $(Self::$rule => $id,)+
                }
            }

            /// What it says of a statement.
            #[must_use]
            pub fn class(self) -> Class {
                match self {
                    $(Self::$rule => Class::$class,)+
                }
            }

            /// What it is, in a sentence; of some, with what it means.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$rule => concat!($($doc),+).trim_ascii(),)+
                }
            }
        }
    };
}

rules! {
    // What serves fails.
    /// A column is dropped.
    DropColumn = "drop-column" Contract,
    /// A table is dropped.
    DropTable = "drop-table" Contract,
    /// Something else that code may use is dropped.
    DropObject = "drop-object" Contract,
    /// Everything that a role owns is dropped, and its privileges with it.
    DropOwned = "drop-owned" Contract,
    /// A column gets another name.
    RenameColumn = "rename-column" Contract,
    /// A table gets another name.
    RenameTable = "rename-table" Contract,
    /// Something else that code may use gets another name.
    RenameObject = "rename-object" Contract,
    /// A value of an enumeration gets another name.
    RenameValue = "rename-enum-value" Contract,
    /// An object goes to another schema.
    SetSchema = "set-schema" Contract,
    /// A column gets another type.
    ChangeType = "change-type" Contract,
    /// A new column takes no NULL and has no default.
    RequiredColumn = "required-column" Contract,
    /// A new column is filled from a sequence that the application may not use.
    SerialColumn = "serial-column" Contract,
    /// A new column is computed from others, and may not be NULL.
    GeneratedNotNull = "generated-not-null" Contract,
    /// A new column has a check that a row without a value fails.
    CheckOfNewColumn = "check-of-new-column" Contract,
    /// A column takes no NULL any more.
    SetNotNull = "set-not-null" Contract,
    /// A check is added to a table.
    AddCheck = "add-check" Contract,
    /// A foreign key is added to columns that are in use.
    AddForeignKey = "add-foreign-key" Contract,
    /// Values must be unique that need not be before.
    AddUnique = "add-unique" Contract,
    /// A primary key is added.
    AddPrimaryKey = "add-primary-key" Contract,
    /// Rows exclude each other that did not before.
    AddExclusion = "add-exclusion" Contract,
    /// A constraint is enforced that was not before.
    EnforceConstraint = "enforce-constraint" Contract,
    /// A column loses its default.
    DropDefault = "drop-default" Contract,
    /// Row level security is turned on.
    EnableRowSecurity = "enable-row-level-security" Contract,
    /// A privilege is taken away.
    Revoke = "revoke" Contract,
    /// A rule rewrites what code asks for.
    CreateRule = "create-rule" Contract,
    /// A table is emptied.
    Truncate = "truncate" Contract,
    /// A partition is taken out of its table.
    DetachPartition = "detach-partition" Contract,
    /// A table that is in use becomes a partition.
    AttachPartition = "attach-partition" Contract,
    /// A table is taken out of what inherits from another.
    NoInherit = "no-inherit" Contract,
    /// A column is not filled by its sequence any more.
    DropIdentity = "drop-identity" Contract,
    /// A column is always filled by its sequence: a value that is given is refused.
    GeneratedAlways = "generated-always" Contract,
    /// A role is changed.
    AlterRole = "alter-role" Contract,
    /// The database's own settings are changed.
    AlterDatabase = "alter-database" Contract,
    /// The server's settings are changed.
    AlterSystem = "alter-system" Contract,
    /// A domain asks for more than before.
    DomainConstraint = "domain-constraint" Contract,
    /// An attribute of a composite type is dropped or changed.
    ChangeAttribute = "change-attribute" Contract,
    /// PostgreSQL's own catalogues are written.
    WriteCatalog = "write-catalog" Contract,

    // Depends on the code.
    /// A column takes NULL from now on.
    DropNotNull = "drop-not-null" Review,
    /// A column gets another default.
    SetDefault = "set-default" Review,
    /// An enumeration gets a value that the code does not know.
    AddEnumValue = "add-enum-value" Review,
    /// A trigger is made, dropped, enabled or disabled.
    Trigger = "trigger" Review,
    /// A policy of row level security is made, changed or dropped.
    Policy = "policy" Review,
    /// A view is replaced.
    ReplaceView = "replace-view" Review,
    /// A function is replaced or changed.
    ReplaceFunction = "replace-function" Review,
    /// An object gets another owner.
    Owner = "owner" Review,
    /// Row level security is turned off, or counts for the owner too.
    RowSecurity = "row-level-security" Review,
    /// What new objects may be used for is changed.
    DefaultPrivileges = "default-privileges" Review,
    /// A sequence is changed.
    ChangeSequence = "change-sequence" Review,
    /// What is replicated is changed.
    Replication = "replication" Review,
    /// An extension is changed.
    ChangeExtension = "change-extension" Review,
    /// A table may stand in front of another one of its name.
    Shadows = "shadows" Review,
    /// Every row is changed, or rows are deleted by a statement that names none.
    EveryRow = "every-row" Review,
    /// Rows are written by a function whose body is not known here.
    FunctionOverRows = "function-over-rows" Review,
    /// Something else that code may notice.
    Noticed = "noticed" Review,

    // Rows.
    /// Rows are changed.
    Backfill = "backfill" Data,

    // Locks.
    /// An index is built while nobody can write.
    IndexLocks = "index-locks" Lock,
    /// An index is dropped or rebuilt under a lock.
    IndexChangeLocks = "index-change-locks" Lock,
    /// A table is rewritten while nobody can use it.
    Rewrite = "rewrite" Lock,
    /// A table may be rewritten: its new column has a type of the database's own.
    MayRewrite = "may-rewrite" Lock,
    /// A constraint is checked while nobody can write.
    ConstraintLocks = "constraint-locks" Lock,
    /// A constraint is looked over in the transaction that added it.
    ValidatedAtOnce = "validated-at-once" Lock,
    /// A table that is in use is locked because a new one refers to it, or becomes its part.
    ReferenceLocks = "reference-locks" Lock,
    /// A table is locked.
    TakesLock = "takes-lock" Lock,
    /// Flyway waits for its own lock, unless it is told to hold another one.
    /// CREATE INDEX CONCURRENTLY waits for the transaction in which Flyway holds its lock, for ever. Run Flyway with
    /// `flyway.postgresql.transactional.lock=false`.
    WaitsForItself = "waits-for-itself" Lock,
    /// A type of a column was widened: what PostgreSQL knows about its values is gone.
    WidenedType = "widened-type" Lock,

    // Cannot be told.
    /// SQL is put together while it runs.
    DynamicSql = "dynamic-sql" Unknown,
    /// Code in a language that is not read here.
    OtherLanguage = "other-language" Unknown,
    /// A function or procedure is called whose body is not known here.
    UnknownFunction = "unknown-function" Unknown,
    /// A column of a domain takes no NULL; the domain may or may not have a default.
    UnknownDomain = "unknown-domain" Unknown,
    /// A statement of which nothing is known.
    UnknownStatement = "unknown-statement" Unknown,

    // The migration itself.
    /// It cannot be read as SQL.
    /// A template, a command of psql, rows of COPY, a NUL byte, another encoding, or a mistake: what it does is not known, so nothing
    /// passes. Write it as SQL that PostgreSQL itself would take.
    Unanalysable = "unanalysable" Blocked,
    /// It is not SQL, but code that makes SQL.
    /// Print its SQL into a folder, and give that with `layout: plain`.
    NotSql = "not-sql" Blocked,
    /// The tool that runs the migrations stops at it.
    /// A mark that is not understood, a statement that the tool cuts in two, a byte order mark: nothing, or not all, of the file would run.
    ToolStops = "tool-stops" Blocked,
    /// It needs a newer PostgreSQL.
    /// Give `pg-version`, or write it as that version knows it.
    NewerPostgres = "newer-postgres" Blocked,
    /// A statement that PostgreSQL refuses inside a transaction would be inside one.
    /// The migration fails, and may leave an invalid index behind. The annotation says how this tool runs it alone.
    InTransaction = "in-transaction" Blocked,
    /// A transaction begins and is never committed.
    /// COMMIT it, or leave out BEGIN.
    NeverCommitted = "never-committed" Blocked,
    /// A value of an enumeration is used in the transaction that added it.
    /// PostgreSQL refuses that. Use it in a later migration.
    EnumValueUsed = "enum-value-used" Blocked,
    /// A file without a statement.
    /// Its version counts as applied, and what was meant to be in it never runs.
    Empty = "empty-migration" Blocked,
    /// Two migrations of one version.
    /// The tool stops, or runs only one of them. Give one another version.
    DuplicateVersion = "duplicate-version" Blocked,
    /// A version that is no number, or too great.
    /// The tool stops at it, or passes it over for ever. Give it a version that the tool takes.
    WrongVersion = "wrong-version" Blocked,
    /// A migration is older than one that was applied: it will never run.
    /// golang-migrate passes it over for ever and without an error; goose and Flyway stop. Give it a version that is greater than all that
    /// were applied.
    OutOfOrder = "out-of-order" Blocked,
    /// A migration was changed after it was applied.
    /// Flyway and sqlx stop; with the others a database that is made new differs from this one. Take the change back, and make it in a new
    /// migration.
    EditedMigration = "edited-migration" Blocked,
    /// A migration that was applied is gone.
    /// The tool stops, or a database that is made new differs from this one. Bring it back.
    DeletedMigration = "deleted-migration" Blocked,
    /// A migration that was applied has another name.
    /// Give it its old name again.
    RenamedMigration = "renamed-migration" Blocked,
    /// A folder without a migration.
    /// Add it, or remove the folder.
    MissingSql = "missing-sql" Blocked,
    /// EXPAND and CONTRACT in one deployment.
    /// The code that serves has had no time to stop using what is taken away. Deploy the EXPAND with its code first, and bring the CONTRACT
    /// later.
    Mixed = "mixed" Blocked,
    /// A CONTRACT whose expansion has not been there long enough.
    /// Wait, or deploy the expansion with its code first, with `migrations` given to the step that deploys.
    ContractTooEarly = "contract-too-early" Blocked,
    /// Somebody else's table.
    /// Its owner has to see the change: move it to a folder of theirs.
    OtherOwner = "other-owner" Blocked,

    // Worth knowing.
    /// An index, a constraint or the like gets another name.
    RenameUnseen = "rename-unseen" Note,
    /// A constraint or an index is dropped.
    DropConstraint = "drop-constraint" Note,
    /// A comment for another tool, which counts for nothing here.
    /// It silences that tool only.
    OtherToolsComment = "other-tools-comment" Note,
    /// A comment `-- deploy:` that is not understood.
    /// It counts for nothing: correct it.
    WrongAnnotation = "wrong-annotation" Note,
    /// A migration without a way back.
    /// Add one, also if it only says that there is no way back.
    NoDown = "no-down" Note,
    /// The way back of a migration that was applied has changed.
    /// Ways back are not judged.
    DownChanged = "down-changed" Note,
    /// A file that the tool passes over.
    /// Its name is not one of a migration: name it as one, or move it elsewhere.
    IgnoredFile = "ignored-file" Note,
    /// A migration that is older than one that was applied, and is applied all the same.
    /// A database that is made new runs it earlier than this one did.
    LateMigration = "late-migration" Note,
    /// A transaction of its own inside the one that the tool begins.
    /// A COMMIT ends the transaction of the tool, and what follows is in none. Leave out BEGIN and COMMIT.
    OwnTransaction = "own-transaction" Note,
    /// A setting that outlives the migration.
    SessionSetting = "session-setting" Note,
}

impl Rule {
    /// Whether it is about rows or calls: in the body of a function it does not count, for the function is not called now.
    #[must_use]
    pub fn happens_when_called(self) -> bool {
        matches!(
            self,
            Self::Backfill
                | Self::EveryRow
                | Self::FunctionOverRows
                | Self::UnknownFunction
                | Self::Truncate
                | Self::TakesLock
        )
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_rule_has_an_id_of_its_own() {
        let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
    }
}
