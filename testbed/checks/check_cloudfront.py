"""Distributions as edge caches: what is kept, for how long, and how it goes.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Invalidation.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
"""

import json

from .common import section
from .site import Site


@section("cloudfront")
def reaching(c):
    site = Site(c, aliases=[f"www.{c.account}.example"])
    site.put("index.html", "one", ContentType="text/html")
    site.put("a b/ü.html", "two")
    for name, host in (
        ("requests that are not signed", None),
        ("under an alternate domain name", f"www.{c.account}.example"),
    ):
        c.row(
            f"a distribution answers {name}",
            lambda h=host: site.view("/index.html", host=h),
            want=lambda r: r[0] == 200,
        )
    c.row(
        "an object has its type and ETag through a distribution",
        lambda: site.view("/index.html")[1],
        want=lambda r: r["content-type"] == "text/html" and r["etag"].strip('"'),
    )
    c.row("the root is the default root object", lambda: site.view("/")[2], want=lambda r: r == "one")
    c.row("a path is decoded for the origin", lambda: site.view("/a%20b/%C3%BC.html")[2], want=lambda r: r == "two")
    c.row(
        "a distribution answers below the endpoint",
        lambda: site.view(f"{site.path}/", host="localhost")[2],
        want=lambda r: r == "one",
    )
    c.row(
        "a distribution answers by proxy",
        lambda: site.view(f"http://{site.domain}/index.html", host="localhost")[2],
        want=lambda r: r == "one",
    )
    c.row("a POST is refused", lambda: site.view("/index.html", method="POST")[0], want=lambda r: r == 403)
    c.row("no such distribution", lambda: site.view("/", host="d0.cloudfront.net")[0], want=lambda r: r >= 400)


@section("cloudfront")
def keeping(c):
    site = Site(c)
    site.put("index.html", "one")
    site.view("/index.html")
    site.pass_time(30)
    c.row(
        "the second request is a hit with an age",
        lambda: site.view("/index.html")[1],
        want=lambda r: r["x-cache"] == "Hit from cloudfront" and 30 <= int(r["age"]) < 90,
    )
    c.row(
        "the first request is a miss",
        lambda: (site.put("b", "b"), site.said("/b"))[1],
        want=lambda r: r == ("Miss", "b"),
    )
    c.row(
        "HEAD is answered from the edge",
        lambda: site.view("/index.html", method="HEAD"),
        want=lambda r: (
            r[0] == 200 and r[1]["x-cache"].startswith("Hit") and r[1]["content-length"] == "3" and r[2] == ""
        ),
    )
    c.row(
        "a part of an object that is kept",
        lambda: site.view("/index.html", range="bytes=1-"),
        want=lambda r: (
            (r[0], r[1]["content-range"], r[2]) == (206, "bytes 1-2/3", "ne") and r[1]["x-cache"].startswith("Hit")
        ),
    )
    c.row("a part behind the end", lambda: site.view("/index.html", range="bytes=3-")[0], want=lambda r: r == 416)
    etag = site.view("/index.html")[1]["etag"]
    c.row(
        "a viewer who has what is kept",
        lambda: site.view("/index.html", if_none_match=etag),
        want=lambda r: r[0] == 304 and r[1]["etag"] == etag and r[1]["x-cache"].startswith("Hit"),
    )
    site.put("index.html", "two")
    c.row(
        "a changed object is not seen before it is invalidated",
        lambda: site.said("/index.html"),
        want=lambda r: r == ("Hit", "one"),
    )
    site.pass_time(86400)
    c.row(
        "an object without Cache-Control is good for a day",
        lambda: [site.said("/index.html"), site.said("/index.html")],
        want=lambda r: r == [("Miss", "two"), ("Hit", "two")],
    )
    site.pass_time(86400)
    c.row(
        "an expired object that is the same is a refresh hit",
        lambda: site.said("/index.html"),
        want=lambda r: r == ("RefreshHit", "two"),
    )
    for key, told in (
        ("aged", "max-age=60"),
        ("shared", "max-age=3600, s-maxage=60"),
        ("always", "no-cache"),
        ("never", "no-store"),
    ):
        site.put(key, "one", CacheControl=told)
    both = lambda path: [site.said(path), (site.pass_time(61), site.said(path))[1]]
    c.row(
        "max-age is how long an object is good",
        lambda: (site.said("/aged"), both("/aged"))[1],
        want=lambda r: r == [("Hit", "one"), ("RefreshHit", "one")],
    )
    c.row(
        "s-maxage goes before max-age",
        lambda: (site.said("/shared"), both("/shared"))[1],
        want=lambda r: r == [("Hit", "one"), ("RefreshHit", "one")],
    )
    plain = Site(c, site.bucket, policy={"min": 0})
    c.row(
        "no-cache is asked for every time",
        lambda: [plain.said("/always"), (site.put("always", "two", CacheControl="no-cache"), plain.said("/always"))[1]],
        want=lambda r: r == [("Miss", "one"), ("Miss", "two")],
    )
    c.row(
        "no-store is not kept",
        lambda: [plain.said("/never"), plain.said("/never")],
        want=lambda r: r == [("Miss", "one")] * 2,
    )
    off = Site(c, site.bucket, policy="CachingDisabled")
    c.row(
        "CachingDisabled keeps nothing",
        lambda: [off.said("/b"), off.said("/b")],
        want=lambda r: r == [("Miss", "b")] * 2,
    )


@section("cloudfront")
def keys(c):
    site = Site(c)
    site.put("index.html", "one")
    site.said("/index.html?a=1")
    c.row(
        "the query string is not part of the key unless the policy says so",
        lambda: site.said("/index.html?a=2"),
        want=lambda r: r == ("Hit", "one"),
    )
    other = Site(c, site.bucket, policy={"query": True})
    c.row(
        "the query string is part of the key if the policy says so",
        lambda: [other.said("/index.html?a=1")[0], other.said("/index.html?a=2")[0]],
        want=lambda r: r == ["Miss", "Miss"],
    )
    site.put("index.html", "two")
    fresh = Site(c, site.bucket)
    c.row(
        "two distributions in front of one bucket keep for themselves",
        lambda: [fresh.said("/index.html"), site.said("/index.html")],
        want=lambda r: r == [("Miss", "two"), ("Hit", "one")],
    )
    mixed = Site(c, site.bucket, behaviours=[{"path": "live/*", "policy": "CachingDisabled"}])
    site.put("live/now", "one")
    c.row(
        "another behaviour keeps by its own policy",
        lambda: [mixed.said("/live/now")[0], mixed.said("/live/now")[0]],
        want=lambda r: r == ["Miss", "Miss"],
    )


@section("cloudfront")
def origins(c):
    site, other = Site(c), Site(c, **{"origin-path": "/deep"})
    site.put("index.html", "one")
    other.put("deep/assets/a.js", "two")
    policy = json.loads(other.s3.get_bucket_policy(Bucket=other.bucket)["Policy"])
    policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceArn"] = [site.arn, other.arn]
    other.s3.put_bucket_policy(Bucket=other.bucket, Policy=json.dumps(policy))
    mine, theirs = (one.cloudfront.get_distribution_config(Id=one.id)["DistributionConfig"] for one in (site, other))
    second = theirs["Origins"]["Items"][0] | {"Id": "second"}
    behaviour = mine["DefaultCacheBehavior"] | {"PathPattern": "assets/*", "TargetOriginId": "second"}
    site.change(
        Origins={"Quantity": 2, "Items": [*mine["Origins"]["Items"], second]},
        CacheBehaviors={"Quantity": 1, "Items": [behaviour]},
    )
    site.pass_time(60)
    c.row(
        "a behaviour has an origin of its own",
        lambda: [site.said("/index.html"), site.said("/assets/a.js"), site.said("/assets/a.js")],
        want=lambda r: r == [("Miss", "one"), ("Miss", "two"), ("Hit", "two")],
    )


@section("cloudfront")
def invalidating(c):
    c.set(invalidation_delay=50.0)
    site = Site(c)
    keys = ("index.html", "a/x y.html", "a/~b.html", "c.html")
    paths = ("/index.html", "/a/x%20y.html", "/a/~b.html", "/c.html")
    for key in keys:
        site.put(key, "one")
    see = lambda *some: [site.said(path)[1] for path in some]
    see(*paths)
    for key in keys:
        site.put(key, "two")
    made = c.row(
        "CreateInvalidation is InProgress",
        lambda: site.invalidate("/index.html"),
        want=lambda r: r["Status"] == "InProgress",
    )
    c.row(
        "an invalidation reaches the edge when it is completed",
        lambda: [see("/index.html"), (site.pass_time(60), site.invalidation(made["Id"]), see("/index.html"))[1:]],
        want=lambda r: r == [["one"], ("Completed", ["two"])],
    )
    c.row("an invalidation of one path leaves the others", lambda: see(*paths[1:]), want=lambda r: r == ["one"] * 3)
    site.invalidated(paths[1])
    c.row("an invalidation of a path that is URL-encoded", lambda: see(*paths[1:3]), want=lambda r: r == ["two", "one"])
    site.invalidated("/a/%7Eb.html")
    c.row(
        "an invalidation of an encoded tilde leaves the plain one", lambda: see(paths[2]), want=lambda r: r == ["one"]
    )
    site.invalidated("/a/*")
    c.row("an invalidation with a wildcard", lambda: see(*paths[1:]), want=lambda r: r == ["two", "two", "one"])
    site.invalidated("/*")
    c.row("an invalidation of everything", lambda: see(*paths), want=lambda r: r == ["two"] * 4)
    site.put("index.html", "three")
    see("/")
    site.invalidated("/")
    c.row(
        "an invalidation of / leaves the default root object",
        lambda: see("/", "/index.html"),
        want=lambda r: r == ["two", "two"],
    )
    site.invalidated("/index.html")
    c.row("an invalidation of the default root object", lambda: see("/"), want=lambda r: r == ["three"])


@section("cloudfront")
def asking(c):
    """What an invalidation may be."""
    c.set(invalidation_delay=3600.0)
    site = Site(c)
    refused = lambda name, act, code: c.row(f"CreateInvalidation {name}", act, error=code)
    refused("with another quantity", lambda: site.invalidate("/a", quantity=2), "InconsistentQuantities")
    refused("of a path without a slash", lambda: site.invalidate("a"), "InvalidArgument")
    refused("of a path that is not URL-encoded", lambda: site.invalidate("/ü b"), "InvalidArgument")
    refused("of a path with a tilde", lambda: site.invalidate("/a~b"), "InvalidArgument")
    refused("of a path with a wildcard within", lambda: site.invalidate("/a/*/b"), "InvalidArgument")
    first = site.invalidate("/a", "/b", reference="once")
    c.row(
        "CreateInvalidation again is the same one",
        lambda: site.invalidate("/a", "/b", reference="once"),
        want=lambda r: r["Id"] == first["Id"],
    )
    refused("again of other paths", lambda: site.invalidate("/c", reference="once"), "InvalidationBatchAlreadyExists")
    refused(
        "of 3001 paths",
        lambda: site.invalidate(*[f"/n{number}" for number in range(3001)]),
        "TooManyInvalidationsInProgress",
    )
    c.row("CreateInvalidation of 2998 paths", lambda: site.invalidate(*[f"/n{number}" for number in range(2998)]))
    refused("of a path while 3000 are in progress", lambda: site.invalidate("/d"), "TooManyInvalidationsInProgress")
    c.row(
        "CreateInvalidation again is the same one while 3000 are in progress",
        lambda: site.invalidate("/a", "/b", reference="once"),
        want=lambda r: r["Id"] == first["Id"],
    )
    listed = lambda: site.cloudfront.list_invalidations(DistributionId=site.id)["InvalidationList"]["Items"]
    c.row(
        "ListInvalidations tells the newest first",
        lambda: [one["Id"] for one in listed()],
        want=lambda r: r[-1] == first["Id"] != r[0],
    )
    refused(
        "of 16 paths with a wildcard",
        lambda: site.invalidate(*[f"/w{number}*" for number in range(16)]),
        "TooManyInvalidationsInProgress",
    )
    c.row(
        "CreateInvalidation of 15 paths with a wildcard",
        lambda: site.invalidate(*[f"/w{number}*" for number in range(15)]),
    )
    site.pass_time(3601)
    c.row("CreateInvalidation of a path when those are completed", lambda: site.invalidate("/d"))
    c.row(
        "CreateInvalidation of no distribution",
        lambda: site.cloudfront.create_invalidation(
            DistributionId="E0", InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/"]}, "CallerReference": "x"}
        ),
        error="NoSuchDistribution",
    )


@section("cloudfront")
def deploying(c):
    c.set(distribution_delay=120.0)
    site = Site(c)
    for release in ("r1", "r2"):
        site.put(f"{release}/index.html", release)
        site.put(f"{release}/fresh.html", release)
    config = site.cloudfront.get_distribution_config(Id=site.id)["DistributionConfig"] | {"CallerReference": "another"}
    c.row(
        "CreateDistribution is InProgress",
        lambda: site.cloudfront.create_distribution(DistributionConfig=config)["Distribution"]["Status"],
        want=lambda r: r == "InProgress",
    )
    site.change(origin={"OriginPath": "/r1"})
    site.pass_time(121)
    site.said("/index.html")
    changed = lambda: site.change(origin={"OriginPath": "/r2"})["Distribution"]["Status"]
    status = lambda: site.cloudfront.get_distribution(Id=site.id)["Distribution"]["Status"]
    c.row(
        "UpdateDistribution is InProgress until it is deployed",
        lambda: [changed(), status()],
        want=lambda r: r == ["InProgress", "InProgress"],
    )
    c.row(
        "a changed origin path is not served before it is deployed",
        lambda: site.said("/fresh.html")[1],
        want=lambda r: r == "r1",
    )
    site.pass_time(121)
    c.row("UpdateDistribution is Deployed then", status, want=lambda r: r == "Deployed")
    c.row(
        "a changed origin path leaves what is kept", lambda: site.said("/index.html"), want=lambda r: r == ("Hit", "r1")
    )
    site.invalidated("/*")
    c.row("a changed origin path is served", lambda: site.said("/index.html")[1], want=lambda r: r == "r2")
    old = site.cloudfront.get_distribution_config(Id=site.id)
    site.change(Comment="by somebody else")
    c.row(
        "UpdateDistribution of what somebody else has changed",
        lambda: site.cloudfront.update_distribution(
            Id=site.id, IfMatch=old["ETag"], DistributionConfig=old["DistributionConfig"]
        ),
        error="PreconditionFailed",
    )


@section("cloudfront")
def errors(c):
    site = Site(c, list=True)
    twice = lambda one, path, key: [one.status(path), (site.put(key, "there"), one.status(path))[1]]
    c.row("a missing object is 404 if the bucket may be listed", lambda: site.status("/gone"), want=lambda r: r == 404)
    closed = Site(c, site.bucket)
    c.row(
        "a missing object is 403 if the bucket may not be listed",
        lambda: closed.status("/gone"),
        want=lambda r: r == 403,
    )
    c.row("a missing object is kept for ten seconds", lambda: twice(site, "/a", "a"), want=lambda r: r == [404, 404])
    site.pass_time(11)
    c.row("a missing object is found after ten seconds", lambda: site.status("/a"), want=lambda r: r == 200)
    c.row("403 is not kept", lambda: twice(closed, "/b", "b"), want=lambda r: r == [403, 200])
    c.row(
        "an error is said to be one",
        lambda: closed.view("/gone")[1]["x-cache"],
        want=lambda r: r == "Error from cloudfront",
    )
    page = Site(c, site.bucket, errors=[{"code": 403, "page": "/index.html", "status": 200, "ttl": 60}])
    site.put("index.html", "<p>app</p>", ContentType="text/html")
    c.row(
        "an error page answers 200",
        lambda: page.view("/assets/gone.js"),
        want=lambda r: (r[0], r[1]["content-type"], r[2]) == (200, "text/html", "<p>app</p>"),
    )
    site.put("assets/gone.js", "there")
    both = lambda: [page.said("/assets/gone.js")[1], (page.pass_time(61), page.said("/assets/gone.js")[1])[1]]
    c.row("an error page is kept for ErrorCachingMinTTL", both, want=lambda r: r == ["<p>app</p>", "there"])
    told = Site(c, site.bucket, errors=[{"code": 403, "page": "/404.html", "status": 404}])
    site.put("404.html", "gone")
    c.row("an error page answers 404", lambda: told.view("/nothing"), want=lambda r: (r[0], r[2]) == (404, "gone"))


@section("cloudfront")
def steering(c):
    """What a test says to the local CloudFront."""
    site = Site(c)
    site.put("index.html", "one")
    site.view("/index.html")
    kept = lambda: c.control("GET", f"accounts/{c.account}/edge/cache?distribution={site.id}")
    c.row(
        "a test sees what is kept",
        kept,
        want=lambda r: [(one["path"], one["status"], one["good"]) for one in r] == [("/index.html", 200, True)],
    )
    c.control("DELETE", f"accounts/{c.account}/edge/cache?distribution={site.id}")
    c.row("a test empties the edge", kept, want=lambda r: r == [])
    throttled = {"service": "cloudfront", "operation": "CreateInvalidation", "status": 400, "code": "Throttling"}
    slow = {"service": "edge", "operation": "GET", "match": "/index.html", "status": 503}
    c.control("POST", f"accounts/{c.account}/faults", [throttled, slow])
    c.row("a fault of CloudFront has its code", lambda: site.invalidate("/a"), error="400 Throttling")
    c.row("a fault of a distribution", lambda: site.view("/index.html")[0], want=lambda r: r == 503)
    c.row(
        "viewers are in the log of the account that has the distribution",
        lambda: c.control("GET", f"accounts/{c.account}/requests"),
        want=lambda r: [one["path"] for one in r if one["service"] == "edge"] == ["/index.html"] * 2,
    )


SECTIONS = [reaching, keeping, keys, origins, invalidating, asking, deploying, errors, steering]
