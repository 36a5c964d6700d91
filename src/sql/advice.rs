//! What a finding says: what breaks, for whom, and the safe way, in SQL.

use super::name::{Name, shown};
use super::rule::{Class, Rule};

/// What a finding is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject {
    /// The object, as it is written in SQL.
    pub(super) object: String,
    /// The column of it, if it is about one.
    pub(super) column: String,
    /// The rest.
    pub(super) detail: String,
}

impl Subject {
    /// An object by itself.
    pub(super) fn of(name: &Name) -> Self {
        Self { object: shown(name), ..Self::default() }
    }
}

/// How a CONTRACT is done.
const ANNOTATE: &str = "then drop it in a later deployment, in a file that begins with `-- deploy: contract expand=<version> \
                        reason=\"..\"`";

/// What breaks, and the safe way.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each rule")]
pub(super) fn advice(rule: Rule, of: &Subject) -> (String, String) {
    let Subject { object, column, detail } = of;
    let (message, fix) = match rule {
        Rule::DropColumn => (
            format!(
                "the code that serves still names {object}.{column}: its SELECT, INSERT and UPDATE fail as soon as the column is gone"
            ),
            format!("first deploy code that does not use {column} (no SELECT * either), {ANNOTATE}"),
        ),
        Rule::DropTable => (
            format!("the code that serves still reads and writes {object}: all of that fails as soon as the table is gone"),
            format!("first deploy code that does not use {object}, {ANNOTATE}"),
        ),
        Rule::RenameColumn => (
            format!("the code that serves knows {object}.{column} by its old name: its statements fail from this moment on"),
            format!(
                "add the new column beside it (ALTER TABLE {object} ADD COLUMN .. ), let the code write both, copy the rows with UPDATE \
                 in batches, let the code read the new one, and drop {column} in a later CONTRACT"
            ),
        ),
        Rule::RenameTable => (
            format!("the code that serves knows the table as {object}: its statements fail from this moment on"),
            format!(
                "in the same transaction, leave a view under the old name: ALTER TABLE {object} RENAME TO ..; CREATE VIEW {object} AS SELECT * FROM ..; \
                 this still is a CONTRACT to be looked at. Safer: make a new table, write both, and drop {object} later"
            ),
        ),
        Rule::ChangeType => (
            format!(
                "the code that serves may send {object}.{column} values that the new type refuses, or not understand what it reads; and the \
                 table is usually rewritten while nobody can use it"
            ),
            format!(
                "add a column of the new type (ALTER TABLE {object} ADD COLUMN {column}_new ..), write both, copy, read the new one, \
                 and drop the old one later. Where the type only gets wider without a rewrite (varchar(50) to varchar(100) or text), write \
                 `-- deploy: widen` above the statement"
            ),
        ),
        Rule::RequiredColumn => (
            format!(
                "the code that serves does not know {object}.{column}, so its INSERTs leave it out: they fail, because it takes no NULL and \
                 has no default"
            ),
            format!(
                "give it a default: ALTER TABLE {object} ADD COLUMN {column} .. NOT NULL DEFAULT ..; or add it without NOT NULL, and make \
                 it NOT NULL in a later CONTRACT, when all code fills it"
            ),
        ),
        Rule::SetNotNull => (
            format!("INSERTs and UPDATEs of the code that serves fail where they leave {object}.{column} empty or set it to NULL"),
            format!(
                "first deploy code that always fills {column}, then UPDATE {object} SET {column} = .. WHERE {column} IS NULL; in a later CONTRACT \
                 ADD CONSTRAINT .. CHECK ({column} IS NOT NULL) NOT VALID, and in another file VALIDATE CONSTRAINT, which needs no long \
                 lock, before SET NOT NULL"
            ),
        ),
        Rule::AddUnique => (
            format!("the code that serves may write the same value twice into {object}: from now on the second INSERT or UPDATE fails"),
            format!(
                "first deploy code that handles the conflict (INSERT .. ON CONFLICT), remove the duplicates, then in a later CONTRACT \
                 CREATE UNIQUE INDEX CONCURRENTLY .. ON {object} (..), and ALTER TABLE {object} ADD CONSTRAINT .. UNIQUE USING INDEX .."
            ),
        ),
        Rule::AddCheck => (
            format!("INSERTs and UPDATEs of the code that serves fail where their rows of {object} do not pass the check; NOT VALID spares only the rows that are there"),
            format!(
                "first deploy code that writes only what passes; in a later CONTRACT ALTER TABLE {object} ADD CONSTRAINT .. CHECK (..) NOT VALID, and \
                 in another file ALTER TABLE {object} VALIDATE CONSTRAINT .."
            ),
        ),
        Rule::AddForeignKey => (
            format!(
                "INSERTs of the code that serves into {object} fail where the other row is not there, and its DELETEs there fail where \
                 {object} refers to them"
            ),
            format!(
                "first deploy code that writes the other row first; in a later CONTRACT ALTER TABLE {object} ADD CONSTRAINT .. FOREIGN KEY .. \
                 NOT VALID, and in another file VALIDATE CONSTRAINT, which locks only briefly"
            ),
        ),
        Rule::DropDefault => (
            format!("the code that serves may leave {object}.{column} out of its INSERTs: without a default they fail if it takes no NULL, else it stays empty"),
            format!("first deploy code that always gives {column}, and drop the default in a later CONTRACT; to change it, ALTER COLUMN {column} SET DEFAULT .."),
        ),
        Rule::IndexLocks => (
            format!("while the index is built, all writes to {object} wait, of the code that serves too"),
            format!("CREATE INDEX CONCURRENTLY .. ON {object} (..), alone in its file"),
        ),
        Rule::DropObject => (
            format!("code that serves may use the {detail} {object}: it fails as soon as it is gone"),
            format!("first deploy code that does not use it, {ANNOTATE}"),
        ),
        Rule::EnableRowSecurity => (
            format!("without a policy that lets it, the role of the application sees no row of {object} from now on, and its INSERTs fail"),
            format!(
                "make the policies first, in an earlier deployment (CREATE POLICY .. ON {object} USING (..) WITH CHECK (..)), let the code set what \
                 they ask for, and turn them on in a later CONTRACT"
            ),
        ),
        Rule::Mixed => (
            "EXPAND and CONTRACT are in one deployment: the code that serves has had no time to stop using what is taken away".to_owned(),
            "deploy the EXPAND with its code first; bring the CONTRACT in a later deployment".to_owned(),
        ),
        _ => (message_of(rule, of), fix_of(rule, of)),
    };
    (message, fix)
}

/// What a rule is in a sentence, and what it means: what breaks, for whom, and the safe way; of a table `t` and its column `c`.
#[must_use]
pub fn meaning(rule: Rule) -> (&'static str, String) {
    let about = rule.about();
    if let Some((what, means)) = about.split_once(". ") {
        return (what, means.trim_end_matches('.').to_owned());
    }
    let of = Subject { object: "t".to_owned(), column: "c".to_owned(), detail: "..".to_owned() };
    let (message, fix) = advice(rule, &of);
    let fix = if fix.is_empty() { fix } else { format!(". Instead: {fix}") };
    (about.trim_end_matches('.'), format!("{message}{fix}"))
}

/// The messages of the rarer findings.
#[expect(clippy::too_many_lines, reason = "a table: one arm for each rule")]
fn message_of(rule: Rule, of: &Subject) -> String {
    let Subject { object, column, detail } = of;
    match rule {
        Rule::DropOwned => {
            "everything that the role owns is dropped, and all its privileges: what runs as it fails".to_owned()
        }
        Rule::RenameObject => {
            format!("code that serves may know the {detail} {object} by its old name: it fails from this moment on")
        }
        Rule::RenameValue => format!(
            "the code that serves still sends the value '{detail}' of {object}: PostgreSQL refuses it from now on"
        ),
        Rule::SetSchema => {
            format!("the code that serves does not find {object} in another schema, unless its search_path names it")
        }
        Rule::SerialColumn => format!(
            "the sequence of {object}.{column} belongs to the role that migrates: INSERTs of the application fail, because it may not use it"
        ),
        Rule::GeneratedNotNull => format!(
            "{object}.{column} is computed from other columns and may not be NULL: INSERTs of the code that serves fail where it comes \
             out as NULL"
        ),
        Rule::CheckOfNewColumn => {
            format!(
                "INSERTs of the code that serves leave {object}.{column} empty, and the check does not let that pass"
            )
        }
        Rule::AddPrimaryKey => format!(
            "its columns take no NULL and no value twice from now on: writes of the code that serves to {object} may fail"
        ),
        Rule::AddExclusion => {
            format!("rows of {object} exclude each other from now on: writes of the code that serves may fail")
        }
        Rule::EnforceConstraint => {
            format!("a constraint of {object} is enforced from now on: writes of the code that serves may fail")
        }
        Rule::Revoke if object.is_empty() => "what runs with this privilege fails from now on".to_owned(),
        Rule::Revoke => format!("what uses {object} with this privilege fails from now on, the code that serves too"),
        Rule::CreateRule => {
            format!(
                "the rule changes what the code that serves does to {object}, also to nothing at all, without an error"
            )
        }
        Rule::Truncate => format!("the code that serves finds {object} empty"),
        Rule::DetachPartition => format!(
            "the code that serves does not find the rows of {detail} in {object} any more, and its INSERTs for it fail"
        ),
        Rule::AttachPartition => {
            format!("{object} takes only rows of its part of {detail} from now on: other INSERTs into it fail")
        }
        Rule::NoInherit => format!("queries of what {object} inherits from do not find its rows any more"),
        Rule::DropIdentity => {
            format!("the code that serves leaves {object}.{column} to its sequence: its INSERTs fail without it")
        }
        Rule::GeneratedAlways => {
            format!("INSERTs of the code that serves fail where they give {object}.{column} a value")
        }
        Rule::AlterRole => format!(
            "new sessions of the role {detail} work differently or cannot begin, those of the code that serves too"
        ),
        Rule::AlterDatabase => format!(
            "new sessions in the database {detail} work differently or cannot begin, those of the code that serves too"
        ),
        Rule::AlterSystem => "the whole server works differently, for all code".to_owned(),
        Rule::DomainConstraint => {
            format!("writes of the code that serves fail where a value of {object} does not pass")
        }
        Rule::ChangeAttribute => {
            format!("the code that serves uses {object} as it was: {detail} breaks what names its attributes")
        }
        Rule::WriteCatalog => format!(
            "{detail} is PostgreSQL's own: what that does to the code that serves is not known, and it goes around all checks"
        ),
        Rule::DropNotNull => {
            format!("code that reads {object}.{column} meets NULL from now on, once somebody writes it")
        }
        Rule::SetDefault => {
            format!("rows that the code that serves writes without {object}.{column} look different from now on")
        }
        Rule::AddEnumValue => format!(
            "code that reads {object} meets '{detail}' once somebody writes it: does the code that serves take a value it does not know?"
        ),
        Rule::Trigger => format!("{detail}: writes of the code that serves to {object} do something else from now on"),
        Rule::Policy => format!(
            "{detail}: what rows of {object} the code that serves sees and writes may change, if row level security is on"
        ),
        Rule::ReplaceView => format!("code that serves reads {object}: does it still find what it expects?"),
        Rule::ReplaceFunction => format!("code that serves may call {object}: does it still get what it expects?"),
        Rule::Owner if object.is_empty() => {
            format!("{detail} gets another owner: the old one loses the rights that it had as owner")
        }
        Rule::Owner => format!("{object} gets another owner: the old one loses the rights that it had as owner"),
        Rule::RowSecurity => format!("{detail}: what rows of {object} are seen may change"),
        Rule::DefaultPrivileges => {
            "objects that are made from now on are closed to whom they were open before".to_owned()
        }
        Rule::ChangeSequence => format!("numbers that the code that serves gets from {object} change: {detail}"),
        Rule::Replication => {
            format!("{detail}: a publication without a replica identity makes UPDATE and DELETE fail on its tables")
        }
        Rule::ChangeExtension => format!("the extension {object} changes what the code that serves may use"),
        Rule::Shadows => format!(
            "{object} is made in another schema than usual: code with this search_path finds it instead of one of the same name"
        ),
        Rule::EveryRow => format!(
            "{detail} changes every row of {object}, or deletes rows: the code that serves reads them meanwhile"
        ),
        Rule::FunctionOverRows => format!("{detail} is called for rows, and its body is not known here"),
        Rule::Noticed if object.is_empty() => format!("{detail}: some code may notice"),
        Rule::Noticed => format!("{detail}: code that uses {object} may notice"),
        Rule::Backfill => format!("{detail} changes rows of {object} while the code that serves uses them"),
        Rule::IndexChangeLocks => format!("{detail} locks the table meanwhile: what uses it waits"),
        Rule::Rewrite if column.is_empty() => format!("{detail} rewrites the table: nobody can use it meanwhile"),
        Rule::Rewrite => format!("{object} is rewritten for {column}: nobody can use it meanwhile"),
        Rule::MayRewrite => format!(
            "if {detail} is a domain with a constraint, {object} is rewritten for {column}: nobody can use it meanwhile"
        ),
        Rule::ConstraintLocks => format!("all rows of {object} are checked while nobody can write to it{detail}"),
        Rule::ValidatedAtOnce => format!(
            "{object} stays locked while all its rows are checked, because the constraint was added in the same transaction"
        ),
        Rule::ReferenceLocks => format!("{object} is in use, and is locked against writes until this transaction ends"),
        Rule::TakesLock if object.is_empty() => format!("{detail} makes others wait"),
        Rule::TakesLock => format!("{detail} makes everybody else wait for {object}"),
        Rule::WidenedType => format!(
            "what PostgreSQL knows about the values of {object}.{column} is gone after this, and queries may become slow; and it fails if a view uses the column"
        ),
        Rule::DynamicSql => format!(
            "{detail} runs SQL that is put together only then: what it does to the code that serves cannot be told"
        ),
        Rule::OtherLanguage => format!("code in {detail} is not read here: what it does cannot be told"),
        Rule::UnknownFunction => format!("{detail} is called, and what it does is not known here"),
        Rule::UnknownDomain => format!(
            "{object}.{column} takes no NULL, and only {detail} tells whether it has a default: without one, INSERTs of the code that serves fail"
        ),
        Rule::UnknownStatement => format!("nothing is known of what {detail} does to the code that serves"),
        Rule::EnumValueUsed => {
            format!("the value '{detail}' is used in the transaction that added it: PostgreSQL refuses that")
        }
        Rule::RenameUnseen => format!(
            "{object}: a new name of this is seen only by code that names it, such as ON CONFLICT ON CONSTRAINT"
        ),
        Rule::DropConstraint => {
            format!("{object} loses {detail}: only code with ON CONFLICT needs it, and queries may become slow")
        }
        Rule::SessionSetting => {
            format!("{detail} holds for the whole session, so for the migrations after this one too")
        }
        _ => detail.clone(),
    }
}

/// The safe way of the rarer findings.
fn fix_of(rule: Rule, of: &Subject) -> String {
    let Subject { object, column, detail } = of;

    match rule {
        Rule::RenameObject => format!("make a new {detail} beside {object}, deploy code that uses it, and drop the old one in a later CONTRACT"),
        Rule::RenameValue => format!("ALTER TYPE {object} ADD VALUE '..', deploy code that takes both, UPDATE the rows, and stop using '{detail}'"),
        Rule::SetSchema => format!("leave a view where it was (CREATE VIEW {object} AS SELECT * FROM ..), or set the search_path of the application first"),
        Rule::SerialColumn => format!(
            "use GENERATED BY DEFAULT AS IDENTITY, which needs no right of its own; or GRANT USAGE ON SEQUENCE .. TO the application's role in the same file; \
             or give `roles: same` if one role does both ({object}.{column})"
        ),
        Rule::GeneratedNotNull => "leave out NOT NULL".to_owned(),
        Rule::CheckOfNewColumn => format!("give {column} a default that passes, or let NULL pass ({column} IS NULL OR ..)"),
        Rule::AddPrimaryKey => format!("CREATE UNIQUE INDEX CONCURRENTLY first, and ALTER TABLE {object} ADD PRIMARY KEY USING INDEX in a later CONTRACT, when all code fills the columns"),
        Rule::UnknownDomain => format!("give {column} a default of its own"),
        Rule::MayRewrite => format!("if {detail} is such a domain, use its base type, and a CHECK .. NOT VALID"),
        Rule::DynamicSql => "write the statements out; where that cannot be, annotate the file as a CONTRACT, so that somebody looks at it".to_owned(),
        Rule::UnknownFunction => "write out what it does; where that cannot be, annotate the file as a CONTRACT, so that somebody looks at it".to_owned(),
        Rule::OtherLanguage | Rule::UnknownStatement => "annotate the file as a CONTRACT, so that somebody looks at it".to_owned(),
        Rule::Backfill | Rule::EveryRow => "change the rows in batches of some thousand, outside of the migration or in a file of its own, so that no lock is held for long".to_owned(),
        Rule::Rewrite if !column.is_empty() => format!("add {column} without a default that is computed for each row, ALTER COLUMN {column} SET DEFAULT .., and fill the rows that are there in batches"),
        Rule::ConstraintLocks => "add the constraint NOT VALID, and VALIDATE CONSTRAINT in a file of its own".to_owned(),
        Rule::ValidatedAtOnce => "VALIDATE CONSTRAINT in a file of its own".to_owned(),
        Rule::IndexChangeLocks => format!("{detail} CONCURRENTLY, alone in its file"),
        Rule::ReferenceLocks => "SET LOCAL lock_timeout = '5s' before it, so that it gives up instead of making others wait behind it".to_owned(),
        Rule::WidenedType => format!("ANALYZE {object} ({column}) after it"),
        Rule::EnumValueUsed => "use it in a later migration".to_owned(),
        Rule::NewerPostgres => "give `pg-version`, or write it as that version knows it".to_owned(),
        Rule::SessionSetting => "SET LOCAL".to_owned(),
        Rule::Truncate | Rule::DropOwned | Rule::WriteCatalog => "do it by hand, with somebody who knows what uses it; or as a CONTRACT of its own".to_owned(),
        Rule::Shadows => "write the schema: CREATE TABLE schema.name".to_owned(),
        Rule::Revoke | Rule::AlterRole | Rule::AlterDatabase | Rule::AlterSystem => {
            "first deploy code that does not need it, then do it as a CONTRACT of its own".to_owned()
        }
        Rule::NeverCommitted => "COMMIT it, or leave out BEGIN".to_owned(),
        _ => match rule.class() {
            Class::Contract => format!("first deploy code that can do with both, {ANNOTATE}").replace("drop it", "do it"),
            Class::Review => "look whether the code that serves can live with it".to_owned(),
            _ => String::new(),
        },
    }
}
