//! The account ids this process has come across. Where the runner masks one, an output that holds it would be dropped: none
//! stands in what is written down, in whatever form it comes, as in the name of a bucket.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

use regex::{Captures, Regex};

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The pattern is a constant, and compiles; texts stay as they are if it ever did not.
static NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("[0-9]{12,}").ok());

/// Has this account id taken out by [`blotted`] from now on.
pub fn remember(id: &str) {
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !known.contains(id) {
        known.insert(id.to_owned());
    }
}

/// The text with `*` for every known account id. Longer numbers that hold one stay: they are something else.
#[must_use]
pub fn blotted(text: &str) -> String {
    let known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(numbers) = NUMBERS.as_ref() else { return text.to_owned() };
    let blot = |found: &Captures<'_>| if known.contains(&found[0]) { "*".to_owned() } else { found[0].to_owned() };
    numbers.replace_all(text, blot).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_account_id_is_taken_out_in_every_form() {
        remember("900011112222");
        let table = [
            ("registry with id '900011112222' does not exist", "registry with id '*' does not exist"),
            ("s3://artifacts-900011112222-eu-west-1/a.zip", "s3://artifacts-*-eu-west-1/a.zip"),
            ("{\"account\":\"900011112222\"}", "{\"account\":\"*\"}"),
            ("900011112222 900011112222", "* *"),
            ("run 900011112223", "run 900011112223"),
            ("digest 1900011112222", "digest 1900011112222"),
        ];
        for (text, clean) in table {
            assert_eq!(blotted(text), clean);
        }
    }

    #[test]
    fn an_account_id_is_known_once_it_was_read() {
        let role = "arn:aws:iam::900011113333:role/deploy".parse::<crate::steps::common::RoleArn>();
        assert!(role.is_ok());
        assert!(crate::registry::EcrRegistry::from_host("900011114444.dkr.ecr.eu-west-1.amazonaws.com").is_some());
        assert_eq!(blotted("900011113333, 900011114444"), "*, *");
    }
}
