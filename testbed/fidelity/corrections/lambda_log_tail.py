"""LogType=Tail answers the last 4 KB of the log, with the START, END and REPORT lines of the platform. Of a function whose log format is
JSON they are JSON objects (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html).

MiniStack answers the function's own output only, and nothing at all if there is none.
"""

import time

from ministack.services import lambda_svc

from .. import platform_lines
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"
ROWS = [
    "lambda: Invoke LogType=Tail",
    "lambda: Invoke LogType=Tail of a failed start has INIT_REPORT",
    "lambda: Invoke LogType=Tail with JSON system logs",
]


def install():
    @around(lambda_svc, "_execute_function_dispatch", "(func, config, event, request_id, started)", "f62cd259213e")
    def dispatch(inner, func, config, event, request_id, started):
        result = inner(func, config, event, request_id, started)
        if isinstance(result, dict) and not result.get("throttle"):
            result["log"] = log(result, config, request_id, (time.time() - started) * 1000)
        return result


def log(result: dict, config: dict, request_id: str, milliseconds: float) -> str:
    formatted = (config.get("LoggingConfig") or {}).get("LogFormat") or "Text"
    own = (result.get("log") or "").rstrip("\n")
    body = result.get("body") if result.get("error") else None
    kind = body.get("errorType") if isinstance(body, dict) else None
    by_platform = kind == platform_lines.TIMED_OUT or str(kind).startswith("Runtime.")
    init = result.get("testbed_init_error")
    lines = platform_lines.invocation(
        formatted,
        request_id,
        config.get("Version", "$LATEST"),
        [own] if own else [],
        kind if by_platform else None,
        bool(result.get("error")),
        milliseconds,
        config.get("MemorySize", 128),
    )
    first = [platform_lines.init_report(formatted, init, milliseconds=milliseconds)] if init else []
    return "\n".join([*first, *lines]) + "\n"
