"""A copy takes conditions on what is at its destination, and one onto itself must change something.

MiniStack ignores the conditions, and copies.
"""

from urllib.parse import unquote

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"
ROWS = [
    "s3: CopyObject If-None-Match onto an object",
    "s3: CopyObject If-Match with another ETag",
    "s3: CopyObject If-Match onto nothing",
    "s3: CopyObject onto itself without a change",
]
# What makes a copy of an object onto itself another object.
_CHANGES = (
    "x-amz-storage-class",
    "x-amz-website-redirect-location",
    "x-amz-server-side-encryption",
    "x-amz-checksum-algorithm",
)


def install():
    @around(s3, "_copy_object", "(bucket_name, dest_key, headers)", "ce47e73298be")
    def copy(inner, bucket_name, dest_key, headers):
        source = unquote(headers.get("x-amz-copy-source", "").lstrip("/"))
        replaced = headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE"
        if source == f"{bucket_name}/{dest_key}" and not replaced and not any(name in headers for name in _CHANGES):
            words = (
                "This copy request is illegal because it is trying to copy an object to itself without changing the object's "
                "metadata, storage class, website redirect location or encryption attributes."
            )
            return s3._error("InvalidRequest", words, 400, f"/{bucket_name}/{dest_key}")
        bucket = s3._ensure_bucket(bucket_name)
        refusal = bucket and s3._check_put_preconditions(headers, bucket["objects"].get(dest_key))
        return refusal or inner(bucket_name, dest_key, headers)
