"""A published version has a state of its own: Pending for a while, Active, or Failed.

MiniStack's versions are Active at once. `version_delay` and `next_version` of the account set what becomes of them.
"""

import time

from ministack.services import lambda_svc

from .. import settings
from ..scope import body_of, get_account_id, in_background, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"
ROWS = ["lambda: a published version is Pending, then Failed"]


def install():
    @around(lambda_svc, "_publish_version", "(name, data)", "3bc240a8db5d")
    def publish(inner, name, data):
        function = lambda_svc._functions.get(name)
        known = set(function["versions"]) if function else set()
        response = inner(name, data)
        number = body_of(response).get("Version")
        if response[0] >= 300 or number in known:
            return response
        account = get_account_id()
        wanted = settings.take(account, "next_version", name) or {}
        seconds = wanted.get("delay", settings.value(account, "version_delay"))
        version = function["versions"][number]
        if seconds:
            version["testbed_pending"] = True
            version["config"].update(
                State="Pending", StateReason="The function is being created.", StateReasonCode="Creating"
            )
            in_background(_settle, version, seconds, wanted)
        elif wanted:
            _become(version, wanted)
        return json_response(version["config"], 201)


def _settle(version: dict, seconds: float, wanted: dict) -> None:
    time.sleep(seconds)
    _become(version, wanted)


def _become(version: dict, wanted: dict) -> None:
    configuration = version["config"]
    version.pop("testbed_pending", None)
    configuration["LastUpdateStatus"] = "Successful"
    configuration["State"] = wanted.get("state", "Active")
    configuration.pop("StateReason", None)
    configuration.pop("StateReasonCode", None)
    if configuration["State"] != "Active":
        configuration["StateReason"] = wanted.get("reason", "The function could not be created.")
        configuration["StateReasonCode"] = wanted.get("code", "InternalError")
