"""Who may not list a bucket is not told that an object is absent: 403, as for one that may not be read.

MiniStack tells everyone.
"""

from ministack.services import s3

from ..wrapping import around
from . import iam_enforcement

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"
ROWS = ["iam: S3 tells an absent object to those only who may list the bucket"]


def install():
    @around(s3, "_head_object", "(bucket_name, key, headers, query_params)", "369c3a8482ea")
    def head(inner, bucket_name, key, *arguments):
        return _hidden(bucket_name, key) or inner(bucket_name, key, *arguments)

    @around(s3, "_get_object", "(bucket_name, key, headers, query_params)", "64ad7071ef0e")
    def get(inner, bucket_name, key, *arguments):
        return _hidden(bucket_name, key) or inner(bucket_name, key, *arguments)


def _hidden(bucket_name: str, key: str):
    bucket = s3._ensure_bucket(bucket_name)
    if bucket is None or key in bucket["objects"]:
        return None
    words = iam_enforcement.refused("s3:ListBucket", f"arn:aws:s3:::{bucket_name}")
    return s3._error("AccessDenied", words, 403, f"/{bucket_name}/{key}") if words else None
