//! The input `targets`: what is expected to serve where, in place of the places of the records.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::action::inputs::{Component, EnvironmentName, Written, Yaml, input_value, mapping};
use crate::aws::Location;
use crate::ecs::{ClusterName, ServiceName};
use crate::lambda::{AliasName, FunctionName, Qualifier};
use crate::record::Place;
use crate::site::{BucketName, MarkerPath, Pointer, Prefix, Site};

/// The form, for errors.
const FORM: &str = "must be a YAML map of environments, each a map of components, each a target or a list of them: \
    `prd: {shop: {function: shop-api-prd, alias: live}}` or `{cluster: shop-prd, service: shop-api}`";

/// The input: the map itself, or the file of the workspace that holds it.
#[derive(Clone, Debug)]
pub(super) enum TargetsInput {
    /// In the workflow: as it is written there, and read.
    Inline(String, Vec<Named>),
    /// In a file of the workspace, by its path.
    File(String),
}

/// A target as it is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Where.
    pub(super) environment: EnvironmentName,
    /// Which app.
    pub(super) component: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Function(FunctionName, Qualifier),
    Service(ClusterName, ServiceName),
    /// A site in a bucket.
    Site(Site),
}

/// A target as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    function: Option<FunctionName>,
    alias: Option<Qualifier>,
    cluster: Option<ClusterName>,
    service: Option<ServiceName>,
    bucket: Option<BucketName>,
    prefix: Option<Prefix>,
    pointer: Option<Pointer>,
}

impl Named {
    /// Its place, in the account and region of the credentials.
    pub(super) fn place(&self, location: &Location) -> Place {
        match &self.what {
            What::Function(function, qualifier) => Place::of(location, function, qualifier),
            What::Service(cluster, service) => Place::of_service(location, cluster, service),
            What::Site(site) => Place::of_site(location, site),
        }
    }
}

/// Reads the map.
///
/// # Errors
/// When it is none, or names nothing.
pub(super) fn read(yaml: &str) -> Result<Vec<Named>, String> {
    let Ok(Yaml::Mapping(environments)) = Yaml::read(yaml) else { return Err(FORM.to_owned()) };
    let mut all = Vec::new();
    for (environment, components) in environments {
        let environment: EnvironmentName =
            environment.parse().map_err(|why| format!("the name of an environment {why}"))?;
        let Yaml::Mapping(components) = components else { return Err(FORM.to_owned()) };
        for (component, targets) in components {
            let component: Component = component.parse().map_err(|why| format!("the name of a component {why}"))?;
            let targets = if let Yaml::List(targets) = targets { targets } else { vec![targets] };
            for target in targets {
                let here = |why: String| format!("{component} of {environment}: {why}");
                let form: Form = mapping(target.texts()).map_err(here)?;
                let what =
                    match form {
                        Form {
                            function: Some(function),
                            alias,
                            cluster: None,
                            service: None,
                            bucket: None,
                            prefix: None,
                            pointer: None,
                        } => What::Function(function, alias.unwrap_or_else(|| AliasName::live().into())),
                        Form {
                            function: None,
                            alias: None,
                            cluster: Some(cluster),
                            service: Some(service),
                            bucket: None,
                            prefix: None,
                            pointer: None,
                        } => What::Service(cluster, service),
                        Form {
                            function: None,
                            alias: None,
                            cluster: None,
                            service: None,
                            bucket: Some(bucket),
                            prefix,
                            pointer,
                        } => What::Site(Site { bucket, prefix, marker: MarkerPath::usual(), pointer }),
                        _ => return Err(here(
                            "give a function, with its alias, a cluster and a service, or a bucket, with its prefix"
                                .to_owned(),
                        )),
                    };
                all.push(Named { environment: environment.clone(), component: component.to_string(), what });
            }
        }
    }
    if all.is_empty() { Err("names no target".to_owned()) } else { Ok(all) }
}

impl FromStr for TargetsInput {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match Written::of(text) {
            Written::Here => Ok(Self::Inline(text.to_owned(), read(text)?)),
            Written::InFile => Ok(Self::File(text.to_owned())),
            Written::Nowhere => Err(format!("{FORM}; or the path of a file of the workspace that holds it")),
        }
    }
}

impl fmt::Display for TargetsInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Inline(text, _) | Self::File(text)) = self;
        f.write_str(text)
    }
}

input_value!(
    TargetsInput,
    "a YAML map of environments, components and targets, or the path of a file of the workspace that holds it",
    "prd: {shop: {function: shop-api-prd, alias: live}}"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_functions_and_services() {
        let all = read(
            "prd:\n  shop: {function: shop-api-prd}\n  web: [{cluster: shop-prd, service: web}, {function: web, alias: $LATEST}]\n",
        )
        .unwrap();
        let location = Location { region: "eu-west-1".parse().unwrap(), account: "0f1e2d3c4b5a".parse().unwrap() };
        let shown: Vec<String> =
            all.iter().map(|one| format!("{} {}", one.component, one.place(&location).identity)).collect();
        assert_eq!(shown, ["shop shop-api-prd:live", "web shop-prd/web", "web web:$LATEST"]);
    }

    #[test]
    fn what_names_nothing_or_something_else_is_refused() {
        let table = [
            ("prd: shop", "must be a YAML map"),
            ("{}", "names no target"),
            ("prd: {}", "names no target"),
            ("prd: {shop: {function: a, service: b}}", "shop of prd: give a function"),
            ("prd: {shop: {alias: live}}", "give a function"),
            ("prd: {shop: {fonction: a}}", "did you mean `function`?"),
            ("'a b': {shop: {function: a}}", "the name of an environment must be"),
        ];
        for (yaml, why) in table {
            let said = read(yaml).unwrap_err();
            assert!(said.contains(why), "{yaml}: {said}");
        }
        assert!("../targets.yml".parse::<TargetsInput>().is_err());
    }
}
