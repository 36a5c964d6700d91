"""Paths of an invalidation begin with a slash, are URL-encoded, and have a wildcard at their end only; and there are as
many as is said.

MiniStack takes any. AWS wants unsafe characters of RFC 1738 encoded, the tilde among them, and reports tell that the
encoded tilde then reaches no object that viewers ask for with a plain one: https://github.com/aws/aws-sdk/issues/525.
What it answers to a wildcard within, its page does not say: it is taken to be what it answers to any other wrong path.
"""

import re

from ministack.services import cloudfront

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html"
ROWS = [
    "cloudfront: CreateInvalidation with another quantity",
    "cloudfront: CreateInvalidation of a path without a slash",
    "cloudfront: CreateInvalidation of a path that is not URL-encoded",
    "cloudfront: CreateInvalidation of a path with a tilde",
    "cloudfront: CreateInvalidation of a path with a wildcard within",
]
# What is not unsafe, and escapes; 4,000 characters at most.
_PATH = re.compile(r"/(?:[A-Za-z0-9$\-_.+!'(),;/?:@=&]|%[0-9A-Fa-f]{2}){0,3998}\*?")


def install():
    @around(cloudfront, "_create_invalidation", "(dist_id, body)", "801254ce5555")
    def create(inner, dist_id, body):
        batch = cloudfront._parse_body(body)
        paths = cloudfront._find(batch, "Paths") if batch is not None else None
        items = cloudfront._find(paths, "Items") if paths is not None else None
        named = [one.text or "" for one in items] if items is not None else []
        if paths is not None and cloudfront._text(paths, "Quantity") != str(len(named)):
            words = "The value of Quantity and the size of Items don't match."
            return cloudfront._error("InconsistentQuantities", words, 400)
        if not all(_PATH.fullmatch(path) for path in named):
            words = "Your request contains one or more invalid invalidation paths."
            return cloudfront._error("InvalidArgument", words, 400)
        return inner(dist_id, body)
