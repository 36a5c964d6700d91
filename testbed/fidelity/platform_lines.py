"""The lines that Lambda and its runtimes write when a start fails, for every kind of failure: as text and as JSON.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html for the platform's events, the
runtime interface clients (aws-lambda-python-runtime-interface-client, aws-lambda-nodejs-runtime-interface-client and so on)
for what each language writes.
"""

import json
import time
from dataclasses import dataclass


TIMED_OUT = "Sandbox.Timedout"


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
    # The platform tells it in a line of its own after the invocation has begun.
    told_by_platform: bool = False


def _process(error: str, message: str, *output: str) -> Failure:
    return Failure(error, list(output), message, told_by_platform=True)


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
    return Failure(
        error,
        [f"Init error when handling app.handler\n{json.dumps(told)}"],
        message,
        {"level": "ERROR", "message": told},
    )


_EXITED = "Node.js process exited with exit status: 1. The logs above can help with debugging the issue."
_CLASS = "Class not found: example.Handler"
_CLASS_TRACE = "java.lang.ClassNotFoundException: example.Handler. Current classpath: file:/var/task/"
_ASSEMBLY = "Could not find the specified handler assembly with the file name 'App, Culture=neutral'."
_ASSEMBLY_TRACE = "   at Amazon.Lambda.RuntimeSupport.Bootstrap.UserCodeLoader.Init(Action`1 customerLoggingAction)"

FAILURES = {
    "python": _python("Runtime.ImportModuleError", "Unable to import module 'app': No module named 'missing'"),
    "python-handler": _python("Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    "python-syntax": _python(
        "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': invalid syntax (app.py, line 1)"
    ),
    "python-conflict": _python("Runtime.BuiltInModuleConflict", "Cannot use built-in module json as a handler module"),
    "nodejs": _node(
        "Runtime.ImportModuleError", "Error: Cannot find module 'missing'\nRequire stack:\n- /var/task/index.js"
    ),
    "nodejs-handler": _node("Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
    "nodejs-syntax": _node("Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected token '}'"),
    "nodejs-exit": _process("Runtime.ExitError", "Runtime exited with error: exit status 1", _EXITED),
    "java": Failure(
        "Runtime.BadFunctionCode",
        [f"{_CLASS}: java.lang.ClassNotFoundException\n{_CLASS_TRACE}"],
        _CLASS,
        {
            "level": "ERROR",
            "message": f"{_CLASS}: java.lang.ClassNotFoundException",
            "errorType": "Runtime.BadFunctionCode",
        },
    ),
    "ruby": _ruby("Init<LoadError>", "cannot load such file -- missing"),
    "ruby-name": _ruby("Init<NameError>", "uninitialized constant Missing"),
    "dotnet": Failure(
        "LambdaValidationException",
        [f"{_ASSEMBLY}: LambdaValidationException\n{_ASSEMBLY_TRACE}"],
        _ASSEMBLY,
        {"level": "Error", "message": _ASSEMBLY, "errorType": "LambdaValidationException"},
    ),
    "go": _process(
        "Runtime.ExitError",
        "Runtime exited with error: exit status 2",
        "panic: DATABASE_URL is not set",
        "goroutine 1 [running]:",
    ),
    "rust": _process(
        "Runtime.ExitError",
        "Runtime exited with error: exit status 101",
        "thread 'main' panicked at src/main.rs:9:5:",
        "DATABASE_URL is not set",
    ),
    "provided-missing": _process(
        "Runtime.InvalidEntrypoint", "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    ),
    "provided-arch": _process("Runtime.InvalidEntrypoint", "fork/exec /var/task/bootstrap: exec format error"),
    "provided-directory": _process("Runtime.InvalidWorkingDir", "chdir /app: no such file or directory"),
    "provided-exit": _process("Runtime.ExitError", "Runtime exited with error: exit status 1"),
    "killed": _process("Runtime.ExitError", "Runtime exited with error: signal: killed"),
    "memory": _process("Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
    "extension": _process("Extension.Crash", "exit code 1", "EXTENSION\tName: telemetry\tState: Started\tEvents: []"),
    "extension-launch": _process(
        "Extension.LaunchError",
        "PermissionDenied",
        "EXTENSION\tName: telemetry\tState: LaunchError\tEvents: []\tError Type: PermissionDenied",
    ),
    "snapstart": _process(
        "Runtime.AfterRestoreError",
        "after restore: DATABASE_URL is not set",
        "RESTORE_START Runtime Version: java:21.v40",
    ),
    "timeout": _process(TIMED_OUT, "Task timed out after 3.00 seconds"),
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
    """All events of an environment that does not start, and of the invocation that it was to serve, for which it is
    tried again."""
    told, own = failure(kind), own_lines(kind, formatted)
    if kind == "snapstart":
        begun = [*own, restore_report(formatted, told.error)]
    else:
        attempts = [[*own, init_report(formatted, told.error, phase)] for phase in ("init", "invoke")]
        begun = [init_start(formatted, version, "any"), *sum(attempts, [])]
    after = [platform_error(told, request)] if told.told_by_platform and formatted != "JSON" else []
    return [*begun, *invocation(formatted, request, version, after, told.error)]


def init_start(formatted: str, version: str, runtime: str | None) -> str:
    """The begin of an environment; without `runtime` its version is not told."""
    named = {"runtimeVersion": f"{runtime}.v1"} if runtime else {}
    if formatted == "JSON":
        return event("initStart", initializationType="on-demand", phase="init", functionVersion=version, **named)
    arn = "arn:aws:lambda:eu-west-1::runtime:0"
    return f"INIT_START Runtime Version: {runtime}.v1\tRuntime Version ARN: {arn}"


def init_report(formatted: str, error: str, phase: str = "init", milliseconds: float = 212.5) -> str:
    """How a start failed."""
    status, named = _status(error)
    if formatted == "JSON":
        record = {"initializationType": "on-demand", "phase": phase, "status": status} | named
        return event("initReport", **record, metrics={"durationMs": milliseconds})
    return f"INIT_REPORT Init Duration: {milliseconds:.2f} ms\tPhase: {phase}" + _ending(error)


def restore_report(formatted: str, error: str) -> str:
    """How the restoration of a snapshot failed."""
    if formatted == "JSON":
        return event("restoreReport", status="error", errorType=error, metrics={"durationMs": 212.5})
    return "RESTORE_REPORT Restore Duration: 212.50 ms" + _ending(error)


def platform_error(told: Failure, request: str) -> str:
    if told.error == TIMED_OUT:
        return f"{_stamp()} {request} {told.message}\n"
    return f"RequestId: {request} Error: {told.message}\n{told.error}"


def invocation(
    formatted: str,
    request: str,
    version: str,
    lines: list[str],
    error: str | None = None,
    failed: bool = False,
    milliseconds: float = 12.5,
    memory: int = 128,
) -> list[str]:
    """START, these lines, END and REPORT. `error` is what the platform says went wrong, `failed` that the function says so."""
    if formatted == "JSON":
        status, named = _status(error) if error else ("error" if failed else "success", {})
        metrics = {
            "durationMs": round(milliseconds, 3),
            "billedDurationMs": int(milliseconds) + 1,
            "memorySizeMB": memory,
        }
        return [
            event("start", requestId=request, version=version),
            *lines,
            event("report", requestId=request, metrics=metrics, status=status, **named),
        ]
    return [
        f"START RequestId: {request} Version: {version}",
        *lines,
        f"END RequestId: {request}",
        f"REPORT RequestId: {request}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {int(milliseconds) + 1} ms\t"
        f"Memory Size: {memory} MB\tMax Memory Used: {min(memory, 40)} MB{_ending(error) if error else ''}\t",
    ]


def _status(error: str) -> tuple[str, dict]:
    return ("timeout", {}) if error == TIMED_OUT else ("error", {"errorType": error})


def _ending(error: str) -> str:
    return "\tStatus: timeout" if error == TIMED_OUT else f"\tStatus: error\tError Type: {error}"


def event(kind: str, **record) -> str:
    """An event of the platform, as JSON."""
    return json.dumps({"time": _stamp(), "type": f"platform.{kind}", "record": record}, separators=(",", ":"))


def _stamp() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
