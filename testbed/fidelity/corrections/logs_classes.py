"""Only a log group of class STANDARD can be read by FilterLogEvents and GetLogEvents (logs_get_events.py); DELIVERY has no Insights either.

MiniStack answers for every class, and does not know ESSENTIALS. The refusal of FilterLogEvents reads as in
https://github.com/aws/karpenter-provider-aws/pull/9567. That ESSENTIALS is refused too is an assumption: no page describes it.
"""

from ministack.services import cloudwatch_logs

from .. import logs
from ..scope import error
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html"
ROWS = [
    "logs: FilterLogEvents of class INFREQUENT_ACCESS",
    "logs: FilterLogEvents of class DELIVERY",
    "logs: FilterLogEvents of class ESSENTIALS",
    "logs: StartQuery of class DELIVERY",
]


def install():
    @around(cloudwatch_logs, "_create_log_group", "(data)", "ce6fd1931ae9")
    def create(inner, data):
        if data.get("logGroupClass") != "ESSENTIALS":
            return inner(data)
        answer = inner({**data, "logGroupClass": "STANDARD"})
        if answer[0] == 200:
            logs.group(data["logGroupName"], "ESSENTIALS")
        return answer

    @around(cloudwatch_logs, "_filter_log_events", "(data)", "9b3d13c713b5")
    def filter_log_events(inner, data):
        name = cloudwatch_logs._resolve_log_group_name(data)
        return refusal(name, "FilterLogEvents", ("STANDARD",)) or inner(data)

    @around(cloudwatch_logs, "_start_query", "(data)", "41514449fa97")
    def start_query(inner, data):
        for name in cloudwatch_logs._resolve_query_log_groups(data):
            refused = refusal(name, "StartQuery", ("STANDARD", "INFREQUENT_ACCESS"))
            if refused:
                return refused
        return inner(data)


def refusal(name: str, operation: str, classes: tuple):
    """The refusal of an operation on a log group of another class than these."""
    kind = (cloudwatch_logs._log_groups.get(name) or {}).get("logGroupClass") or "STANDARD"
    if kind in classes:
        return None
    told = f"The log group {name} is of log-group-class {kind}. {operation} is not supported for this log class."
    return error("InvalidOperationException", told)
