"""FilterLogEvents reads streams by name or by prefix, matches as its patterns say, and answers in pages, of which any may be empty.

MiniStack ignores `logStreamNamePrefix` and has no pages: what exceeds `limit` is lost. Its patterns know no `?`, no JSON and no
regular expression, and ignore case. Here events also take their time to be ingested, and come ordered by their own time: one
that comes late is behind a reader who only looks at what is newer than the last it saw.
"""

import base64
import json

from ministack.services import cloudwatch_logs

from .. import filter_pattern, logs, settings
from ..scope import error, get_account_id, json_response
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html"
ROWS = [
    "logs: FilterLogEvents by prefix reads one version",
    "logs: FilterLogEvents by prefix and names",
    "logs: FilterLogEvents pages bring every event once",
    "logs: FilterLogEvents answers empty pages with a token",
    "logs: FilterLogEvents shows an event once it is ingested",
    "logs: FilterLogEvents shows a late event in its place",
    "logs: FilterLogEvents ?ERROR ?timed is one or the other",
    "logs: FilterLogEvents matches case",
    "logs: FilterLogEvents { $.code >= 500 }",
    "logs: FilterLogEvents %boom|timed%",
]
LIMIT = 10_000


def install():
    @around(cloudwatch_logs, "_filter_log_events", "(data)", "9b3d13c713b5")
    def filter_log_events(inner, data):
        name = cloudwatch_logs._resolve_log_group_name(data)
        found = cloudwatch_logs._log_groups.get(name)
        if found is None:
            return inner(data)
        if data.get("logStreamNames") and data.get("logStreamNamePrefix"):
            return error(
                "InvalidParameterException", "logStreamNames and logStreamNamePrefix may not be both specified"
            )
        limit = data.get("limit", LIMIT)
        if not 1 <= limit <= LIMIT:
            return error("InvalidParameterException", f"limit is {limit}, which is not between 1 and {LIMIT}")
        return json_response(_page(found, data, limit))


def _page(group: dict, data: dict, limit: int) -> dict:
    account = get_account_id()
    # A scan is where it has come to: the last event it brought, and how many pages must still be empty.
    token = json.loads(base64.b64decode(data["nextToken"])) if data.get("nextToken") else {}
    empty = token.get("empty", settings.value(account, "log_empty_pages"))
    after = tuple(token.get("after", ()))
    if empty:
        return {"events": [], "searchedLogStreams": [], "nextToken": _token(after, empty - 1)}
    size = min(limit, settings.value(account, "log_page") or limit)
    found = [one for one in _matching(account, group, data) if _place(one) > after]
    page = {"events": found[:size], "searchedLogStreams": []}
    if len(found) > size:
        page["nextToken"] = _token(_place(found[size - 1]), 0)
    return page


def _matching(account: str, group: dict, data: dict) -> list[dict]:
    matches = filter_pattern.compiled(data.get("filterPattern"))
    start, end = data.get("startTime", 0), data.get("endTime", float("inf"))
    names, prefix = data.get("logStreamNames"), data.get("logStreamNamePrefix", "")
    found = []
    for stream, content in list(group["streams"].items()):
        if not stream.startswith(prefix) or (names and stream not in names):
            continue
        for event in list(content["events"]):
            if start <= event["timestamp"] <= end and logs.readable(account, event) and matches(event["message"]):
                shown = {name: event[name] for name in ("timestamp", "message")}
                event.setdefault("eventId", logs.event_id(event["timestamp"] / 1000))
                shown |= {
                    "logStreamName": stream,
                    "eventId": event["eventId"],
                    "ingestionTime": logs.ingested(account, event),
                }
                found.append(shown)
    return sorted(found, key=_place)


def _place(event: dict) -> tuple[int, str]:
    return event["timestamp"], event["eventId"]


def _token(after: tuple, empty: int) -> str:
    return base64.b64encode(json.dumps({"after": after, "empty": empty}).encode()).decode()
