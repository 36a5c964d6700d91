"""A function reads the key value stores that it is associated with, as they are at the edge.

MiniStack runs it without that module. It needs Node; here a function may say in a comment what it does:
../edge/functions.py.
"""

from ministack.services import cloudfront

from ..edge import functions
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-custom-methods.html"
ROWS = [
    "cloudfront: a function puts the release of its store before documents",
    "cloudfront: a function without a value uses the release compiled into it",
    "cloudfront: a function sees a new value after a while",
    "cloudfront: a function is changed when it is published",
    "cloudfront: a cookie pins a release",
]


def install():
    @around(cloudfront, "_run_function", "(function_arn, event)", "209b3fc7c342")
    async def run(inner, function_arn, event):
        return await functions.run(function_arn, event)
