//! The account ids this process has come across. Where the runner masks one, an output that holds it would be dropped: none
//! stands in what is written down, in whatever form it comes, as in the name of a bucket.

use std::collections::BTreeSet;
use std::sync::{LazyLock, Mutex};

use regex::{Captures, Regex};

static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The pattern is a constant, and compiles; texts stay as they are if it ever did not.
static NUMBERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("[0-9]{12,}").ok());

/// Has this account id taken out by [`redacted`] from now on.
pub fn remember(id: &str) {
    let mut known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !known.contains(id) {
        known.insert(id.to_owned());
    }
}

/// The text with `*` for every known account id. Longer numbers that hold one stay: they are something else.
#[must_use]
fn redacted(text: &str) -> String {
    let known = KNOWN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let Some(numbers) = NUMBERS.as_ref() else { return text.to_owned() };
    let blot = |found: &Captures<'_>| if known.contains(&found[0]) { "*".to_owned() } else { found[0].to_owned() };
    numbers.replace_all(text, blot).into_owned()
}

/// Where account ids stand, and what is put there. Compiled once: this is asked of everything that is written down.
static ACCOUNTS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        (r"(arn:aws[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:)[0-9]{12}(?-u:\b)", "$1*"),
        (r"(?-u:\b)[0-9]{12}(\.dkr[.-])", "*$1"),
    ];
    // Both are constants, and compile; texts stay as they are if they ever did not.
    patterns.into_iter().filter_map(|(pattern, with)| Some((Regex::new(pattern).ok()?, with))).collect()
});

/// Takes account ids out of a text, known or not: where the runner masks the account id, a value that holds it would be dropped.
#[must_use]
pub(super) fn without_accounts(text: &str) -> String {
    let replaced = |text: String, (pattern, with): &(Regex, &str)| pattern.replace_all(&text, *with).into_owned();
    redacted(&ACCOUNTS.iter().fold(text.to_owned(), replaced))
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
            assert_eq!(redacted(text), clean);
        }
    }

    #[test]
    fn account_ids_leave_no_trace() {
        let text = without_accounts("User: arn:aws:sts::111122223333:assumed-role/ci/x may not");
        assert!(!text.contains("111122223333"), "{text}");
        assert_eq!(
            without_accounts("111122223333.dkr.ecr.eu-west-1.amazonaws.com/a"),
            "*.dkr.ecr.eu-west-1.amazonaws.com/a"
        );
        assert_eq!(without_accounts("run 900099990000"), "run 900099990000");
        remember("900011115555");
        assert_eq!(without_accounts("registry with id '900011115555'"), "registry with id '*'");
    }
}
