"""A request that is signed for all regions, as those to key value stores are, is made by who signed it.

MiniStack reads the access key of such a signature only where it checks it.
"""

from ministack.core import router

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/kvs-with-functions-kvp.html"
ROWS = ["cloudfront: DescribeKeyValueStore signed by SigV4A"]


def install():
    @around(router, "_sigv4a_verified", "()", "c317a23e16c1")
    def verified(inner):
        return True
