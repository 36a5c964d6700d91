"""Datapoints of CloudWatch: what services publish here, and what tests put."""

import contextvars
import re
import threading

from ministack.core.responses import set_request_account_id, set_request_region
from ministack.services import cloudwatch

from . import settings, watch
from .scope import get_account_id

LAMBDA = "AWS/Lambda"
REST_API = HTTP_API = "AWS/ApiGateway"
LOAD_BALANCER = "AWS/ApplicationELB"

_writing = threading.Lock()
_rules: dict[str, list[dict]] = {}
_STATUS_CODES = ("Complete", "PartialData", "Forbidden", "InternalError")


def record(namespace: str, metric: str, dimensions: list[dict], value: float, unit: str = "Count") -> None:
    """Publishes one sample in each of these sets of dimensions, in the account and region of the request."""
    at = watch.now(get_account_id())
    for one in dimensions:
        _store(namespace, metric, one, {"Timestamp": at, "Value": float(value), "Unit": unit})


def record_of(account: str, region: str, *sample) -> None:
    """As `record`, in this account and region."""

    def run():
        set_request_account_id(account)
        set_request_region(region)
        record(*sample)

    contextvars.copy_context().run(run)


def of_api(api: dict, stage: str) -> list[dict]:
    """The sets of dimensions API Gateway publishes: of the API (its name or its id), and of the stage."""
    return [api, {**api, "Stage": stage}]


def of_load_balancer(balancer: str, group: str | None) -> list[dict]:
    """The sets of dimensions a load balancer publishes."""
    named = {"LoadBalancer": balancer}
    return [named, {**named, "TargetGroup": group}] if group else [named]


def _store(namespace: str, metric: str, dimensions: dict, point: dict) -> None:
    key = (namespace, metric, cloudwatch._dims_key(dimensions))
    with _writing:
        cloudwatch._metric_bucket(key).append({**point, "Dimensions": dict(dimensions)})


def of_function(name: str, resource: str, version: str | None) -> list[dict]:
    """The sets of dimensions Lambda publishes: `version` is the executed one, if an alias was invoked."""
    sets = [{}, {"FunctionName": name}, {"FunctionName": name, "Resource": resource}]
    return [*sets, {**sets[-1], "ExecutedVersion": version}] if version else sets


def put(account: str, series: list[dict]) -> dict:
    """Puts series: see control_watch.py."""
    count = 0
    for one in series:
        namespace, sets = _which(one)
        for point in _points(account, one):
            count += 1
            for dimensions in sets:
                _store(namespace, one["metric"], dimensions, point)
    return {"points": count}


def forget() -> dict:
    """Forgets all datapoints of the account and region at hand."""
    with _writing:
        for key in list(cloudwatch._metrics.keys()):
            del cloudwatch._metrics[key]
    return {}


def _which(series: dict) -> tuple[str, list[dict]]:
    if "function" in series:
        name, alias, version = series["function"], series.get("alias"), series.get("version")
        qualifier = alias or version
        sets = of_function(name, f"{name}:{qualifier}" if qualifier else name, version if alias else None)
        return LAMBDA, sets[-1:] if series.get("only") else sets
    if "rest-api" in series:
        return REST_API, of_api({"ApiName": series["rest-api"]}, series["stage"])
    if "http-api" in series:
        return HTTP_API, of_api({"ApiId": series["http-api"]}, series["stage"])
    if "load-balancer" in series:
        return LOAD_BALANCER, of_load_balancer(series["load-balancer"], series.get("target-group"))
    return series["namespace"], [series.get("dimensions", {})]


def _points(account: str, series: dict):
    unit = series.get("unit", "Count")
    if "values" in series:
        first, period = watch.moment(account, series), series.get("period", 60)
        points = [{"time": first + i * period, "value": v} for i, v in enumerate(series["values"]) if v is not None]
    else:
        points = series["points"]
    for point in points:
        stored = {"Timestamp": watch.moment(account, point), "Value": float(point["value"]), "Unit": unit}
        late = point.get("late", series.get("late"))
        yield stored | {"Count": float(point.get("count", 1)), "testbed_late": late}


def readable(account: str, point: dict) -> bool:
    return watch.can_be_read(account, point["Timestamp"], point.get("testbed_late"), "metric_delay")


# What GetMetricData answers beside data


def add_rules(account: str, rules: list[dict]) -> list[dict]:
    for rule in rules:
        if rule["status"] not in _STATUS_CODES:
            raise ValueError(f"no such status: {rule['status']}")
    _rules.setdefault(account, []).extend({"times": 1, "fired": 0} | rule for rule in rules)
    return _rules[account]


def clear_rules(account: str) -> dict:
    _rules.pop(account, None)
    return {}


def rule_for(account: str, namespace: str, metric: str, dimensions: dict) -> dict | None:
    """The rule that decides about one query of a GetMetricData, counted."""
    text = f"{namespace} {metric} " + ",".join(f"{name}={value}" for name, value in dimensions.items())
    for rule in _rules.get(account, []):
        spent = rule["times"] is not None and rule["fired"] >= rule["times"]
        if not spent and re.search(rule.get("match", ""), text):
            rule["fired"] += 1
            return rule
    return None


def page_size(account: str, asked: int | None) -> int:
    """Datapoints on a page: what the caller wants, the test's setting, and 100,800 at most."""
    return min(size for size in (asked, settings.value(account, "metric_page"), 100_800) if size)
