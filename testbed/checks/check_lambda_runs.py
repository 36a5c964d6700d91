"""What invocations answer, good and bad, for the runtimes that functions have here."""

import json

from .common import package, section, source

BOOTSTRAP = r"""#!/bin/sh
api="http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation"
headers=$(mktemp)
while curl -sS -o /dev/null -D "$headers" "$api/next"; do
  id=$(tr -d '\r' < "$headers" | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  echo "log line from bootstrap"
  curl -sS -o /dev/null -d '{"v": "boot"}' "$api/$id/response"
done
"""


@section("lambda")
def python(c):
    n = "python"
    c.create(n, source("A"), Timeout=1)
    run = lambda event=None, **options: c.invoke(n, event, LogType="Tail", **options)
    c.row("Invoke runs python", run, want=lambda r: r[0] == 200 and r[3]["v"] == "A" and r[2] == "$LATEST")
    c.row(
        "Invoke LogType=Tail",
        lambda: run()[4],
        want=lambda r: (
            r.startswith("START RequestId: ")
            and ("hello from A" in r)
            and "\nEND RequestId: " in r
            and "\nREPORT RequestId: " in r
            and "Billed Duration" in r
        ),
    )
    c.row(
        "Invoke exception -> FunctionError=Unhandled, errorType ValueError, stackTrace",
        lambda: run({"boom": 1}),
        want=lambda r: (
            r[1] == "Unhandled"
            and r[3]["errorType"] == "ValueError"
            and r[3]["errorMessage"] == "boom A"
            and "/var/task/index.py" in r[3]["stackTrace"][-1]
            and "[ERROR] ValueError: boom A" in r[4]
        ),
    )
    c.row(
        "Invoke process exit (Runtime.ExitError)",
        lambda: run({"exit": 3}),
        want=lambda r: (
            r[1] == "Unhandled"
            and (r[3]["errorType"] == "Runtime.ExitError")
            and r[3]["errorMessage"].endswith("exit status 3")
        ),
    )
    c.row(
        "Invoke timeout (Sandbox.Timedout)",
        lambda: run({"sleep": 3}),
        want=lambda r: (
            r[1] == "Unhandled"
            and (r[3]["errorType"] == "Sandbox.Timedout")
            and r[3]["errorMessage"].startswith("RequestId: ")
            and ("Task timed out after 1.00 seconds" in r[3]["errorMessage"])
        ),
    )
    c.row("Invoke after a failure", run, want=lambda r: r[1] is None)
    c.row(
        "Invoke DryRun",
        lambda: c.functions.invoke(FunctionName=n, InvocationType="DryRun")["StatusCode"],
        want=lambda r: r == 204,
    )
    c.row(
        "Invoke Event",
        lambda: c.functions.invoke(FunctionName=n, InvocationType="Event", Payload=b"{}"),
        want=lambda r: r["StatusCode"] == 202,
    )
    c.row("Invoke missing qualifier", lambda: run(Qualifier="nope"), error="ResourceNotFound")
    c.row(
        "Invoke with a body that is not JSON",
        lambda: c.functions.invoke(FunctionName=n, Payload=b"{"),
        error="InvalidRequestContent",
    )
    c.row(
        "Invoke oversize payload 6.5MB",
        lambda: c.functions.invoke(FunctionName=n, Payload=json.dumps({"x": "a" * 6_500_000}).encode()),
        error="RequestTooLarge",
    )
    inactive(c, n)


@section("lambda")
def broken(c):
    n = "broken"
    c.create(n, source("A", "import nosuchmodule"))
    run = lambda: c.invoke(n, LogType="Tail")
    is_ = lambda kind, text: (
        lambda r: r[1] == "Unhandled" and r[3]["errorType"] == kind and (text in r[3]["errorMessage"])
    )
    c.row(
        "Invoke import error (Runtime.ImportModuleError)",
        run,
        want=is_("Runtime.ImportModuleError", "Unable to import module 'index': No module named 'nosuchmodule'"),
    )
    c.row(
        "Invoke LogType=Tail of a failed start has INIT_REPORT",
        lambda: run()[4],
        want=lambda r: ("INIT_REPORT" in r) and "REPORT RequestId: " in r,
    )
    c.update(n, package("x = 1", "other.py"))
    c.row(
        "Invoke handler module missing (Runtime.ImportModuleError)",
        run,
        want=is_("Runtime.ImportModuleError", "No module named 'index'"),
    )
    c.update(n, package("x = 1"))
    c.row(
        "Invoke handler function missing (Runtime.HandlerNotFound)",
        run,
        want=is_("Runtime.HandlerNotFound", "Handler 'handler' missing on module 'index'"),
    )
    c.update(n, package("def handler(e,c)\n  syntax"))
    c.row(
        "Invoke syntax error (Runtime.UserCodeSyntaxError)",
        run,
        want=is_("Runtime.UserCodeSyntaxError", "Syntax error in module 'index'"),
    )
    c.update(n, package("raise KeyError('settings')"))
    c.row("Invoke exception at import (its class)", run, want=is_("KeyError", "settings"))
    c.update(n, source("OK"))
    c.row("Invoke after the repair", run, want=lambda r: r[1] is None)


@section("lambda")
def provided(c):
    n = "provided"
    c.create(n, package(BOOTSTRAP, "bootstrap"), Runtime="provided.al2023", Handler="bootstrap")
    run = lambda: c.invoke(n, LogType="Tail")
    c.row("provided.al2023 bootstrap runs", run, want=lambda r: r[3] == {"v": "boot"} and "log line" in r[4])
    c.row("provided.al2023 bootstrap runs again", run, want=lambda r: r[3] == {"v": "boot"})
    c.update(n, package("#!/bin/sh\nexit 7\n", "bootstrap"))
    c.row(
        "Invoke provided bootstrap exits at start (Runtime.ExitError)",
        run,
        want=lambda r: (
            r[1] == "Unhandled"
            and (r[3]["errorType"] == "Runtime.ExitError")
            and r[3]["errorMessage"].endswith("exit status 7")
        ),
    )
    c.update(n, package("x", "other"))
    c.row(
        "Invoke provided bootstrap missing (Runtime.InvalidEntrypoint)",
        run,
        want=lambda r: (
            (r[3]["errorType"] == "Runtime.InvalidEntrypoint")
            and "Couldn't find valid bootstrap" in r[3]["errorMessage"]
        ),
    )


def inactive(c, name):
    """The first invocation of an Inactive function fails and wakes it."""

    def wake():
        c.control("PATCH", f"accounts/{c.account}/functions/{name}", {"State": "Inactive", "StateReasonCode": "Idle"})
        return c.invoke(name)

    c.row("Invoke an Inactive function", wake, error="ResourceConflictException")
    c.settle(name)
    c.row("Invoke an Inactive function again", lambda: c.says(name), want=lambda r: r == "A")


@section("lambda")
def json_logs(c):
    n = "json-logs"
    c.create(n, source("A"), LoggingConfig={"LogFormat": "JSON"})
    kinds = lambda log: [json.loads(line).get("type") for line in log.splitlines() if line.startswith("{")]
    c.row(
        "Invoke LogType=Tail with JSON system logs",
        lambda: c.invoke(n, LogType="Tail")[4],
        want=lambda r: kinds(r) == ["platform.start", "platform.report"] and "hello from A" in r,
    )


@section("lambda")
def tenants(c):
    c.create("tenants", source("A"), TenancyConfig={"TenantIsolationMode": "PER_TENANT"})
    refused = "InvalidParameterValueException"
    c.row("Invoke a function with tenant isolation without a tenant", lambda: c.says("tenants"), error=refused)
    c.row("Invoke a function with tenant isolation", lambda: c.says("tenants", TenantId="acme"), want=lambda r: r == "A")
    c.create("no-tenants", source("A"))
    c.row("Invoke any other function with a tenant", lambda: c.says("no-tenants", TenantId="acme"), error=refused)


@section("lambda")
def durable(c):
    n = "durable"
    c.create(n, package("def handler(event, context):\n    return {'v': 1}\n"), DurableConfig={"ExecutionTimeout": 60})
    version = c.functions.publish_version(FunctionName=n)["Version"]
    name = "checked-1"
    configured = c.settle(n)["ConfigSha256"]
    listed = lambda **options: c.functions.list_durable_executions_by_function(FunctionName=n, **options)[
        "DurableExecutions"
    ]
    c.row(
        "Invoke a durable function names its execution",
        lambda: (c.invoke(n, Qualifier=version, DurableExecutionName=name), listed(DurableExecutionName=name))[1],
        want=lambda r: [one["DurableExecutionName"] for one in r] == [name],
    )
    c.row(
        "an execution of a durable function ends with its handler",
        lambda: listed(DurableExecutionName=name),
        want=lambda r: [one["Status"] for one in r] == ["SUCCEEDED"],
    )
    c.update(n, package("def handler(event, context):\n    return {'Status': 'PENDING'}\n"))
    c.row(
        "ConfigSha256 of a durable function does not change with its executions",
        lambda: (c.configure(n, Timeout=9), c.configure(n, Timeout=3), c.settle(n)["ConfigSha256"])[2],
        want=lambda r: r == configured,
    )
    version = c.functions.publish_version(FunctionName=n)["Version"]

    def stop():
        c.invoke(n, Qualifier=version, DurableExecutionName="checked-2")
        (running,) = listed(DurableExecutionName="checked-2", Statuses=["RUNNING"])
        c.functions.stop_durable_execution(DurableExecutionArn=running["DurableExecutionArn"])
        return listed(DurableExecutionName="checked-2")

    c.row(
        "an execution of a durable function that waits is stopped",
        stop,
        want=lambda r: [one["Status"] for one in r] == ["STOPPED"],
    )


SECTIONS = [python, broken, provided, json_logs, tenants, durable]
