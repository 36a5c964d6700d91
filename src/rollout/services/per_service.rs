//! Inputs that say something of each service.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{Lines, input_value};
use crate::ecs::{Revision, ServiceName};

/// One value for every service, or lines `service=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PerService<T>(Vec<(Option<ServiceName>, T)>);

impl<T> PerService<T> {
    /// That of a service.
    #[must_use]
    pub fn of(&self, service: &ServiceName) -> Option<&T> {
        let fits = |named: &Option<ServiceName>| named.as_ref().is_none_or(|name| name == service);
        self.0.iter().find(|(named, _)| fits(named)).map(|(_, value)| value)
    }

    /// The services that are named.
    pub fn named(&self) -> impl Iterator<Item = &ServiceName> {
        self.0.iter().filter_map(|(service, _)| service.as_ref())
    }
}

struct Line<T>(Option<ServiceName>, T);

impl<T: FromStr<Err = String>> FromStr for Line<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((service, value)) => Ok(Self(Some(service.trim().parse()?), value.trim().parse()?)),
            None => Ok(Self(None, text.parse()?)),
        }
    }
}

impl<T: FromStr<Err = String>> FromStr for PerService<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Lines(lines) = text.parse::<Lines<Line<T>>>()?;
        if lines.len() > 1 && lines.iter().any(|Line(service, _)| service.is_none()) {
            return Err("must be one value for every service, or lines `service=value`".to_owned());
        }
        Ok(Self(lines.into_iter().map(|Line(service, value)| (service, value)).collect()))
    }
}

impl<T: fmt::Display> fmt::Display for PerService<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (service, value)) in self.0.iter().enumerate() {
            let end = if place == 0 { "" } else { "\n" };
            match service {
                Some(service) => write!(f, "{end}{service}={value}")?,
                None => write!(f, "{end}{value}")?,
            }
        }
        Ok(())
    }
}

/// Which revision each service must have.
pub type ExpectedRevisions = PerService<Revision>;
input_value!(ExpectedRevisions, "a revision `family:n`, or lines `service=family:n`", "shop-api:41");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads};

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["shop-api:42", "api=web:7"])) {
            reads::<ExpectedRevisions>(&text);
        }
    }
}
