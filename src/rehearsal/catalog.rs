//! What PostgreSQL's catalogs say of a database: whether it is empty, its relations, who holds which locks, and its whole schema as lines.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Lock, Mode};
use crate::postgres::{Failure, Session};

/// What is not PostgreSQL's own: `n` is the schema.
const OWN: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

/// A relation, by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    /// `schema.name`, without `public.`.
    pub(super) name: String,
    /// Where its rows are: another number after they were written anew.
    file: String,
    /// It has rows that are written anew with it: a table or a materialized view.
    has_rows: bool,
}

/// Relations by their numbers.
pub(super) type Relations = BTreeMap<String, Relation>;

/// Something that is in the database already; nothing where it is empty.
pub(super) async fn something(session: &Session) -> Result<String, Failure> {
    let asked = format!(
        "SELECT * FROM (
            SELECT 'relation ' || n.nspname || '.' || c.relname FROM pg_catalog.pg_class c
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {OWN}
            UNION ALL SELECT 'schema ' || n.nspname FROM pg_catalog.pg_namespace n WHERE {OWN} AND n.nspname <> 'public'
            UNION ALL SELECT 'function ' || n.nspname || '.' || p.proname FROM pg_catalog.pg_proc p
                JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE {OWN}
            UNION ALL SELECT 'type ' || n.nspname || '.' || t.typname FROM pg_catalog.pg_type t
                JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE {OWN}
            UNION ALL SELECT 'extension ' || extname FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'
        ) found ORDER BY 1 LIMIT 1"
    );
    session.value(&asked).await
}

/// The relations of the database, temporary ones left out.
pub(super) async fn relations(session: &Session) -> Result<Relations, Failure> {
    let asked = format!(
        "SELECT c.oid, n.nspname, c.relname, c.relfilenode, c.relkind IN ('r', 'm') FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {OWN} AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'S')"
    );
    let rows = session.rows(&asked).await?;
    let relation = |row: Vec<Option<String>>| {
        let [oid, schema, name, file, has_rows] = <[_; 5]>::try_from(row).ok()?;
        let (schema, name) = (schema?, name?);
        let name = if schema == "public" { name } else { format!("{schema}.{name}") };
        Some((oid?, Relation { name, file: file?, has_rows: has_rows? == "t" }))
    };
    Ok(rows.into_iter().filter_map(relation).collect())
}

/// The relations whose rows were written anew between two looks, by their names before.
pub(super) fn rewritten(before: &Relations, after: &Relations) -> Vec<String> {
    let is_other = |oid: &String, one: &Relation| after.get(oid).is_some_and(|now| now.file != one.file);
    before.iter().filter(|(oid, one)| one.has_rows && is_other(oid, one)).map(|(_, one)| one.name.clone()).collect()
}

/// Locks of relations that a session holds or waits for, by the numbers of the relations: the strongest of each.
pub(super) type Held = BTreeMap<String, Mode>;

/// The locks of a session, and whether it waits for one.
pub(super) async fn locks(asking: &Session, of: &str) -> Result<(Held, bool), Failure> {
    let asked = format!("SELECT relation, mode, granted FROM pg_catalog.pg_locks WHERE pid = {of}");
    let mut held = Held::new();
    let mut waits = false;
    for row in asking.rows(&asked).await? {
        let Ok([relation, mode, granted]) = <[_; 3]>::try_from(row) else { continue };
        waits |= granted.as_deref() == Some("f");
        if let (Some(relation), Some(mode)) = (relation, mode.as_deref().and_then(Mode::of)) {
            let strongest = held.entry(relation).or_insert(mode);
            *strongest = mode.max(*strongest);
        }
    }
    Ok((held, waits))
}

/// What of these locks is new, on relations that code can know: those that were there before the first new migration.
pub(super) fn taken(before: &Held, after: &Held, known: &Relations) -> Vec<Lock> {
    let is_new = |oid: &String, mode: Mode| before.get(oid).is_none_or(|held| *held < mode);
    let lock = |(oid, mode): (&String, &Mode)| {
        let relation = known.get(oid).filter(|_| is_new(oid, *mode))?;
        Some(Lock { relation: relation.name.clone(), mode: *mode })
    };
    let mut taken: Vec<Lock> = after.iter().filter_map(lock).collect();
    taken.sort_by(|one, other| (other.mode, &one.relation).cmp(&(one.mode, &other.relation)));
    taken
}

/// The whole schema, a line for each thing, by which two can be compared. The order of columns and what extensions brought are left out.
pub(super) async fn schema(session: &Session) -> Result<BTreeSet<String>, Failure> {
    let name = "quote_ident(n.nspname) || '.' || quote_ident(c.relname)";
    let class = "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace";
    let not_of_extension = |table: &str, of: &str| {
        format!(
            "NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.{table}'::regclass AND d.objid = {of} AND d.deptype = 'e')"
        )
    };
    let of_class = not_of_extension("pg_class", "c.oid");
    let asked = format!(
        "SELECT 'schema ' || n.nspname || coalesce(' ' || n.nspacl::text, '') FROM pg_catalog.pg_namespace n WHERE {OWN}
        UNION ALL SELECT 'extension ' || extname FROM pg_catalog.pg_extension
        UNION ALL SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'type' END || ' ' || {name} || coalesce(' ' || c.relacl::text, '')
                || coalesce(' ' || c.reloptions::text, '') || CASE WHEN c.relrowsecurity THEN ' row security' ELSE '' END
                || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END || CASE WHEN c.relpersistence = 'u' THEN ' unlogged' ELSE '' END
                || CASE WHEN c.relkind IN ('v', 'm') THEN ' ' || pg_catalog.pg_get_viewdef(c.oid) ELSE '' END
                || coalesce(' ' || pg_catalog.pg_get_expr(c.relpartbound, c.oid), '')
            FROM {class} WHERE {OWN} AND {of_class} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
        UNION ALL SELECT 'column ' || {name} || '.' || quote_ident(a.attname) || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
                || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
                || a.attidentity::text || a.attgenerated::text || coalesce(' ' || a.attacl::text, '')
            FROM pg_catalog.pg_attribute a JOIN {class} ON c.oid = a.attrelid
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE {OWN} AND {of_class} AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
        UNION ALL SELECT 'constraint ' || {name} || '.' || quote_ident(o.conname) || ' ' || pg_catalog.pg_get_constraintdef(o.oid)
            FROM pg_catalog.pg_constraint o JOIN {class} ON c.oid = o.conrelid WHERE {OWN} AND {of_class}
        UNION ALL SELECT 'index ' || pg_catalog.pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END
            FROM pg_catalog.pg_index i JOIN {class} ON c.oid = i.indrelid WHERE {OWN} AND {of_class}
        UNION ALL SELECT 'sequence ' || quote_ident(s.schemaname) || '.' || quote_ident(s.sequencename) || ' ' || s.data_type::text || ' ' || s.start_value || ' '
                || s.increment_by || ' ' || s.min_value || ' ' || s.max_value || ' ' || s.cycle::text FROM pg_catalog.pg_sequences s
        UNION ALL SELECT 'trigger ' || pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text
            FROM pg_catalog.pg_trigger t JOIN {class} ON c.oid = t.tgrelid WHERE {OWN} AND NOT t.tgisinternal
        UNION ALL SELECT 'rule ' || pg_catalog.pg_get_ruledef(r.oid) FROM pg_catalog.pg_rewrite r JOIN {class} ON c.oid = r.ev_class
            WHERE {OWN} AND {of_class} AND r.rulename <> '_RETURN'
        UNION ALL SELECT 'policy ' || p.policyname || ' of ' || p.schemaname || '.' || p.tablename || ' ' || p.cmd || ' ' || p.permissive || ' ' || p.roles::text
                || coalesce(' using ' || p.qual, '') || coalesce(' check ' || p.with_check, '') FROM pg_catalog.pg_policies p
        UNION ALL SELECT 'function ' || CASE WHEN f.prokind IN ('f', 'p') THEN pg_catalog.pg_get_functiondef(f.oid)
                ELSE f.proname || '(' || pg_catalog.pg_get_function_identity_arguments(f.oid) || ')' END || coalesce(' ' || f.proacl::text, '')
            FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_namespace n ON n.oid = f.pronamespace WHERE {OWN} AND {of_function}
        UNION ALL SELECT 'type ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname) || ' ' || CASE t.typtype
                WHEN 'e' THEN (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)
                WHEN 'd' THEN pg_catalog.format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END
                    || coalesce(' default ' || t.typdefault, '') || coalesce((SELECT string_agg(' ' || o.conname || ' ' || pg_catalog.pg_get_constraintdef(o.oid), ''
                    ORDER BY o.conname) FROM pg_catalog.pg_constraint o WHERE o.contypid = t.oid), '') ELSE 'range' END
            FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE {OWN} AND t.typtype IN ('e', 'd', 'r') AND {of_type}",
        of_function = not_of_extension("pg_proc", "f.oid"),
        of_type = not_of_extension("pg_type", "t.oid"),
    );
    Ok(session.rows(&asked).await?.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_before_is_not_taken_again() {
        let relation =
            |name: &str, file: &str| Relation { name: name.to_owned(), file: file.to_owned(), has_rows: true };
        let known: Relations =
            [("1".to_owned(), relation("users", "1")), ("2".to_owned(), relation("orders", "2"))].into();
        let before: Held = [("1".to_owned(), Mode::ShareRowExclusive)].into();
        let after: Held = [
            ("1".to_owned(), Mode::ShareRowExclusive),
            ("2".to_owned(), Mode::AccessExclusive),
            ("3".to_owned(), Mode::AccessExclusive),
        ]
        .into();
        assert_eq!(
            taken(&before, &after, &known),
            [Lock { relation: "orders".to_owned(), mode: Mode::AccessExclusive }]
        );
        let stronger: Held = [("1".to_owned(), Mode::AccessExclusive)].into();
        assert_eq!(taken(&before, &stronger, &known).len(), 1);
        let now: Relations = [("1".to_owned(), relation("users", "9"))].into();
        assert_eq!(rewritten(&known, &now), ["users"], "what was dropped is not rewritten");
    }
}
