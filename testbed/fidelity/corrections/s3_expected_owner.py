"""A request that says who owns the bucket is refused where somebody else does; of a copy, for the source too.

MiniStack does not look at it.
"""

from urllib.parse import unquote

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"
ROWS = [
    "s3: PutObject into a bucket of another owner than expected",
    "s3: HeadBucket of another owner than expected",
    "s3: ListObjectsV2 of another owner than expected",
    "s3: CopyObject from a bucket of another owner than expected",
]


def install():
    @around(
        s3,
        "_apply_bucket_scope",
        "(method, bucket, key, headers, query_params, body, internal)",
        "df846d5b4247",
    )
    def scope(inner, method, bucket, key, headers, *arguments, **named):
        denied = inner(method, bucket, key, headers, *arguments, **named)
        source = unquote(headers.get("x-amz-copy-source", "")).lstrip("/").partition("/")[0]
        for name, field in ((bucket, "x-amz-expected-bucket-owner"), (source, "x-amz-source-expected-bucket-owner")):
            expected = headers.get(field)
            if denied is None and name and expected and s3._bucket_owner_account(name) not in (None, expected):
                denied = s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}")
        return denied
