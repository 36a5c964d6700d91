"""A function logs to one stream for each execution environment, with what the platform says of its start.

MiniStack makes a stream for every invocation, named without the function in a group of its own choice, never says INIT_START, and
writes the lines of the platform as text whatever the log format is, also those that the system log level keeps back.
"""

import json

from ministack.services import lambda_svc

from .. import logs, watch
from ..scope import get_account_id
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html"
ROWS = [
    "logs: a version logs to a stream of its own, START to REPORT",
    "logs: the first invocation of a version says INIT_START",
    "logs: a function with a log group of its own choice names itself in the stream",
    "logs: a failed start says INIT_REPORT with the error type",
    "logs: a function that logs JSON has the platform's events as JSON",
    "logs: SystemLogLevel WARN keeps START and REPORT back",
    "logs: ApplicationLogLevel FATAL keeps the function's lines back",
]
_PLATFORM = ("START ", "END ", "REPORT ", "INIT_", "RESTORE_", "EXTENSION\t", "TELEMETRY\t", "RequestId: ")
_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
_begun: set[tuple] = set()


def install():
    @around(
        lambda_svc,
        "_emit_lambda_logs",
        "(func, request_id, log_text, error, duration_ms, log_source)",
        "111efbf06968",
    )
    def emit(_, *arguments, **named):
        """The lines are written once they are complete, by `dispatch`."""

    @around(lambda_svc, "_execute_function_dispatch", "(func, config, event, request_id, started)", "f62cd259213e")
    def dispatch(inner, func, config, event, request_id, started):
        result = inner(func, config, event, request_id, started)
        if isinstance(result, dict) and not result.get("throttle"):
            _write(config, result.get("log") or "")
        return result


def _write(config: dict, text: str) -> None:
    function, version = config["FunctionName"], config.get("Version", "$LATEST")
    logging = config.get("LoggingConfig") or {}
    group = logging.get("LogGroup") or f"/aws/lambda/{function}"
    at = watch.now(get_account_id())
    stream = logs.stream_of(group, function, version, config.get("RevisionId", ""), at)
    messages = _events(text)
    begun = (get_account_id(), group, stream)
    if begun not in _begun:
        _begun.add(begun)
        messages.insert(0, _init_start(config, logging.get("LogFormat")))
    if logging.get("LogFormat") == "JSON":
        messages = [one for one in messages if _is_sent(one, logging)]
    logs.write(group, stream, [{"at": at, "message": one} for one in messages])


def _init_start(config: dict, formatted: str | None) -> str:
    if formatted == "JSON":
        record = {"initializationType": "on-demand", "phase": "init", "functionVersion": config.get("Version", "$LATEST")}
        return json.dumps({"type": "platform.initStart", "record": record})
    runtime = str(config.get("Runtime") or "image").replace("python", "python:")
    return f"INIT_START Runtime Version: {runtime}.v1\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0"


def _events(text: str) -> list[str]:
    """The lines, but a runtime's error and its stack trace as the one event they are."""
    found: list[str] = []
    for line in text.splitlines():
        is_platform = line.startswith(_PLATFORM) or line.startswith('{"time"')
        if found and found[-1].startswith("[ERROR] ") and not is_platform:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def _is_sent(message: str, logging: dict) -> bool:
    """What the log levels of a function that logs JSON let through.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    try:
        told = json.loads(message)
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    kind = str(told.get("type", ""))
    if kind.startswith("platform."):
        return _reaches(_system_level(kind, told.get("record") or {}), logging.get("SystemLogLevel") or "INFO")
    level = str(told.get("level") or told.get("log_level") or "INFO").upper()
    return _reaches(level if level in _LEVELS else "INFO", logging.get("ApplicationLogLevel") or "INFO")


def _system_level(kind: str, record: dict) -> str:
    if record.get("status", "success") != "success":
        return "WARN"
    return "DEBUG" if kind in ("platform.initReport", "platform.initRuntimeDone", "platform.runtimeDone") else "INFO"


def _reaches(level: str, least: str) -> bool:
    return _LEVELS.index(level) >= _LEVELS.index(least)
