"""Alarms of CloudWatch: their kinds, and how their state and its changes are told.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
"""

from datetime import datetime, timezone

from .common import section


@section("cloudwatch")
def alarms(c):
    w = c.client("cloudwatch")
    alarm = {"Namespace": "App", "MetricName": "Errors", "Dimensions": [{"Name": "F", "Value": "a"}], "Period": 60}
    alarm |= {
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "Statistic": "Sum",
    }
    w.put_metric_alarm(AlarmName="errors", **alarm)
    described = lambda name, kind="Metric", **request: w.describe_alarms(AlarmNames=[name], **request)[f"{kind}Alarms"]
    w.put_metric_data(
        Namespace="App",
        MetricData=[{"MetricName": "Errors", "Dimensions": [{"Name": "F", "Value": "other"}], "Value": 5}],
    )
    c.row(
        "an alarm is about its own dimensions",
        lambda: described("errors")[0]["StateValue"],
        want=lambda r: r == "INSUFFICIENT_DATA",
    )
    w.put_metric_data(
        Namespace="App", MetricData=[{"MetricName": "Errors", "Dimensions": alarm["Dimensions"], "Value": 5}]
    )
    c.row("an alarm goes off", lambda: described("errors")[0]["StateValue"], want=lambda r: r == "ALARM")
    w.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="checked")
    c.row(
        "DescribeAlarms tells when a metric alarm changed its state",
        lambda: described("errors")[0],
        want=lambda r: 0 <= (datetime.now(timezone.utc) - r["StateTransitionedTimestamp"]).total_seconds() < 60,
    )
    w.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("errors")')
    c.row(
        "DescribeAlarms answers no composite alarm unless asked",
        lambda: w.describe_alarms(),
        want=lambda r: r["CompositeAlarms"] == [],
    )
    c.row(
        "DescribeAlarms answers a composite alarm when its type is named",
        lambda: described("both", "Composite", AlarmTypes=["CompositeAlarm"]),
        want=lambda r: [one["AlarmName"] for one in r] == ["both"],
    )
    c.row("DescribeAlarms of a missing alarm is empty", lambda: described("nope"), want=lambda r: r == [])
    put_alarms(c, w, described)


def put_alarms(c, w, described):
    put = lambda *alarms: c.control("POST", f"accounts/{c.account}/alarms", list(alarms))
    history = lambda name, kind="MetricAlarm", **request: [
        (item["HistoryItemType"], item["HistorySummary"])
        for item in w.describe_alarm_history(AlarmName=name, AlarmTypes=[kind], **request)["AlarmHistoryItems"]
    ]
    put({"name": "lines", "type": "log", "state": "OK", "at": -600})
    one = {"id": "c1", "attributes": {"FunctionName": "app"}, "reason": "7 lines"}
    put({"name": "lines", "state": "ALARM", "at": -30, "contributors": [one, {**one, "id": "c2"}]})
    c.row(
        "DescribeAlarms answers a log alarm when its type is named",
        lambda: described("lines", "Log", AlarmTypes=["LogAlarm"]),
        want=lambda r: (
            r[0]["StateValue"] == "ALARM"
            and history("lines", "LogAlarm") == [("StateUpdate", "Alarm updated from OK to ALARM")]
        ),
    )
    c.row(
        "DescribeAlarmContributors names who contributes",
        lambda: w.describe_alarm_contributors(AlarmName="lines")["AlarmContributors"],
        want=lambda r: (
            [x["ContributorId"] for x in r] == ["c1", "c2"] and r[0]["ContributorAttributes"] == {"FunctionName": "app"}
        ),
    )
    put({"name": "query", "type": "promql", "state": "OK", "at": -600}, {"name": "query", "updated": {"at": 0}})
    c.row(
        "an update of an alarm's evaluation is no transition",
        lambda: described("query")[0],
        want=lambda r: (
            (r["StateUpdatedTimestamp"] - r["StateTransitionedTimestamp"]).total_seconds() > 500
            and history("query") == []
            and "PromQLCriteria" in r["EvaluationCriteria"]
        ),
    )
    put(
        {
            "name": "query",
            "state": "INSUFFICIENT_DATA",
            "configured": {"at": 0},
            "fields": {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 5}},
        }
    )
    c.row(
        "a new configuration is in the alarm's history",
        lambda: sorted(kind for kind, _ in history("query")),
        want=lambda r: r == ["ConfigurationUpdate", "StateUpdate"],
    )
    put({"name": "later", "type": "metric", "state": "OK", "at": -600}, {"name": "later", "state": "ALARM", "at": 60})

    def later():
        before = described("later")[0]["StateValue"]
        c.control("POST", f"accounts/{c.account}/clock", {"advance": 61})
        return before, described("later")[0]["StateValue"]

    c.row("DescribeAlarms of an alarm that changes later", later, want=lambda r: r == ("OK", "ALARM"))
    w.put_composite_alarm(AlarmName="any", AlarmRule='ALARM("later") OR ALARM("query")')
    put({"name": "query", "state": "ALARM"})
    c.row(
        "a composite alarm follows an alarm that a test puts",
        lambda: history("any", "CompositeAlarm"),
        want=lambda r: described("any", "Composite", AlarmTypes=["CompositeAlarm"])[0]["StateValue"] == "ALARM",
    )
    mutes = [{"name": "night", "alarms": ["later"]}, {"name": "past", "alarms": ["later"], "status": "EXPIRED"}]
    c.control("POST", f"accounts/{c.account}/mutes", mutes)
    listed = lambda **request: w.list_alarm_mute_rules(**request)["AlarmMuteRuleSummaries"]
    c.row(
        "ListAlarmMuteRules of an alarm",
        lambda: [len(listed(AlarmName=name, Statuses=["ACTIVE"])) for name in ("later", "query")],
        want=lambda r: r == [1, 0],
    )
    c.row(
        "GetAlarmMuteRule names its alarms",
        lambda: w.get_alarm_mute_rule(AlarmMuteRuleName="night"),
        want=lambda r: r["MuteTargets"]["AlarmNames"] == ["later"] and r["Status"] == "ACTIVE",
    )


@section("cloudwatch")
def faults(c):
    """An error of CloudWatch is told in its protocol."""
    w = c.client("cloudwatch")
    rule = {"service": "monitoring", "operation": "DescribeAlarms", "match": "AlarmNames.*errors", "status": 400}
    c.control(
        "POST", f"accounts/{c.account}/faults", [{**rule, "code": "ThrottlingException", "message": "Rate exceeded"}]
    )
    c.row(
        "a throttled DescribeAlarms",
        lambda: w.describe_alarms(AlarmNames=["errors"]),
        error="Throttling: Rate exceeded",
    )
    c.row(
        "DescribeAlarms after that",
        lambda: w.describe_alarms(AlarmNames=["errors"])["MetricAlarms"],
        want=lambda r: r == [],
    )


SECTIONS = [alarms, faults]
