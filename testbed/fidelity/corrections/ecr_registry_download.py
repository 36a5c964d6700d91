"""GET of a blob in the registry is a redirect to a presigned URL, which refuses a second way to sign, and has ranges.

MiniStack sends the blob itself, whole.
"""

from ministack.services import ecr

from ..wrapping import around
from . import ecr_layer_url

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html"
ROWS = [
    "ecr: Docker v2 GET blob is a redirect to a URL that serves it",
    "ecr: Docker v2 GET blob: the URL refuses Authorization",
    "ecr: Docker v2 GET blob: the URL serves a range",
]


def install():
    @around(ecr, "_v2_get_blob", "(name, digest)", "826dac087cb2")
    def get(inner, name, digest):
        response = inner(name, digest)
        if response[0] >= 300:
            return response
        return ecr._registry_ok(
            307, {"Location": ecr_layer_url.presigned(name, digest), "Docker-Content-Digest": digest}, b""
        )
