"""The edge keeps what the origin answered, errors too, for as long as the cache policy and the origin say, or until
it is invalidated.

MiniStack asks the origin for every request, always says `Miss from cloudfront`, and takes any method unless some are
named. How long errors are kept:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html; parts of an object:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html
"""

from ministack.services import cloudfront

from ..edge import viewer
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html"
ROWS = [
    "cloudfront: the second request is a hit with an age",
    "cloudfront: an object without Cache-Control is good for a day",
    "cloudfront: max-age is how long an object is good",
    "cloudfront: s-maxage goes before max-age",
    "cloudfront: an expired object that is the same is a refresh hit",
    "cloudfront: HEAD is answered from the edge",
    "cloudfront: a part of an object that is kept",
    "cloudfront: a viewer who has what is kept",
    "cloudfront: a changed object is not seen before it is invalidated",
    "cloudfront: an invalidation reaches the edge when it is completed",
    "cloudfront: an invalidation of one path leaves the others",
    "cloudfront: an invalidation of / leaves the default root object",
    "cloudfront: an invalidation of a path that is URL-encoded",
    "cloudfront: an invalidation of an encoded tilde leaves the plain one",
    "cloudfront: a changed origin path leaves what is kept",
    "cloudfront: the query string is not part of the key unless the policy says so",
    "cloudfront: a behaviour has an origin of its own",
    "cloudfront: two distributions in front of one bucket keep for themselves",
    "cloudfront: a missing object is kept for ten seconds",
    "cloudfront: an error page is kept for ErrorCachingMinTTL",
    "cloudfront: an error is said to be one",
    "cloudfront: a POST is refused",
]


def install():
    @around(
        cloudfront,
        "handle_viewer_request",
        "(dist, method, path, raw_uri, raw_query_string, headers, body, query_params, client_ip)",
        "986c135cbc35",
    )
    async def view(inner, *arguments, **named):
        return await viewer.view(inner, *arguments, **named)

    @around(cloudfront, "_match_behavior", "(parsed, path)", "dd31633dffe5")
    def match(inner, parsed, path):
        behaviour = inner(parsed, path)
        viewer.matched(behaviour)
        return behaviour

    @around(cloudfront, "_dataplane_behavior", "(behavior_el, path_pattern)", "ccb8d22a2569")
    def behaviour(inner, behavior_el, path_pattern=None):
        found = inner(behavior_el, path_pattern)
        # What is not said is GET and HEAD.
        return {
            **found,
            "testbed_ttl": viewer.ttl_of(behavior_el, found),
            "allowed_methods": found["allowed_methods"] or ["GET", "HEAD"],
        }

    @around(
        cloudfront,
        "_fetch_from_origin",
        "(origin, method, uri, query_string, headers, body, viewer_is_https, client_ip, viewer_xff, dist_arn)",
        "11c0079215ff",
    )
    async def fetch(inner, *arguments):
        return await viewer.fetch(inner, *arguments)
