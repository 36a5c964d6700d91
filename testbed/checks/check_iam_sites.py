"""Which action and which resource requests to S3, CloudFront and key value stores are judged by.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfront.html
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudfrontkeyvaluestore.html
"""

from .check_iam import Roles
from .check_key_value_stores import POINTER, Store
from .check_s3 import Bucket
from .common import section
from .site import Site


@section("iam")
def cloudfront(c):
    r, site = Roles(c), Site(c)
    config = site.cloudfront.get_distribution_config(Id=site.id)["DistributionConfig"]
    etag = lambda: site.cloudfront.get_distribution(Id=site.id)["ETag"]
    made = site.invalidate("/a", reference="once")["Id"]
    batch = {"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": "once"}
    of_site = {
        "GetDistribution": lambda s: s.get_distribution(Id=site.id),
        "GetDistributionConfig": lambda s: s.get_distribution_config(Id=site.id),
        "UpdateDistribution": lambda s: s.update_distribution(Id=site.id, IfMatch=etag(), DistributionConfig=config),
        "CreateInvalidation": lambda s: s.create_invalidation(DistributionId=site.id, InvalidationBatch=batch),
        "GetInvalidation": lambda s: s.get_invalidation(DistributionId=site.id, Id=made),
        "ListInvalidations": lambda s: s.list_invalidations(DistributionId=site.id),
    }
    for name, act in of_site.items():
        r.row(f"{name} is cloudfront:{name} on the distribution", "cloudfront", act, f"cloudfront:{name}", site.arn)
    c.row(
        "a distribution reads the bucket by its policy, whoever looks",
        lambda: (site.put("a", "a"), site.view("/a")[0])[1],
        want=lambda found: found == 200,
    )


@section("iam")
def stores(c):
    site = Site(c, pointer=POINTER)
    root = Store(c, site.store)

    class Signed:
        """The checks, with clients of the store."""

        row = c.row
        account = c.account

        @staticmethod
        def client(service, **keys):
            return Store(c, site.store, **keys).client if service == "kvs" else c.client(service, **keys)

    r = Roles(Signed)
    named = {"KvsARN": site.store}
    put = lambda s: s.update_keys(**named, IfMatch=root.etag(), Puts=[{"Key": "a", "Value": "b"}])
    root.update({"live/shop": "r1"})
    of_store = {
        "DescribeKeyValueStore": lambda s: s.describe_key_value_store(**named),
        "UpdateKeys": put,
        "GetKey": lambda s: s.get_key(**named, Key="live/shop"),
        "ListKeys": lambda s: s.list_keys(**named),
    }
    for name, act in of_store.items():
        r.row(f"{name} is on the key value store", "kvs", act, f"cloudfront-keyvaluestore:{name}", site.store)
    function = site.function.rsplit("/", 1)[-1]
    describe = lambda s: s.describe_function(Name=function, Stage="LIVE")
    r.row("DescribeFunction is on the function", "cloudfront", describe, "cloudfront:DescribeFunction", site.function)
    find = lambda s: s.describe_key_value_store(Name=site.store.rsplit("/", 1)[-1])
    named = "cloudfront:DescribeKeyValueStore is on the key value store"
    r.row(named, "cloudfront", find, "cloudfront:DescribeKeyValueStore", site.store)


@section("iam")
def objects(c):
    r, b = Roles(c), Bucket(c)
    b.put("a")
    b.put("source")
    named = {"Bucket": b.name, "Key": "a"}
    bucket = f"arn:aws:s3:::{b.name}"
    row = lambda name, act, action, resource: r.row(name, "s3", act, action, resource)
    row(
        "PutObject is s3:PutObject on the object",
        lambda s: s.put_object(**named, Body=b""),
        "s3:PutObject",
        f"{bucket}/a",
    )
    row(
        "ListObjectsV2 is s3:ListBucket on the bucket",
        lambda s: s.list_objects_v2(Bucket=b.name),
        "s3:ListBucket",
        bucket,
    )
    row(
        "DeleteObject is s3:DeleteObject on the object",
        lambda s: s.delete_object(**named),
        "s3:DeleteObject",
        f"{bucket}/a",
    )
    row(
        "CreateMultipartUpload is s3:PutObject on the object",
        lambda s: s.create_multipart_upload(**named),
        "s3:PutObject",
        f"{bucket}/a",
    )
    b.s3.put_bucket_tagging(Bucket=b.name, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    row(
        "GetBucketTagging is s3:GetBucketTagging on the bucket",
        lambda s: s.get_bucket_tagging(Bucket=b.name),
        "s3:GetBucketTagging",
        bucket,
    )
    head = lambda keys: c.client("s3", **keys).head_object(Bucket=b.name, Key="source")
    c.row("HeadObject is s3:GetObject", lambda: head(r.without("s3:GetObject")), error="403")
    copy = lambda keys: c.client("s3", **keys).copy_object(CopySource={"Bucket": b.name, "Key": "source"}, **named)
    c.row("CopyObject needs s3:GetObject on the source", lambda: copy(r.without("s3:GetObject")), error="AccessDenied")
    c.row("CopyObject needs s3:PutObject on the copy", lambda: copy(r.without("s3:PutObject")), error="AccessDenied")
    both = [
        {"Action": "s3:GetObject", "Resource": f"{bucket}/source"},
        {"Action": "s3:PutObject", "Resource": f"{bucket}/a"},
    ]
    c.row("CopyObject needs nothing else", lambda: copy(r.session(*both)))
    some = {"Objects": [{"Key": "a"}, {"Key": "source"}]}
    b.put("a")
    c.row(
        "DeleteObjects tells which objects may not be deleted",
        lambda: c.client("s3", **r.only("s3:DeleteObject", f"{bucket}/a")).delete_objects(Bucket=b.name, Delete=some),
        want=lambda found: (
            [one["Key"] for one in found["Deleted"]] == ["a"]
            and [(one["Key"], one["Code"]) for one in found["Errors"]] == [("source", "AccessDenied")]
        ),
    )


SECTIONS = [cloudfront, stores, objects]
