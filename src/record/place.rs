//! A place: where something serves. Records are compared by their places, never by names alone: two regions, or two accounts, may
//! hold functions of one name.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::aws::Location;
use crate::context::Served;
use crate::ecs::{ClusterName, Family, ServiceName};
use crate::lambda::{AliasName, FunctionName, Qualifier};
use crate::site::{BucketLabel, MarkerPath, Pointer, Prefix, Site};

/// A place: an account and a region, and what serves there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
pub struct Place {
    /// What it is, and its names.
    #[serde(flatten)]
    pub identity: Identity,
    /// The account and the region.
    #[serde(flatten)]
    pub location: Location,
}

/// What serves, by its kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Identity {
    /// A function behind an alias.
    LambdaAlias {
        /// The function.
        function: FunctionName,
        /// The alias that users call.
        alias: AliasName,
    },
    /// A function that users call without an alias.
    LambdaLatest {
        /// The function.
        function: FunctionName,
    },
    /// A service of ECS.
    EcsService {
        /// Its cluster.
        cluster: ClusterName,
        /// Its name there.
        service: ServiceName,
    },
    /// A family of task definitions that no service has: its newest revision is what is started.
    EcsTask {
        /// The family.
        family: Family,
    },
    /// A site in a bucket.
    Site {
        /// The bucket, without an account in its name.
        bucket: BucketLabel,
        /// The folder of its public files; none where it is the whole bucket.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prefix: Option<Prefix>,
        /// What says which release serves, where that is not the marker: several pointers may lead into one folder.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pointer: Option<Pointer>,
    },
}

impl Place {
    /// A function as users call it.
    #[must_use]
    pub fn of(location: &Location, function: &FunctionName, qualifier: &Qualifier) -> Self {
        let function = function.clone();
        let identity = match qualifier {
            Qualifier::Alias(alias) => Identity::LambdaAlias { function, alias: alias.clone() },
            Qualifier::Latest => Identity::LambdaLatest { function },
        };
        Self { identity, location: location.clone() }
    }

    /// A service.
    #[must_use]
    pub fn of_service(location: &Location, cluster: &ClusterName, service: &ServiceName) -> Self {
        let identity = Identity::EcsService { cluster: cluster.clone(), service: service.clone() };
        Self { identity, location: location.clone() }
    }

    /// A family without a service.
    #[must_use]
    pub fn of_task(location: &Location, family: &Family) -> Self {
        Self { identity: Identity::EcsTask { family: family.clone() }, location: location.clone() }
    }

    /// A site.
    #[must_use]
    pub fn of_site(location: &Location, site: &Site) -> Self {
        let (bucket, prefix, pointer) = (site.bucket.label(), site.prefix.clone(), site.pointer.clone());
        let identity = Identity::Site { bucket, prefix, pointer };
        Self { identity, location: location.clone() }
    }

    /// The function, where it is one that serves.
    #[must_use]
    pub const fn function(&self) -> Option<&FunctionName> {
        match &self.identity {
            Identity::LambdaAlias { function, .. } | Identity::LambdaLatest { function } => Some(function),
            Identity::EcsService { .. } | Identity::EcsTask { .. } | Identity::Site { .. } => None,
        }
    }

    /// What can be asked what it serves; none of a family without a service, by which nobody is served.
    #[must_use]
    pub fn served(&self) -> Option<Served> {
        Some(match &self.identity {
            Identity::LambdaAlias { function, alias } => Served::Function(function.clone(), alias.clone().into()),
            Identity::LambdaLatest { function } => Served::Function(function.clone(), Qualifier::Latest),
            Identity::EcsService { cluster, service } => Served::Service(cluster.clone(), service.clone()),
            Identity::EcsTask { .. } => return None,
            Identity::Site { bucket, prefix, pointer } => {
                Served::Site(bucket.clone(), prefix.clone(), MarkerPath::usual(), pointer.clone())
            }
        })
    }
}

impl fmt::Display for Identity {
    /// `shop-api:live`, `shop-api:$LATEST`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LambdaAlias { function, alias } => write!(f, "{function}:{alias}"),
            Self::LambdaLatest { function } => write!(f, "{function}:{}", Qualifier::Latest),
            Self::EcsService { cluster, service } => write!(f, "{cluster}/{service}"),
            Self::EcsTask { family } => family.fmt(f),
            Self::Site { bucket, prefix, pointer } => {
                write!(f, "{bucket}")?;
                prefix.as_ref().map_or(Ok(()), |prefix| write!(f, "/{prefix}"))?;
                pointer.as_ref().map_or(Ok(()), |pointer| write!(f, " by {pointer}"))
            }
        }
    }
}

impl fmt::Display for Place {
    /// `shop-api:live in eu-west-1 (account 0f1e2d3c4b5a)`: the account by its hash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity, location: Location { region, account } } = self;
        write!(f, "{identity} in {region} (account {account})")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    pub(crate) fn location(region: &str) -> Location {
        Location { region: region.parse().unwrap(), account: "0f1e2d3c4b5a".parse().unwrap() }
    }

    pub(crate) fn place(function: &str) -> Place {
        Place::of(&location("eu-west-1"), &function.parse().unwrap(), &"live".parse().unwrap())
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let shapes = [
            json!({"kind": "lambda-alias", "function": "api", "alias": "live", "region": "eu-west-1", "account": "0f1e2d3c4b5a"}),
            json!({"kind": "lambda-latest", "function": "api", "region": "eu-west-1", "account": "0f1e2d3c4b5a"}),
            json!({"kind": "site", "bucket": "shop-*", "prefix": "live", "region": "eu-west-1", "account": "0f1e2d3c4b5a"}),
            json!({"kind": "site", "bucket": "shop", "region": "eu-west-1", "account": "0f1e2d3c4b5a"}),
            json!({"kind": "site", "bucket": "shop", "pointer": "kvs:shop/release", "region": "eu-west-1", "account": "0f1e2d3c4b5a"}),
            json!({"kind": "ecs-service", "cluster": "shop", "service": "api", "region": "eu-west-1", "account": "0f1e2d3c4b5a"}),
        ];
        for shape in shapes {
            let place: Place = serde_json::from_value(shape.clone()).unwrap();
            assert_eq!(serde_json::to_value(&place).unwrap(), shape);
        }
        let wrong = |name: &str, value: Value| {
            let mut shape = serde_json::to_value(place("api")).unwrap();
            shape[name] = value;
            serde_json::from_value::<Place>(shape).is_err()
        };
        assert!(wrong("kind", json!("tape")) && wrong("region", json!("::error::")) && wrong("account", json!("1")));
    }

    #[test]
    fn places_of_one_name_in_two_regions_differ() {
        let elsewhere = Place { location: location("us-east-1"), ..place("api") };
        assert_ne!(place("api"), elsewhere);
        assert_eq!(elsewhere.to_string(), "api:live in us-east-1 (account 0f1e2d3c4b5a)");
    }
}
