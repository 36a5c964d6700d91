"""Key value stores, and functions that read them.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Operations_Amazon_CloudFront_KeyValueStore.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html
"""

import json
import re
import shutil
import urllib.request
from urllib.parse import quote

from .common import section
from .site import Site

POINTER = {"key": "live/shop", "release": "r0", "only": "html$", "cookie": "x-release"}
FAILS = b'// testbed: {"fail": "TypeError"}\nfunction handler(event) { return event.request; }'
CODE = b"""
import cf from 'cloudfront';
const releases = cf.kvs();
async function handler(event) {
  let release = 'r0';
  try { release = await releases.get('live/shop'); } catch (_) { /* as compiled */ }
  event.request.uri = `/r/${release}${event.request.uri}`;
  return event.request;
}
"""


class Store:
    """A key value store."""

    def __init__(self, c, arn: str, **keys):
        # SigV4A needs a library in C; the signature itself is not what is looked at.
        self.arn, self.client = arn, c.client("cloudfront-keyvaluestore", **keys, signature_version="v4")
        self.client.meta.events.register("before-sign", self._here)

    @staticmethod
    def _here(request, **_):
        """The name of the host is that of the endpoint, without the account that the SDK puts before it."""
        request.url = re.sub(r"^http://\d{12}\.", "http://", request.url)

    def etag(self) -> str:
        return self.client.describe_key_value_store(KvsARN=self.arn)["ETag"]

    def update(self, puts: dict, deletes=(), etag=None) -> dict:
        return self.client.update_keys(
            KvsARN=self.arn,
            IfMatch=etag or self.etag(),
            Puts=[{"Key": key, "Value": value} for key, value in puts.items()],
            Deletes=[{"Key": key} for key in deletes],
        )

    def value(self, key: str) -> str:
        return self.client.get_key(KvsARN=self.arn, Key=key)["Value"]


@section("cloudfront")
def stores(c):
    c.set(kvs_create_delay=30.0)
    cloudfront = c.client("cloudfront")
    made = cloudfront.create_key_value_store(Name="sites")["KeyValueStore"]
    c.row("CreateKeyValueStore is PROVISIONING", lambda: made["Status"], want=lambda r: r == "PROVISIONING")
    c.control("POST", f"accounts/{c.account}/clock", {"advance": 31})
    store = Store(c, made["ARN"])
    c.row(
        "DescribeKeyValueStore is READY",
        lambda: (
            [cloudfront.describe_key_value_store(Name="sites")["KeyValueStore"]["Status"]]
            + [store.client.describe_key_value_store(KvsARN=store.arn)["Status"]]
        ),
        want=lambda r: r == ["READY", "READY"],
    )
    c.row(
        "DescribeKeyValueStore signed by SigV4A",
        lambda: _signed_by_sigv4a(c, store.arn),
        want=lambda r: r["KvsARN"] == store.arn,
    )
    first = store.etag()
    c.row(
        "UpdateKeys answers the next ETag",
        lambda: store.update({"live/shop": "r1"}, etag=first),
        want=lambda r: r["ETag"] != first,
    )
    c.row(
        "UpdateKeys with an old ETag", lambda: store.update({"live/shop": "r2"}, etag=first), error="ConflictException"
    )
    c.row("GetKey", lambda: store.value("live/shop"), want=lambda r: r == "r1")
    c.row("GetKey of a missing key", lambda: store.value("live/other"), error="ResourceNotFoundException")
    c.row("UpdateKeys with a key of 513 bytes", lambda: store.update({"x" * 513: "r1"}), error="ValidationException")
    c.row(
        "UpdateKeys with a value of 1025 bytes",
        lambda: store.update({"live/shop": "x" * 1025}),
        error="ValidationException",
    )
    c.row(
        "UpdateKeys of 51 keys",
        lambda: store.update({f"k{number}": "v" for number in range(51)}),
        error="ValidationException",
    )
    c.row("UpdateKeys of 50 keys", lambda: store.update({f"k{number}": "v" for number in range(50)}))
    c.row(
        "UpdateKeys puts and deletes",
        lambda: (store.update({"live/shop": "r2"}, ["k1"]), store.value("live/shop"))[1],
        want=lambda r: r == "r2",
    )
    c.control("PATCH", f"accounts/{c.account}/edge/store", {"store": "sites", "status": "PROVISIONING"})
    c.row(
        "a test says what the status of a store is",
        lambda: store.client.describe_key_value_store(KvsARN=store.arn)["Status"],
        want=lambda r: r == "PROVISIONING",
    )
    race = {
        "service": "cloudfront-keyvaluestore",
        "operation": "UpdateKeys",
        "status": 409,
        "code": "ConflictException",
    }
    c.control("POST", f"accounts/{c.account}/faults", [race])
    c.row("a fault of a store has its code", lambda: store.update({"a": "b"}), error="409 ConflictException")


@section("cloudfront")
def functions(c):
    c.set(kvs_delay=30.0)
    site = Site(c, pointer=POINTER)
    store, cloudfront = Store(c, site.store), site.cloudfront
    for release in ("r0", "r1", "r2", "r3"):
        site.put(f"r/{release}/index.html", release)
    site.put("assets/a.js", "asset")
    c.row(
        "a function without a value uses the release compiled into it",
        lambda: site.said("/")[1],
        want=lambda r: r == "r0",
    )
    store.update({"live/shop": "r1"})
    c.row(
        "a function sees a new value after a while",
        lambda: [site.said("/")[1], (site.pass_time(31), site.said("/")[1])[1]],
        want=lambda r: r == ["r0", "r1"],
    )
    c.row(
        "a function puts the release of its store before documents",
        lambda: [
            (store.update({"live/shop": name}), site.pass_time(31), site.said("/index.html")[1])[2]
            for name in ("r2", "r1")
        ],
        want=lambda r: r == ["r2", "r1"],
    )
    c.row("a function leaves assets alone", lambda: site.said("/assets/a.js")[1], want=lambda r: r == "asset")
    c.row("a cookie pins a release", lambda: site.said("/", cookie="x-release=r2")[1], want=lambda r: r == "r2")
    store.update({}, ["live/shop"])
    site.pass_time(31)
    name = site.function.rsplit("/", 1)[-1]
    found = cloudfront.get_function(Name=name, Stage="LIVE")
    described = cloudfront.describe_function(Name=name, Stage="LIVE")["FunctionSummary"]["FunctionConfig"]
    code = found["FunctionCode"].read().replace(b'"r0"', b'"r3"')

    etag_of = lambda: cloudfront.describe_function(Name=name, Stage="DEVELOPMENT")["ETag"]

    def change(code):
        cloudfront.update_function(Name=name, IfMatch=etag_of(), FunctionConfig=described, FunctionCode=code)
        return etag_of()

    etag = change(code)
    c.row(
        "a function is changed when it is published",
        lambda: [site.said("/")[1], (cloudfront.publish_function(Name=name, IfMatch=etag), site.said("/")[1])[1]],
        want=lambda r: r == ["r0", "r3"],
    )
    c.row(
        "a function's own code reads the store, if there is Node",
        lambda: _run(site, store, change),
        want=lambda r: r in ("r2", "no Node"),
    )
    cloudfront.publish_function(Name=name, IfMatch=change(FAILS))
    c.row("a function that fails is 503", lambda: site.view("/")[0], want=lambda r: r == 503)


def _run(site, store, change) -> str:
    """What is served by a function that says nothing about itself."""
    if not shutil.which("node"):
        return "no Node"
    name = site.function.rsplit("/", 1)[-1]
    site.cloudfront.publish_function(Name=name, IfMatch=change(CODE))
    store.update({"live/shop": "r1"})
    site.pass_time(31)
    before = site.said("/index.html")[1]
    store.update({"live/shop": "r2"})
    site.pass_time(31)
    # A handle that was made once reads what is in the store by now.
    return site.said("/index.html")[1] if before == "r1" else before


def _signed_by_sigv4a(c, arn: str) -> dict:
    """A request as an SDK makes it: the scope of its credential names no region."""
    scope = f"AWS4-ECDSA-P256-SHA256 Credential={c.account}/20260101/cloudfront-keyvaluestore/aws4_request"
    fields = {"authorization": f"{scope}, SignedHeaders=host, Signature=0", "x-amz-region-set": "*"}
    request = urllib.request.Request(f"{c.url}/key-value-stores/{quote(arn, safe='')}", headers=fields)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.loads(response.read())


SECTIONS = [stores, functions]
