//! Enumerations of other people: the words that this release knows, and the error for every other word.

use thiserror::Error;

/// A word that this release does not know where a service has an enumeration. It is never taken for the good one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{field} is {value}, which this release does not know")]
pub struct UnknownValue {
    /// What holds it, e.g. `State of shop-api-prd`.
    pub field: String,
    /// The word.
    pub value: String,
}

impl UnknownValue {
    /// The error about a field and its value.
    pub fn new(field: impl Into<String>, value: impl Into<String>) -> Self {
        Self { field: field.into(), value: value.into() }
    }
}

/// Declares an enumeration of somebody else by its words. It is read from JSON and written as the word; another word is
/// [`UnknownValue`], which names the field.
macro_rules! enumeration {
    ($(#[$doc:meta])* $name:ident of $field:literal { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        #[serde(try_from = "String", into = "&'static str")]
        pub enum $name {
            $($(#[$of])* $variant,)+
        }

        impl $name {
            /// As the service writes it.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::calls::UnknownValue;

            fn try_from(word: String) -> Result<Self, $crate::calls::UnknownValue> {
                match word.as_str() {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::calls::UnknownValue::new($field, word)),
                }
            }
        }

        impl From<$name> for &'static str {
            fn from(value: $name) -> Self {
                value.word()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}
pub(crate) use enumeration;
