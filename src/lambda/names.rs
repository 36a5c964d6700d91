//! Names of Lambda's things, as inputs and in memory.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{input_value, is_made_of, is_word, text_value};

text_value!(
    /// A function by its name alone: account and region are those of the credentials.
    name pub struct FunctionName, "a function's name (not its ARN): letters, digits, `-`, `_`, at most 64", "shop-api-prd",
    read |text| match elsewhere(text) {
        Some(refusal) => Err(refusal.to_owned()),
        None if is_made_of(text, 64, is_word) => Ok(text.to_owned()),
        None => Err("must be a function's name (not its ARN): letters, digits, `-`, `_`, at most 64".to_owned()),
    }
);

/// What else is deployed to, known by the service of its ARN: what to use there.
fn elsewhere(text: &str) -> Option<&'static str> {
    let mut parts = text.strip_prefix("arn:")?.split(':');
    let (service, resource) = (parts.nth(1)?, parts.nth(2)?);
    match service {
        "lambda-web" => Some(
            "must be the name of a Lambda Event Function: this is a Lambda Web Function, which this release does not deploy; it has revisions \
             and endpoints of its own (`aws lambda-web update-web-function-endpoint`)",
        ),
        "ecs" if resource.starts_with("express-") => Some(
            "must be the name of a Lambda function: this is an ECS Express service, which this release does not deploy; use \
             aws-actions/amazon-ecs-deploy-express-service",
        ),
        "ecs" => Some(
            "must be the name of a Lambda function: this is a thing of ECS, which this release does not deploy; use \
             aws-actions/amazon-ecs-deploy-task-definition",
        ),
        _ => None,
    }
}

text_value!(
    /// An alias of a function. A word that is not a number: Lambda tells aliases from versions that way.
    name pub struct AliasName, "an alias: letters, digits, `-`, `_`, not only digits", "live",
    "must be an alias: letters, digits, `-`, `_`, at most 128, not only digits",
    |text| is_made_of(text, 128, is_word) && !text.bytes().all(|byte| byte.is_ascii_digit())
);

impl AliasName {
    /// The default alias, `live`.
    #[must_use]
    pub fn live() -> Self {
        Self("live".to_owned())
    }
}

/// How users call a function: through an alias, or without one, which reaches whatever is in `$LATEST`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Qualifier {
    /// Through this alias.
    Alias(AliasName),
    /// Without an alias.
    Latest,
}

impl Qualifier {
    /// As Lambda writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Alias(alias) => alias.as_str(),
            Self::Latest => "$LATEST",
        }
    }
}

impl From<AliasName> for Qualifier {
    fn from(alias: AliasName) -> Self {
        Self::Alias(alias)
    }
}

impl FromStr for Qualifier {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "$LATEST" { Ok(Self::Latest) } else { text.parse().map(Self::Alias) }
    }
}

impl fmt::Display for Qualifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

input_value!(name Qualifier, "an alias, or `$LATEST`", "live");

text_value!(
    /// The tenant for whom a function with tenant isolation is invoked.
    /// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>
    pub struct TenantId, "the id of a tenant", "acme",
    "must be the id of a tenant: letters, digits, spaces and `._:/=+-@`, at most 256",
    |text| is_made_of(text, 256, |c| c.is_ascii_alphanumeric() || "._:/=+-@ ".contains(c))
);

/// A published version: a positive number. `$LATEST` is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// Version `number`, from 1.
    #[must_use]
    pub const fn number(number: u64) -> Self {
        Self(number)
    }
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if number > 0 && text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self(number)),
            _ => Err("must be the number of a published version ($LATEST is not one)".to_owned()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

input_value!(name Version, "the number of a published version", "42");

/// A version by its number, or the one an alias points to when the step begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionRef {
    /// This version.
    Number(Version),
    /// What this alias points to, resolved once.
    Alias(AliasName),
}

impl FromStr for VersionRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("alias:") {
            Some(alias) => alias.parse().map(Self::Alias),
            None => text
                .parse()
                .map(Self::Number)
                .map_err(|_shorter| "must be the number of a published version, or `alias:<name>`".to_owned()),
        }
    }
}

impl fmt::Display for VersionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(version) => version.fmt(f),
            Self::Alias(alias) => write!(f, "alias:{alias}"),
        }
    }
}

input_value!(name VersionRef, "a version's number, or `alias:<name>`", "42");

/// One line of `versions`: `function=version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionVersion {
    /// The function.
    pub function: FunctionName,
    /// Its version.
    pub version: VersionRef,
}

impl FromStr for FunctionVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (function, version) = text.split_once('=').ok_or_else(|| "must be `function=version`".to_owned())?;
        Ok(Self { function: function.trim().parse()?, version: version.trim().parse()? })
    }
}

impl fmt::Display for FunctionVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.function, self.version)
    }
}

input_value!(FunctionVersion, "`function=version`", "shop-api-prd=42");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads, reads_plainly};

    #[test]
    fn versions_are_positive_numbers() {
        assert_eq!("42".parse(), Ok(Version(42)));
        for wrong in ["0", "-1", "+1", "$LATEST", "v42", "", "1.0", "99999999999999999999999"] {
            assert!(wrong.parse::<Version>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_alias_is_not_a_number() {
        assert!("live".parse::<AliasName>().is_ok());
        for wrong in ["42", "", "a b", "live:1", "$LATEST"] {
            assert!(wrong.parse::<AliasName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_qualifier_is_an_alias_or_latest() {
        for (text, qualifier) in [("live", Qualifier::Alias(AliasName::live())), ("$LATEST", Qualifier::Latest)] {
            assert_eq!(text.parse(), Ok(qualifier.clone()));
            assert_eq!(qualifier.to_string(), text);
        }
        assert!("42".parse::<Qualifier>().is_err());
    }

    #[test]
    fn what_is_no_event_function_is_refused_with_what_to_use() {
        let refused = |text: &str| text.parse::<FunctionName>().unwrap_err();
        let table = [
            ("arn:aws:lambda-web:eu-west-1:111122223333:web-function:shop", "this is a Lambda Web Function"),
            ("arn:aws:ecs:eu-west-1:111122223333:express-gateway-service/shop", "this is an ECS Express service"),
            ("arn:aws:ecs:eu-west-1:111122223333:service/shop/api", "amazon-ecs-deploy-task-definition"),
            ("arn:aws:lambda:eu-west-1:111122223333:function:shop", "not its ARN"),
            ("arn:aws", "not its ARN"),
        ];
        for (text, words) in table {
            assert!(refused(text).contains(words), "{}", refused(text));
        }
    }

    #[test]
    fn function_versions_are_read_and_shown() {
        for text in ["api=42", "api=alias:live"] {
            assert_eq!(text.parse::<FunctionVersion>().unwrap().to_string(), text);
        }
        for wrong in ["api", "api=", "=42", "api=$LATEST", "a:b=1"] {
            assert!(wrong.parse::<FunctionVersion>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["shop-api=42", "alias:live", "live", "42", "shop-api=alias:live"]),
        ) {
            reads_plainly::<FunctionName>(&text);
            reads::<TenantId>(&text);
            reads_plainly::<AliasName>(&text);
            reads_plainly::<Version>(&text);
            reads_plainly::<VersionRef>(&text);
            reads_plainly::<FunctionVersion>(&text);
        }
    }
}
