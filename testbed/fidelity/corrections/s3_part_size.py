"""Every part of an object but the last has at least 5 MiB.

MiniStack takes any.
"""

import re

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html"
ROWS = ["s3: CompleteMultipartUpload with a small part before the last"]
SMALLEST = 5 * 1024 * 1024


def install():
    @around(
        s3,
        "_complete_multipart_upload",
        "(bucket_name, key, body, query_params, headers)",
        "9e2d6452dfe1",
    )
    def complete(inner, bucket_name, key, body, query_params, headers=None):
        upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId")) or {"parts": {}}
        numbers = sorted(int(number) for number in re.findall(rb"<PartNumber>(\d+)</PartNumber>", body))
        parts = [upload["parts"][number] for number in numbers[:-1] if number in upload["parts"]]
        if any(len(part["body"]) < SMALLEST for part in parts):
            words = "Your proposed upload is smaller than the minimum allowed size"
            return s3._error("EntityTooSmall", words, 400, f"/{bucket_name}/{key}")
        return inner(bucket_name, key, body, query_params, headers)
