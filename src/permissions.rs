//! What a step must be allowed, in AWS and on GitHub, as data: the tables and policies of the documentation are rendered from
//! it, and the tests run each step with nothing else.
//!
//! Resources are those of <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

/// Everything one step asks for.
#[derive(Clone, Copy, Debug)]
pub struct Permissions {
    /// Of the role.
    pub aws: &'static [AwsPermission],
    /// Of the job's token.
    pub github: &'static [GithubPermission],
}

/// What an action is allowed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// The function itself. AWS judges calls that name an alias or a version on it as well, but for those below.
    Function,
    /// The function, and its versions. AWS's reference names the function alone for reads of a version, and its guide versions
    /// too (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html>): reads are allowed on both.
    FunctionAndVersions,
    /// Versions of the function, whose numbers nobody knows in advance.
    Versions,
    /// The alias users call.
    Alias,
    /// The repository an image is taken from.
    Source,
    /// The repository an image is brought to, or deployed from.
    Repository,
    /// The archive in S3.
    Object,
    /// The bucket of the archive.
    Bucket,
    /// The topic of SNS.
    Topic,
    /// What has no resource.
    Any,
}

impl Resource {
    /// Its ARNs, with the names that the documentation uses.
    #[must_use]
    pub fn arns(self) -> &'static [&'static str] {
        match self {
            Self::Function => &["arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd"],
            Self::FunctionAndVersions => &[
                "arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd",
                "arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd:*",
            ],
            Self::Versions => &["arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd:*"],
            Self::Alias => &["arn:aws:lambda:eu-west-1:111122223333:function:shop-api-prd:live"],
            Self::Source => &["arn:aws:ecr:eu-west-1:111122223333:repository/shop-api-stg"],
            Self::Repository => &["arn:aws:ecr:eu-west-1:111122223333:repository/shop-api"],
            Self::Object => &["arn:aws:s3:::shop-releases/shop-api/*"],
            Self::Bucket => &["arn:aws:s3:::shop-releases"],
            Self::Topic => &["arn:aws:sns:eu-west-1:111122223333:deployments"],
            Self::Any => &["*"],
        }
    }

    /// Its name in the `Sid` of a statement.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "Function",
            Self::FunctionAndVersions => "FunctionAndVersions",
            Self::Versions => "Versions",
            Self::Alias => "Alias",
            Self::Source => "Source",
            Self::Repository => "Repository",
            Self::Object => "Object",
            Self::Bucket => "Bucket",
            Self::Topic => "Topic",
            Self::Any => "Any",
        }
    }
}

/// One action of AWS.
#[derive(Clone, Copy, Debug)]
pub struct AwsPermission {
    /// As IAM names it, `lambda:UpdateAlias`.
    pub action: &'static str,
    /// What it is allowed on.
    pub on: Resource,
    /// Whether it changes something, or has code run.
    pub writes: bool,
    /// When it is asked for, `with ..`; empty: whenever the step runs.
    pub when: &'static str,
    /// What it is for, if the step does its work without it.
    pub optional: Option<&'static str>,
}

impl AwsPermission {
    /// An action that reads.
    #[must_use]
    pub const fn reads(action: &'static str, on: Resource) -> Self {
        Self { action, on, writes: false, when: "", optional: None }
    }

    /// An action that changes something, or has code run.
    #[must_use]
    pub const fn writes(action: &'static str, on: Resource) -> Self {
        Self { writes: true, ..Self::reads(action, on) }
    }

    /// Asked for only then.
    #[must_use]
    pub const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }

    /// Done without where it is missing: this is left out.
    #[must_use]
    pub const fn optional(self, gives: &'static str) -> Self {
        Self { optional: Some(gives), ..self }
    }

    /// The name of the statement that allows it: `ReadFunction`, `OptionalReadAlias`, `WriteRepositoryToEcr`.
    #[must_use]
    pub fn sid(&self) -> String {
        let optional = if self.optional.is_some() { "Optional" } else { "" };
        let access = if self.writes { "Write" } else { "Read" };
        let words = self.when.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let when: String = words.flat_map(|word| [word[..1].to_uppercase(), word[1..].to_lowercase()]).collect();
        format!("{optional}{access}{}{when}", self.on.name())
    }
}

/// One permission of the job's token.
#[derive(Clone, Copy, Debug)]
pub struct GithubPermission {
    /// As a workflow gives it, `deployments: write`.
    pub grant: &'static str,
    /// When it is asked for; empty: whenever the step runs.
    pub when: &'static str,
    /// What it is for, if the step does its work without it.
    pub optional: Option<&'static str>,
}

impl GithubPermission {
    /// A permission the step cannot do without.
    #[must_use]
    pub const fn needs(grant: &'static str) -> Self {
        Self { grant, when: "", optional: None }
    }

    /// Asked for only then.
    #[must_use]
    pub const fn when(self, when: &'static str) -> Self {
        Self { when, ..self }
    }

    /// Done without where it is missing: this is left out.
    #[must_use]
    pub const fn optional(self, gives: &'static str) -> Self {
        Self { optional: Some(gives), ..self }
    }
}

/// To tell a run that works on the same targets from one that died over it.
pub const OTHER_RUNS: GithubPermission = GithubPermission::needs("actions: read")
    .when("where another run left a record open")
    .optional("whether that run is over, and its record is closed; without it that run is taken for going");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_by_what_it_allows() {
        let table = [
            (AwsPermission::reads("a:B", Resource::Function), "ReadFunction"),
            (AwsPermission::writes("a:B", Resource::Alias).optional("x"), "OptionalWriteAlias"),
            (AwsPermission::reads("a:B", Resource::Object).when("with `zip: s3://..`"), "ReadObjectWithZipS3"),
        ];
        for (permission, sid) in table {
            assert_eq!(permission.sid(), sid);
        }
    }
}
