"""Insights finds an event once it was ingested.

MiniStack finds it at once.
"""

from ministack.services import cloudwatch_logs

from .. import logs
from ..scope import get_account_id
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AnalyzingLogData.html"
ROWS = ["logs: Insights finds an event once it is ingested"]


def install():
    @around(cloudwatch_logs, "_collect_query_records", "(group_names, start_time_s, end_time_s)", "b154f7dd1109")
    def collect(inner, group_names, start_time_s, end_time_s):
        account = get_account_id()
        found = inner(group_names, start_time_s, end_time_s)
        streams = [
            stream
            for name in group_names
            for stream in list((cloudwatch_logs._log_groups.get(name) or {"streams": {}})["streams"].values())
        ]
        hidden = {
            event.get("eventId")
            for stream in streams
            for event in list(stream["events"])
            if not logs.readable(account, event)
        }
        return [record for record in found if record["@ptr"] not in hidden]
