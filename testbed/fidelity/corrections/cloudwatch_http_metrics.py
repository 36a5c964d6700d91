"""Function URLs, APIs and load balancers publish what they answered: a 5xx is theirs, whether the function failed or not.

MiniStack publishes nothing for them. See also https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html and
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html.
"""

import time

from ministack.services import alb, apigateway, apigateway_v1, lambda_svc

from .. import metrics
from ..wrapping import around
from . import cloudwatch_lambda_metrics

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html"
ROWS = [
    "cloudwatch: a function URL publishes the 5xx of a successful invocation",
    "cloudwatch: a REST API publishes the 5xx of a successful invocation",
    "cloudwatch: an HTTP API publishes the 5xx of a successful invocation",
    "cloudwatch: a load balancer publishes the 5xx of its target",
]


def install():
    @around(
        lambda_svc,
        "handle_function_url_request",
        "(url_id, method, path, headers, body, query_params, resolved, source_ip)",
        "c9d31efac5f1",
    )
    async def url(inner, url_id, *arguments, **named):
        box, started = [], time.monotonic()
        token = cloudwatch_lambda_metrics.ran.set(box)
        try:
            answer = await inner(url_id, *arguments, **named)
        finally:
            cloudwatch_lambda_metrics.ran.reset(token)
        if box:
            account, region = box[0]["FunctionArn"].split(":")[4], box[0]["FunctionArn"].split(":")[3]
            sets, latency = (
                cloudwatch_lambda_metrics.dimensions(box[0]),
                ("UrlRequestLatency", _since(started), "Milliseconds"),
            )
            counts = _counts(answer[0], "UrlRequestCount", "Url4xxCount", "Url5xxCount")
            _publish(account, region, metrics.LAMBDA, sets, *counts, latency)
        return answer

    @around(
        apigateway_v1,
        "handle_execute",
        "(api_id, stage_name, method, path, headers, body, query_params)",
        "c44e927a3e33",
    )
    async def rest_api(inner, api_id, stage_name, *arguments):
        started = time.monotonic()
        answer = await inner(api_id, stage_name, *arguments)
        scope = apigateway_v1.find_api_scope(api_id)
        if scope:
            name = apigateway_v1._rest_apis.get_scoped(*scope, api_id)["name"]
            counts = _counts(answer[0], "Count", "4XXError", "5XXError")
            sets = metrics.of_api({"ApiName": name}, stage_name)
            _publish(*scope, metrics.REST_API, sets, *counts, ("Latency", _since(started), "Milliseconds"))
        return answer

    @around(
        apigateway,
        "handle_execute",
        "(api_id, stage, path, method, headers, body, query_params, raw_query_string)",
        "c7a2f92d7eb6",
    )
    async def http_api(inner, api_id, stage, *arguments, **named):
        started = time.monotonic()
        answer = await inner(api_id, stage, *arguments, **named)
        scope = apigateway.find_api_scope(api_id)
        if scope:
            counts = _counts(answer[0], "Count", "4xx", "5xx")
            sets = metrics.of_api({"ApiId": api_id}, stage)
            _publish(*scope, metrics.HTTP_API, sets, *counts, ("Latency", _since(started), "Milliseconds"))
        return answer

    @around(
        alb,
        "_forward_to_tg",
        "(tg_arn, method, path, headers, body, query_params, raw_query_string, raw_path)",
        "9a88384605d7",
    )
    async def load_balancer(inner, tg_arn, *arguments, **named):
        started = time.monotonic()
        answer = await inner(tg_arn, *arguments, **named)
        group = alb._tgs.get(tg_arn)
        for balancer in (group or {}).get("LoadBalancerArns", []):
            _balanced(balancer, tg_arn, answer, time.monotonic() - started)
        return answer


def _balanced(balancer: str, group: str, answer, seconds: float) -> None:
    _, _, _, region, account, resource = balancer.split(":", 5)
    sets = metrics.of_load_balancer(resource.removeprefix("loadbalancer/"), group.split(":", 5)[5])
    # MiniStack's load balancer answers 502 where no target did, or its function failed.
    by_target = answer[0] != 502
    kind = f"HTTPCode_Target_{answer[0] // 100}XX_Count" if by_target else "HTTPCode_ELB_5XX_Count"
    samples = [("RequestCount", 1, "Count"), (kind, 1, "Count"), ("TargetResponseTime", seconds, "Seconds")]
    _publish(account, region, metrics.LOAD_BALANCER, sets, *samples)


def _counts(status: int, requests: str, client: str, server: str) -> list[tuple]:
    kinds = [(requests, 1), (client, int(400 <= status < 500)), (server, int(status >= 500))]
    return [(name, value, "Count") for name, value in kinds]


def _publish(account: str, region: str, namespace: str, sets: list[dict], *samples) -> None:
    for name, value, unit in samples:
        metrics.record_of(account, region, namespace, name, sets, value, unit)


def _since(started: float) -> float:
    return (time.monotonic() - started) * 1000
