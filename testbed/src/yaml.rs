//! YAML of ours: `action.yml`, workflows, tables.

use serde::de::DeserializeOwned;

/// Reads YAML 1.2, in which `yes` and `on` are text.
///
/// # Errors
/// What is wrong, and where.
pub fn yaml<T: DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, serde_saphyr::options! { strict_booleans: true })
}
