"""What a test says about CloudWatch and Logs of an account, under /_testbed/accounts/{id}/, in the region `?region=`.

A time is `at`, in seconds from now by the clock of the account's AWS, or `time`, in seconds since 1970; neither: now.

POST   clock            {"advance": seconds} or {"set": seconds}: moves `watch_shift`, see watch.py
POST   metrics          [series]; DELETE forgets all datapoints
    {"function", "alias"?, "version"?, "metric"} of AWS/Lambda, in all sets of dimensions, with "only" in the longest;
    {"rest-api", "stage", "metric"}; {"http-api", "stage", "metric"}; {"load-balancer", "target-group"?, "metric"};
    {"namespace", "metric", "dimensions"}
    with {"at", "period": 60, "values": [1, null, 3]} or {"points": [{"at", "value", "count"?, "late"?}]}, and "late" for all
POST   metric-status    [{"status", "times": 1, "match"?, "message"?}]: what GetMetricData answers for a query whose
                        `namespace metric Name=value,...` matches; DELETE forgets them
POST   logs             {"group"? or "function", "version"?, "stream"?, "class"?, "at"?, "late"?} and
                        {"lines"} or {"events": [{"message", "at", "late"?}]} or {"init-error": kind, "format"} (platform_lines.py)
                        or {"invocation": true, "lines", "format"}; DELETE with ?group= forgets one
POST   alarms           [{"name", "type", "state"?, "reason"?, "at"?, "evaluation-state"?, "fields"?, "history"?, "contributors"?,
                        "updated"?: {at}, "configured"?: {at}}]: adds or changes; type: metric, composite, log, promql; DELETE
POST   mutes            [{"name", "alarms", "status"?}]
...    ecs/...          see ecs/control.py
...    codebuild/...    see codebuild/control.py
...    ecr/...          see ecr/control.py
...    edge/...         see edge/control.py
"""

import contextvars

from ministack.core.responses import set_request_account_id, set_request_region

from . import alarms, logs, metrics, watch
from .codebuild import control as control_codebuild
from .ecr import control as control_ecr
from .ecs import control as control_ecs
from .edge import control as control_edge


def answer(method: str, account: str, parts: list[str], query: dict, data):
    """The answer; none if there is no such endpoint."""
    region = query.get("region", ["eu-west-1"])[0]
    return contextvars.copy_context().run(_answer, method, account, region, parts, query, data)


def _answer(method, account, region, parts, query, data):
    set_request_account_id(account)
    set_request_region(region)
    match (method, *parts):
        case ("POST", "clock"):
            return watch.advance(account, data)
        case ("POST", "metrics"):
            return metrics.put(account, data)
        case ("DELETE", "metrics"):
            return metrics.forget()
        case ("POST", "metric-status"):
            return metrics.add_rules(account, data)
        case ("DELETE", "metric-status"):
            return metrics.clear_rules(account)
        case ("POST", "logs"):
            return logs.put(account, data)
        case ("DELETE", "logs"):
            return logs.forget(query["group"][0])
        case ("POST", "alarms"):
            return alarms.put(account, data)
        case ("DELETE", "alarms"):
            return alarms.forget()
        case ("POST", "mutes"):
            return alarms.put_mutes(account, data)
        case (_, "ecs", *rest):
            return control_ecs.answer(method, rest, data)
        case (_, "codebuild", *rest):
            return control_codebuild.answer(method, rest, data)
        case (_, "ecr", *rest):
            return control_ecr.answer(method, rest, query, data)
        case (_, "edge", *rest):
            return control_edge.answer(method, rest, query, data)
    return None
