"""A request to CloudWatch is judged as the action that it is, also in its newer protocol, and one to Logs on the group with `:*`,
or on the stream.

MiniStack finds no action in a request of the protocol rpc-v2-cbor, and then allows it. It judges an action on a log group by the
group's ARN without `:*`, which AWS does for tags only
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
"""

import json

from ministack.core import iam_actions

from ..request import identify
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoncloudwatch.html"
ROWS = [
    "iam: GetMetricData is cloudwatch:GetMetricData",
    "iam: DescribeAlarms is cloudwatch:DescribeAlarms on all alarms",
    "iam: DescribeAlarmHistory is cloudwatch:DescribeAlarmHistory on the alarm",
    "iam: ListAlarmMuteRules is cloudwatch:ListAlarmMuteRules",
    "iam: FilterLogEvents is logs:FilterLogEvents on the log group",
    "iam: DescribeLogStreams is logs:DescribeLogStreams on the log group",
    "iam: GetLogEvents is logs:GetLogEvents on the log stream",
    "iam: StartQuery is logs:StartQuery on the log group",
]
_OF_ALARMS = ("DescribeAlarms", "DescribeAlarmHistory", "DescribeAlarmContributors", "SetAlarmState", "PutMetricAlarm")
_OF_TAGS = ("TagResource", "UntagResource", "ListTagsForResource")


def install():
    @around(iam_actions, "extract_iam_action", "(service, method, path, headers, body, query_params)", "ec476b92d969")
    def action(inner, service, method, path, headers, body, query_params):
        request = identify(method, path, "", headers, body) if service == "monitoring" else None
        if request and request.protocol == "cbor":
            return f"cloudwatch:{request.operation}"
        return inner(service, method, path, headers, body, query_params)

    @around(
        iam_actions,
        "extract_resource_arn",
        "(service, method, path, headers, body, query_params, region, account_id)",
        "82f51700695c",
    )
    def resource(inner, service, method, path, headers, body, query_params, region, account_id):
        request = identify(method, path, "", headers, body) if service in ("monitoring", "logs") else None
        if request and request.protocol == "cbor":
            alarm = f"arn:aws:cloudwatch:{region}:{account_id}:alarm:{request.params.get('AlarmName', '*')}"
            return alarm if request.operation in _OF_ALARMS else "*"
        found = inner(service, method, path, headers, body, query_params, region, account_id)
        if service == "logs" and request.operation not in _OF_TAGS:
            data = json.loads(body or b"{}")
            name, stream = _group(data), "*"
            if request.operation == "GetLogEvents":
                stream = f"log-stream:{data.get('logStreamName')}"
            return f"arn:aws:logs:{region}:{account_id}:log-group:{name}:{stream}" if name else found
        return found


def _group(data: dict) -> str | None:
    """The log group a request is about, by name or by ARN."""
    names = data.get("logGroupNames") or data.get("logGroupIdentifiers") or [data.get("logGroupIdentifier")]
    found = data.get("logGroupName") or names[0]
    return found and found.split(":log-group:")[-1].removesuffix(":*")
