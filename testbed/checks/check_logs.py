"""CloudWatch Logs: what functions log and where, and how it is read.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import itertools
import json
import re
import time

from botocore.exceptions import ClientError

from .check_ecr import Images
from .common import section, source

KINDS = ("python", "nodejs", "nodejs-exit", "java", "ruby", "provided-arch", "extension", "timeout")


class Logs:
    """Log events of the account, as a step reads them."""

    def __init__(self, c):
        self.c, self.logs = c, c.client("logs")

    def put(self, **data) -> dict:
        return self.c.control("POST", f"accounts/{self.c.account}/logs", data)

    def pages(self, group, **request) -> list[list[dict]]:
        found, token = [], {}
        while True:
            page = self.logs.filter_log_events(logGroupName=group, **request, **token)
            found.append(page["events"])
            if "nextToken" not in page:
                return found
            token = {"nextToken": page["nextToken"]}

    def messages(self, group, **request) -> list[str]:
        return [event["message"] for page in self.pages(group, **request) for event in page]

    def streams(self, group, **request) -> list[str]:
        return [
            one["logStreamName"] for one in self.logs.describe_log_streams(logGroupName=group, **request)["logStreams"]
        ]


@section("logs")
def streams(c):
    """What functions write."""
    l, day = Logs(c), time.strftime("%Y/%m/%d", time.gmtime())
    c.create("app", source("A"))
    c.functions.publish_version(FunctionName="app")
    for _ in range(2):
        c.invoke("app", Qualifier="1")
    c.invoke("app")
    group = "/aws/lambda/app"
    names = l.streams(group)
    kinds = lambda lines: [line.split()[0] for line in lines]
    c.row(
        "a version logs to a stream of its own, START to REPORT",
        lambda: [names, l.messages(group, logStreamNamePrefix=f"{day}/[1]")],
        want=lambda r: (
            sorted(re.sub("[0-9a-f]{32}$", "", name) for name in r[0]) == [f"{day}/[$LATEST]", f"{day}/[1]"]
            and kinds(r[1]) == ["INIT_START", *["START", "hello", "END", "REPORT"] * 2]
        ),
    )
    c.row(
        "the first invocation of a version says INIT_START",
        lambda: l.messages(group),
        want=lambda r: kinds(r).count("INIT_START") == 2,
    )
    c.create("own", source("A"), LoggingConfig={"LogGroup": "shared"})
    c.invoke("own")
    c.row(
        "a function with a log group of its own choice names itself in the stream",
        lambda: l.streams("shared"),
        want=lambda r: len(r) == 1 and re.fullmatch(rf"{day}/own\[\$LATEST\]\[[0-9a-f-]{{36}}\]", r[0]),
    )
    c.create("broken", source("A", "import nosuchmodule"))
    c.invoke("broken")
    c.row(
        "a failed start says INIT_REPORT with the error type",
        lambda: l.messages("/aws/lambda/broken"),
        want=lambda r: (
            kinds(r) == ["INIT_START", *["[WARNING]", "[ERROR]", "INIT_REPORT"] * 2, "START", "END", "REPORT"]
            and r[2].startswith("[ERROR] Runtime.ImportModuleError: Unable to import")
            and "\nTraceback" in r[2]
            and "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError" in r[3]
            and "Phase: invoke" in r[6]
        ),
    )
    images(c, l)
    as_json(c, l)


def images(c, l):
    """Every kind of failed start, from an image and put by a test: the same events, and the invocation's answer."""
    pushed = Images(c, "kinds")
    told = {}
    for kind, formatted in [*itertools.product(KINDS, ["Text"]), *itertools.product(KINDS[:3], ["JSON"])]:
        name = f"{kind}-{formatted}".lower()
        digest = pushed.push(name, {"testbed.behaviour": f"- do: init-error {kind}"})
        logging = {"LogFormat": formatted}
        c.create(name, PackageType="Image", Code={"ImageUri": pushed.uri(digest)}, LoggingConfig=logging)
        error = c.invoke(name)[3]["errorType"].replace("Sandbox.Timedout", "timeout")
        written = l.messages(f"/aws/lambda/{name}")
        l.put(group=f"/put/{name}", function=name, **{"init-error": kind, "format": formatted})
        put = l.messages(f"/put/{name}")
        both = [
            [_kind_of(line) for line in lines if "nitStart" not in line and "INIT_START" not in line]
            for lines in (written, put)
        ]
        told[name] = both[0] == both[1] and any(error in line for line in written) or both
    c.row(
        "a failed start of an image reads as one that a test puts",
        lambda: {name: one for name, one in told.items() if one is not True},
        want=lambda r: r == {},
    )


def _kind_of(line: str) -> str:
    return json.loads(line).get("type", "own") if line.startswith("{") else re.split(r"[ \t:]", line)[0]


def as_json(c, l):
    def types(name, **config):
        c.create(name, source("A"), LoggingConfig={"LogFormat": "JSON", **config})
        c.invoke(name)
        lines = l.messages(f"/aws/lambda/{name}")
        return [json.loads(line)["type"] if line.startswith("{") else line for line in lines]

    platform = ["platform.initStart", "platform.start", "hello from A", "platform.report"]
    c.row(
        "a function that logs JSON has the platform's events as JSON",
        lambda: types("json"),
        want=lambda r: r == platform,
    )
    c.row(
        "SystemLogLevel WARN keeps START and REPORT back",
        lambda: types("warn", SystemLogLevel="WARN"),
        want=lambda r: r == ["hello from A"],
    )
    c.row(
        "ApplicationLogLevel FATAL keeps the function's lines back",
        lambda: types("fatal", ApplicationLogLevel="FATAL"),
        want=lambda r: r == [kind for kind in platform if "hello" not in kind],
    )


@section("logs")
def events(c):
    """What is read, and in which pages."""
    l, g = Logs(c), "/app/events"
    for version in ("4", "42"):
        l.put(group=g, function="app", version=version, at=-60, lines=[f"line of {version}"])
    l.put(group=g, function="other", version="4", at=-60, lines=["line of another"])
    day = time.strftime("%Y/%m/%d", time.gmtime(time.time() - 60))
    prefix = f"{day}/app[4]"
    c.row(
        "FilterLogEvents by prefix reads one version",
        lambda: l.messages(g, logStreamNamePrefix=prefix),
        want=lambda r: r == ["line of 4"],
    )
    c.row(
        "FilterLogEvents by names", lambda: l.messages(g, logStreamNames=[l.streams(g)[0]]), want=lambda r: len(r) == 1
    )
    c.row(
        "FilterLogEvents by prefix and names",
        lambda: l.pages(g, logStreamNamePrefix=prefix, logStreamNames=["a"]),
        error="InvalidParameter",
    )
    c.row("FilterLogEvents of a missing group", lambda: l.pages("/none"), error="ResourceNotFound")
    l.put(group="/app/many", stream="s", events=[{"at": -60 + i / 10, "message": f"line {i}"} for i in range(120)])
    c.row(
        "FilterLogEvents pages bring every event once",
        lambda: l.pages("/app/many", limit=50),
        want=lambda r: (
            [len(page) for page in r] == [50, 50, 20] and len({e["eventId"] for page in r for e in page}) == 120
        ),
    )
    c.set(log_empty_pages=3)
    c.row(
        "FilterLogEvents answers empty pages with a token",
        lambda: [len(page) for page in l.pages("/app/many")],
        want=lambda r: r == [0, 0, 0, 120],
    )
    c.set(log_empty_pages=0)
    c.row(
        "FilterLogEvents names every event",
        lambda: l.pages("/app/many")[0][0],
        want=lambda r: set(r) == {"eventId", "ingestionTime", "logStreamName", "message", "timestamp"},
    )
    ingestion(c, l)


def ingestion(c, l):
    g = "/app/late"
    advance = lambda **how: c.control("POST", f"accounts/{c.account}/clock", how)

    def shown_once(read, seconds):
        before = read()
        advance(advance=seconds)
        after = read()
        advance(set=0)
        return before, after

    c.set(log_delay=20)
    l.put(group=g, stream="s", lines=["first"])
    c.row(
        "FilterLogEvents shows an event once it is ingested",
        lambda: shown_once(lambda: l.messages(g), 21),
        want=lambda r: r == ([], ["first"]),
    )
    c.row(
        "DescribeLogStreams shows a stream once an event is ingested",
        lambda: shown_once(lambda: l.streams(g), 21),
        want=lambda r: r == ([], ["s"]),
    )
    c.row(
        "Insights finds an event once it is ingested",
        lambda: shown_once(lambda: insights(l, g), 21),
        want=lambda r: r == ([], ["first"]),
    )
    c.set(log_delay=0)
    l.put(group=g, stream="s", events=[{"at": -100, "message": "late", "late": 160}])
    c.row(
        "FilterLogEvents shows a late event in its place",
        lambda: shown_once(lambda: l.messages(g), 61),
        want=lambda r: r == (["first"], ["late", "first"]),
    )
    by_time = {"orderBy": "LastEventTime", "logStreamNamePrefix": "s"}
    c.row("DescribeLogStreams by time and by prefix", lambda: l.streams(g, **by_time), error="InvalidParameter")


@section("logs")
def one_stream(c):
    """GetLogEvents: what a step reads of a task or a build."""
    l, g = Logs(c), "/app/stream"
    get = lambda token=None, **options: l.logs.get_log_events(
        **{"logGroupName": g, "logStreamName": "s", "startFromHead": True, **options},
        **({"nextToken": token} if token else {}),
    )

    def pages(**options):
        """The messages of each page, up to the one whose token is the one that was asked for."""
        found, token = [], None
        while True:
            page = get(token, **options)
            if page["nextForwardToken"] == token:
                return found
            found.append([event["message"] for event in page["events"]])
            token = page["nextForwardToken"]

    l.put(group=g, stream="s", events=[{"at": -60 + i, "message": f"line {i}"} for i in range(5)])
    c.row(
        "GetLogEvents pages bring every event once",
        lambda: pages(limit=2),
        want=lambda r: r[:3] == [["line 0", "line 1"], ["line 2", "line 3"], ["line 4"]] and not any(r[3:]),
    )
    c.row(
        "GetLogEvents from the end",
        lambda: [one["message"] for one in get(startFromHead=False, limit=2)["events"]],
        want=lambda r: r == ["line 3", "line 4"],
    )
    c.set(log_empty_pages=2)
    c.row(
        "GetLogEvents answers empty pages with another token",
        pages,
        want=lambda r: r[:3] == [[], [], [f"line {i}" for i in range(5)]],
    )
    c.set(log_empty_pages=0)
    shown = lambda stream: [one["message"] for one in get(logStreamName=stream)["events"]]
    c.row("GetLogEvents of a missing stream", lambda: shown("none"), error="ResourceNotFound")

    def once_ingested():
        before = []
        for stream in ("s", "new"):
            l.put(group=g, stream=stream, events=[{"at": 0, "message": "late", "late": 60}])
            try:
                before.append(shown(stream)[-1])
            except ClientError as problem:
                before.append(problem.response["Error"]["Code"])
        c.control("POST", f"accounts/{c.account}/clock", {"advance": 61})
        return before, [shown(stream)[-1] for stream in ("s", "new")]

    c.row(
        "GetLogEvents shows an event once it is ingested",
        once_ingested,
        want=lambda r: r == (["line 4", "ResourceNotFoundException"], ["late", "late"]),
    )


def insights(l, group) -> list[str]:
    now = int(time.time())
    query = {"startTime": now - 600, "endTime": now + 60, "queryString": "fields @message"}
    identifier = l.logs.start_query(logGroupName=group, **query)["queryId"]
    results = l.logs.get_query_results(queryId=identifier)["results"]
    return [field["value"] for row in results for field in row if field["field"] == "@message"]


@section("logs")
def patterns(c):
    l, g = Logs(c), "/app/patterns"
    records = [json.dumps({"level": "ERROR", "code": 500}), json.dumps({"level": "INFO", "code": 200})]
    lines = ["INFO start", "ERROR boom one", "an error", "Task timed out after 3.00 seconds", *records]
    l.logs.create_log_group(logGroupName=g)
    l.logs.create_log_stream(logGroupName=g, logStreamName="s")
    now = int(time.time() * 1000)
    stored = [{"timestamp": now - 1000 + i, "message": line} for i, line in enumerate(lines)]
    l.logs.put_log_events(logGroupName=g, logStreamName="s", logEvents=stored)
    expect = lambda name, pattern, *wanted: c.row(
        f"FilterLogEvents {name}",
        lambda: l.messages(g, filterPattern=pattern),
        want=lambda r: r == [lines[i] for i in wanted],
    )
    expect("matches case", "ERROR", 1, 4)
    expect("?ERROR ?timed is one or the other", "?ERROR ?timed", 1, 3, 4)
    expect("of a phrase", '"timed out"', 3)
    expect("with a term that must be absent", "ERROR -boom", 4)
    expect("{ $.code >= 500 }", "{ $.code >= 500 }", 4)
    expect('{ $.level = "INFO" || $.code = 500 }', '{ $.level = "INFO" || $.code = 500 }', 4, 5)
    expect("%boom|timed%", "%boom|timed%", 1, 3)
    c.row(
        "FilterLogEvents of a time, both ends included",
        lambda: l.messages(g, startTime=now - 999, endTime=now - 998),
        want=lambda r: r == lines[1:3],
    )


@section("logs")
def classes(c):
    l = Logs(c)
    for kind in ("INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"):
        l.put(group=f"/{kind}", stream="s", lines=["line"], **{"class": kind})
        c.row(
            f"GetLogEvents of class {kind}",
            lambda kind=kind: l.logs.get_log_events(logGroupName=f"/{kind}", logStreamName="s"),
            error="InvalidOperation",
        )
        c.row(f"FilterLogEvents of class {kind}", lambda kind=kind: l.pages(f"/{kind}"), error="InvalidOperation")
    described = lambda: l.logs.describe_log_groups(logGroupNamePrefix="/INFREQUENT")["logGroups"]
    c.row(
        "DescribeLogGroups tells the class",
        described,
        want=lambda r: [one["logGroupClass"] for one in r] == ["INFREQUENT_ACCESS"],
    )
    c.row(
        "StartQuery of class INFREQUENT_ACCESS", lambda: insights(l, "/INFREQUENT_ACCESS"), want=lambda r: r == ["line"]
    )
    c.row("StartQuery of class DELIVERY", lambda: insights(l, "/DELIVERY"), error="InvalidOperation")


SECTIONS = [streams, events, one_stream, patterns, classes]
