"""GetMetricData answers the metric with exactly these dimensions, newest first, from what has been published by now, in pages.

MiniStack adds up every set of dimensions when none is given, sorts oldest first whatever ScanBy says, shows a datapoint at
once, knows no page and no status but Complete, and leaves out the samples of the first minute that are older than StartTime:
AWS keeps samples by the minute. A page that does not bring all datapoints of a result says PartialData and has a token.
"""

import base64

from ministack.services import cloudwatch

from .. import metrics
from ..scope import get_account_id
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"
ROWS = [
    "cloudwatch: GetMetricData answers newest first unless asked otherwise",
    "cloudwatch: GetMetricData without dimensions is the metric without any",
    "cloudwatch: GetMetricData pages are PartialData until the last",
    "cloudwatch: GetMetricData takes samples by the minute",
    "cloudwatch: GetMetricData shows a datapoint once it is published",
    "cloudwatch: GetMetricData shows a late datapoint once it is published",
    "cloudwatch: GetMetricData with StatusCode PartialData, then Complete",
    "cloudwatch: GetMetricData with StatusCode Forbidden",
    "cloudwatch: GetMetricData of 501 queries",
]
MINUTE = 60


def install():
    # Datapoints are kept for as long as the server runs: an eviction could lose one that a function adds meanwhile.
    @around(cloudwatch, "_evict_old_metrics", "()", "cf47bc1522ad")
    def evict(_):
        return None

    @around(cloudwatch, "_get_metric_data", "(params, cbor_data, is_cbor, is_json)", "bf6a8e1132a2")
    def get_metric_data(inner, params, data, is_cbor, is_json=False):
        if not is_cbor and not is_json:
            return inner(params, data, is_cbor, is_json)
        problem = _problem(data)
        if problem:
            return cloudwatch._error("ValidationError", problem, 400, use_json=is_json, use_cbor=is_cbor)
        answer = _answer(data)
        if is_cbor:
            answer["MetricDataResults"] = [cloudwatch._cbor_metric_data_result(r) for r in answer["MetricDataResults"]]
            return cloudwatch._cbor_ok(answer)
        return cloudwatch._json_ok(answer)


def _problem(data: dict) -> str | None:
    if len(data.get("MetricDataQueries") or []) > 500:
        return "The collection MetricDataQueries must not have a size greater than 500."
    if cloudwatch._parse_ts(data.get("StartTime")) >= cloudwatch._parse_ts(data.get("EndTime")):
        return "The parameter StartTime must be less than the parameter EndTime."
    return None


def _answer(data: dict) -> dict:
    start = cloudwatch._parse_ts(data["StartTime"]) // MINUTE * MINUTE
    end = cloudwatch._parse_ts(data["EndTime"])
    newest_first = data.get("ScanBy") != "TimestampAscending"
    results = [_result(query, start, end, newest_first) for query in data["MetricDataQueries"]]
    results = [result for result in results if result]
    size = metrics.page_size(get_account_id(), data.get("MaxDatapoints"))
    begin = int(base64.b64decode(data["NextToken"])) if data.get("NextToken") else 0
    return _page(results, begin, begin + size)


def _page(results: list[dict], begin: int, end: int) -> dict:
    """What the datapoints of all results, one after another, are from `begin` to `end`."""
    answer, before = {"MetricDataResults": []}, 0
    for result in results:
        count = len(result["Values"])
        window = slice(max(begin - before, 0), max(end - before, 0))
        page = result | {"Timestamps": result["Timestamps"][window], "Values": result["Values"][window]}
        before += count
        if count and before > end:
            page["StatusCode"] = "PartialData"
        answer["MetricDataResults"].append(page)
    if before > end:
        answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
    return answer


def _result(query: dict, start: float, end: float, newest_first: bool) -> dict | None:
    result = {"Id": query["Id"], "Timestamps": [], "Values": [], "StatusCode": "Complete"}
    if not query.get("ReturnData", True):
        return None
    if query.get("Expression"):
        told = [{"Code": "Unsupported", "Value": "Expressions are not evaluated here"}]
        return result | {"Label": query.get("Label", query["Id"]), "StatusCode": "InternalError", "Messages": told}
    wanted = query["MetricStat"]
    metric = wanted["Metric"]
    dimensions = cloudwatch._dims_from_list(metric.get("Dimensions") or [])
    result["Label"] = query.get("Label", metric["MetricName"])
    rule = metrics.rule_for(get_account_id(), metric["Namespace"], metric["MetricName"], dimensions) or {}
    result["StatusCode"] = rule.get("status", "Complete")
    if "message" in rule:
        result["Messages"] = [{"Code": result["StatusCode"], "Value": rule["message"]}]
    if result["StatusCode"] in ("Forbidden", "InternalError"):
        return result
    key = (metric["Namespace"], metric["MetricName"], cloudwatch._dims_key(dimensions))
    points = _statistics(key, wanted, start, end)
    if result["StatusCode"] == "PartialData":
        points = points[: len(points) // 2]
    points.sort(reverse=newest_first)
    return result | {"Timestamps": [at for at, _ in points], "Values": [value for _, value in points]}


def _statistics(key: tuple, wanted: dict, start: float, end: float) -> list[tuple[float, float]]:
    period, account = int(wanted["Period"]), get_account_id()
    periods: dict[float, list] = {}
    for point in list(cloudwatch._metrics.get(key) or []):
        at = point["Timestamp"] // MINUTE * MINUTE
        if start <= at < end and metrics.readable(account, point):
            periods.setdefault(at // period * period, []).append(point)
    found = []
    for at, points in sorted(periods.items()):
        value = cloudwatch._stat_value(cloudwatch._calc_stats(points), wanted["Stat"], points)
        if value is not None:
            found.append((float(at), float(value)))
    return found
