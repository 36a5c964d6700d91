//! Refuses to write where the caller did not mean to: another account, or a function with other tags.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use crate::action::inputs::Pair;
use crate::context::Context;
use crate::ecs::Service;
use crate::lambda::{Function, FunctionName};
use crate::oci::EcrRegistry;
use crate::outcome::{Outcome, Step, Verdict};
use crate::site::{BucketName, SiteBucket};
use crate::text::{LONGEST, message, message_str};

/// Compares `expected-account-id` with the account of the credentials and `expected-tags` with the functions' own tags.
/// Called before the first write. The functions are to be read without a version: tags belong to the function, not to its versions.
pub async fn check(cx: &Context, functions: &[&Function]) -> Step<()> {
    check_account(cx).await?;
    let Some(expected) = &cx.common.expected_tags else { return Ok(()) };
    let checked: Vec<Step<()>> =
        functions.iter().map(|function| check_tags(cx, &expected.0, &Tagged::of(function))).collect();
    checked.into_iter().collect()
}

/// [`check`] for services, which are to be read with their tags when `expected-tags` is given.
pub async fn check_services(cx: &Context, services: &[Service]) -> Step<()> {
    check_account(cx).await?;
    let Some(expected) = &cx.common.expected_tags else { return Ok(()) };
    let tagged = services.iter().map(|service| Tagged {
        name: format!("service {}", service.name),
        tags: service.tags(),
        unreadable: None,
        source: "ecs:DescribeServices",
        fix: "`cluster`, `services`",
    });
    let checked: Vec<Step<()>> = tagged.map(|tagged| check_tags(cx, &expected.0, &tagged)).collect();
    checked.into_iter().collect()
}

/// [`check`] for the bucket of a site, whose tags are read when some are asked for.
pub async fn check_bucket(cx: &Context, bucket: &SiteBucket, name: &BucketName) -> Step<()> {
    check_account(cx).await?;
    let Some(expected) = &cx.common.expected_tags else { return Ok(()) };
    let tagged = Tagged {
        name: format!("bucket {}", name.label()),
        tags: bucket.tags().await?,
        unreadable: None,
        source: "s3:GetBucketTagging",
        fix: "`bucket`",
    };
    check_tags(cx, &expected.0, &tagged)
}

/// Something that has tags.
struct Tagged {
    name: String,
    tags: BTreeMap<String, String>,
    /// Why they could not be read.
    unreadable: Option<String>,
    source: &'static str,
    /// The inputs that name it.
    fix: &'static str,
}

impl Tagged {
    fn of(function: &Function) -> Self {
        Self {
            name: format!("function {}", function.name),
            tags: function.tags.clone(),
            unreadable: function.tags_error.as_ref().map(|why| why.for_message(LONGEST)),
            source: "lambda:GetFunction",
            fix: "`function`",
        }
    }
}

/// [`check`] for steps that read versions only: the functions themselves are read when their tags are asked for.
pub async fn check_names(cx: &Context, names: impl IntoIterator<Item = &FunctionName>) -> Step<()> {
    if cx.common.expected_tags.is_none() {
        return check(cx, &[]).await;
    }
    let lambda = cx.lambda().await?;
    let functions = try_join_all(names.into_iter().map(|name| lambda.function(name, None))).await?;
    check(cx, &functions.iter().collect::<Vec<_>>()).await
}

async fn check_account(cx: &Context) -> Step<()> {
    let Some(expected) = &cx.common.expected_account_id else { return Ok(()) };
    let same = cx.aws().await?.account().await? == expected;
    compare_accounts(cx, "account of the credentials", same, "sts:GetCallerIdentity", || {
        Outcome::fail(message_str!(
            "wrong-account",
            "these credentials belong to another account than `expected-account-id` names: nothing was written"
        ))
        .advise("set `role-to-assume` to a role of the expected account, or correct `expected-account-id`")
    })
}

/// Compares `expected-account-id` with the account of a registry that is written to: the repositories of another account may be
/// open to these credentials. Registries other than ECR belong to no account.
pub fn check_registry(cx: &Context, host: &str) -> Step<()> {
    let (Some(expected), Some(registry)) = (&cx.common.expected_account_id, EcrRegistry::from_host(host)) else {
        return Ok(());
    };
    compare_accounts(cx, "account of the registry", registry.account == expected.as_str(), "plan", || {
        Outcome::fail("the destination is in another account than `expected-account-id` names: nothing was written")
            .advise("correct `destination` or `registry`, or `expected-account-id`")
    })
}

/// Account ids are never printed: where the runner masks them, they would empty what holds them.
fn compare_accounts(
    cx: &Context,
    name: &str,
    same: bool,
    source: &'static str,
    refusal: impl FnOnce() -> Outcome,
) -> Step<()> {
    let (observed, verdict) =
        if same { ("the expected one", Verdict::Pass) } else { ("another account", Verdict::Fail) };
    cx.report.check(name, observed, "that of `expected-account-id`", verdict, source);
    if same { Ok(()) } else { Err(refusal().into()) }
}

fn check_tags(cx: &Context, expected: &[Pair], tagged: &Tagged) -> Step<()> {
    let name = &tagged.name;
    let check = |observed: &str, verdict| {
        cx.report.check(format!("tags of {name}"), observed, label(expected), verdict, tagged.source);
    };
    if let Some(why) = &tagged.unreadable {
        check(&format!("not readable: {why}"), Verdict::Error);
        return Err(Outcome::error(format!(
            "the tags of {name} cannot be read, and `expected-tags` asks for some: {why}"
        ))
        .advise("allow lambda:ListTags on the function to the role of this job: AWS leaves the tags out without it")
        .into());
    }
    let differences = differences(expected, &tagged.tags);
    if differences.is_empty() {
        check("as expected", Verdict::Pass);
        return Ok(());
    }
    let differences = differences.join(", ");
    check(&differences, Verdict::Fail);
    Err(Outcome::fail(message!(
        "wrong-tags",
        "{name} is not what `expected-tags` describes: {differences}; nothing was written"
    ))
    .advise(format!(
        "this is another target than meant: correct {} or `role-to-assume`; or correct `expected-tags`",
        tagged.fix
    ))
    .into())
}

fn label(expected: &[Pair]) -> String {
    expected.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What differs, in words; empty when nothing does.
fn differences(expected: &[Pair], tags: &BTreeMap<String, String>) -> Vec<String> {
    let differs = expected.iter().filter_map(|pair| match tags.get(&pair.key) {
        Some(value) if *value == pair.value => None,
        Some(value) => Some(format!("{} is {value}, not {}", pair.key, pair.value)),
        None => Some(format!("there is no tag {}", pair.key)),
    });
    differs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_expected_tag_must_be_there_with_its_value() {
        let tags = BTreeMap::from([("stage".to_owned(), "stg".to_owned()), ("team".to_owned(), "shop".to_owned())]);
        let differ = |lines: &[&str]| {
            let expected: Vec<Pair> = lines.iter().map(|line| line.parse().unwrap()).collect();
            differences(&expected, &tags)
        };
        assert!(differ(&["stage=stg"]).is_empty());
        assert!(differ(&["team=shop", "stage=stg"]).is_empty());
        assert_eq!(differ(&["stage=prd", "owner=x"]), ["stage is stg, not prd", "there is no tag owner"]);
        assert_eq!(differ(&["stage="]), ["stage is stg, not "]);
    }
}
