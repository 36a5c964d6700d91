//! Names of ECS's things, as inputs and in memory.

use std::fmt;
use std::str::FromStr;

use crate::action::inputs::{input_value, is_made_of, is_word, text_value};

text_value!(
    /// A cluster by its name alone: account and region are those of the credentials.
    name pub struct ClusterName, "a cluster's name (not its ARN): letters, digits, `-`, `_`, at most 255", "shop-prd",
    "must be a cluster's name (not its ARN): letters, digits, `-`, `_`, at most 255",
    |text| is_made_of(text, 255, is_word)
);

text_value!(
    /// A service by its name alone.
    name pub struct ServiceName, "a service's name (not its ARN): letters, digits, `-`, `_`, at most 255", "shop-api",
    read |text| {
        if text.contains(":express-gateway-service/") {
            return Err("must be the name of a service: this is an ECS Express service, which this release does not deploy; use \
                        aws-actions/amazon-ecs-deploy-express-service".to_owned());
        }
        if is_made_of(text, 255, is_word) {
            return Ok(text.to_owned());
        }
        Err("must be a service's name (not its ARN): letters, digits, `-`, `_`, at most 255".to_owned())
    }
);

text_value!(
    /// A container of a task definition.
    name pub struct ContainerName, "a container's name: letters, digits, `-`, `_`, at most 255", "app",
    "must be a container's name: letters, digits, `-`, `_`, at most 255",
    |text| is_made_of(text, 255, is_word)
);

text_value!(
    /// A family of task definitions.
    name pub struct Family, "a family of task definitions: letters, digits, `-`, `_`, at most 255", "shop-api",
    "must be a family of task definitions: letters, digits, `-`, `_`, at most 255",
    |text| is_made_of(text, 255, is_word)
);

/// One revision of a family: `family:revision`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// Its family.
    pub family: Family,
    /// Its number, from 1.
    pub number: u64,
}

impl Revision {
    /// Of an ARN, or of its end.
    ///
    /// # Errors
    /// That it names no revision.
    pub fn of_arn(arn: &str) -> anyhow::Result<Self> {
        arn.rsplit('/').next().unwrap_or_default().parse().map_err(anyhow::Error::msg)
    }
}

impl FromStr for Revision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = text.split_once(':').and_then(|(family, number)| {
            let number = Some(number).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
            Some(Self { family: family.parse().ok()?, number: number.parse().ok().filter(|number| *number > 0)? })
        });
        read.ok_or_else(|| "must be a revision of a task definition, `family:revision`".to_owned())
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.number)
    }
}

input_value!(name Revision, "a revision of a task definition, `family:revision`", "shop-api:42");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hostile::{config, like, reads_plainly};

    #[test]
    fn a_revision_is_read_of_its_name_and_of_its_arn() {
        let revision = Revision::of_arn("arn:aws:ecs:eu-west-1:111122223333:task-definition/shop-api:42").unwrap();
        assert_eq!((revision.to_string().as_str(), revision.number), ("shop-api:42", 42));
        for wrong in ["shop-api", "shop-api:", "shop-api:0", "shop-api:+1", ":1", "a b:1"] {
            assert!(wrong.parse::<Revision>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(text in like(&["shop-api:42", "shop-api", "app"])) {
            reads_plainly::<ClusterName>(&text);
            reads_plainly::<ServiceName>(&text);
            reads_plainly::<ContainerName>(&text);
            reads_plainly::<Family>(&text);
            reads_plainly::<Revision>(&text);
        }
    }
}
