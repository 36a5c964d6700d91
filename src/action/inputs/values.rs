//! Values of inputs: validated newtypes, made at the edge, once. Each says its shape in words and carries an example; each
//! error says what the value "must be".

mod deployment;
mod endpoint;
mod environment;
mod lists;
mod role;
mod scalars;

use std::fmt;
use std::str::FromStr;

pub use deployment::DeploymentId;
pub use endpoint::{RegistryEndpoint, is_host_name};
pub use environment::EnvironmentName;
pub use lists::{Lines, Pair};
pub use role::RoleArn;
pub use scalars::{Flag, Number, Span};

use crate::text::{self, accounts};

/// Makes a type an input value: read from text by its `FromStr`, shown by its `Display`, described by a shape and an example.
///
/// After `name`, what is refused is shown back: names, numbers and words of an enumeration. All else may hold a secret.
macro_rules! input_value {
    ($type:ident, $shape:literal, $example:literal) => {
        $crate::action::inputs::input_value!(@ $type, $shape, $example, false);
    };
    (name $type:ident, $shape:literal, $example:literal) => {
        $crate::action::inputs::input_value!(@ $type, $shape, $example, true);
    };
    (@ $type:ident, $shape:literal, $example:literal, $is_name:literal) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "title": $shape,
                    "examples": [$example],
                    "x-name": $is_name,
                })
            }
        }
    };
}
pub(crate) use input_value;

/// Makes a newtype over text that is an input value, after its shape and an example of it. Text is taken where a function says so;
/// else the error is that it must be of this shape, or the words that are given. After `read` a function returns the text as it is
/// kept, or an error of its own.
macro_rules! text_value {
    ($(#[$doc:meta])* name $vis:vis struct $type:ident, $shape:literal, $example:literal, $($check:tt)+) => {
        $crate::action::inputs::text_value!(@ [$(#[$doc])*] $vis $type, $shape, $($check)+);
        $crate::action::inputs::input_value!(name $type, $shape, $example);
    };
    ($(#[$doc:meta])* $vis:vis struct $type:ident, $shape:literal, $example:literal, $($check:tt)+) => {
        $crate::action::inputs::text_value!(@ [$(#[$doc])*] $vis $type, $shape, $($check)+);
        $crate::action::inputs::input_value!($type, $shape, $example);
    };
    (@ [$($doc:tt)*] $vis:vis $type:ident, $shape:literal, read $read:expr) => {
        $($doc)*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $type(String);

        impl $type {
            /// As it is written.
            #[must_use]
            $vis fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let read: fn(&str) -> Result<String, String> = $read;
                read(text).map(Self)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
    (@ [$($doc:tt)*] $vis:vis $type:ident, $shape:literal, $must:literal, $is:expr) => {
        $crate::action::inputs::text_value!(@ [$($doc)*] $vis $type, $shape, read |text: &str| {
            let is: fn(&str) -> bool = $is;
            if is(text) { Ok(text.to_owned()) } else { Err($must.to_owned()) }
        });
    };
    (@ [$($doc:tt)*] $vis:vis $type:ident, $shape:literal, $is:expr) => {
        $crate::action::inputs::text_value!(@ [$($doc)*] $vis $type, $shape, read |text: &str| {
            let is: fn(&str) -> bool = $is;
            if is(text) { Ok(text.to_owned()) } else { Err(concat!("must be ", $shape).to_owned()) }
        });
    };
}
pub(crate) use text_value;

/// Whether a text has from one to so many characters, all of them of this kind.
pub(crate) fn is_made_of(text: &str, longest: usize, kind: fn(char) -> bool) -> bool {
    !text.is_empty() && text.len() <= longest && text.chars().all(kind)
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

fn is_word_or_dot(character: char) -> bool {
    is_word(character) || character == '.'
}

/// True for a path of a file or folder below a root: letters, digits, `._-+@` and spaces, without `.` and `..`.
#[must_use]
pub fn is_path(path: &str) -> bool {
    let good = |part: &str| !matches!(part, "" | "." | "..");
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+@ /".contains(c);
    path.len() <= 400 && path.split('/').all(good) && path.chars().all(plain)
}

text_value!(
    /// One app of a repository that holds several.
    name pub struct Component, "a component name: letters, digits, `.`, `_`, `-`, at most 100", "orders",
    |text| is_made_of(text, 100, is_word_or_dot)
);

text_value!(
    /// An AWS region.
    name pub struct Region, "a region: letters, digits, `-`, at most 32", "eu-west-1",
    |text| is_made_of(text, 32, |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
);

text_value!(
    /// The name of an STS session (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
    name pub struct SessionName, "a session name: 2 to 64 letters, digits and `_=,.@-`", "deploy-42",
    |text| is_made_of(text, 64, |c| c.is_ascii_alphanumeric() || "_=,.@+-".contains(c))
);

text_value!(
    /// A commit, by its full name of 40 hexadecimal digits.
    name pub struct CommitSha, "a commit: 40 hexadecimal digits", "8f3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2",
    read |text| {
        let is_whole = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let wrong = || "must be a commit by all 40 hexadecimal digits of its name".to_owned();
        is_whole.then(|| text.to_ascii_lowercase()).ok_or_else(wrong)
    }
);

impl CommitSha {
    /// The first seven digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

text_value!(
    /// A 12-digit AWS account id. Known to [`accounts`](crate::text::accounts) once it is read: taken out of outputs and evidence that are text for people.
    pub struct AccountId, "an account id: 12 digits", "111122223333", "must be an AWS account id of 12 digits",
    |text| {
        let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_id {
            // Like a secret, it is to be known before anything is reported of it.
            accounts::remember(text);
        }
        is_id
    }
);

/// Free text, neutralised wherever it is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

input_value!(Text, "text", "text");

/// An `http` or `https` URL without credentials in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl(pub url::Url);

impl FromStr for HttpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "must be an http or https URL without a user name or password".to_owned();
        match url::Url::parse(text) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.host_str().is_some_and(|host| !host.is_empty())
                    && url.username().is_empty()
                    && url.password().is_none()
                    && text::is_plain(text) =>
            {
                Ok(Self(url))
            }
            _ => Err(wrong),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

input_value!(HttpUrl, "an http or https URL", "https://shop.example.com/health");

text_value!(
    /// Something in the workspace, by its path.
    pub struct WorkspacePath, "a path in the workspace", "dist/app.zip",
    "must be a path in the workspace, relative to it", |text| text::is_plain(text) && text::leads_inside(text)
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads, reads_plainly};

    #[test]
    fn names_refuse_hostile_characters() {
        for wrong in ["", "a b", "a\nb", "::x", "ü", "a/", &"x".repeat(65)] {
            assert!(wrong.parse::<EnvironmentName>().is_err(), "{wrong:?}");
        }
        assert!("eu-prd_1.x".parse::<EnvironmentName>().is_ok());
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&[
                "eu-west-1",
                "prd_1.x",
                "deploy-42",
                "8F3c1b2a9d4e5f60718293a4b5c6d7e8f9a0b1c2",
                "111122223333",
                "https://shop.example.com/health?a=b",
            ]),
        ) {
            reads_plainly::<EnvironmentName>(&text);
            reads_plainly::<Component>(&text);
            reads_plainly::<Region>(&text);
            reads_plainly::<SessionName>(&text);
            reads_plainly::<CommitSha>(&text);
            reads_plainly::<AccountId>(&text);
            reads_plainly::<HttpUrl>(&text);
            reads::<Text>(&text);
        }
    }
}
