//! From a chain of errors to one explanation: what happened, on what, and what to do about it.

use std::sync::LazyLock;

use regex::Regex;

use crate::action::accounts;
use crate::aws::{AwsError, Kind, NoCredentials};
use crate::deadline::Ended;
use crate::github::{self, GithubError};

/// An error in the words of its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What happened, in one line.
    pub reason: String,
    /// What to do, one item each.
    pub advice: Vec<String>,
}

/// An error in one line. Causes that repeat what was said already are left out.
#[must_use]
pub fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        // A cause that begins with what was said replaces it.
        if words.starts_with(&told) {
            told = words;
        } else if !told.contains(&words) {
            told = match words.split_once(": ") {
                Some((first, rest)) if told.ends_with(first) => format!("{told}: {rest}"),
                _ => format!("{told}: {words}"),
            };
        }
    }
    told
}

/// Explains an error.
#[must_use]
pub fn explain(error: &anyhow::Error) -> Explanation {
    let reason = told(error);
    let mut advice = Vec::new();
    for cause in error.chain() {
        if let Some(refusal) = cause.downcast_ref::<AwsError>() {
            advice.extend(for_aws(refusal));
        } else if let Some(refusal) = cause.downcast_ref::<GithubError>() {
            advice.extend(for_github(refusal));
        } else if let Some(missing) = cause.downcast_ref::<NoCredentials>() {
            advice.extend(missing.advice.clone());
        } else if cause.downcast_ref::<Ended>() == Some(&Ended::Deadline) {
            advice.push(
                "raise the input `timeout` if this takes longer than expected here; running the step again is safe"
                    .to_owned(),
            );
        }
    }
    Explanation { reason, advice }
}

/// The mend for a refusal of AWS.
pub(crate) fn for_aws(refusal: &AwsError) -> Option<String> {
    match refusal.kind {
        Kind::Denied => {
            let (action, resource) = denied(&refusal.message);
            let action = action.unwrap_or_else(|| refusal.operation.to_owned());
            let resource = resource.map(|on| format!(" on {on}")).unwrap_or_default();
            Some(format!("allow {action}{resource} to the role of this job (docs/permissions.md has the policy of each step)"))
        }
        Kind::Credentials if refusal.code.starts_with("ExpiredToken") => Some(
            "the AWS credentials ended while the job ran: take them just before this step and for longer (`role-duration-seconds` of \
             aws-actions/configure-aws-credentials), or set `role-to-assume` without any at hand, which renews them every `role-duration`"
                .to_owned(),
        ),
        Kind::Clock => Some("set the runner's clock, which differs from AWS's: let NTP keep it (`timedatectl`, chrony)".to_owned()),
        Kind::Credentials => Some(
            "the AWS credentials are not accepted: take new ones just before this step, or set `role-to-assume`, which renews them"
                .to_owned(),
        ),
        Kind::Throttled(_) => Some("AWS turned the calls away as too many: run the step again, or ask for a higher quota".to_owned()),
        Kind::Broken => Some("AWS did not answer: run the step again, which is safe; check the network of the runner if it stays so".to_owned()),
        Kind::NotFound | Kind::Conflict | Kind::Precondition | Kind::Invalid => None,
    }
}

/// What AWS says is missing: "User: .. is not authorized to perform: lambda:UpdateAlias on resource: arn:.. because ..".
pub(crate) fn denied(message: &str) -> (Option<String>, Option<String>) {
    let after = |mark: &str| {
        let rest = message.split_once(mark)?.1;
        let word = rest.split_whitespace().next()?;
        Some(word.trim_end_matches([',', '.']).to_owned())
    };
    (after("perform: "), after("on resource: "))
}

fn for_github(refusal: &GithubError) -> Option<String> {
    match &refusal.kind {
        github::Kind::Unusable => {
            Some("give the step a token, `token: ${{ github.token }}`, which is the default of action.yml".to_owned())
        }
        kind @ github::Kind::Denied(Some(_)) => Some(format!(
            "give the job the permission `{}` under `permissions:`",
            kind.permission().unwrap_or_default()
        )),
        github::Kind::Denied(None) => {
            Some("give the job the permissions that docs/permissions.md lists for this step".to_owned())
        }
        github::Kind::NotFound => {
            Some("check the name; for a private repository the token needs `contents: read`".to_owned())
        }
        github::Kind::Gone => Some("this is switched off in the settings of the repository".to_owned()),
        github::Kind::Limited(_) => {
            Some("GitHub's rate limit holds longer than this step's deadline: run the step again later".to_owned())
        }
        github::Kind::Broken => Some("GitHub did not answer: run the step again, which is safe".to_owned()),
        github::Kind::Invalid => None,
    }
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
pub fn without_accounts(text: &str) -> String {
    let replaced = |text: String, (pattern, with): &(Regex, &str)| pattern.replace_all(&text, *with).into_owned();
    accounts::blotted(&ACCOUNTS.iter().fold(text.to_owned(), replaced))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, foreign};
    use anyhow::Context as _;

    fn denied_error() -> AwsError {
        AwsError {
            operation: "lambda:UpdateAlias",
            kind: Kind::Denied,
            code: "AccessDeniedException".to_owned(),
            message: "User: arn:aws:sts::111122223333:assumed-role/ci/x is not authorized to perform: lambda:UpdateAlias on \
                      resource: arn:aws:lambda:eu-west-1:111122223333:function:api because no identity-based policy allows it"
                .to_owned(),
            request_id: None,
        }
    }

    #[test]
    fn a_missing_permission_is_named_with_its_resource() {
        let error = Err::<(), _>(denied_error()).context("move alias live of api to version 42").unwrap_err();
        let explanation = explain(&error);
        assert!(
            explanation.reason.starts_with("move alias live of api to version 42: lambda:UpdateAlias: AccessDenied")
        );
        assert_eq!(explanation.advice.len(), 1);
        assert!(
            explanation.advice[0].starts_with(
                "allow lambda:UpdateAlias on arn:aws:lambda:eu-west-1:111122223333:function:api to the role"
            )
        );
    }

    #[test]
    fn account_ids_leave_no_trace() {
        let text = without_accounts(&denied_error().message);
        assert!(!text.contains("111122223333"), "{text}");
        assert_eq!(
            without_accounts("111122223333.dkr.ecr.eu-west-1.amazonaws.com/a"),
            "*.dkr.ecr.eu-west-1.amazonaws.com/a"
        );
        assert_eq!(without_accounts("run 900099990000"), "run 900099990000");
        accounts::remember("900011115555");
        assert_eq!(without_accounts("registry with id '900011115555'"), "registry with id '*'");
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_message_of_aws_is_explained(message in foreign()) {
            let message = format!("x is not authorized to perform: {message} on resource: {message}");
            let error = anyhow::Error::new(AwsError { message, ..denied_error() });
            let told = explain(&error);
            prop_assert!(!without_accounts(&told.reason).is_empty());
        }
    }
}
