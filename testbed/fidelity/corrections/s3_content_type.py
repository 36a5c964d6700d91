"""An object that was sent without a type has the type binary/octet-stream.

MiniStack gives it application/octet-stream.
"""

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"
ROWS = [
    "s3: PutObject without a type",
    "s3: CreateMultipartUpload without a type",
]
_TYPE = {"content-type": "binary/octet-stream"}


def install():
    @around(s3, "_build_object_record", "(body, headers, etag, checksums)", "ef9b2ee6ce64")
    def build(inner, body, headers, etag=None, checksums=None):
        return inner(body, _TYPE | headers, etag, checksums)

    @around(s3, "_create_multipart_upload", "(bucket_name, key, headers)", "3e8ca288f480")
    def create(inner, bucket_name, key, headers):
        return inner(bucket_name, key, _TYPE | headers)
