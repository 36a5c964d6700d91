"""What a test says about CloudFront of an account, under /_testbed/accounts/{id}/edge/.

POST   site     makes a bucket, if there is none, and a distribution in front of it that is Deployed already and may
                read it: {"bucket", "origin-path"?: "/live", "root"?: "index.html", "aliases"?: [..], "policy"?,
                "list"?: false, "errors"?: [{"code": 403, "page"?, "status"?, "ttl"?: 10}],
                "behaviours"?: [{"path": "assets/*", "policy"?}], "pointer"?}
                -> {"distribution", "arn", "domain", "bucket", "path", "store"?, "function"?}
    policy      a managed one (CachingOptimized unless set, CachingDisabled) or {"min", "default", "max", "query"?}
    list        whether CloudFront may list the bucket, so that what is missing is 404
    path        where it answers, below the endpoint, as by HTTPS
    pointer     a function in front, as in functions.py, and its store: {"key", "release", "prefix"?, "only"?,
                "cookie"?, "code"?, "store"?: name, "function"?: name, "items"?: {..}}
GET    cache    ?distribution=   what is kept: [{"path", "status", "age", "good", "etag"}]
DELETE cache    ?distribution=   the edge has nothing
PATCH  store    {"store": name, "status": "PROVISIONING" or any other word; null: as it is}

Other things are settings: `distribution_delay`, `invalidation_delay`, `kvs_create_delay`, `kvs_delay`.
"""

from ministack.services import cloudfront

from . import cache, progress, stand


def answer(method: str, parts: list[str], query: dict, data):
    """The answer; none if there is no such endpoint."""
    match (method, *parts):
        case ("POST", "site"):
            return stand.make(data)
        case ("GET", "cache"):
            return cache.told(cloudfront._distributions[query["distribution"][0]], progress.now())
        case ("DELETE", "cache"):
            cache.forget(query["distribution"][0])
            return {}
        case ("PATCH", "store"):
            store = cloudfront._kvstores[data["store"]]
            store["_testbed_status"] = data["status"]
            store["Status"] = data["status"] or store["Status"]
            progress.refresh()
            return {"status": store["Status"]}
    return None
