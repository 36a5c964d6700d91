"""Where a container engine pulls the images of ECR from: a registry that only reads, on a port of its own.

An engine names a registry by its address and knows nothing of accounts, so the account and the region come first in the name:
`127.0.0.1:40123/111122223333/eu-west-1/doc-platform/api@sha256:..`. Whether a task may pull is not asked: this is ECS itself.
"""

import functools
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ministack.services import ecr

from ..corrections import lambda_image_source

_PATH = re.compile(r"^/v2/(\d{12})/([a-z0-9-]+)/(.+)/(manifests|blobs)/(sha256:[0-9a-f]{64})$")
_lock = threading.Lock()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, kind, content = _answer(self.path)
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.send_header("docker-distribution-api-version", "registry/2.0")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    do_HEAD = do_GET

    def log_message(self, *_):
        """Nothing: what the engine cannot pull, it says itself."""


def _answer(path: str) -> tuple[int, str, bytes]:
    if path == "/v2/":
        return 200, "application/json", b"{}"
    found = _PATH.match(path)
    if found:
        account, region, repository, kind, digest = found.groups()
        if kind == "blobs":
            blob = (ecr._layer_blobs.get_scoped(account, region, repository) or {}).get(digest)
            if blob is not None:
                return 200, "application/octet-stream", blob
        else:
            image = lambda_image_source._find(account, region, repository, None, digest)
            if image:
                return 200, image["imageManifestMediaType"], image["imageManifest"].encode()
    return 404, "application/json", b'{"errors": [{"code": "NAME_UNKNOWN", "message": "not found"}]}'


@functools.cache
def _port() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def name_of(reference: str, digest: str, registries: dict) -> str:
    """What the engine calls an image: ECR's are here, those of other hosts where `registries` says (`{"ghcr.io": "127.0.0.1:5000"}`)."""
    found = lambda_image_source._URI.match(reference)
    if found:
        account, region, repository = found.groups()[:3]
        with _lock:
            return f"127.0.0.1:{_port()}/{account}/{region}/{repository}@{digest}"
    host, _, path = reference.split("@")[0].partition("/")
    repository = path.rsplit(":", 1)[0] if ":" in path.rsplit("/", 1)[-1] else path
    return f"{registries.get(host, host)}/{repository}@{digest}"
