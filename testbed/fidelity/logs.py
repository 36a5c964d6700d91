"""Log groups, streams and events: what functions write here, and what tests put."""

import itertools
import threading
import time
import uuid

from ministack.services import cloudwatch_logs, lambda_svc

from . import platform_lines, settings, watch
from .scope import get_account_id, get_region

CLASSES = ("STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS")

# Held while streams are added, or shown without some of them.
streams_change = threading.Lock()

_numbers = itertools.count(1)
_streams: dict[tuple, str] = {}


def group(name: str, kind: str | None = None) -> dict:
    """The log group, made if there is none; `kind` is the class it is made of, or set to."""
    found = cloudwatch_logs._log_groups.get(name)
    if found is None:
        found = {
            "arn": cloudwatch_logs._make_group_arn(name),
            "creationTime": milliseconds(watch.now(get_account_id())),
            "retentionInDays": None,
            "logGroupClass": "STANDARD",
            "tags": {},
            "subscriptionFilters": {},
            "streams": {},
        }
        cloudwatch_logs._log_groups[name] = found
    if kind:
        if kind not in CLASSES:
            raise ValueError(f"no such class of log groups: {kind}")
        found["logGroupClass"] = kind
    return found


def group_of(function: str) -> str:
    """The group a function logs to, as its configuration says."""
    made = lambda_svc._functions.get(function)
    logging = ((made or {}).get("config") or {}).get("LoggingConfig") or {}
    return logging.get("LogGroup") or f"/aws/lambda/{function}"


def stream_of(group_name: str, function: str, version: str, environment: str, at: float) -> str:
    """The stream of an execution environment, named for the day it began on.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html
    """
    key = (get_account_id(), get_region(), group_name, function, version, environment)
    if key not in _streams:
        day = time.strftime("%Y/%m/%d", time.gmtime(at))
        shared = "" if group_name == f"/aws/lambda/{function}" else function
        identifier = str(uuid.uuid4()) if shared else uuid.uuid4().hex
        _streams[key] = f"{day}/{shared}[{version}]" + (f"[{identifier}]" if shared else identifier)
    return _streams[key]


def write(group_name: str, stream: str, events: list[dict], kind: str | None = None) -> None:
    """Appends events: `at` in seconds since 1970, `message`, and `late` if it is ingested later than others."""
    made = {
        "events": [],
        "uploadSequenceToken": "1",
        "creationTime": milliseconds(events[0]["at"]) if events else 0,
        "firstEventTimestamp": None,
        "lastEventTimestamp": None,
        "lastIngestionTime": None,
    }
    with streams_change:
        found = group(group_name, kind)["streams"].setdefault(stream, made)
    stored = [
        {
            "timestamp": milliseconds(one["at"]),
            "message": one["message"],
            "ingestionTime": milliseconds(one["at"]),
            "eventId": event_id(one["at"]),
            "testbed_late": one.get("late"),
        }
        for one in events
    ]
    cloudwatch_logs._append_log_events(found, stored)


def event_id(at: float) -> str:
    """Fifty-six digits that grow with the time of the event."""
    return f"{milliseconds(at):014d}{next(_numbers):042d}"


def milliseconds(at: float) -> int:
    return int(at * 1000)


def put(account: str, data: dict) -> dict:
    """Puts a group, a stream and events: see control_watch.py."""
    function, version = data.get("function"), data.get("version", "$LATEST")
    group_name = data.get("group") or group_of(function)
    group(group_name, data.get("class"))
    at = watch.moment(account, data)
    events = _events(account, data, at, version)
    if not events:
        return {"group": group_name, "stream": None}
    day = time.strftime("%Y/%m/%d", time.gmtime(events[0]["at"]))
    stream = data.get("stream") or stream_of(group_name, function or "app", version, day, events[0]["at"])
    write(group_name, stream, events)
    return {"group": group_name, "stream": stream}


def _events(account: str, data: dict, at: float, version: str) -> list[dict]:
    formatted, request = data.get("format", "Text"), str(uuid.uuid4())
    if "events" in data:
        return [
            one | {"at": watch.moment(account, one), "late": one.get("late", data.get("late"))}
            for one in data["events"]
        ]
    lines = data.get("lines", [])
    if "init-error" in data:
        lines = platform_lines.failed_start(data["init-error"], formatted, request, version)
    elif data.get("invocation"):
        lines = platform_lines.invocation(formatted, request, version, lines)
    return [{"at": at, "message": line, "late": data.get("late")} for line in lines]


def forget(name: str) -> dict:
    cloudwatch_logs._log_groups.pop(name, None)
    for key in [key for key in _streams if key[0] == get_account_id() and key[2] == name]:
        del _streams[key]
    return {}


def readable(account: str, event: dict) -> bool:
    return watch.can_be_read(account, event["timestamp"] / 1000, event.get("testbed_late"), "log_delay")


def ingested(account: str, event: dict) -> int:
    """When the event could be read first, in milliseconds."""
    late = event.get("testbed_late")
    delay = settings.value(account, "log_delay") if late is None else late
    return event["timestamp"] + milliseconds(delay)
