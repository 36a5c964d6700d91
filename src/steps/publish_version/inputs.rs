//! The inputs of publish-version.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::action::inputs::{Flag, Inputs, Lines, Problems, Text, WorkspacePath, input_value};
use crate::aws::s3::S3Url;
use crate::lambda::{AliasName, FunctionName, Qualifier};
use crate::oci::{EcrRegistry, ImageReference, RegistryName};
use crate::permissions::{AwsPermission, GithubPermission, OTHER_RUNS, Permissions, Resource, When};
use crate::record::{RecordInputs, RequiredMigrations};

const LETS_IN: &str = "Lambda lets itself into a repository of its own account that does not let it in yet";

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &[
        AwsPermission::reads("lambda:GetFunction", Resource::FunctionAndVersions),
        AwsPermission::reads("lambda:GetAlias", Resource::Function),
        AwsPermission::reads("lambda:ListVersionsByFunction", Resource::Function),
        AwsPermission::writes("lambda:UpdateFunctionCode", Resource::Function),
        AwsPermission::writes("lambda:PublishVersion", Resource::Function),
        AwsPermission::reads("lambda:ListAliases", Resource::Function).when(When::Latest),
        AwsPermission::reads("lambda:ListTags", Resource::Function).when(When::ExpectedTags),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Repository).when(When::Image),
        AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Repository).when(When::Image),
        AwsPermission::reads("ecr:DescribeImages", Resource::Repository).when(When::ImageByTag),
        AwsPermission::reads("ecr:GetRepositoryPolicy", Resource::Repository).when(When::Image).optional(LETS_IN),
        AwsPermission::writes("ecr:SetRepositoryPolicy", Resource::Repository).when(When::Image).optional(LETS_IN),
        AwsPermission::reads("s3:GetObject", Resource::Object).when(When::Archive),
        AwsPermission::reads("s3:GetObjectVersion", Resource::Object).when(When::ArchiveWithVersions),
        AwsPermission::reads("s3:ListBucket", Resource::Bucket)
            .when(When::Archive)
            .optional("distinguishing an object that is not there from one that may not be read"),
    ],
    github: &[
        GithubPermission::needs("deployments: write").when(When::Adopt),
        GithubPermission::needs("deployments: read").when(When::RequiresMigrations),
        GithubPermission::needs("deployments: write").when(When::Latest).optional("the record"),
        OTHER_RUNS.when(When::OtherRunLatest),
    ],
};

/// The inputs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct PublishVersion {
    /// The functions, one a line. Everything is checked for all of them before anything is written to one.
    pub(super) function: Lines<FunctionName>,
    /// The image: `repository@sha256:..` in ECR, in the account and region of the credentials, or with the registry's host
    /// before it. A tag is resolved once.
    pub(super) image: Option<PerFunction<ImageReference>>,
    /// Another registry for `image`: an account id, or a host.
    pub(super) registry: Option<RegistryName>,
    /// The zip archive: a path in the workspace (at most 50 MB), or `s3://bucket/key`.
    pub(super) zip: Option<PerFunction<ZipSource>>,
    /// How users reach the functions: `alias`, so that they notice nothing; `latest`, without one, so that this step changes what they
    /// get: what serves is published and recorded first, and put back when the update fails; `version`, where each caller names a
    /// version, as Lambda@Edge does.
    #[serde(default)]
    pub(super) traffic: PerFunction<Traffic>,
    /// The alias users call: only to report what it serves, and to warn when there is none. Not used with `traffic: latest`.
    #[serde(default = "AliasName::live")]
    pub(super) alias: AliasName,
    /// With `traffic: latest`: write nothing to AWS; prove and record what Terraform, SAM, CDK or Serverless has put there. `image` or
    /// `zip`, which may be left out, then says what that must be.
    #[serde(default)]
    pub(super) adopt: Flag,
    /// What the version's description says after the commit.
    pub(super) description: Option<Text>,
    #[serde(flatten)]
    pub(super) required: RequiredMigrations,
    #[serde(flatten)]
    pub(super) record: RecordInputs,
}

impl Inputs for PublishVersion {
    fn check(&self, problems: &mut Problems) {
        let functions = &self.function.0;
        for (place, function) in functions.iter().enumerate() {
            problems.add_if(functions[..place].contains(function), format!("input `function` names {function} twice"));
        }
        match (&self.image, &self.zip) {
            (Some(image), None) => image.check("image", functions, problems),
            (None, Some(zip)) => zip.check("zip", functions, problems),
            (None, None) if self.adopt.0 => {}
            (None, None) => problems.add("give `image` or `zip`: what is to be published"),
            (Some(_), Some(_)) => problems.add("give either `image` or `zip`, not both"),
        }
        self.check_registry(problems);
        self.traffic.check("traffic", functions, problems);
        problems.add_if(
            !self.any_latest() && (self.record.is_given() || self.required.is_given()),
            "`record`, `serves`, `migrations`, `require-migrations`, `environment-url` and `production-environment` belong to `traffic: latest`: otherwise \
             nothing that serves changes here, and the step that changes it keeps the record",
        );
        problems.add_if(
            self.adopt.0 && self.traffic.values().iter().any(|traffic| **traffic != Traffic::Latest),
            "`adopt` belongs to `traffic: latest`: of an alias that another tool moves, swap-alias keeps the record",
        );
    }
}

impl PublishVersion {
    /// How users reach a function.
    pub(super) fn callers(&self, function: &FunctionName) -> Callers {
        match self.traffic.of(function) {
            None | Some(Traffic::Alias) => Callers::Alias(self.alias.clone()),
            Some(Traffic::Latest) => Callers::Latest,
            Some(Traffic::Version) => Callers::Version,
        }
    }

    /// Whether any function is called without an alias, so that this step changes what serves.
    pub(super) fn any_latest(&self) -> bool {
        self.traffic.values().contains(&&Traffic::Latest)
    }

    /// Lambda takes images from ECR only (<https://docs.aws.amazon.com/lambda/latest/dg/images-create.html>).
    fn check_registry(&self, problems: &mut Problems) {
        let images = self.image.iter().flat_map(PerFunction::values);
        let hosts: Vec<&str> = images.filter_map(|image| image.host.as_deref()).collect();
        let named = match &self.registry {
            Some(RegistryName::Host(host)) => Some(host.as_str()),
            _ => None,
        };
        for host in hosts.iter().copied().chain(named).filter(|host| EcrRegistry::from_host(host).is_none()) {
            problems.add(format!(
                "{host} is no registry Lambda takes images from: those of ECR, `<account>.dkr.ecr.<region>.amazonaws.com`, and not their \
                 FIPS endpoints; run promote-artifact into one first"
            ));
        }
        if self.registry.is_some() {
            problems.add_if(self.image.is_none(), "input `registry` belongs to `image`, which is not given");
            problems.add_if(!hosts.is_empty(), "give the registry either in `registry` or in `image`, not in both");
        }
    }
}

/// How users reach the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Traffic {
    /// Through an alias: nothing they see changes here.
    #[default]
    Alias,
    /// Unqualified: what is put into `$LATEST` serves at once.
    Latest,
    /// By a version that they name: nothing they see changes here.
    Version,
}

impl FromStr for Traffic {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "alias" => Ok(Self::Alias),
            "latest" => Ok(Self::Latest),
            "version" => Ok(Self::Version),
            _ => Err("must be one of alias, latest, version".to_owned()),
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alias => "alias",
            Self::Latest => "latest",
            Self::Version => "version",
        })
    }
}

input_value!(name Traffic, "one of alias, latest, version", "alias");

/// How users reach one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Callers {
    /// Through this alias.
    Alias(AliasName),
    /// Unqualified.
    Latest,
    /// By the version that each of them names.
    Version,
}

impl Callers {
    /// Where what serves can be read; nowhere where each caller names a version.
    pub(super) fn qualifier(&self) -> Option<Qualifier> {
        match self {
            Self::Alias(alias) => Some(Qualifier::Alias(alias.clone())),
            Self::Latest => Some(Qualifier::Latest),
            Self::Version => None,
        }
    }
}

/// One value for all functions, or lines `function=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PerFunction<T> {
    /// The same for all.
    All(T),
    /// One for each.
    Each(Vec<(FunctionName, T)>),
}

impl<T: Default> Default for PerFunction<T> {
    fn default() -> Self {
        Self::All(T::default())
    }
}

impl<T> PerFunction<T> {
    /// The value for a function.
    pub(super) fn of(&self, function: &FunctionName) -> Option<&T> {
        match self {
            Self::All(value) => Some(value),
            Self::Each(values) => values.iter().find(|(name, _)| name == function).map(|(_, value)| value),
        }
    }

    /// All values.
    pub(super) fn values(&self) -> Vec<&T> {
        match self {
            Self::All(value) => vec![value],
            Self::Each(values) => values.iter().map(|(_, value)| value).collect(),
        }
    }

    /// Each function has one value, and no other has one.
    pub(super) fn check(&self, input: &str, functions: &[FunctionName], problems: &mut Problems) {
        let Self::Each(values) = self else { return };
        let mut named = BTreeSet::new();
        for (function, _) in values {
            problems.add_if(!named.insert(function), format!("input `{input}` names function {function} twice"));
            problems.add_if(
                !functions.contains(function),
                format!("input `{input}` names function {function}, which `function` does not"),
            );
        }
        for function in functions.iter().filter(|function| !named.contains(function)) {
            problems.add(format!("input `{input}` has no line for function {function}: add `{function}=..`"));
        }
    }
}

impl<T: FromStr<Err = String>> FromStr for PerFunction<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let split = |line: &str| {
            let (function, value) = line.split_once('=')?;
            Some((function.trim().parse::<FunctionName>().ok()?, value.trim().to_owned()))
        };
        match lines.as_slice() {
            [] => Err("must hold at least one line".to_owned()),
            [one] if split(one).is_none() => one.parse().map(Self::All),
            several => {
                let read = |line: &&str| {
                    let (function, value) = split(line)
                        .ok_or_else(|| "must be one value for all functions, or lines `function=value`".to_owned())?;
                    Ok((function, value.parse()?))
                };
                several.iter().map(read).collect::<Result<_, String>>().map(Self::Each)
            }
        }
    }
}

impl<T: fmt::Display> fmt::Display for PerFunction<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(value) => value.fmt(f),
            Self::Each(values) => {
                let lines: Vec<String> = values.iter().map(|(name, value)| format!("{name}={value}")).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl<'de, T: FromStr<Err = String>> Deserialize<'de> for PerFunction<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<T: JsonSchema> JsonSchema for PerFunction<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("PerFunction{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let mut schema = T::json_schema(generator);
        let title = schema.get("title").and_then(serde_json::Value::as_str).unwrap_or("text").to_owned();
        schema.insert("title".to_owned(), format!("{title}; or lines `function=value`").into());
        schema
    }
}

/// Where a zip archive lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ZipSource {
    /// A file of the workspace.
    File(WorkspacePath),
    /// An object.
    S3(S3Url),
}

impl FromStr for ZipSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("s3:") {
            return text.parse().map(Self::S3);
        }
        text.parse().map(Self::File).map_err(|problem: String| format!("{problem}, or `s3://bucket/key`"))
    }
}

impl fmt::Display for ZipSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.fmt(f),
            Self::S3(url) => url.fmt(f),
        }
    }
}

impl ZipSource {
    /// For people: without an account.
    pub(super) fn label(&self) -> String {
        match self {
            Self::File(path) => path.to_string(),
            Self::S3(url) => url.label(),
        }
    }
}

input_value!(ZipSource, "a path in the workspace, or `s3://bucket/key`", "dist/app.zip");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::path::Path;

    use super::*;
    use crate::hostile::{config, like, reads, reads_plainly};

    fn name(name: &str) -> FunctionName {
        name.parse().unwrap()
    }

    #[test]
    fn one_value_is_for_all_and_lines_are_for_each() {
        let each = |pairs: &[(&str, &str)]| {
            PerFunction::Each(pairs.iter().map(|(of, value)| (name(of), value.parse().unwrap())).collect())
        };
        let table: [(&str, PerFunction<ZipSource>); 6] = [
            ("dist/app.zip", PerFunction::All("dist/app.zip".parse().unwrap())),
            ("s3://bucket/dt=1/app.zip", PerFunction::All("s3://bucket/dt=1/app.zip".parse().unwrap())),
            ("./a=b.zip", PerFunction::All("./a=b.zip".parse().unwrap())),
            ("api=a.zip", each(&[("api", "a.zip")])),
            ("# all\napi=a.zip\n\n web = s3://bucket/w.zip ", each(&[("api", "a.zip"), ("web", "s3://bucket/w.zip")])),
            ("api=a=b.zip", each(&[("api", "a=b.zip")])),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for wrong in ["", "# note", "a.zip\nb.zip", "api=a.zip\nb.zip", "api="] {
            assert!(wrong.parse::<PerFunction<ZipSource>>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_function_has_one_value_and_no_other_has_one() {
        let problems = |text: &str| {
            let mut problems = Problems::default();
            let functions = [name("api"), name("web")];
            text.parse::<PerFunction<ZipSource>>().unwrap().check("zip", &functions, &mut problems);
            problems.message()
        };
        assert_eq!(problems("a.zip"), "");
        assert_eq!(problems("api=a.zip\nweb=w.zip"), "");
        assert_eq!(problems("api=a.zip"), "input `zip` has no line for function web: add `web=..`");
        assert_eq!(
            problems("api=a.zip\nweb=w.zip\napi=b.zip\njob=j.zip").lines().collect::<Vec<_>>(),
            ["input `zip` names function api twice", "input `zip` names function job, which `function` does not"]
        );
    }

    #[test]
    fn a_zip_lies_in_the_workspace_or_in_s3() {
        assert_eq!("dist/app.zip".parse(), Ok(ZipSource::File("dist/app.zip".parse().unwrap())));
        assert!(matches!("s3://bucket/app.zip".parse(), Ok(ZipSource::S3(_))));
        for wrong in ["", "/github/workspace/app.zip", "../app.zip", "dist/../../app.zip", "s3://bucket", "s3:bucket/k"]
        {
            assert!(wrong.parse::<ZipSource>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(config())]

        #[test]
        fn what_is_read_is_shown_and_read_again(
            text in like(&["dist/app.zip", "s3://bucket/a/b.zip", "a=x.zip\nb=./y.zip", "../x", "/etc/passwd"]),
        ) {
            reads_plainly::<ZipSource>(&text);
            reads::<PerFunction<ZipSource>>(&text);
            if let Ok(ZipSource::File(path)) = text.parse() {
                prop_assert!(!Path::new(path.as_str()).is_absolute() && !path.as_str().split('/').any(|part| part == ".."), "{}", path);
            }
        }
    }
}
