"""A durable function is one that has a DurableConfig; its execution has the name that Invoke gives it, and ends with what the
handler returns; ListDurableExecutionsByFunction without a qualifier tells those of all versions.

MiniStack wants a member `Enabled` that AWS does not have, passes over the name, leaves the execution running for ever unless the
handler returns its status, and lists those of $LATEST. A handler that returns `{"Status": "PENDING"}` waits, here as with AWS's SDK, and so does every execution of a function whose
`DurableConfig` a test gave the member `testbed_waits`.
"""

import contextvars
import json

from ministack.services import lambda_durable, lambda_svc

from ..scope import body_of, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-idempotency.html"
ROWS = [
    "lambda: Invoke a durable function names its execution",
    "lambda: an execution of a durable function ends with its handler",
    "lambda: an execution of a durable function that waits is stopped",
]

_name = contextvars.ContextVar("testbed_durable_name", default=None)


def install():
    @around(
        lambda_durable,
        "create_execution_for_invoke",
        "(function_arn, version, input_payload, name, trace_id, execution_timeout)",
        "e95d06d3690b",
    )
    def create(inner, function_arn, version, input_payload, name=None, **options):
        return inner(function_arn, version, input_payload, name=name or _name.get(), **options)

    @around(
        lambda_durable, "handle_list_by_function", "(function_name, query_params, function_arn_lookup)", "2f192af4d5d1"
    )
    def listed(inner, function_name, query_params, function_arn_lookup):
        if query_params.get("Qualifier"):
            return inner(function_name, query_params, function_arn_lookup)
        arn = function_arn_lookup(function_name)
        versions = {one["Version"] for one in lambda_durable._executions.values() if one["FunctionArn"] == arn}
        answers = [
            inner(function_name, {**query_params, "Qualifier": [version]}, function_arn_lookup)
            for version in sorted(versions) or ["$LATEST"]
        ]
        found = [one for answer in answers for one in body_of(answer).get("DurableExecutions", [])]
        return json_response({"DurableExecutions": found}, answers[0][0])

    @around(lambda_svc, "_invoke", "(name, event, headers, path_qualifier, query_params)", "ab193779e5c2")
    async def invoke(inner, name, event, headers, path_qualifier=None, query_params=None):
        configuration = (lambda_svc._functions.get(name) or {}).get("config") or {}
        durable = configuration.get("DurableConfig")
        if durable is None:
            return await inner(name, event, headers, path_qualifier, query_params)
        configuration["DurableConfig"] = _Durable(durable)
        given = {header.lower(): value for header, value in headers.items()}
        token = _name.set(given.get("x-amz-durable-execution-name"))
        try:
            answer = await inner(name, event, headers, path_qualifier, query_params)
        finally:
            _name.reset(token)
        arn = answer[1].get("X-Amz-Durable-Execution-Arn")
        waits = durable.get("testbed_waits") or _waits(answer[2])
        if arn and lambda_durable._executions[arn]["Status"] == "RUNNING" and not waits:
            lambda_durable.mark_execution_completed(arn, result_payload=answer[2].decode(), error=None)
        return answer


class _Durable(dict):
    """A DurableConfig in which MiniStack finds its member `Enabled`, though it is not there to be told or hashed."""

    def get(self, name, default=None):
        return True if name == "Enabled" else super().get(name, default)


def _waits(payload: bytes) -> bool:
    try:
        returned = json.loads(payload)
    except ValueError:
        return False
    return isinstance(returned, dict) and returned.get("Status") == "PENDING"
