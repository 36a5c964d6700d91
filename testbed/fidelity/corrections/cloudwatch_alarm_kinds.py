"""DescribeAlarms answers log alarms and when an alarm's state really changed; contributors and mute rules can be asked for.

MiniStack has metric and composite alarms, and tells of a metric alarm only when it was last updated. It counts datapoints of all
dimensions for an alarm on one of them.
"""

import json
import re
from datetime import datetime

from ministack.services import cloudwatch

from .. import alarms, metrics, watch
from ..scope import get_account_id
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html"
ROWS = [
    "cloudwatch: DescribeAlarms answers a log alarm when its type is named",
    "cloudwatch: DescribeAlarms tells when a metric alarm changed its state",
    "cloudwatch: DescribeAlarmContributors names who contributes",
    "cloudwatch: ListAlarmMuteRules of an alarm",
    "cloudwatch: GetAlarmMuteRule names its alarms",
    "cloudwatch: an alarm is about its own dimensions",
    "cloudwatch: DescribeAlarms of an alarm that changes later",
]
ARGUMENTS = "(params, cbor_data, is_cbor, is_json)"


def install():
    @around(cloudwatch, "_describe_alarms", ARGUMENTS, "ab8f092ff9ae")
    def describe(inner, params, data, is_cbor, is_json=False):
        alarms.settle(get_account_id())
        answer = inner(params, data, is_cbor, is_json)
        if answer[0] != 200 or "LogAlarm" not in (data.get("AlarmTypes") or []):
            return answer
        return _encoded(_decoded(answer[2], is_cbor) | {"LogAlarms": _log_alarms(data)}, is_cbor)

    @around(cloudwatch, "_describe_alarm_history", ARGUMENTS, "b1ab02a6bd22")
    def history(inner, params, data, is_cbor, is_json=False):
        alarms.settle(get_account_id())
        return inner(params, data, is_cbor, is_json)

    for name, source in (("_set_alarm_state", "0fa9fef3bd18"), ("_put_metric_alarm", "953a67ff4bb1")):
        around(cloudwatch, name, ARGUMENTS, source)(_changing)

    @around(cloudwatch, "_evaluate_alarm", "(alarm)", "a0b0acd3d432")
    def evaluate(inner, alarm):
        if alarms.is_put(alarm["AlarmName"]):
            return
        _evaluate(alarm)

    @around(cloudwatch, "handle_request", "(method, path, headers, body, query_params)", "0e8a6c92a042")
    async def handle(inner, method, path, headers, body, query_params):
        target = headers.get("x-amz-target", "")
        operation = _OPERATIONS.get(re.split(r"[/.]", target or path)[-1])
        if not operation:
            return await inner(method, path, headers, body, query_params)
        return _encoded(operation(_decoded(body, not target)), not target)


def _decoded(body: bytes, is_cbor: bool) -> dict:
    import cbor2

    return cbor2.loads(body) if is_cbor else json.loads(body)


def _encoded(answer: dict, is_cbor: bool):
    return cloudwatch._cbor_ok(_timed(answer)) if is_cbor else cloudwatch._json_ok(answer)


def _timed(value, name: str = ""):
    """The answer with its times as CBOR has them."""
    if isinstance(value, dict):
        return {key: _timed(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_timed(one) for one in value]
    if isinstance(value, datetime):
        # MiniStack's own answer, read to be added to: written again it would be text, and CBOR has another tag for that.
        return cloudwatch._cbor_timestamp(value.timestamp())
    return cloudwatch._cbor_timestamp(value) if name.endswith("Timestamp") and isinstance(value, int | float) else value


def _changing(inner, params, data, is_cbor, is_json=False):
    """Notes when a metric alarm changed its state, which its own update does not tell."""
    name = data.get("AlarmName") if is_cbor or is_json else cloudwatch._p(params, "AlarmName")
    before = dict(cloudwatch._alarms.get(name) or {})
    answer = inner(params, data, is_cbor, is_json)
    after = cloudwatch._alarms.get(name)
    if after is not None:
        same = before.get("StateValue") == after["StateValue"] and "StateTransitionedTimestamp" in before
        at = before["StateTransitionedTimestamp"] if same else watch.now(get_account_id())
        after["StateTransitionedTimestamp"] = at
    return answer


def _evaluate(alarm: dict) -> None:
    """As MiniStack does, but by the datapoints of the alarm's own dimensions that have been published."""
    if not alarm.get("MetricName"):
        return
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = list(cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or [])
    since = watch.now(get_account_id()) - alarm["Period"] * alarm["EvaluationPeriods"]
    points = [one for one in points if one["Timestamp"] >= since and metrics.readable(get_account_id(), one)]
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points) if points else None
    if value is None:
        return
    compare = {
        "GreaterThanOrEqualToThreshold": value >= alarm["Threshold"],
        "GreaterThanThreshold": value > alarm["Threshold"],
        "LessThanThreshold": value < alarm["Threshold"],
        "LessThanOrEqualToThreshold": value <= alarm["Threshold"],
    }
    before, after = alarm["StateValue"], "ALARM" if compare[alarm["ComparisonOperator"]] else "OK"
    if before == after:
        return
    reason = f"Threshold Crossed: {statistic} {value} {alarm['ComparisonOperator']} {alarm['Threshold']}"
    at = watch.now(get_account_id())
    alarm.update(StateValue=after, StateReason=reason, StateUpdatedTimestamp=at, StateTransitionedTimestamp=at)
    cloudwatch._record_history(alarm["AlarmName"], before, after, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, after, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _log_alarms(data: dict) -> list[dict]:
    names, prefix, state = data.get("AlarmNames"), data.get("AlarmNamePrefix", ""), data.get("StateValue")
    return [
        alarm
        for name, alarm in sorted(alarms.log_alarms.items())
        if (not names or name in names) and name.startswith(prefix) and state in (None, alarm["StateValue"])
    ]


def _contributors(data: dict) -> dict:
    return {"AlarmContributors": alarms.contributors.get(data["AlarmName"]) or []}


def _mute_rules(data: dict) -> dict:
    alarm, statuses = data.get("AlarmName"), data.get("Statuses")
    summaries = [
        {name: rule[name] for name in ("AlarmMuteRuleArn", "Status", "MuteType", "LastUpdatedTimestamp")}
        for _, rule in sorted(alarms.mute_rules.items())
        if (not alarm or alarm in rule["MuteTargets"]["AlarmNames"]) and (not statuses or rule["Status"] in statuses)
    ]
    return {"AlarmMuteRuleSummaries": summaries}


def _mute_rule(data: dict) -> dict:
    return alarms.mute_rules[data["AlarmMuteRuleName"]]


_OPERATIONS = {
    "DescribeAlarmContributors": _contributors,
    "ListAlarmMuteRules": _mute_rules,
    "GetAlarmMuteRule": _mute_rule,
}
