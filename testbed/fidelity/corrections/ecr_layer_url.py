"""GetDownloadUrlForLayer answers a URL that needs no credentials and serves the layer.

MiniStack answers a URL of a host name that does not exist.
"""

import os
from urllib.parse import quote, unquote

from ministack.services import ecr

from ..scope import body_of, error, get_account_id, get_region, json_response
from ..wrapping import around

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
        path = "/".join([get_account_id(), get_region(), quote(name, safe=""), digest])
        where = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}/_testbed/layers/{path}"
        return json_response({**body_of(response), "downloadUrl": where})


def download(path: str):
    """The answer to a request for such a URL."""
    parts = [unquote(part) for part in path.split("/")[3:]]
    blob = None
    if len(parts) >= 4:
        account, region, digest = parts[0], parts[1], parts[-1]
        blob = (ecr._layer_blobs.get_scoped(account, region, "/".join(parts[2:-1])) or {}).get(digest)
    if blob is None:
        return 404, {"content-type": "text/plain"}, b"no such layer"
    return 200, {"content-type": "application/octet-stream"}, blob
