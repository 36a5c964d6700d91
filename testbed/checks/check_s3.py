"""Objects: conditions, checksums, copies, listings, and who owns the bucket.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import hashlib
import json
import secrets

from .common import REGION, section

# What a CRC is checked by: https://reveng.sourceforge.io/crc-catalogue/17plus.htm#crc.cat.crc-64-nvme
DIGITS, NVME = b"123456789", "ae8b14860a799888"


class Bucket:
    """A bucket of the check's account."""

    def __init__(self, c):
        self.c, self.name = c, f"objects-{secrets.token_hex(6)}"
        # Nothing is sent but what a row says.
        self.s3 = c.client(
            "s3", request_checksum_calculation="when_required", response_checksum_validation="when_required"
        )
        self.s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def put(self, key: str, body=b"one", **fields) -> dict:
        return self.s3.put_object(Bucket=self.name, Key=key, Body=body, **fields)

    def copy(self, key: str, to: str, source=None, **fields) -> dict:
        source = {"Bucket": source or self.name, "Key": key}
        return self.s3.copy_object(Bucket=self.name, Key=to, CopySource=source, **fields)

    def head(self, key: str, **fields) -> dict:
        return self.s3.head_object(Bucket=self.name, Key=key, **fields)

    def read(self, key: str, **fields) -> bytes:
        return self.s3.get_object(Bucket=self.name, Key=key, **fields)["Body"].read()

    def in_parts(self, key: str, *parts: bytes, **fields) -> dict:
        named = {"Bucket": self.name, "Key": key}
        upload = self.s3.create_multipart_upload(**named, **fields)["UploadId"]
        done = []
        for number, part in enumerate(parts, 1):
            made = self.s3.upload_part(**named, UploadId=upload, PartNumber=number, Body=part)
            done.append({"PartNumber": number, "ETag": made["ETag"]})
        return self.s3.complete_multipart_upload(**named, UploadId=upload, MultipartUpload={"Parts": done})

    def page(self, **fields) -> dict:
        return self.s3.list_objects_v2(Bucket=self.name, **fields)


@section("s3")
def conditions(c):
    b = Bucket(c)
    etag = b.put("index.html")["ETag"]
    other = b.put("other", b"two")["ETag"]
    refused = lambda name, act, code: c.row(name, act, error=code)
    refused(
        "PutObject If-None-Match onto an object", lambda: b.put("index.html", IfNoneMatch="*"), "PreconditionFailed"
    )
    c.row("PutObject If-None-Match onto nothing", lambda: b.put("marker", IfNoneMatch="*"))
    refused("PutObject If-Match with another ETag", lambda: b.put("index.html", IfMatch=other), "PreconditionFailed")
    refused("PutObject If-Match onto nothing", lambda: b.put("nothing", IfMatch=etag), "NoSuchKey")
    c.row("PutObject If-Match with its ETag", lambda: b.put("index.html", IfMatch=etag))
    refused(
        "CopyObject If-None-Match onto an object",
        lambda: b.copy("other", "index.html", IfNoneMatch="*"),
        "PreconditionFailed",
    )
    refused(
        "CopyObject If-Match with another ETag",
        lambda: b.copy("other", "index.html", IfMatch=other),
        "PreconditionFailed",
    )
    refused("CopyObject If-Match onto nothing", lambda: b.copy("other", "nothing", IfMatch=etag), "NoSuchKey")
    c.row("CopyObject If-Match with its ETag", lambda: b.copy("other", "index.html", IfMatch=etag))
    refused(
        "CopyObject of a source with another ETag",
        lambda: b.copy("other", "marker", CopySourceIfMatch=etag),
        "PreconditionFailed",
    )
    refused("CopyObject of nothing", lambda: b.copy("nothing", "marker"), "NoSuchKey")
    refused("CopyObject onto itself without a change", lambda: b.copy("other", "other"), "InvalidRequest")
    refused(
        "DeleteObject If-Match with another ETag",
        lambda: b.s3.delete_object(Bucket=b.name, Key="other", IfMatch=etag),
        "PreconditionFailed",
    )
    refused("GetObject If-None-Match", lambda: b.read("other", IfNoneMatch=other), "304")
    race = {"service": "s3", "operation": "PutObject", "status": 409, "code": "ConditionalRequestConflict"}
    c.control("POST", f"accounts/{c.account}/faults", [race])
    refused(
        "a fault is ConditionalRequestConflict", lambda: b.put("marker", IfNoneMatch="*"), "ConditionalRequestConflict"
    )


@section("s3")
def checksums(c):
    b = Bucket(c)
    sha256 = base64.b64encode(hashlib.sha256(DIGITS).digest()).decode()
    nvme = base64.b64encode(bytes.fromhex(NVME)).decode()
    c.row(
        "PutObject answers the checksum it was sent",
        lambda: b.put("a", DIGITS, ChecksumSHA256=sha256),
        want=lambda r: (r["ChecksumSHA256"], r["ChecksumType"]) == (sha256, "FULL_OBJECT"),
    )
    c.row("PutObject with a wrong checksum", lambda: b.put("a", b"two", ChecksumSHA256=sha256), error="BadDigest")
    c.row(
        "HeadObject tells the checksum",
        lambda: b.head("a", ChecksumMode="ENABLED"),
        want=lambda r: r["ChecksumSHA256"] == sha256,
    )
    c.row("HeadObject tells no checksum unless asked", lambda: b.head("a"), want=lambda r: "ChecksumSHA256" not in r)
    plain = c.row(
        "PutObject without a checksum has CRC64NVME",
        lambda: b.put("b", DIGITS),
        want=lambda r: r["ChecksumCRC64NVME"] == nvme,
    )
    b.put("large", b"x" * 300_000)
    c.row(
        "HeadObject tells CRC64NVME of an object that was sent without a checksum",
        lambda: [b.head(key, ChecksumMode="ENABLED").get("ChecksumCRC64NVME") for key in ("b", "large")],
        want=lambda r: r[0] == nvme and r[1],
    )
    c.row(
        "CopyObject answers the checksum",
        lambda: b.copy("a", "c")["CopyObjectResult"],
        want=lambda r: (r["ChecksumSHA256"], r["ChecksumType"], r["ETag"]) == (sha256, "FULL_OBJECT", plain["ETag"]),
    )
    c.row(
        "CopyObject with another algorithm",
        lambda: b.copy("b", "d", ChecksumAlgorithm="SHA256")["CopyObjectResult"],
        want=lambda r: r["ChecksumSHA256"] == sha256,
    )
    part = b"x" * (5 * 1024 * 1024)
    c.row(
        "CompleteMultipartUpload has an ETag of its parts",
        lambda: b.in_parts("e", part, b"y")["ETag"],
        want=lambda r: r.endswith('-2"'),
    )
    c.row(
        "CompleteMultipartUpload has CRC64NVME of the whole object",
        lambda: (b.in_parts("small", DIGITS), b.head("small", ChecksumMode="ENABLED"))[1],
        want=lambda r: (r["ChecksumCRC64NVME"], r["ChecksumType"]) == (nvme, "FULL_OBJECT"),
    )
    c.row(
        "CopyObject of an object in parts has an ETag of its own",
        lambda: b.copy("small", "f")["CopyObjectResult"]["ETag"],
        want=lambda r: r == plain["ETag"],
    )
    c.row(
        "CompleteMultipartUpload with a small part before the last",
        lambda: b.in_parts("g", b"x", b"y"),
        error="EntityTooSmall",
    )


@section("s3")
def metadata(c):
    b = Bucket(c)
    told = {"ContentType": "text/html; charset=utf-8", "CacheControl": "no-cache", "Metadata": {"sha256": "abc"}}
    b.put("a", **told)
    c.row(
        "HeadObject tells the metadata", lambda: b.head("a"), want=lambda r: all(r[name] == told[name] for name in told)
    )
    c.row(
        "CopyObject takes the metadata along",
        lambda: (b.copy("a", "b"), b.head("b"))[1],
        want=lambda r: all(r[name] == told[name] for name in told),
    )
    c.row(
        "CopyObject replaces the metadata",
        lambda: (b.copy("a", "b", MetadataDirective="REPLACE", CacheControl="max-age=1"), b.head("b"))[1],
        want=lambda r: r["CacheControl"] == "max-age=1" and r["Metadata"] == {},
    )
    c.row(
        "PutObject without a type",
        lambda: (b.put("c"), b.head("c"))[1]["ContentType"],
        want=lambda r: r == "binary/octet-stream",
    )
    c.row(
        "CreateMultipartUpload without a type",
        lambda: (b.in_parts("d", b"x"), b.head("d"))[1]["ContentType"],
        want=lambda r: r == "binary/octet-stream",
    )
    names = ["a b", "~a", "a#b", "100%", "ü", "/leading", "a+b", "a//b"]
    for name in names:
        b.put(name, name.encode())
    c.row("keys are any text", lambda: [b.read(name).decode() for name in names], want=lambda r: r == names)
    b.s3.put_bucket_versioning(Bucket=b.name, VersioningConfiguration={"Status": "Enabled"})
    first, second = b.put("v", b"one")["VersionId"], b.put("v", b"two")["VersionId"]
    c.row("GetObject of a version", lambda: b.read("v", VersionId=first), want=lambda r: r == b"one")
    b.s3.delete_object(Bucket=b.name, Key="v")
    c.row("GetObject behind a delete marker", lambda: b.read("v"), error="NoSuchKey")
    c.row(
        "GetObject of a version behind a delete marker",
        lambda: b.read("v", VersionId=second),
        want=lambda r: r == b"two",
    )
    c.row(
        "GetBucketTagging of a bucket without tags",
        lambda: b.s3.get_bucket_tagging(Bucket=b.name),
        error="NoSuchTagSet",
    )
    tags = [{"Key": "environment", "Value": "prd"}]
    b.s3.put_bucket_tagging(Bucket=b.name, Tagging={"TagSet": tags})
    c.row("GetBucketTagging", lambda: b.s3.get_bucket_tagging(Bucket=b.name)["TagSet"], want=lambda r: r == tags)


@section("s3")
def listing(c):
    b = Bucket(c)
    for number in range(1001):
        b.put(f"a/{number:04}", b"")
    c.row(
        "ListObjectsV2 of more than 1000 objects",
        lambda: b.page(MaxKeys=5000),
        want=lambda r: (r["KeyCount"], r["MaxKeys"], r["IsTruncated"]) == (1000, 1000, True),
    )
    token = b.page()["NextContinuationToken"]
    c.row(
        "ListObjectsV2 goes on",
        lambda: b.page(ContinuationToken=token)["Contents"],
        want=lambda r: [one["Key"] for one in r] == ["a/1000"],
    )
    c.row(
        "ListObjectsV2 by folder",
        lambda: (b.put("b/c/d", b""), b.page(Delimiter="/"))[1]["CommonPrefixes"],
        want=lambda r: [one["Prefix"] for one in r] == ["a/", "b/"],
    )
    some = lambda count: {"Objects": [{"Key": f"a/{number:04}"} for number in range(count)]}
    delete = lambda what: b.s3.delete_objects(Bucket=b.name, Delete=what)
    c.row("DeleteObjects of 1001 objects", lambda: delete(some(1001)), error="MalformedXML")
    c.row("DeleteObjects of 1000 objects", lambda: delete(some(1000))["Deleted"], want=lambda r: len(r) == 1000)
    c.row("DeleteObjects of an absent object", lambda: delete(some(1))["Deleted"], want=lambda r: len(r) == 1)
    c.row(
        "DeleteObjects of an object with another ETag",
        lambda: delete({"Objects": [{"Key": "a/1000", "ETag": '"0"'}]})["Errors"][0]["Code"],
        want=lambda r: r == "PreconditionFailed",
    )


@section("s3")
def owners(c):
    b = Bucket(c)
    b.put("a")
    right, wrong = {"ExpectedBucketOwner": c.account}, {"ExpectedBucketOwner": "111122223333"}
    c.row("PutObject into a bucket of the expected owner", lambda: b.put("b", **right))
    refused = lambda name, act, code="AccessDenied": c.row(f"{name} of another owner than expected", act, error=code)
    refused("PutObject into a bucket", lambda: b.put("b", **wrong))
    refused("ListObjectsV2", lambda: b.page(**wrong))
    refused("HeadBucket", lambda: b.s3.head_bucket(Bucket=b.name, **wrong), "403")
    refused("CopyObject from a bucket", lambda: b.copy("a", "c", ExpectedSourceBucketOwner="111122223333"))
    other = f"{int(c.account) - 1}"
    theirs = c.client("s3", key=other)
    shared = f"{b.name}-{other}"
    theirs.create_bucket(Bucket=shared, CreateBucketConfiguration={"LocationConstraint": REGION})
    theirs.put_object(Bucket=shared, Key="a", Body=b"theirs")
    c.row("CopyObject from a bucket of another account", lambda: b.copy("a", "d", shared), error="AccessDenied")
    lets = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{c.account}:root"}, "Action": "s3:GetObject"}
    policy = {"Version": "2012-10-17", "Statement": [{**lets, "Resource": f"arn:aws:s3:::{shared}/*"}]}
    theirs.put_bucket_policy(Bucket=shared, Policy=json.dumps(policy))
    c.row(
        "CopyObject from a bucket of another account that lets it",
        lambda: (b.copy("a", "d", shared), b.read("d"))[1],
        want=lambda r: r == b"theirs",
    )


SECTIONS = [conditions, checksums, metadata, listing, owners]
