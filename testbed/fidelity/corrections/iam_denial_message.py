"""Who is denied is told the resource as well.

MiniStack names the action only.
"""

from ministack.core import iam_actions

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"
ROWS = [
    "iam: a denial of Lambda names action and resource",
    "iam: a denial of ECR names action and resource",
    "iam: a denial of S3 names action and resource",
    "iam: a denial of STS names action and resource",
    "iam: StartBuild is codebuild:StartBuild on the project",
]

_SERVICES = ("codebuild", "lambda", "ecr", "ecs", "s3", "sts", "cloudfront", "cloudfront-keyvaluestore")


def install():
    @around(
        iam_actions,
        "access_denied_response",
        "(service, action, principal_arn, request_id, error_code, message, headers, resource_arn, explicit_deny, "
        "resource_policy_arn)",
        "3cc2e315f91f",
    )
    def denied(inner, service, action, principal_arn, request_id, **told):
        named = told.get("message") or told.get("error_code") or told.get("resource_policy_arn")
        of_alarm = service == "monitoring" and told.get("resource_arn", "*") != "*"
        if (service in _SERVICES or of_alarm) and not named:
            told["message"] = iam_actions.identity_denial_message(
                action, principal_arn, told.get("resource_arn", "*"), told.get("explicit_deny", False)
            )
        return inner(service, action, principal_arn, request_id, **told)
