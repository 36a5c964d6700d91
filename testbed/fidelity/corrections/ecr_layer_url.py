"""GetDownloadUrlForLayer answers a URL that needs no credentials, and refuses them, and serves the layer.

MiniStack answers a URL of a host name that does not exist.
"""

import os
import re
from urllib.parse import quote, unquote

from ministack.services import ecr

from ..scope import body_of, error, get_account_id, get_region, json_response
from ..wrapping import around

# Where the URLs lead, in the place of the S3 buckets of AWS's own, and what the request log calls that.
PATH = "/_testbed/layers/"
SERVICE = "layers"

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetDownloadUrlForLayer.html"
ROWS = ["ecr: GetDownloadUrlForLayer serves the layer", "ecr: GetDownloadUrlForLayer missing layer"]


def install():
    @around(ecr, "_get_download_url_for_layer", "(data)", "56e5002b00dc")
    def url(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        name, digest = data["repositoryName"], data["layerDigest"]
        if digest not in (ecr._layer_blobs.get(name) or {}):
            return error(
                "LayerInaccessibleException", f"Layer with digest '{digest}' is not available in repository '{name}'"
            )
        return json_response({**body_of(response), "downloadUrl": presigned(name, digest)})


def presigned(name: str, digest: str) -> str:
    """A URL of a layer in the account and region of the request."""
    path = "/".join([get_account_id(), get_region(), quote(name, safe=""), digest])
    query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature=0"
    return f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}{PATH}{path}?{query}"


def download(request):
    """The answer to a request for such a URL."""
    parts = [unquote(part) for part in request.path.split("/")[3:]]
    blob = None
    if len(parts) >= 4:
        account, region, digest = parts[0], parts[1], parts[-1]
        blob = (ecr._layer_blobs.get_scoped(account, region, "/".join(parts[2:-1])) or {}).get(digest)
    if blob is None:
        return 404, {"content-type": "text/plain"}, b"no such layer"
    return _serve(blob, request.headers)


def _serve(blob: bytes, headers: dict):
    if headers.get("authorization"):
        return _xml(400, "InvalidArgument", "Only one auth mechanism allowed")
    answer = {"content-type": "application/octet-stream", "accept-ranges": "bytes"}
    asked = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
    if not asked:
        return 200, answer, blob
    start, end = int(asked[1]), min(int(asked[2] or len(blob)), len(blob) - 1)
    if start > end:
        return _xml(416, "InvalidRange", "The requested range is not satisfiable")
    answer["content-range"] = f"bytes {start}-{end}/{len(blob)}"
    return 206, answer, blob[start : end + 1]


def _xml(status: int, code: str, message: str):
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return status, {"content-type": "application/xml"}, body.encode()
