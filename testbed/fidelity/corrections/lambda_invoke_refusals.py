"""Invoke refuses what it cannot run: a function that is Pending or Failed, or has no concurrency, a body that is not JSON or over 6 MB.

MiniStack runs a Pending function, takes a broken body for `{}`, has no limit, and reserves concurrency for `$LATEST` only. The first invocation of an Inactive
function fails and makes it Pending, then Active.
"""

import json
import time

from ministack.services import lambda_svc

from .. import settings
from ..scope import error, get_account_id, in_background
from ..wrapping import around
from . import cloudwatch_lambda_metrics

AWS = "https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"
ROWS = [
    "lambda: Invoke while Pending",
    "lambda: Invoke an Inactive function",
    "lambda: Invoke with a body that is not JSON",
    "lambda: Invoke oversize payload 6.5MB",
    "lambda: Invoke a version of a function whose reserved concurrency is 0",
]

LIMIT = 6 * 1024 * 1024


def install():
    @around(lambda_svc, "_invoke", "(name, event, headers, path_qualifier, query_params)", "ab193779e5c2")
    async def invoke(inner, name, event, headers, path_qualifier=None, query_params=None):
        qualifier = path_qualifier or lambda_svc._qp_first(query_params or {}, "Qualifier") or None
        _, configuration = lambda_svc._get_func_record_for_qualifier(name, qualifier)
        state = (configuration or {}).get("State", "Active")
        if state == "Inactive":
            configuration.update(
                State="Pending", StateReason="The function is being restored.", StateReasonCode="Restoring"
            )
            in_background(_restore, configuration, settings.value(get_account_id(), "update_delay"))
            state = "Pending"
        if state != "Active":
            return error(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the following "
                f"state: {state}",
                409,
            )
        if (lambda_svc._functions.get(name) or {}).get("concurrency") == 0:
            if configuration:
                arn = lambda_svc._func_arn(name) + (f":{qualifier}" if qualifier else "")
                cloudwatch_lambda_metrics.throttled({**configuration, "FunctionArn": arn})
            status, kept, body = error("TooManyRequestsException", "Rate Exceeded.", 429)
            reason = {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}
            return status, kept, json.dumps(json.loads(body) | reason).encode()
        return await inner(name, event, headers, path_qualifier, query_params)

    @around(lambda_svc, "handle_request", "(method, path, headers, body, query_params)", "f2255bfe6f90")
    async def handle(inner, method, path, headers, body, query_params):
        if method == "POST" and path.endswith("/invocations") and body:
            if len(body) > LIMIT:
                return error(
                    "RequestTooLargeException",
                    f"{len(body)} byte payload is too large for the RequestResponse invocation type "
                    f"(limit {LIMIT} bytes)",
                    413,
                )
            try:
                json.loads(body)
            except ValueError as problem:
                return error("InvalidRequestContentException", f"Could not parse request body into json: {problem}")
        return await inner(method, path, headers, body, query_params)


def _restore(configuration: dict, seconds: float) -> None:
    time.sleep(seconds)
    configuration["State"] = "Active"
    configuration.pop("StateReason", None)
    configuration.pop("StateReasonCode", None)
