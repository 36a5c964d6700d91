"""GetLogEvents reads what was ingested of a stream, from a token on; the end is where a token is answered that was asked for.

MiniStack shows events at once, also those that take their time to be ingested. As with FilterLogEvents any page may be empty, and a log group of
another class than STANDARD is refused. That a stream is missing until something of it was ingested is an assumption.
"""

import base64
import json

from ministack.services import cloudwatch_logs

from .. import logs, settings
from ..scope import error, get_account_id, json_response
from ..wrapping import around
from . import logs_classes

AWS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"
ROWS = [
    "logs: GetLogEvents shows an event once it is ingested",
    "logs: GetLogEvents answers empty pages with another token",
    "logs: GetLogEvents of class INFREQUENT_ACCESS",
    "logs: GetLogEvents of class DELIVERY",
    "logs: GetLogEvents of class ESSENTIALS",
]
LIMIT = 10_000


def install():
    @around(cloudwatch_logs, "_get_log_events", "(data)", "a99bda3eb3d6")
    def get_log_events(inner, data):
        name, account = cloudwatch_logs._resolve_log_group_name(data), get_account_id()
        refused = logs_classes.refusal(name, "GetLogEvents", ("STANDARD",))
        stream = (cloudwatch_logs._log_groups.get(name) or {"streams": {}})["streams"].get(data.get("logStreamName"))
        if refused or stream is None:
            return refused or inner(data)
        found = _readable(account, stream, data)
        if not found and stream["events"] and not any(logs.readable(account, one) for one in list(stream["events"])):
            return error("ResourceNotFoundException", "The specified log stream does not exist.")
        try:
            token = _read(data.get("nextToken"))
        except ValueError:
            return error("InvalidParameterException", "The specified nextToken is invalid.")
        size = min(data.get("limit", LIMIT), LIMIT, settings.value(account, "log_page") or LIMIT)
        return json_response(_page(found, data, token, size, settings.value(account, "log_empty_pages")))


def _page(found: list[dict], data: dict, token: dict | None, size: int, empty: int) -> dict:
    if token is None:
        token = {"way": "f" if data.get("startFromHead") else "b", "empty": empty}
        token["place"] = [0, ""] if token["way"] == "f" else [float(2**62), ""]
    place = tuple(token["place"])
    if token["empty"]:
        forward = backward = token | {"empty": token["empty"] - 1}
        return {"events": [], "nextForwardToken": _write(forward, "f"), "nextBackwardToken": _write(backward, "b")}
    if token["way"] == "f":
        events = [one for one in found if _place(one) > place][:size]
    else:
        events = [one for one in found if _place(one) < place][-size:]
    last = _place(events[-1]) if events else place if token["way"] == "f" else (0, "")
    shown = [
        {"timestamp": one["timestamp"], "message": one["message"], "ingestionTime": one["shown"]} for one in events
    ]
    return {
        "events": shown,
        "nextForwardToken": _write({"place": last, "empty": 0}, "f"),
        "nextBackwardToken": _write({"place": _place(events[0]) if events else place, "empty": 0}, "b"),
    }


def _readable(account: str, stream: dict, data: dict) -> list[dict]:
    start, end = data.get("startTime", 0), data.get("endTime", float("inf"))
    found = []
    for event in list(stream["events"]):
        if start <= event["timestamp"] < end and logs.readable(account, event):
            event.setdefault("eventId", logs.event_id(event["timestamp"] / 1000))
            found.append(event | {"shown": logs.ingested(account, event)})
    return sorted(found, key=_place)


def _place(event: dict) -> tuple[int, str]:
    return event["timestamp"], event["eventId"]


def _write(token: dict, way: str) -> str:
    """The place of the last event that was read, and how many pages must still be empty."""
    return f"{way}/" + base64.b64encode(json.dumps([*token["place"], token["empty"]]).encode()).decode()


def _read(token: str | None) -> dict | None:
    if not token:
        return None
    way, _, rest = token.partition("/")
    *place, empty = json.loads(base64.b64decode(rest, validate=True))
    if way not in ("f", "b"):
        raise ValueError(way)
    return {"way": way, "place": place, "empty": empty}
