"""Invocations of $LATEST run the previous code and configuration until an update is Successful.

MiniStack runs the new code from the moment of the request. After a failed update AWS goes on with the previous code.
"""

import copy

from ministack.services import lambda_svc

from ..scope import here
from ..wrapping import around
from . import lambda_dry_run

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html"
ROWS = ["lambda: Invoke right after update (while InProgress): AWS runs OLD code until Successful"]

# What an update replaces: function record fields by (account, region, name).
_served: dict[tuple, dict] = {}


def install():
    for name, source in (("_update_code", "0998d118b422"), ("_update_config", "6999cb0695da")):
        around(lambda_svc, name, "(name, data)", source)(update)

    @around(lambda_svc, "_execute_function", "(func, event)", "3ceb16d6480a")
    def execute(inner, func, event):
        return inner(_serving(func), event)


def update(inner, name, data):
    function = lambda_svc._functions.get(name)
    if function is None or lambda_dry_run.running():
        return inner(name, data)
    key = here(name)
    before = _served.get(key)
    if before is None or function["config"]["LastUpdateStatus"] == "Successful":
        before = {
            "config": copy.deepcopy(function["config"]),
            "code_zip": function.get("code_zip"),
            "testbed_image": function.get("testbed_image"),
        }
    # MiniStack answers with its live records: nothing may change before it has accepted the update.
    response = inner(name, data)
    if response[0] < 300:
        _served[key] = before
    return response


def _serving(func: dict) -> dict:
    configuration = func.get("config") or func
    if configuration.get("Version") != "$LATEST":
        return func
    account, region = lambda_svc._account_region_from_function_config(configuration)
    key = (account, region, configuration["FunctionName"])
    before = _served.get(key)
    if before is None:
        return func
    live = lambda_svc._functions.get_scoped(*key)
    if live is None or live["config"]["LastUpdateStatus"] == "Successful":
        _served.pop(key, None)
        return func
    return {**func, **before, "config": {**before["config"], "FunctionArn": configuration["FunctionArn"]}}
