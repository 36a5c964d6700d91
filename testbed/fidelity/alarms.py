"""Alarms and mute rules that tests put, with the states they had and will have."""

import json
from datetime import datetime, timezone

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudwatch

from . import watch
from .scope import get_account_id, get_region

TYPES = {"metric": "MetricAlarm", "promql": "MetricAlarm", "composite": "CompositeAlarm", "log": "LogAlarm"}
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")

log_alarms = AccountRegionScopedDict()
mute_rules = AccountRegionScopedDict()
# By name: who contributes to the state of a log alarm; the changes of state that are still to come.
contributors = AccountRegionScopedDict()
_to_come = AccountRegionScopedDict()


def store(kind: str):
    """Where alarms of that type are kept, by name."""
    return {
        "MetricAlarm": cloudwatch._alarms,
        "CompositeAlarm": cloudwatch._composite_alarms,
        "LogAlarm": log_alarms,
    }[kind]


def is_put(name: str) -> bool:
    """Whether a test has put this alarm: then its state is what the test says."""
    return name in _to_come


def put(account: str, alarms: list[dict]) -> dict:
    """Adds alarms, or changes those of these names: see control_watch.py."""
    for data in alarms:
        _put(account, data)
    return {"alarms": [data["name"] for data in alarms]}


def _put(account: str, data: dict) -> None:
    name = data["name"]
    kind = TYPES[data["type"]] if "type" in data else _kind(name)
    alarm = store(kind).get(name)
    at = watch.moment(account, data)
    is_new = alarm is None
    if is_new:
        alarm = _made(name, kind, data.get("type"), at)
        store(kind)[name] = alarm
        _to_come[name] = []
    alarm.update(data.get("fields", {}))
    if "evaluation-state" in data:
        alarm["EvaluationState"] = data["evaluation-state"]
    for change in data.get("history", []):
        _note(kind, name, watch.moment(account, change), change["from"], change["to"], change.get("reason", ""))
    if data.get("state") is not None:
        _check(data["state"])
        change = {"at": at, "state": data["state"], "reason": data.get("reason", "set by a test")}
        if is_new:
            alarm.update(StateValue=change["state"], StateReason=change["reason"])
        else:
            _to_come[name] = [*_to_come.get(name, []), change]
    if "updated" in data:
        alarm["StateUpdatedTimestamp"] = watch.moment(account, data["updated"])
    if "configured" in data:
        alarm["AlarmConfigurationUpdatedTimestamp"] = watch.moment(account, data["configured"])
        _add(
            kind,
            name,
            alarm["AlarmConfigurationUpdatedTimestamp"],
            "ConfigurationUpdate",
            f'Alarm "{name}" updated',
            {},
        )
    if "contributors" in data:
        contributors[name] = [_contributor(account, one) for one in data["contributors"]]
    settle(account)


def _made(name: str, kind: str, told: str | None, at: float) -> dict:
    alarm = {
        "AlarmName": name,
        "AlarmArn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}",
        "ActionsEnabled": True,
        "AlarmActions": [],
        "OKActions": [],
        "InsufficientDataActions": [],
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": at,
        "StateTransitionedTimestamp": at,
        "AlarmConfigurationUpdatedTimestamp": at,
    }
    threshold = {"Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "missing"}
    if kind == "CompositeAlarm":
        return alarm | {"AlarmRule": 'ALARM("other")'}
    if kind == "LogAlarm":
        query = {"QueryString": "filter @message like /ERROR/", "AggregationExpression": "count(*)"}
        return (
            alarm
            | threshold
            | {"ScheduledQueryConfiguration": query, "QueryResultsToEvaluate": 3, "QueryResultsToAlarm": 2}
        )
    if told == "promql":
        criteria = {"PromQLCriteria": {"Query": "sum(rate(errors[5m])) > 1", "PendingPeriod": 60, "RecoveryPeriod": 60}}
        return alarm | {"EvaluationCriteria": criteria, "EvaluationInterval": 60}
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Errors", "Statistic": "Sum", "Dimensions": []}
    return alarm | threshold | metric | {"Period": 60, "EvaluationPeriods": 1}


def settle(account: str) -> None:
    """Takes the changes of state whose time has come."""
    reached = watch.reached(account)
    for name in list(_to_come.keys()):
        due = sorted((one for one in _to_come[name] if one["at"] <= reached), key=lambda one: one["at"])
        if due:
            _to_come[name] = [one for one in _to_come[name] if one["at"] > reached]
        for change in due:
            kind = _kind(name)
            alarm = store(kind)[name]
            before = alarm["StateValue"]
            alarm.update(StateValue=change["state"], StateReason=change["reason"], StateUpdatedTimestamp=change["at"])
            if before != change["state"]:
                alarm["StateTransitionedTimestamp"] = change["at"]
                _note(kind, name, change["at"], before, change["state"], change["reason"])
                # A composite alarm over this one follows it.
                cloudwatch._evaluate_parent_alarms(alarm)


def _note(kind: str, name: str, at: float, before: str, after: str, reason: str) -> None:
    """A change of state, in the alarm's history."""
    _check(before)
    _check(after)
    states = {"oldState": {"stateValue": before}, "newState": {"stateValue": after, "stateReason": reason}}
    _add(kind, name, at, "StateUpdate", f"Alarm updated from {before} to {after}", {"version": "1.0", **states})


def _add(kind: str, name: str, at: float, item: str, summary: str, data: dict) -> None:
    stamp = datetime.fromtimestamp(at, tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    entries = cloudwatch._history_entries()
    entries.append(
        {
            "AlarmName": name,
            "AlarmType": kind,
            "Timestamp": stamp,
            "HistoryItemType": item,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data),
        }
    )
    entries.sort(key=lambda entry: cloudwatch._parse_ts(entry["Timestamp"]))


def _contributor(account: str, data: dict) -> dict:
    return {
        "ContributorId": data["id"],
        "ContributorAttributes": data.get("attributes", {}),
        "StateReason": data.get("reason", ""),
        "StateTransitionedTimestamp": watch.moment(account, data),
    }


def _kind(name: str) -> str:
    for kind in ("MetricAlarm", "CompositeAlarm", "LogAlarm"):
        if name in store(kind):
            return kind
    raise KeyError(f"no alarm {name}: a new one needs a type")


def _check(state: str) -> None:
    if state not in STATES:
        raise ValueError(f"no such state of an alarm: {state}")


def forget() -> dict:
    for one in (cloudwatch._alarms, cloudwatch._composite_alarms, log_alarms, contributors, mute_rules, _to_come):
        for name in list(one.keys()):
            del one[name]
    cloudwatch._history_entries().clear()
    return {}


def put_mutes(account: str, rules: list[dict]) -> dict:
    for rule in rules:
        name = rule["name"]
        mute_rules[name] = {
            "Name": name,
            "AlarmMuteRuleArn": f"arn:aws:cloudwatch:{get_region()}:{account}:alarm-mute-rule:{name}",
            "Rule": {"Schedule": {"Expression": "at(2026-01-01T00:00)", "Duration": "PT4H"}},
            "MuteTargets": {"AlarmNames": rule["alarms"]},
            "Status": rule.get("status", "ACTIVE"),
            "MuteType": "ONE_TIME",
            "LastUpdatedTimestamp": watch.now(account),
        }
    return {"mutes": [rule["name"] for rule in rules]}
