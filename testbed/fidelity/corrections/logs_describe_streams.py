"""DescribeLogStreams shows a stream once an event of it was ingested, and orders by time only without a prefix.

MiniStack shows a stream at once, and orders by time within a prefix.
"""

from ministack.services import cloudwatch_logs

from .. import logs
from ..scope import error, get_account_id
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html"
ROWS = [
    "logs: DescribeLogStreams shows a stream once an event is ingested",
    "logs: DescribeLogStreams by time and by prefix",
]


def install():
    @around(cloudwatch_logs, "_describe_log_streams", "(data)", "dce1a35f194b")
    def describe(inner, data):
        if data.get("orderBy") == "LastEventTime" and data.get("logStreamNamePrefix"):
            return error("InvalidParameterException", "Cannot order by LastEventTime with a logStreamNamePrefix.")
        group = cloudwatch_logs._log_groups.get(data.get("logGroupName"))
        if group is None:
            return inner(data)
        with logs.streams_change:
            everything = group["streams"]
            group["streams"] = {name: stream for name, stream in everything.items() if _is_shown(stream)}
            try:
                return inner(data)
            finally:
                group["streams"] = everything


def _is_shown(stream: dict) -> bool:
    account = get_account_id()
    return not stream["events"] or any(logs.readable(account, event) for event in list(stream["events"]))
