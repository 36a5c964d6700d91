"""The lines that Lambda and its runtimes write when a start fails, for every kind of failure: as text and as JSON.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html for the platform's events, the
runtime interface clients (aws-lambda-python-runtime-interface-client, aws-lambda-nodejs-runtime-interface-client and so on)
for what each language writes.
"""

import json
import time
from dataclasses import dataclass


@dataclass
class Failure:
    """A start that fails: what the platform calls it, and what the runtime writes."""

    error: str
    # Events of a function whose log format is text.
    text: list[str]
    # The message alone, as the runtime reports it.
    message: str
    # What the runtime writes in JSON; nothing if the process ends without a word.
    json: dict | None = None
    status: str = "error"
    # The platform tells it in a line of its own after the invocation has begun.
    told_by_platform: bool = False


def _process(error: str, message: str, *output: str, status: str = "error") -> Failure:
    return Failure(error, list(output), message, status=status, told_by_platform=True)


_WARNING = (
    "LAMBDA_WARNING: Unhandled exception. The most likely cause is an issue in the function code. However, in rare cases, a "
    "Lambda runtime update can cause unexpected function behavior."
)


def python_warning(request: str = "") -> str:
    """What the Python runtime writes before an error that nobody caught: neither the platform's line nor the function's."""
    return f"[WARNING]\t{_stamp()}\t{request}\t{_WARNING}"


def _python(error: str, message: str) -> Failure:
    record = {"log_level": "ERROR", "errorMessage": message, "errorType": error, "requestId": "", "stackTrace": []}
    return Failure(error, [f"[ERROR] {error}: {message}\nTraceback (most recent call last):"], message, record)


def _node(error: str, message: str) -> Failure:
    told = {"errorType": error, "errorMessage": message, "stack": [f"{error}: {message}"]}
    line = f"2026-01-01T00:00:00.000Z\tundefined\tERROR\tUncaught Exception \t{json.dumps(told, separators=(',', ':'))}"
    record = {"errorType": error, "errorMessage": message, "stackTrace": told["stack"]}
    return Failure(error, [line], message, {"level": "ERROR", "message": record})


def _ruby(error: str, message: str) -> Failure:
    told = {"errorMessage": message, "errorType": error, "stackTrace": ["/var/task/app.rb:1:in `require'"]}
    return Failure(error, [f"Init error when handling app.handler\n{json.dumps(told)}"], message, {"level": "ERROR", "message": told})


_EXITED = "Node.js process exited with exit status: 1. The logs above can help with debugging the issue."
_CLASS = "Class not found: example.Handler"
_ASSEMBLY = "Could not find the specified handler assembly with the file name 'App, Culture=neutral, PublicKeyToken=null'."

FAILURES = {
    "python": _python("Runtime.ImportModuleError", "Unable to import module 'app': No module named 'missing'"),
    "python-handler": _python("Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    "python-syntax": _python("Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"),
    "python-conflict": _python("Runtime.BuiltInModuleConflict", "Cannot use built-in module json as a handler module"),
    "nodejs": _node("Runtime.ImportModuleError", "Error: Cannot find module 'missing'\nRequire stack:\n- /var/task/index.js"),
    "nodejs-handler": _node("Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
    "nodejs-syntax": _node("Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token '}'"),
    "nodejs-exit": _process("Runtime.ExitError", "Runtime exited with error: exit status 1", _EXITED),
    "java": Failure(
        "Runtime.BadFunctionCode",
        [f"{_CLASS}: java.lang.ClassNotFoundException\njava.lang.ClassNotFoundException: example.Handler. Current classpath: file:/var/task/"],
        _CLASS,
        {"level": "ERROR", "message": f"{_CLASS}: java.lang.ClassNotFoundException", "errorType": "Runtime.BadFunctionCode"},
    ),
    "ruby": _ruby("Init<LoadError>", "cannot load such file -- missing"),
    "ruby-name": _ruby("Init<NameError>", "uninitialized constant Missing"),
    "dotnet": Failure(
        "LambdaValidationException",
        [f"{_ASSEMBLY}: LambdaValidationException\n   at Amazon.Lambda.RuntimeSupport.Bootstrap.UserCodeLoader.Init(Action`1 customerLoggingAction)"],
        _ASSEMBLY,
        {"level": "Error", "message": _ASSEMBLY, "errorType": "LambdaValidationException"},
    ),
    "go": _process("Runtime.ExitError", "Runtime exited with error: exit status 2", "panic: DATABASE_URL is not set", "goroutine 1 [running]:"),
    "rust": _process("Runtime.ExitError", "Runtime exited with error: exit status 101", "thread 'main' panicked at src/main.rs:9:5:", "DATABASE_URL is not set"),
    "provided-missing": _process("Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"),
    "provided-arch": _process("Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: exec format error"),
    "provided-directory": _process("Runtime.InvalidWorkingDir", "chdir /app: no such file or directory"),
    "provided-exit": _process("Runtime.ExitError", "Runtime exited with error: exit status 1"),
    "killed": _process("Runtime.ExitError", "Runtime exited with error: signal: killed"),
    "memory": _process("Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    "extension": _process("Extension.Crash", "exit code 1", "EXTENSION\tName: telemetry\tState: Started\tEvents: []"),
    "extension-launch": _process("Extension.LaunchError", "PermissionDenied", "EXTENSION\tName: telemetry\tState: LaunchError\tEvents: []\tError Type: PermissionDenied"),
    "snapstart": _process("Runtime.AfterRestoreError", "after restore: DATABASE_URL is not set", "RESTORE_START Runtime Version: java:21.v40"),
    "timeout": _process("Sandbox.Timedout", "Task timed out after 3.00 seconds", status="timeout"),
}


def failure(kind: str) -> Failure:
    if kind not in FAILURES:
        raise ValueError(f"no such kind of failed start: {kind}; there are {', '.join(sorted(FAILURES))}")
    return FAILURES[kind]


def own_lines(kind: str, formatted: str) -> list[str]:
    """What the runtime itself writes when its start fails."""
    told = failure(kind)
    if formatted != "JSON":
        return [python_warning(), *told.text] if told.text and told.text[0].startswith("[ERROR] ") else told.text
    return [json.dumps({"timestamp": _stamp()} | told.json)] if told.json else []


def failed_start(kind: str, formatted: str, request: str, version: str) -> list[str]:
    """All events of an environment that does not start, and of the invocation that it was to serve, for which it is tried again."""
    told, own = failure(kind), own_lines(kind, formatted)
    if formatted == "JSON":
        error = {"errorType": told.error} if told.status == "error" else {}
        report = {"initializationType": "on-demand", "status": told.status, **error, "metrics": {"durationMs": 212.5}}
        if kind == "snapstart":
            begun = [event("restoreStart", runtimeVersion="java:21.v40"), event("restoreReport", status="error", **error)]
        else:
            start = event("initStart", initializationType="on-demand", phase="init", functionVersion=version, runtimeVersion="any.v1")
            attempts = [[*own, event("initReport", phase=phase, **report)] for phase in ("init", "invoke")]
            begun = [start, *sum(attempts, [])]
        return [*begun, *invocation(formatted, request, version, [], told.status, error.get("errorType"))]
    attempts = [[*own, init_report(told, phase)] for phase in ("init", "invoke")]
    if kind == "snapstart":
        attempts = [[*own, f"RESTORE_REPORT Restore Duration: 212.50 ms\tStatus: error\tError Type: {told.error}"]]
    else:
        attempts.insert(0, ["INIT_START Runtime Version: any.v1\tRuntime Version ARN: arn:aws:lambda:eu-west-1::runtime:0"])
    after = [platform_error(told, request)] if told.told_by_platform else []
    return [*sum(attempts, []), *invocation(formatted, request, version, after, told.status, told.error)]


def init_report(told: Failure, phase: str) -> str:
    kind = f"\tError Type: {told.error}" if told.status == "error" else ""
    return f"INIT_REPORT Init Duration: 212.50 ms\tPhase: {phase}\tStatus: {told.status}{kind}"


def platform_error(told: Failure, request: str) -> str:
    if told.status == "timeout":
        return f"{_stamp()} {request} {told.message}\n"
    return f"RequestId: {request} Error: {told.message}\n{told.error}"


def invocation(formatted: str, request: str, version: str, lines: list[str], status="success", error=None) -> list[str]:
    """START, these lines, END and REPORT."""
    if formatted == "JSON":
        told = {"requestId": request, "metrics": {"durationMs": 12.5, "billedDurationMs": 13, "memorySizeMB": 128}, "status": status}
        return [
            event("start", requestId=request, version=version),
            *lines,
            event("report", **told, **({"errorType": error} if error else {})),
        ]
    ending = {"success": "\t", "timeout": "\tStatus: timeout\t"}.get(status, f"\tStatus: error\tError Type: {error}\t")
    return [
        f"START RequestId: {request} Version: {version}",
        *lines,
        f"END RequestId: {request}",
        f"REPORT RequestId: {request}\tDuration: 12.50 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB{ending}",
    ]


def event(kind: str, **record) -> str:
    """An event of the platform, as JSON."""
    return json.dumps({"time": _stamp(), "type": f"platform.{kind}", "record": record}, separators=(",", ":"))


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
