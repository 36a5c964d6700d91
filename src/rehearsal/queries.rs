//! The statements that the serving code sends: read from a file, and tried on a database, which is as it was after that.

use crate::postgres::{Failure, Refusal, Session};
use crate::sql::{What, read};

/// The name of a prepared statement, and of savepoints.
const NAME: &str = "deploy_action";
/// What a role has set for its sessions, and for those in this database: `SET ROLE` by itself does not set it.
const AS_ROLE: &str = "SELECT set_config(split_part(one, '=', 1), substr(one, strpos(one, '=') + 1), true) FROM (
    SELECT unnest(s.setconfig) AS one FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
    WHERE r.rolname = current_user AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))) all_of_it";

/// A statement that the serving code sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Whose code.
    pub service: String,
    /// The file that it stands in.
    pub file: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its text.
    pub text: String,
    /// The values of `$1` and so on, as SQL; none where they are made up.
    values: Option<String>,
    /// It has `$1`.
    has_parameters: bool,
    /// What is set before it, for it alone.
    settings: Vec<String>,
}

impl Query {
    /// Whether both are one statement of a service, wherever they stand in its file.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let what =
            |query: &Self| (query.service.clone(), query.text.clone(), query.values.clone(), query.settings.clone());
        what(self) == what(other)
    }
}

/// Reads a file of statements. `SET ..` holds for those below it.
///
/// # Errors
/// It cannot be read, or it holds something that cannot be tried and taken back; with the line.
pub fn queries(service: &str, file: &str, text: &str) -> Result<Vec<Query>, String> {
    let script = read(text);
    let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    if let Some(fault) = script.faults.first() {
        return Err(format!("{file}:{}: {}", line_of(fault.at.start), fault.why));
    }
    let mut settings = Vec::new();
    let mut queries = Vec::new();
    let mut end = 0;
    for one in script.statements.iter().filter(|one| one.at.end > one.at.start + 1) {
        let statement = text.get(one.at.clone()).unwrap_or_default().trim_end_matches(';').trim_end();
        let line = line_of(one.at.start);
        let mut comments =
            script.comments.iter().rev().filter(|comment| (end..one.at.start).contains(&comment.at.start));
        let values = comments.find_map(|comment| comment.text.strip_prefix("--")?.trim().strip_prefix("values:"));
        let values = values.map(|values| values.trim().to_owned());
        end = one.at.end;
        let controls = one.acts.iter().any(|act| matches!(act.what, What::Begin | What::End));
        if controls || one.alone.is_some() {
            return Err(format!("{file}:{line}: it cannot be tried and taken back: leave it out"));
        }
        let word = statement.split_whitespace().next().unwrap_or_default();
        if word.eq_ignore_ascii_case("set") || word.eq_ignore_ascii_case("reset") {
            settings.push(statement.to_owned());
            continue;
        }
        queries.push(Query {
            service: service.to_owned(),
            file: file.to_owned(),
            line,
            text: statement.to_owned(),
            has_parameters: has_parameters(statement),
            values,
            settings: settings.clone(),
        });
    }
    Ok(queries)
}

/// Whether a statement has `$1`. In a string it is none, and there it does no harm.
fn has_parameters(statement: &str) -> bool {
    statement.as_bytes().windows(2).any(|two| two[0] == b'$' && two[1].is_ascii_digit())
}

/// How far a query works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Works {
    /// It runs, and returns or changes so many rows.
    Runs(u64),
    /// PostgreSQL understands and plans it: with made-up values it could not be run.
    IsPlanned,
}

/// How a query works; or what PostgreSQL says against it.
pub(super) type Try = Result<Works, Refusal>;

/// What is worse than before, in words.
pub(super) fn worse(before: &Try, now: &Try) -> Option<String> {
    match (before, now) {
        (Ok(Works::Runs(rows)), Ok(Works::Runs(0))) if *rows > 0 => {
            Some(format!("it returned or changed {rows} rows, and now none"))
        }
        (Ok(Works::Runs(_)), Ok(Works::IsPlanned)) => Some("it ran, and does not any more".to_owned()),
        (Ok(_), Err(refusal)) => Some(refusal.to_string()),
        _ => None,
    }
}

/// Tries a query and takes back what it did. `before`: how it worked then, for one that was only planned is not run.
pub(super) async fn attempt(
    session: &Session,
    query: &Query,
    before: Option<&Try>,
    inside: bool,
) -> Result<Try, Failure> {
    let (begin, end) = if inside {
        (format!("SAVEPOINT {NAME}"), format!("ROLLBACK TO SAVEPOINT {NAME}; RELEASE SAVEPOINT {NAME}"))
    } else {
        ("BEGIN".to_owned(), "ROLLBACK".to_owned())
    };
    session.send(&begin).await?;
    let tried = async {
        for setting in &query.settings {
            session.send(setting).await?;
            if setting.to_ascii_lowercase().contains("role")
                || setting.to_ascii_lowercase().contains("session authorization")
            {
                session.send(AS_ROLE).await?;
            }
        }
        if query.has_parameters { with_values(session, query, before).await } else { runs(session, &query.text).await }
    };
    let tried = refused(tried.await)?;
    session.send(&end).await?;
    // What is prepared outlives its transaction.
    let is_prepared = format!("SELECT 1 FROM pg_catalog.pg_prepared_statements WHERE name = '{NAME}'");
    if query.has_parameters && !session.rows(&is_prepared).await?.is_empty() {
        session.send(&format!("DEALLOCATE {NAME}")).await?;
    }
    Ok(tried)
}

async fn runs(session: &Session, text: &str) -> Result<Works, Failure> {
    Ok(Works::Runs(session.send(text).await?.count))
}

/// A refusal is an answer; all else ends the rehearsal.
pub(super) fn refused<T>(answer: Result<T, Failure>) -> Result<Result<T, Refusal>, Failure> {
    match answer {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(failure) => Err(failure),
    }
}

/// A query with `$1`: run with the values that its file gives, else with made-up ones of its types; where those do not work before
/// the migration, it is only planned, before and after.
async fn with_values(session: &Session, query: &Query, before: Option<&Try>) -> Result<Works, Failure> {
    session.send(&format!("PREPARE {NAME} AS {}", query.text)).await?;
    if let Some(values) = &query.values {
        return runs(session, &format!("EXECUTE {NAME}({values})")).await;
    }
    let asked = format!(
        "SELECT p.type, t.typcategory, format_type(p.type, NULL) FROM pg_catalog.pg_prepared_statements s, unnest(s.parameter_types) WITH ORDINALITY AS p(type, place)
            JOIN pg_catalog.pg_type t ON t.oid = p.type WHERE s.name = '{NAME}' ORDER BY p.place"
    );
    let types = session.rows(&asked).await?;
    // `$1` stood in a string: nothing is to be given, and `EXECUTE name()` is a syntax error.
    if types.is_empty() {
        return runs(session, &query.text).await;
    }
    let texts = |place: usize| types.iter().map(move |row| row.get(place).cloned().flatten().unwrap_or_default());
    let made_up: Vec<String> = texts(1).zip(texts(2)).map(|(category, name)| made_up(&category, &name)).collect();
    if !matches!(before, Some(Ok(Works::IsPlanned))) {
        session.send(&format!("SAVEPOINT {NAME}_values")).await?;
        let ran = refused(runs(session, &format!("EXECUTE {NAME}({})", made_up.join(", "))).await)?;
        match ran {
            Ok(works) => return Ok(works),
            // It ran before: that it does not any more is what there is to say.
            Err(refusal) if matches!(before, Some(Ok(Works::Runs(_)))) => return Err(Failure::Refused(refusal)),
            Err(_) => _ = session.send(&format!("ROLLBACK TO SAVEPOINT {NAME}_values")).await?,
        }
    }
    session.send(&format!("EXPLAIN EXECUTE {NAME}({})", made_up.join(", "))).await?;
    Ok(Works::IsPlanned)
}

/// A value of a type, by its category.
/// <https://www.postgresql.org/docs/current/catalog-pg-type.html#CATALOG-TYPCATEGORY-TABLE>
fn made_up(category: &str, name: &str) -> String {
    let text = match (category, name) {
        ("E", _) => return format!("(enum_range(NULL::{name}))[1]"),
        // Not 1: a row that has it is there, and a new one with it would be one too many.
        ("N", _) => "32123",
        ("V", _) => "1",
        ("S", _) => "q",
        ("B", _) => "true",
        ("D", "time without time zone" | "time with time zone") => "12:00",
        ("D", _) => "2020-01-01",
        ("T", _) => "1 day",
        ("A", _) | (_, "json" | "jsonb") => "{}",
        ("I", _) => "127.0.0.1",
        ("R", _) => "empty",
        (_, "uuid") => "00000000-0000-0000-0000-000000000001",
        (_, "bytea") => "",
        _ => return format!("NULL::{name}"),
    };
    format!("'{text}'::{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_queries_has_a_statement_each_with_its_settings_and_values() {
        let text = "-- the api\nSET ROLE app;\nSELECT 1;\n\n-- values: 'a', 7\nINSERT INTO t (a, b)\nVALUES ($1, $2);\nSELECT $1::int;\nRESET ROLE;\nSELECT 2";
        let read = queries("api", "q.sql", text).unwrap();
        let said: Vec<_> =
            read.iter().map(|one| (one.line, one.values.as_deref(), one.has_parameters, one.settings.len())).collect();
        assert_eq!(said, [(3, None, false, 1), (6, Some("'a', 7"), true, 1), (8, None, true, 1), (10, None, false, 2)]);
        assert_eq!(
            (read[1].text.as_str(), read[3].text.as_str()),
            ("INSERT INTO t (a, b)\nVALUES ($1, $2)", "SELECT 2")
        );
    }

    #[test]
    fn what_cannot_be_tried_and_taken_back_is_refused_with_its_line() {
        for (text, words) in [
            ("SELECT 1;\nCOMMIT;", "q.sql:2: it cannot be tried"),
            ("VACUUM t;", "q.sql:1: it cannot"),
            ("SELECT 1;\nSELEC 2;", "q.sql:2: "),
        ] {
            let refused = queries("api", "q.sql", text).unwrap_err();
            assert!(refused.starts_with(words), "{text}: {refused}");
        }
    }

    #[test]
    fn what_worked_before_has_to_work_as_far() {
        let refused = || Err(Refusal { code: "42703".to_owned(), message: "no such column".to_owned(), detail: None });
        let (runs, none, planned) = (Ok(Works::Runs(3)), Ok(Works::Runs(0)), Ok(Works::IsPlanned));
        let table = [
            (&runs, &Ok(Works::Runs(2)), None),
            (&runs, &none, Some("3 rows, and now none")),
            (&none, &none, None),
            (&runs, &planned, Some("it ran")),
            (&runs, &refused(), Some("no such column")),
            (&planned, &runs, None),
            (&planned, &planned, None),
            (&planned, &refused(), Some("no such column")),
            (&refused(), &refused(), None),
            (&refused(), &runs, None),
        ];
        for (before, now, expected) in table {
            let said = worse(before, now);
            assert_eq!(said.is_some(), expected.is_some(), "{before:?} {now:?}");
            assert!(said.unwrap_or_default().contains(expected.unwrap_or_default()), "{before:?} {now:?}");
        }
    }

    #[test]
    fn each_kind_of_type_has_a_value() {
        assert_eq!(made_up("N", "integer"), "'32123'::integer");
        assert_eq!(made_up("E", "mood"), "(enum_range(NULL::mood))[1]");
        assert_eq!(made_up("U", "jsonb"), "'{}'::jsonb");
        assert_eq!(made_up("U", "tsvector"), "NULL::tsvector");
    }
}
