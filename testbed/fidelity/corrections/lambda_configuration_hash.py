"""A configuration tells a hash of itself, and the version of its managed runtime.

MiniStack tells neither: `ConfigSha256` is left out, and `RuntimeVersionArn` is empty, also for images, which have no runtime.
What AWS counts for the hash is not told; here it is everything that makes a version another one, without its code.
"""

import base64
import hashlib
import json

from ministack.core.responses import get_region
from ministack.services import lambda_svc

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html"
ROWS = [
    "lambda: ConfigSha256 changes with the configuration, and not with the code",
    "lambda: a managed runtime has a version, an image has none",
]

# What AWS sets by itself, what belongs to the code, and what each version has of its own.
_LEFT_OUT = {
    "RevisionId", "LastModified", "Version", "FunctionArn", "State", "StateReason", "StateReasonCode", "LastUpdateStatus",
    "LastUpdateStatusReason", "LastUpdateStatusReasonCode", "ImageUri", "CodeSha256", "CodeSize", "ConfigSha256",
    "RuntimeVersionConfig", "Description",
}  # fmt: skip


def install():
    @around(lambda_svc, "_create_function", "(data)", "e307eecdf0d8")
    def create(inner, data):
        response = inner(data)
        return _told(data["FunctionName"], response) if response[0] < 300 else response

    @around(lambda_svc, "_update_config", "(name, data)", "6999cb0695da")
    def update(inner, name, data):
        response = inner(name, data)
        return _told(name, response) if response[0] < 300 else response


def _told(name: str, response):
    configuration = lambda_svc._functions[name]["config"]
    kept = {key: value for key, value in configuration.items() if key not in _LEFT_OUT}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True, default=str).encode()).digest()
    told = {"ConfigSha256": base64.b64encode(digest).decode()}
    if configuration.get("PackageType") == "Image":
        configuration.pop("RuntimeVersionConfig", None)
    else:
        version = hashlib.sha256(str(configuration.get("Runtime")).encode()).hexdigest()
        told["RuntimeVersionConfig"] = {"RuntimeVersionArn": f"arn:aws:lambda:{get_region()}::runtime:{version}"}
    configuration.update(told)
    for version in lambda_svc._functions[name]["versions"].values():
        version["config"].setdefault("ConfigSha256", told["ConfigSha256"])
    return json_response(body_of(response) | told, response[0])
