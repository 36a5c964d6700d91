"""Every invocation publishes metrics for its function, for what was invoked, and for the version that ran.

AWS publishes them without dimensions, by FunctionName, by FunctionName and Resource (`app`, `app:live`, `app:3`) and, when an
alias was invoked, by ExecutedVersion too. A throttled request is neither an invocation nor an error. MiniStack publishes by
FunctionName only, counts a throttled request as an invocation, and publishes nothing for function URLs and APIs.
"""

import contextvars
import time

from ministack.services import lambda_svc

from .. import metrics
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
ROWS = [
    "cloudwatch: an invocation of an alias is published by executed version",
    "cloudwatch: an invocation of a version is published by resource",
    "cloudwatch: an invocation without qualifier is published by resource",
    "cloudwatch: a request of a function URL is an invocation of the alias",
    "cloudwatch: a throttled request is no invocation",
]

# Where the configurations of functions that run are noted, for whoever is their HTTP entry.
ran: contextvars.ContextVar[list | None] = contextvars.ContextVar("testbed_ran", default=None)


def install():
    @around(lambda_svc, "_emit_lambda_metrics", "(function_name, duration_ms, error, throttle)", "3b6689d77cf6")
    def emit(_, function_name, duration_ms, error, throttle):
        """What is not published by `execute`: nothing."""

    @around(lambda_svc, "_execute_function", "(func, event)", "3ceb16d6480a")
    def execute(inner, func, event):
        configuration = func.get("config") or func
        if lambda_svc._function_config_scope_mismatch(configuration):
            return inner(func, event)
        if ran.get() is not None:
            ran.get().append(configuration)
        started = time.monotonic()
        result = inner(func, event)
        told = result if isinstance(result, dict) else {}
        if told.get("throttle"):
            throttled(configuration)
        else:
            _invoked(configuration, (time.monotonic() - started) * 1000, bool(told.get("error")))
        return result


def throttled(configuration: dict) -> None:
    """A request that was refused for want of concurrency."""
    metrics.record(metrics.LAMBDA, "Throttles", dimensions(configuration), 1)


def dimensions(configuration: dict) -> list[dict]:
    """The sets of dimensions of an invocation; its qualifier is the end of the ARN that the function sees."""
    arn = configuration["FunctionArn"].split(":")
    name, qualifier = configuration["FunctionName"], arn[7] if len(arn) > 7 else ""
    version = configuration.get("Version", "$LATEST")
    by_alias = qualifier not in ("", version)
    return metrics.of_function(name, f"{name}:{qualifier}" if qualifier else name, version if by_alias else None)


def _invoked(configuration: dict, milliseconds: float, failed: bool) -> None:
    sets = dimensions(configuration)
    metrics.record(metrics.LAMBDA, "Invocations", sets, 1)
    metrics.record(metrics.LAMBDA, "Errors", sets, 1 if failed else 0)
    metrics.record(metrics.LAMBDA, "Throttles", sets, 0)
    metrics.record(metrics.LAMBDA, "Duration", sets, milliseconds, "Milliseconds")
