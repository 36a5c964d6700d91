"""A function logs to one stream for each execution environment, with what the platform says of its start.

MiniStack makes a stream for every invocation, named without the function in a group of its own choice, never says INIT_START, and
writes the lines of the platform as text whatever the log format is, also those that the system log level keeps back.
"""

import json

from ministack.services import lambda_svc

from .. import logs, platform_lines, watch
from ..scope import get_account_id
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html"
ROWS = [
    "logs: a version logs to a stream of its own, START to REPORT",
    "logs: the first invocation of a version says INIT_START",
    "logs: a function with a log group of its own choice names itself in the stream",
    "logs: a failed start says INIT_REPORT with the error type",
    "logs: a failed start of an image reads as one that a test puts",
    "logs: a function that logs JSON has the platform's events as JSON",
    "logs: SystemLogLevel WARN keeps START and REPORT back",
    "logs: ApplicationLogLevel FATAL keeps the function's lines back",
]
_PLATFORM = ("START ", "END ", "REPORT ", "INIT_", "RESTORE_", "EXTENSION\t", "TELEMETRY\t", "RequestId: ", '{"time"')
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
            _write(config, result.get("log") or "", result.get("testbed_own_events"))
        return result


def _write(config: dict, text: str, own: list[str] | None) -> None:
    """Writes the lines of an invocation; `own` are the events of a start that failed, where they are known."""
    function, version = config["FunctionName"], config.get("Version", "$LATEST")
    logging = config.get("LoggingConfig") or {}
    group = logging.get("LogGroup") or f"/aws/lambda/{function}"
    at = watch.now(get_account_id())
    stream = logs.stream_of(group, function, version, config.get("RevisionId", ""), at)
    messages = _as_tried_again(_events(text), own)
    begun = (get_account_id(), group, stream)
    if begun not in _begun:
        _begun.add(begun)
        # An image has no runtime of Lambda's whose version could be told.
        runtime = config.get("Runtime")
        if runtime or logging.get("LogFormat") == "JSON":
            messages.insert(0, platform_lines.init_start(logging.get("LogFormat"), version, runtime))
    if logging.get("LogFormat") == "JSON":
        messages = [one for one in messages if _is_sent(one, logging)]
    logs.write(group, stream, [{"at": at, "message": one} for one in messages])


def _events(text: str) -> list[str]:
    """The lines; an error with what follows it, a stack trace or its type, is the one event it is on AWS."""
    found: list[str] = []
    for line in text.splitlines():
        goes_on = found and found[-1].startswith(("[ERROR] ", "RequestId: ")) and not line.startswith(_PLATFORM)
        if goes_on:
            found[-1] += f"\n{line}"
            continue
        if line.startswith("[ERROR] ") and not (found and "LAMBDA_WARNING" in found[-1]):
            found.append(platform_lines.python_warning())
        found.append(line)
    return found


def _as_tried_again(messages: list[str], own: list[str] | None) -> list[str]:
    """A failed start is tried a second time, for the invocation that waits for it, and says all again."""
    reports = [one for one in messages if one.startswith("INIT_REPORT") or '"platform.initReport"' in one]
    if not reports:
        return messages
    if own is None:
        own = [one for one in messages if not one.startswith(_PLATFORM)]
    again = reports[0].replace("Phase: init", "Phase: invoke").replace('"phase":"init"', '"phase":"invoke"')
    said = {*own, *reports, *(line for one in own for line in one.splitlines())}
    return [*own, *reports, *own, again, *(one for one in messages if one not in said)]


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
    quiet = kind == "platform.initStart" and "runtimeVersion" not in record
    return (
        "DEBUG"
        if quiet or kind in ("platform.initReport", "platform.initRuntimeDone", "platform.runtimeDone")
        else "INFO"
    )


def _reaches(level: str, least: str) -> bool:
    return _LEVELS.index(level) >= _LEVELS.index(least)
