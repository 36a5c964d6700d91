"""An object that is not there is 404 if CloudFront may list the bucket, and 403 if it may not.

MiniStack answers 403 in both cases.
"""

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"
ROWS = ["cloudfront: a missing object is 404 if the bucket may be listed"]


def install():
    @around(
        s3,
        "serve_cloudfront_origin_fetch",
        "(bucket_name, key, method, headers, source_arn, oai_id)",
        "a0742d203d91",
    )
    def fetch(inner, bucket_name, key, method, headers, source_arn="", oai_id=""):
        bucket = s3._ensure_bucket(bucket_name)
        if bucket is not None and key not in bucket["objects"] and _may_list(bucket_name, source_arn):
            return s3._error("NoSuchKey", "The specified key does not exist.", 404, f"/{bucket_name}/{key}")
        return inner(bucket_name, key, method, headers, source_arn=source_arn, oai_id=oai_id)


def _may_list(bucket_name: str, source_arn: str) -> bool:
    owner = s3._bucket_owner_account(bucket_name) or get_account_id()
    policy = s3._bucket_policies.get_scoped(owner, None, bucket_name)
    if not policy or not source_arn:
        return False
    judged = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action="s3:ListBucket",
        resource_arn=f"arn:aws:s3:::{bucket_name}",
        region=get_region(),
        service_context={"aws:sourcearn": source_arn},
    )
    return evaluate_resource_policy(policy, judged, service="cloudfront.amazonaws.com").decision == "Allow"
