//! A variable of a container, as an input.

use std::fmt;
use std::str::FromStr;

use super::names::ContainerName;
use crate::action::inputs::input_value;

/// A variable to set: `[container/]NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The container; all whose image is replaced without it.
    pub container: Option<ContainerName>,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "must be `NAME=value` or `container/NAME=value`".to_owned();
        let (name, value) = text.split_once('=').ok_or_else(wrong)?;
        let (container, name) = match name.split_once('/') {
            Some((container, name)) => (Some(container.trim().parse()?), name),
            None => (None, name),
        };
        let name = name.trim();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
        if is_name { Ok(Self { container, name: name.to_owned(), value: value.to_owned() }) } else { Err(wrong()) }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(container) = &self.container {
            write!(f, "{container}/")?;
        }
        write!(f, "{}={}", self.name, self.value)
    }
}

input_value!(Variable, "`[container/]NAME=value`", "app/LOG_LEVEL=info");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    #[test]
    fn what_stands_after_the_first_sign_is_the_value() {
        let variable: Variable = "app/URL=https://x/?a=b".parse().unwrap();
        assert_eq!((variable.name.as_str(), variable.value.as_str()), ("URL", "https://x/?a=b"));
        for wrong in ["A", "=b", "a b/C=d", "A B=c"] {
            assert!(wrong.parse::<Variable>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["A=b", "app/A=b=c", "app/A="])) {
            reads::<Variable>(&text);
        }
    }
}
