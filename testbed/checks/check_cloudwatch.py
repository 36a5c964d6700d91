"""Metrics of CloudWatch: what an invocation publishes, and when it can be read.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
"""

import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

from .common import package, section, source


class Metrics:
    """Metrics of the account, as a step reads them."""

    def __init__(self, c):
        self.c, self.cloudwatch = c, c.client("cloudwatch")

    def put(self, *series) -> None:
        self.c.control("POST", f"accounts/{self.c.account}/metrics", list(series))

    def get(self, metric, dimensions, namespace="AWS/Lambda", stat="Sum", minutes=10, **request) -> dict:
        """The one result of a GetMetricData over the last minutes."""
        return self.page(metric, dimensions, namespace, stat, minutes, **request)["MetricDataResults"][0]

    def page(self, metric, dimensions, namespace="AWS/Lambda", stat="Sum", minutes=10, start=None, **request) -> dict:
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        wanted = {"Namespace": namespace, "MetricName": metric, "Dimensions": named}
        query = {"Id": "q", "MetricStat": {"Metric": wanted, "Period": 60, "Stat": stat}}
        now = datetime.now(timezone.utc)
        return self.cloudwatch.get_metric_data(
            MetricDataQueries=[query],
            StartTime=start or now - timedelta(minutes=minutes),
            EndTime=now + timedelta(minutes=2),
            **request,
        )

    def sum(self, metric, dimensions, **request) -> float:
        return sum(self.get(metric, dimensions, **request)["Values"])


@section("cloudwatch")
def invocations(c):
    m, n = Metrics(c), "app"
    c.create(n, source("A"))
    c.functions.publish_version(FunctionName=n)
    c.functions.create_alias(FunctionName=n, Name="live", FunctionVersion="1")
    counts = lambda dimensions: [m.sum(metric, dimensions) for metric in ("Invocations", "Errors", "Throttles")]
    of = lambda resource, **more: {"FunctionName": n, "Resource": resource, **more}
    c.invoke(n, Qualifier="live")
    c.invoke(n, {"boom": 1}, Qualifier="live")
    c.row(
        "an invocation of an alias is published by executed version",
        lambda: [counts(of("app:live", ExecutedVersion="1")), counts(of("app:live")), counts({"FunctionName": n})],
        want=lambda r: r == [[2, 1, 0]] * 3,
    )
    c.row(
        "Duration has a sample for each invocation",
        lambda: m.sum("Duration", {"FunctionName": n}, stat="SampleCount"),
        want=lambda r: r == 2,
    )
    c.invoke(n, Qualifier="1")
    c.row(
        "an invocation of a version is published by resource",
        lambda: [counts(of("app:1")), counts(of("app:1", ExecutedVersion="1"))],
        want=lambda r: r == [[1, 0, 0], [0, 0, 0]],
    )
    c.invoke(n)
    c.row(
        "an invocation without qualifier is published by resource", lambda: counts(of(n)), want=lambda r: r == [1, 0, 0]
    )
    url(c, m, n)
    c.functions.put_function_concurrency(FunctionName=n, ReservedConcurrentExecutions=0)

    def throttle():
        try:
            c.invoke(n, Qualifier="live")
        except c.functions.exceptions.TooManyRequestsException:
            return counts(of("app:live"))

    before = counts(of("app:live"))
    c.row("a throttled request is no invocation", throttle, want=lambda r: r == [before[0], before[1], 1])


def url(c, m, n):
    """A request of the alias's function URL."""
    address = url_of(c, n)
    dimensions = {"FunctionName": n, "Resource": f"{n}:live", "ExecutedVersion": "1"}
    before = m.sum("Invocations", dimensions)
    urllib.request.urlopen(address, timeout=10).read()
    c.row(
        "a request of a function URL is an invocation of the alias",
        lambda: m.sum("Invocations", dimensions) - before,
        want=lambda r: r == 1,
    )


@section("cloudwatch")
def entries(c):
    """A function that says 500 and does not fail, behind everything that has a URL."""
    m, n, region = Metrics(c), "app", c.functions.meta.region_name
    c.create(n, package("def handler(event, context):\n    return {'statusCode': 500, 'body': 'no'}\n"))
    c.functions.publish_version(FunctionName=n)
    c.functions.create_alias(FunctionName=n, Name="live", FunctionVersion="1")
    arn = f"arn:aws:lambda:{region}:{c.account}:function:{n}:live"
    invoke = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{arn}/invocations"

    def counted(address, namespace, dimensions, *names, **headers):
        # APIs and load balancers are found here in the account of whoever asks.
        scope = f"{c.account}/20260101/{region}/execute-api/aws4_request"
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        try:
            urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10)
        except urllib.error.HTTPError as problem:
            counts = [m.sum(name, dimensions, namespace=namespace) for name in names]
            return problem.code, counts, m.sum("Errors", {"FunctionName": n})
        return "no error"

    row = lambda name, act: c.row(
        f"{name} publishes the 5xx of a successful invocation", act, want=lambda r: r == (500, [1, 1], 0)
    )
    address = url_of(c, n)
    by_version = {"FunctionName": n, "Resource": f"{n}:live", "ExecutedVersion": "1"}
    row("a function URL", lambda: counted(address, "AWS/Lambda", by_version, "UrlRequestCount", "Url5xxCount"))
    rest, http = c.client("apigateway"), c.client("apigatewayv2")
    api = rest.create_rest_api(name="shop")["id"]
    root = rest.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    rest.put_method(**method, authorizationType="NONE")
    rest.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=invoke)
    rest.create_deployment(restApiId=api, stageName="prd")
    row(
        "a REST API",
        lambda: counted(
            f"{c.url}/_aws/execute-api/{api}/prd/",
            "AWS/ApiGateway",
            {"ApiName": "shop", "Stage": "prd"},
            "Count",
            "5XXError",
        ),
    )
    made = http.create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    proxy = {"IntegrationType": "AWS_PROXY", "IntegrationUri": arn, "PayloadFormatVersion": "2.0"}
    integration = http.create_integration(ApiId=made, **proxy)["IntegrationId"]
    http.create_route(ApiId=made, RouteKey="$default", Target=f"integrations/{integration}")
    http.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
    row(
        "an HTTP API",
        lambda: counted(
            f"{c.url}/_aws/execute-api/{made}/", "AWS/ApiGateway", {"ApiId": made, "Stage": "$default"}, "Count", "5xx"
        ),
    )
    balanced(c, m, counted, arn)


def balanced(c, m, counted, arn):
    elb = c.client("elbv2")
    balancer = elb.create_load_balancer(Name="shop", Subnets=["subnet-1", "subnet-2"])["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    group = elb.create_target_group(Name="shop", TargetType="lambda")["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": arn}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    dimensions = {"LoadBalancer": balancer.split(":loadbalancer/")[1], "TargetGroup": group.split(":")[5]}
    names = ("RequestCount", "HTTPCode_Target_5XX_Count")
    c.row(
        "a load balancer publishes the 5xx of its target",
        lambda: counted(f"{c.url}/", "AWS/ApplicationELB", dimensions, *names, host="shop.alb.localhost"),
        want=lambda r: r == (500, [1, 1], 0),
    )


def url_of(c, n) -> str:
    """The address of the alias's function URL, which anyone may call."""
    made = c.functions.create_function_url_config(FunctionName=n, Qualifier="live", AuthType="NONE")["FunctionUrl"]
    allowed = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    c.functions.add_permission(FunctionName=n, Qualifier="live", StatementId="url", **allowed)
    return f"{c.url}/_aws/lambda-url/{made.split('//')[1].split('.')[0]}/"


@section("cloudwatch")
def metric_data(c):
    m = Metrics(c)
    put = lambda *args, **named: m.cloudwatch.put_metric_data(*args, **named)
    base = datetime.now(timezone.utc).replace(second=0, microsecond=0) - timedelta(minutes=5)
    of_a = [{"Name": "F", "Value": "a"}]
    data = [
        {"MetricName": "Errors", "Dimensions": of_a, "Timestamp": base + timedelta(minutes=i), "Value": i}
        for i in range(4)
    ]
    put(Namespace="App", MetricData=data)
    get = lambda **request: m.get("Errors", {"F": "a"}, namespace="App", **request)
    c.row("GetMetricData answers newest first unless asked otherwise", get, want=lambda r: r["Values"] == [3, 2, 1, 0])
    c.row(
        "GetMetricData oldest first",
        lambda: get(ScanBy="TimestampAscending"),
        want=lambda r: r["Values"] == [0, 1, 2, 3] and r["StatusCode"] == "Complete" and r["Label"] == "Errors",
    )
    c.row(
        "GetMetricData without dimensions is the metric without any",
        lambda: m.get("Errors", {}, namespace="App")["Values"],
        want=lambda r: r == [],
    )
    c.row(
        "GetMetricData of an empty metric",
        lambda: m.get("Nope", {"F": "a"}, namespace="App"),
        want=lambda r: r["Values"] == [],
    )
    pages(c, m, get)
    put(
        Namespace="App",
        MetricData=[
            {
                "MetricName": "Latency",
                "Dimensions": of_a,
                "Timestamp": base,
                "Values": [10.0, 500.0],
                "Counts": [98.0, 2.0],
            },
            {"MetricName": "Minute", "Dimensions": of_a, "Timestamp": base + timedelta(seconds=10), "Value": 1},
        ],
    )
    c.row(
        "GetMetricData p50, p95 and p99",
        lambda: [m.get("Latency", {"F": "a"}, namespace="App", stat=stat)["Values"] for stat in ("p50", "p95", "p99")],
        want=lambda r: r == [[10], [10], [500]],
    )
    c.row(
        "GetMetricData takes samples by the minute",
        lambda: m.get("Minute", {"F": "a"}, namespace="App", start=base + timedelta(seconds=40))["Values"],
        want=lambda r: r == [1],
    )
    queries = lambda count: [
        {"Id": f"q{i}", "MetricStat": {"Metric": {"Namespace": "App", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}
        for i in range(count)
    ]
    ask = lambda count: m.cloudwatch.get_metric_data(
        MetricDataQueries=queries(count), StartTime=base, EndTime=base + timedelta(minutes=1)
    )
    c.row("GetMetricData of 500 queries", lambda: len(ask(500)["MetricDataResults"]), want=lambda r: r == 500)
    c.row("GetMetricData of 501 queries", lambda: ask(501), error="ValidationError")


def pages(c, m, get):
    def all_pages():
        token, found = {}, []
        while True:
            page = m.page("Errors", {"F": "a"}, namespace="App", MaxDatapoints=3, **token)
            found.append((page["MetricDataResults"][0]["StatusCode"], page["MetricDataResults"][0]["Values"]))
            if "NextToken" not in page:
                return found
            token = {"NextToken": page["NextToken"]}

    c.row(
        "GetMetricData pages are PartialData until the last",
        all_pages,
        want=lambda r: r == [("PartialData", [3, 2, 1]), ("Complete", [0])],
    )


@section("cloudwatch")
def publication(c):
    """Datapoints that come late, and answers that are not complete."""
    m, of = Metrics(c), {"FunctionName": "app", "Resource": "app:live", "ExecutedVersion": "3"}
    series = lambda metric, values, **more: {
        "function": "app",
        "alias": "live",
        "version": "3",
        "metric": metric,
        "at": -240,
        "values": values,
        **more,
    }
    m.put(series("Invocations", [50, 50, None, 20]), series("Errors", [1, 0, None, 2], late=900))
    values = lambda metric: m.get(metric, of, ScanBy="TimestampAscending")["Values"]
    c.row(
        "a series of a version is put into its dimensions",
        lambda: values("Invocations"),
        want=lambda r: r == [50, 50, 20],
    )

    def shown_once(metric, minutes):
        before = values(metric)
        c.control("POST", f"accounts/{c.account}/clock", {"advance": minutes * 60})
        after = values(metric)
        c.control("POST", f"accounts/{c.account}/clock", {"set": 0})
        return before, after

    c.row(
        "GetMetricData shows a late datapoint once it is published",
        lambda: shown_once("Errors", 16),
        want=lambda r: r == ([], [1, 0, 2]),
    )
    c.set(metric_delay=600)
    c.row(
        "GetMetricData shows a datapoint once it is published",
        lambda: shown_once("Invocations", 10),
        want=lambda r: r == ([], [50, 50, 20]),
    )
    c.set(metric_delay=0)
    rules = lambda *rules: c.control("POST", f"accounts/{c.account}/metric-status", list(rules))
    told = lambda: [
        (r["StatusCode"], r["Values"]) for r in (m.get("Invocations", of, ScanBy="TimestampAscending") for _ in "12")
    ]
    rules({"status": "PartialData", "match": "Invocations.*ExecutedVersion=3"})
    c.row(
        "GetMetricData with StatusCode PartialData, then Complete",
        told,
        want=lambda r: r == [("PartialData", [50]), ("Complete", [50, 50, 20])],
    )
    rules({"status": "Forbidden", "times": None, "message": "not yours"})
    c.row(
        "GetMetricData with StatusCode Forbidden",
        lambda: m.get("Invocations", of),
        want=lambda r: (
            r["StatusCode"] == "Forbidden" and r["Values"] == [] and r["Messages"][0]["Value"] == "not yours"
        ),
    )


SECTIONS = [invocations, entries, metric_data, publication]
