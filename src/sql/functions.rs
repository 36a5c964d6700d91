//! The functions of PostgreSQL, and of its best-known extensions, that change nothing but what they say.

/// Functions that may be called by a migration without changing a schema or a privilege. Left out on purpose are those that run
/// SQL they are given (`query_to_xml`, `dblink_exec`), that end other sessions, and that read or write files.
const HARMLESS: &[&str] = &[
    // Aggregates and windows.
    "array_agg", "avg", "bit_and", "bit_or", "bool_and", "bool_or", "count", "cume_dist", "dense_rank", "every", "first_value",
    "json_agg", "json_object_agg", "jsonb_agg", "jsonb_object_agg", "lag", "last_value", "lead", "max", "min", "mode", "nth_value",
    "ntile", "percent_rank", "percentile_cont", "percentile_disc", "rank", "row_number", "stddev", "string_agg", "sum", "variance",
    // Values.
    "abs", "age", "array_append", "array_cat", "array_length", "array_position", "array_prepend", "array_remove", "array_replace",
    "array_to_json", "array_to_string", "ascii", "btrim", "cardinality", "ceil", "ceiling", "char_length", "character_length", "chr",
    "coalesce", "concat", "concat_ws", "date_part", "date_trunc", "decode", "digest", "div", "encode", "exp", "extract", "floor",
    "format", "gen_random_bytes", "gen_random_uuid", "generate_series", "generate_subscripts", "greatest", "hashtext", "initcap",
    "json_build_array", "json_build_object", "json_typeof", "jsonb_array_elements", "jsonb_array_elements_text",
    "jsonb_array_length", "jsonb_build_array", "jsonb_build_object", "jsonb_each", "jsonb_each_text", "jsonb_extract_path",
    "jsonb_extract_path_text", "jsonb_object_keys", "jsonb_path_exists", "jsonb_path_query", "jsonb_set", "jsonb_strip_nulls",
    "jsonb_typeof", "justify_interval", "least", "left", "length", "ln", "log", "lower", "lpad", "ltrim", "make_date",
    "make_interval", "make_timestamp", "make_timestamptz", "md5", "mod", "now", "nullif", "num_nonnulls", "num_nulls",
    "octet_length", "overlay", "position", "power", "quote_ident", "quote_literal", "quote_nullable", "random", "regexp_match",
    "regexp_matches", "regexp_replace", "regexp_split_to_array", "regexp_split_to_table", "repeat", "replace", "reverse", "right",
    "round", "row", "row_to_json", "rpad", "rtrim", "setseed", "setweight", "sha256", "sha512", "sign", "split_part", "sqrt",
    "starts_with", "string_to_array", "strpos", "substr", "substring", "timezone", "to_ascii", "to_char", "to_date", "to_hex",
    "to_json", "to_jsonb", "to_number", "to_timestamp", "to_tsquery", "to_tsvector", "translate", "trim", "trunc",
    "plainto_tsquery", "unaccent", "unnest", "upper", "uuid_generate_v1", "uuid_generate_v4", "uuidv4", "uuidv7", "width_bucket",
    "crypt", "gen_salt", "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange", "isempty",
    // Time.
    "clock_timestamp", "localtime", "localtimestamp", "statement_timestamp", "timeofday", "transaction_timestamp",
    // What is there.
    "array_lower", "array_upper", "col_description", "current_database", "current_schema", "current_schemas", "current_setting",
    "format_type", "has_column_privilege", "has_schema_privilege", "has_table_privilege", "obj_description", "pg_backend_pid",
    "pg_get_constraintdef", "pg_get_expr", "pg_get_functiondef", "pg_get_indexdef", "pg_get_serial_sequence", "pg_get_viewdef",
    "pg_has_role", "pg_relation_size", "pg_size_pretty", "pg_table_is_visible", "pg_total_relation_size", "pg_type_is_visible",
    "pg_typeof", "to_regclass", "to_regnamespace", "to_regproc", "to_regprocedure", "to_regrole", "to_regtype", "txid_current",
    "version",
    // The session, sequences and locks of its own.
    "currval", "lastval", "nextval", "pg_advisory_lock", "pg_advisory_unlock", "pg_advisory_unlock_all", "pg_advisory_xact_lock",
    "pg_sleep", "pg_try_advisory_lock", "pg_try_advisory_xact_lock", "set_config", "setval",
];

/// Of these, and of what is not known, each call may answer something else: a default of them is computed for each row.
const PER_ROW: &[&str] = &[
    "clock_timestamp", "crypt", "gen_random_bytes", "gen_random_uuid", "gen_salt", "nextval", "random", "timeofday",
    "uuid_generate_v1", "uuid_generate_v4", "uuidv4", "uuidv7", "setval", "currval", "lastval",
];

/// Functions of which NULL makes NULL.
const STRICT: &[&str] = &[
    "abs", "array_length", "btrim", "cardinality", "char_length", "character_length", "jsonb_array_length", "jsonb_typeof",
    "json_typeof", "length", "lower", "ltrim", "octet_length", "rtrim", "trim", "upper",
];

/// Whether a call of it changes no schema and no privilege.
pub(super) fn is_harmless(function: &str) -> bool {
    HARMLESS.contains(&function)
}

/// Whether a default of it is the same for all rows.
pub(super) fn is_same_for_all_rows(function: &str) -> bool {
    is_harmless(function) && !PER_ROW.contains(&function)
}

/// Whether NULL makes NULL of it.
pub(super) fn is_strict(function: &str) -> bool {
    STRICT.contains(&function)
}
