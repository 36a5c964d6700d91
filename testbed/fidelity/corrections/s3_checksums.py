"""Every object has a checksum, CRC64NVME unless another was sent, which writing it answers; of a copy it is that of
the whole object.

MiniStack keeps only what was sent, and answers none. It joins the parts' checksums whatever was asked for, and takes
the ETag of an object in parts over to its copy, which is no object in parts.
"""

import hashlib

from ministack.services import s3

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html"
ROWS = [
    "s3: PutObject answers the checksum it was sent",
    "s3: PutObject without a checksum has CRC64NVME",
    "s3: HeadObject tells CRC64NVME of an object that was sent without a checksum",
    "s3: CopyObject answers the checksum",
    "s3: CopyObject with another algorithm",
    "s3: CopyObject of an object in parts has an ETag of its own",
    "s3: CompleteMultipartUpload has CRC64NVME of the whole object",
]
# The default is computed byte by byte: that of a larger object only when somebody asks for it.
SMALL = 4 * 1024


def install():
    @around(s3, "_put_object", "(bucket_name, key, body, headers)", "cf5861e4d999")
    def put(inner, bucket_name, key, body, headers):
        status, fields, content = inner(bucket_name, key, body, headers)
        if status == 200:
            record = s3._ensure_bucket(bucket_name)["objects"][key]
            if len(body) <= SMALL:
                _complete(record)
            fields = {**fields, **_fields(record)}
        return status, fields, content

    @around(s3, "_object_response_headers", "(obj, bucket_name, key, include_checksums)", "33b3f416a4b5")
    def headers_of(inner, obj, bucket_name="", key="", include_checksums=False):
        if include_checksums:
            _complete(obj)
        return inner(obj, bucket_name, key, include_checksums)

    @around(s3, "_copy_object", "(bucket_name, dest_key, headers)", "ce47e73298be")
    def copy(inner, bucket_name, dest_key, headers):
        status, fields, content = inner(bucket_name, dest_key, headers)
        if status != 200:
            return status, fields, content
        record = s3._ensure_bucket(bucket_name)["objects"][dest_key]
        body = s3._read_body(bucket_name, dest_key, record)
        if "-" in record["etag"]:
            joined, record["etag"] = record["etag"], f'"{hashlib.md5(body).hexdigest()}"'
            content = content.replace(joined.strip('"').encode(), record["etag"].strip('"').encode())
        algorithm = headers.get("x-amz-checksum-algorithm", "").upper()
        names = [algorithm] if algorithm else [name for name, value in record["checksums"].items() if "-" in value]
        if names:
            record["checksums"] = {name: s3._compute_s3_checksum(name, body) for name in names}
        if len(body) <= SMALL:
            _complete(record)
        told = "".join(f"<Checksum{name}>{value}</Checksum{name}>" for name, value in record["checksums"].items())
        told += "<ChecksumType>FULL_OBJECT</ChecksumType>" if told else ""
        return status, fields, content.replace(b"</CopyObjectResult>", told.encode() + b"</CopyObjectResult>")

    @around(
        s3,
        "_complete_multipart_upload",
        "(bucket_name, key, body, query_params, headers)",
        "9e2d6452dfe1",
    )
    def complete(inner, bucket_name, key, body, query_params, headers=None):
        upload = s3._multipart_uploads.get(s3._qp(query_params, "uploadId"))
        answer = inner(bucket_name, key, body, query_params, headers)
        if answer[0] == 200 and upload and upload.get("checksum_algorithm") in (None, "CRC64NVME"):
            record = s3._ensure_bucket(bucket_name)["objects"][key]
            record["checksums"], record["checksum_type"] = {}, "FULL_OBJECT"
        return answer


def _complete(record: dict) -> None:
    """Gives an object the checksum that S3 computes by itself."""
    if not record.get("checksums"):
        record["checksums"] = {"CRC64NVME": s3._compute_s3_checksum("CRC64NVME", record.get("body") or b"")}


def _fields(record: dict) -> dict:
    found = {f"x-amz-checksum-{name.lower()}": value for name, value in (record.get("checksums") or {}).items()}
    return found | ({"x-amz-checksum-type": "FULL_OBJECT"} if found else {})
