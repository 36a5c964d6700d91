"""Lambda reads an archive in S3 with the caller's permissions, and an image if caller and repository allow it.

MiniStack asks nobody. AWS asks of whoever deploys an image `ecr:BatchGetImage` and `ecr:GetDownloadUrlForLayer`, and of
the image's repository the same for `lambda.amazonaws.com`. A repository of the same account is made to allow it, if the
caller may read and write its policy; see https://github.com/aws-controllers-k8s/community/issues/1886.
"""

import json

from ministack.core.responses import get_account_id, get_region
from ministack.services import ecr, lambda_svc

from ..scope import error
from ..wrapping import around
from . import iam_enforcement, lambda_image_source

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/images-create.html"
ROWS = [
    "iam: UpdateFunctionCode by image asks ecr:BatchGetImage of the caller",
    "iam: UpdateFunctionCode by image asks ecr:GetDownloadUrlForLayer of the caller",
    "iam: UpdateFunctionCode by image: the repository must let Lambda in",
    "iam: UpdateFunctionCode by image: Lambda lets itself in, as the caller may",
    "iam: UpdateFunctionCode by S3 asks s3:GetObject of the caller",
    "iam: UpdateFunctionCode by S3 asks s3:GetObjectVersion for a version",
]

_READS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


def install():
    @around(lambda_svc, "_create_function", "(data)", "e307eecdf0d8")
    def create(inner, data):
        return _refusal(data.get("Code") or {}) or inner(data)

    @around(lambda_svc, "_update_code", "(name, data)", "0998d118b422")
    def update(inner, name, data):
        return _refusal(data) or inner(name, data)


def _refusal(code: dict):
    if code.get("S3Bucket"):
        return _archive(code)
    image, unknown = lambda_image_source.resolve(code["ImageUri"]) if code.get("ImageUri") else (None, True)
    if unknown:
        return None
    account, region, name, _ = lambda_image_source.parts(image)
    resource = f"arn:aws:ecr:{region}:{account}:repository/{name}"
    if any(iam_enforcement.refused(action, resource) for action in _READS) or not _lets_lambda_in(
        account, region, name, resource
    ):
        return error(
            "AccessDeniedException",
            "Lambda does not have permission to access the ECR image. Check the ECR permissions.",
            403,
        )
    return None


def _archive(code: dict):
    action = "GetObjectVersion" if code.get("S3ObjectVersion") else "GetObject"
    place = f"{code['S3Bucket']}/{code.get('S3Key', '')}"
    words = iam_enforcement.refused(f"s3:{action}", f"arn:aws:s3:::{place}")
    return words and error(
        "AccessDeniedException",
        f"Your access has been denied by S3, please make sure your request credentials have permission to {action} for "
        f"{place}. S3 Error Code: AccessDenied. S3 Error Message: {words}",
        403,
    )


def _lets_lambda_in(account: str, region: str, name: str, resource: str) -> bool:
    text = ecr._repo_policies.get_scoped(account, region, name)
    policy = json.loads(text) if text else {"Version": "2012-10-17", "Statement": []}
    if any(_is_for_lambda(statement) for statement in policy["Statement"]):
        return True
    changes = ("ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy")
    if account != get_account_id() or region != get_region():
        return False
    if any(iam_enforcement.refused(action, resource) for action in changes):
        return False
    policy["Statement"].append(
        {
            "Sid": "LambdaECRImageRetrievalPolicy",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": list(_READS),
            "Condition": {"StringLike": {"aws:sourceArn": f"arn:aws:lambda:{region}:{account}:function:*"}},
        }
    )
    ecr._repo_policies[name] = json.dumps(policy)
    return True


def _is_for_lambda(statement: dict) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    actions = statement.get("Action", [])
    actions = [actions] if isinstance(actions, str) else actions
    allowed = "*" in actions or "ecr:*" in actions or set(_READS) <= set(actions)
    return statement.get("Effect") == "Allow" and "lambda.amazonaws.com" in services and allowed
