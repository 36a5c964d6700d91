"""The registry lists the manifests that refer to an image, and says so when one is pushed (OCI-Subject).

MiniStack takes the request for one of S3.
"""

import json
import re

from ministack import app
from ministack.services import ecr

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/userguide/images.html"
ROWS = [
    "ecr: Docker v2 PUT of a referrer answers OCI-Subject",
    "ecr: Docker v2 lists referrers",
    "ecr: Docker v2 lists no referrers of an image that has none",
]

_PATH = re.compile(r"^/v2/(.+)/referrers/(sha256:[0-9a-f]{64})$")
_INDEX = "application/vnd.oci.image.index.v1+json"


def install():
    @around(app, "_is_ecr_registry_path", "(path)", "4a808fbbe36c")
    def registry(inner, path):
        return inner(path) or bool(_PATH.match(path))

    @around(ecr, "handle_registry_request", "(method, path, headers, body, query_params)", "8d092cb90854")
    async def request(inner, method, path, headers, body, query_params):
        asked = _PATH.match(path)
        if not asked or method != "GET":
            return await inner(method, path, headers, body, query_params)
        ecr._select_registry_request_scope(asked[1], headers, query_params)
        return ecr._ensure_repo_exists(asked[1]) or _list(
            asked[1], asked[2], ecr._query_first(query_params, "artifactType")
        )

    @around(ecr, "_v2_put_manifest", "(name, ref, headers, body)", "61f30e54dc20")
    def put(inner, name, ref, headers, body):
        status, answered, content = inner(name, ref, headers, body)
        subject = json.loads(body).get("subject") if status == 201 else None
        return status, {**answered, "OCI-Subject": subject["digest"]} if subject else answered, content


def _list(name: str, digest: str, kind: str | None):
    found = []
    for image in ecr._images.get(name) or []:
        manifest = json.loads(image["imageManifest"])
        if (manifest.get("subject") or {}).get("digest") != digest:
            continue
        artifact = manifest.get("artifactType") or (manifest.get("config") or {}).get("mediaType")
        if kind in (None, artifact):
            found.append(
                {
                    "mediaType": image["imageManifestMediaType"],
                    "digest": image["imageDigest"],
                    "size": len(image["imageManifest"].encode()),
                    "artifactType": artifact,
                }
                | ({"annotations": manifest["annotations"]} if manifest.get("annotations") else {})
            )
    body = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": found}).encode()
    headers = {"Content-Type": _INDEX} | ({"OCI-Filters-Applied": "artifactType"} if kind else {})
    return ecr._registry_ok(200, headers, body)
