"""Blobs are mounted if the account wants it (BLOB_MOUNTING), and if an image of the other repository needs them.

MiniStack mounts any blob at once and has no account settings. Otherwise an upload begins, as the specification of
registries has it; see https://github.com/aws/containers-roadmap/issues/2860.
"""

import json

from ministack.services import ecr

from ..ecr import operations
from ..scope import error, here, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html"
ROWS = [
    "ecr: Docker v2 mounting is off at first (AWS: 202)",
    "ecr: PutAccountSetting BLOB_MOUNTING",
    "ecr: GetAccountSetting BLOB_MOUNTING",
    "ecr: Docker v2 mounts no blob that no image needs (AWS: 202)",
]

_VALUES = {"BLOB_MOUNTING": ["DISABLED", "ENABLED"], "BASIC_SCAN_TYPE_VERSION": ["AWS_NATIVE", "CLAIR"]}
_settings: dict[tuple, str] = {}


def install():
    operations.added({"GetAccountSetting": _get, "PutAccountSetting": _put})

    @around(ecr, "_v2_start_blob_upload", "(name, query_params, body)", "06f3ddabc12c")
    def start(inner, name, query_params, body):
        mount = ecr._query_first(query_params, "mount")
        if mount and not _mountable(mount, ecr._query_first(query_params, "from")):
            query_params = {key: value for key, value in query_params.items() if key not in ("mount", "from")}
        return inner(name, query_params, body)


def _put(data: dict):
    name, value = data.get("name"), data.get("value")
    if value not in _VALUES.get(name, []):
        return error("InvalidParameterException", f"Invalid parameter: name {name}, value {value}")
    _settings[here(name)] = value
    return _get(data)


def _get(data: dict):
    name = data.get("name")
    if name not in _VALUES:
        return error("InvalidParameterException", f"Invalid parameter: name {name}")
    return json_response({"name": name, "value": _settings.get(here(name), _VALUES[name][0])})


def _mountable(digest: str, source: str | None) -> bool:
    if _settings.get(here("BLOB_MOUNTING")) != "ENABLED":
        return False
    for image in ecr._images.get(source or "") or []:
        manifest = json.loads(image["imageManifest"])
        parts = [manifest.get("config") or {}, *manifest.get("layers", [])]
        if any(part.get("digest") == digest for part in parts):
            return True
    return False
