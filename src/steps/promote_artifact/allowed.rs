//! What this step must be allowed.

use crate::permissions::{AwsPermission, GithubPermission, Permissions, Resource, When};

/// What it must be allowed.
pub(super) const PERMISSIONS: Permissions = Permissions {
    aws: &[
        AwsPermission::reads("ecr:GetAuthorizationToken", Resource::Any).when(When::FromOrToEcr),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Source).when(When::FromEcr),
        AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Source).when(When::FromEcr),
        AwsPermission::reads("ecr:BatchGetImage", Resource::Repository).when(When::ToEcr),
        AwsPermission::reads("ecr:GetDownloadUrlForLayer", Resource::Repository).when(When::ToEcr),
        AwsPermission::reads("ecr:BatchCheckLayerAvailability", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:InitiateLayerUpload", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:UploadLayerPart", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:CompleteLayerUpload", Resource::Repository).when(When::ToEcr),
        AwsPermission::writes("ecr:PutImage", Resource::Repository).when(When::ToEcr),
        AwsPermission::reads("ecr:DescribeRepositories", Resource::Repository)
            .when(When::ToEcr)
            .optional("whether ECR protects the tag"),
        AwsPermission::reads("ecr:DescribeImageScanFindings", Resource::Repository).when(When::Scanned),
        AwsPermission::reads("lambda:GetFunction", Resource::Function).when(When::ForFunction),
        AwsPermission::reads("ecr:GetRepositoryPolicy", Resource::Repository)
            .when(When::ForFunction)
            .optional("whether Lambda may pull it"),
        AwsPermission::writes("s3:PutObject", Resource::Object).when(When::ToS3),
        AwsPermission::reads("s3:GetObject", Resource::Object).when(When::ToS3),
        AwsPermission::reads("s3:ListBucket", Resource::Bucket)
            .when(When::ToS3)
            .optional("knowing before the write whether bucket and object exist"),
    ],
    github: &[
        GithubPermission::needs("deployments: read").when(When::FromEnvironment),
        GithubPermission::needs("contents: read").when(When::Dated),
        GithubPermission::needs("packages: read").when(When::FromGhcr),
        GithubPermission::needs("contents: read").when(When::FromEnvironmentByTree),
    ],
};
