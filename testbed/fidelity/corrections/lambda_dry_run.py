"""UpdateFunctionCode with DryRun checks the request and answers the new CodeSha256; nothing changes.

MiniStack deploys the code.
"""

import contextvars
import copy

from ministack.services import lambda_svc

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"
ROWS = ["lambda: UpdateFunctionCode DryRun leaves function"]

_running = contextvars.ContextVar("testbed_dry_run", default=False)


def running() -> bool:
    return _running.get()


def install():
    @around(lambda_svc, "_schedule_state_transition", "(func_name, delay)", "f072b21e2fd9")
    def schedule(inner, func_name, delay):
        if not running():
            inner(func_name, delay)

    @around(lambda_svc, "_update_code", "(name, data)", "0998d118b422")
    def update(inner, name, data):
        function = lambda_svc._functions.get(name)
        if function is None or not data.get("DryRun"):
            return inner(name, data)
        kept = {**function, "config": copy.deepcopy(function["config"])}
        token = _running.set(True)
        try:
            response = inner(name, data)
        finally:
            _running.reset(token)
            function.clear()
            function.update(kept)
        if response[0] >= 300:
            return response
        unchanged = ("State", "LastUpdateStatus", "RevisionId", "LastModified")
        answer = {**body_of(response), **{key: kept["config"][key] for key in unchanged}}
        for reason in ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode"):
            answer.pop(reason, None)
        return json_response(answer)
