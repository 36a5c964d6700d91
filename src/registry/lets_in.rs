//! Whether the policy of a repository lets Lambda pull an image for a function of another account.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/images-create.html#configuration-images-xaccount-permissions>

use anyhow::{Context as _, Result};
use serde_json::Value;

/// What has to be allowed, to the function's account and to Lambda itself.
const PULLS: [&str; 2] = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
/// Who Lambda is.
const LAMBDA: &str = "lambda.amazonaws.com";

/// A function, as policies name it.
#[derive(Clone, Copy, Debug)]
pub struct ForFunction<'f> {
    /// The account of the function.
    pub account: &'f str,
    /// Its ARN.
    pub arn: &'f str,
}

/// What a policy says to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Says {
    /// He may not.
    No,
    /// It hangs on a condition that only AWS can judge.
    Unknown,
    /// He may.
    Yes,
}

/// Whom it lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LetsIn {
    /// The account of the function, which makes and updates it.
    pub account: Says,
    /// Lambda, which fetches the image again after months.
    pub lambda: Says,
}

/// Reads the policy of a repository.
///
/// # Errors
/// It is no policy.
pub fn lets_in(policy: &str, function: ForFunction<'_>) -> Result<LetsIn> {
    let policy: Value = serde_json::from_str(policy).context("read the repository's policy")?;
    let statements: Vec<&Value> = list(&policy["Statement"]);
    let says = |who: Who| PULLS.map(|action| of_action(&statements, action, who, function)).into_iter().min();
    let says = |who| says(who).unwrap_or(Says::No);
    Ok(LetsIn { account: says(Who::Account), lambda: says(Who::Lambda) })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Account,
    Lambda,
}

/// One action for one of them: allowed somewhere, and denied nowhere.
fn of_action(statements: &[&Value], action: &str, who: Who, function: ForFunction<'_>) -> Says {
    let of_effect = |effect: &str| {
        let some = statements.iter().filter(|one| one["Effect"].as_str() == Some(effect));
        some.map(|one| applies(one, action, who, function)).max().unwrap_or(Says::No)
    };
    match (of_effect("Allow"), of_effect("Deny")) {
        (_, Says::Yes) | (Says::No, _) => Says::No,
        (_, Says::Unknown) => Says::Unknown,
        (allowed, Says::No) => allowed,
    }
}

fn applies(statement: &Value, action: &str, who: Who, function: ForFunction<'_>) -> Says {
    let names_it = |patterns: &Value| {
        texts(patterns).any(|pattern| matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase()))
    };
    // What leaves something out may mean anybody.
    if !statement["NotAction"].is_null() || !statement["NotPrincipal"].is_null() {
        return Says::Unknown;
    }
    if !names_it(&statement["Action"]) || !is_for(&statement["Principal"], who, function) {
        return Says::No;
    }
    let conditions = statement["Condition"].as_object().into_iter().flatten();
    let met = conditions.flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, values)| is_met(operator, key, values, who, function))
    });
    met.min().unwrap_or(Says::Yes)
}

fn is_for(principal: &Value, who: Who, function: ForFunction<'_>) -> bool {
    if principal.as_str() == Some("*") || texts(&principal["AWS"]).any(|name| name == "*") {
        return true;
    }
    match who {
        Who::Lambda => texts(&principal["Service"]).any(|name| name == LAMBDA),
        // A role of the account counts too: which one updates the function is not known here.
        Who::Account => texts(&principal["AWS"])
            .any(|name| name == function.account || name.split(':').nth(4) == Some(function.account)),
    }
}

fn is_met(operator: &str, key: &str, values: &Value, who: Who, function: ForFunction<'_>) -> Says {
    let observed = match (who, key.to_ascii_lowercase().as_str()) {
        (Who::Lambda, "aws:sourcearn") => function.arn,
        (Who::Lambda, "aws:sourceaccount") | (Who::Account, "aws:principalaccount") => function.account,
        _ => return Says::Unknown,
    };
    let found = match operator.strip_suffix("IfExists").unwrap_or(operator) {
        "StringEquals" => texts(values).any(|value| value == observed),
        "StringLike" | "ArnLike" | "ArnEquals" => texts(values).any(|pattern| matches(pattern, observed)),
        _ => return Says::Unknown,
    };
    if found { Says::Yes } else { Says::No }
}

/// A pattern of IAM: `*` stands for any characters, `?` for one.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = regex::escape(pattern).replace("\\*", ".*").replace("\\?", ".");
    regex::Regex::new(&format!("^{pattern}$")).is_ok_and(|pattern| pattern.is_match(text))
}

/// In policies a list of one is often written without its brackets.
fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    list(value).into_iter().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::hostile::{config, like};

    const FUNCTION: ForFunction<'_> =
        ForFunction { account: "111122223333", arn: "arn:aws:lambda:eu-west-1:111122223333:function:shop-api" };

    fn read(statements: &Value) -> LetsIn {
        lets_in(&json!({"Version": "2012-10-17", "Statement": statements}).to_string(), FUNCTION).unwrap()
    }

    fn statement(principal: &Value, condition: &Value) -> Value {
        json!({"Effect": "Allow", "Action": PULLS, "Principal": principal, "Condition": condition})
    }

    #[test]
    fn the_policy_of_the_guide_lets_both_in() {
        let account = statement(&json!({"AWS": "arn:aws:iam::111122223333:root"}), &json!(null));
        let arn = |arn: &str| json!({"StringLike": {"aws:sourceARN": arn}});
        let lambda = |pattern: &str| statement(&json!({"Service": LAMBDA}), &arn(pattern));
        let ours = lambda("arn:aws:lambda:eu-west-1:111122223333:function:*");
        let (no, yes, unknown) = (Says::No, Says::Yes, Says::Unknown);
        let denial = json!({"Effect": "Deny", "Action": "ecr:*", "Principal": "*"});
        let sometimes = json!({"Effect": "Deny", "Action": "ecr:Batch*", "Principal": "*",
                               "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
        let half = json!({"Effect": "Allow", "Action": "ecr:BatchGetImage", "Principal": {"Service": LAMBDA}});
        let table = [
            (json!([account, ours]), yes, yes),
            (json!([account]), yes, no),
            (json!(ours), no, yes),
            (json!([account, lambda("arn:aws:lambda:us-east-1:111122223333:function:*")]), yes, no),
            (json!([account, lambda("arn:aws:lambda:eu-west-1:*:function:shop-?pi")]), yes, yes),
            (json!([account, half]), yes, no),
            (json!([statement(&json!("*"), &json!(null))]), yes, yes),
            (json!([account, ours, denial]), no, no),
            (json!([account, ours, sometimes]), unknown, unknown),
            (
                json!([statement(&json!("*"), &json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}))]),
                unknown,
                unknown,
            ),
            (json!([]), no, no),
        ];
        for (statements, account, lambda) in table {
            assert_eq!(read(&statements), LetsIn { account, lambda }, "{statements}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn any_policy_is_read_or_refused(
            text in like(&[r#"{"Statement": [{"Effect": "Allow", "Action": "ecr:*", "Principal": {"AWS": "*"}, "Condition": {"StringLike": {"a": "b"}}}]}"#]),
        ) {
            let _read = lets_in(&text, FUNCTION);
        }
    }
}
