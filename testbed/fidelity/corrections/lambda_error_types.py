"""A failed invocation names the runtime's real error type, with the stack trace of the function's own code.

MiniStack calls most failures Runtime.HandlerError and has no stack trace.
"""

import re

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html"
ROWS = [
    "lambda: Invoke exception -> FunctionError=Unhandled, errorType ValueError, stackTrace",
    "lambda: Invoke import error (Runtime.ImportModuleError)",
    "lambda: Invoke handler module missing (Runtime.ImportModuleError)",
    "lambda: Invoke handler function missing (Runtime.HandlerNotFound)",
    "lambda: Invoke syntax error (Runtime.UserCodeSyntaxError)",
    "lambda: Invoke exception at import (its class)",
    "lambda: Invoke process exit (Runtime.ExitError)",
    "lambda: Invoke timeout (Sandbox.Timedout)",
    "lambda: Invoke provided bootstrap exits at start (Runtime.ExitError)",
    "lambda: Invoke provided bootstrap missing (Runtime.InvalidEntrypoint)",
]

_INIT = '_real_stdout.write(json.dumps({"status": "error", "error": str(e)}) + "\\n")'
_INIT_NAMED = '_real_stdout.write(json.dumps({"status": "error", "error": type(e).__name__ + ": " + str(e)}) + "\\n")'
_INIT_PREFIX = "Worker init failed: "


def install():
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert script.count(_INIT) == 1, "the worker script changed"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_INIT, _INIT_NAMED)

    @around(
        lambda_runtime.Worker,
        "invoke",
        "(self, event, request_id, trace_id, depth, durable, invoked_function_arn)",
        "96751a754710",
    )
    def invoke(inner, self, *arguments, **named):
        processes = []
        self.testbed_spawned = processes.append
        processes.append(self._proc)
        result = inner(self, *arguments, **named)
        if result.get("error") == "Worker process died":
            result["error"] = f"Runtime exited {_exit(processes[-1])}"
        return result

    @around(lambda_runtime.Worker, "_spawn", "(self)", "c55febf95656")
    def spawn(inner, self):
        inner(self)
        if hasattr(self, "testbed_spawned"):
            self.testbed_spawned(self._proc)

    @around(lambda_svc, "_execute_function_dispatch", "(func, config, event, request_id, started)", "f62cd259213e")
    def dispatch(inner, func, config, event, request_id, started):
        result = inner(func, config, event, request_id, started)
        if isinstance(result, dict) and result.get("error") and isinstance(result.get("body"), dict):
            if str(config.get("Runtime", "")).startswith("python"):
                _python(result, config, request_id)
            _platform(result, config, request_id)
        return result


def _python(result: dict, config: dict, request_id: str) -> None:
    message = result["body"].get("errorMessage", "")
    if message.startswith(_INIT_PREFIX):
        kind, _, text = message[len(_INIT_PREFIX) :].partition(": ")
        module, _, handler = config.get("Handler", "").rpartition(".")
        if kind in ("ImportError", "ModuleNotFoundError"):
            kind, text = "Runtime.ImportModuleError", f"Unable to import module '{module}': {text}"
        elif kind in ("SyntaxError", "IndentationError", "TabError"):
            kind, text = "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {text}"
        elif kind == "AttributeError" and f"has no attribute '{handler}'" in text:
            kind, text = "Runtime.HandlerNotFound", f"Handler '{handler}' missing on module '{module}'"
        _tell(result, kind, text, [], request_id)
        result["testbed_init_error"] = kind
        return
    start = result.get("log", "").rfind("Traceback (most recent call last):")
    if start < 0:
        return
    lines = result["log"][start:].splitlines()[1:]
    frames = []
    for line in lines:
        if line.startswith("  File "):
            frames.append(line)
        elif line.startswith("    ") and frames and not re.fullmatch(r"[\s~^]+", line):
            frames[-1] += "\n" + line
        elif not line.startswith(" "):
            kind = line.split(":", 1)[0].strip().rsplit(".", 1)[-1]
            trace = [
                re.sub(r'File "[^"]*/code/', 'File "/var/task/', frame) + "\n"
                for frame in frames
                if "/_worker.py" not in frame
            ]
            result["log"] = result["log"][:start].rstrip("\n")
            _tell(result, kind, message, trace, request_id)
            return


def _tell(result: dict, kind: str, message: str, trace: list[str], request_id: str) -> None:
    result["body"] = {"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": trace}
    told = [
        f"[ERROR] {kind}: {message}",
        "Traceback (most recent call last):",
        *[frame.rstrip("\n") for frame in trace],
    ]
    result["log"] = "\n".join(filter(None, [result.get("log", ""), *told]))


def _platform(result: dict, config: dict, request_id: str) -> None:
    """Failures that the platform tells, not the function's language."""
    body = result["body"]
    message, kind = body.get("errorMessage", ""), body.get("errorType", "")
    if message.startswith("Task timed out after"):
        kind = "Sandbox.Timedout"
    elif message.startswith("Worker process exited immediately"):
        kind, message = "Runtime.ExitError", "Runtime exited with error: exit status 1"
        result["testbed_init_error"] = kind
    elif message.startswith("Runtime exited"):
        kind = "Runtime.ExitError"
        if message == "Runtime exited before returning a response":
            message = "Runtime exited with error: exit status 1"
    elif message.startswith("bootstrap exited during init with code"):
        code = re.search(r"code (-?\d+)", message).group(1)
        kind, message = "Runtime.ExitError", f"Runtime exited with error: exit status {code}"
        result["testbed_init_error"] = kind
    elif kind == "Runtime.InvalidEntrypoint" and message.startswith("No bootstrap"):
        message = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
    elif kind == "Runtime.InvalidEntrypoint" and "Exec format error" in message:
        message = "fork/exec /var/task/bootstrap: exec format error"
    else:
        return
    message = f"RequestId: {request_id} Error: {message}"
    result["body"] = {"errorType": kind, "errorMessage": message}
    result["log"] = "\n".join(
        filter(None, [result.get("log", ""), message, "" if kind == "Sandbox.Timedout" else kind])
    )


def _exit(process) -> str:
    """How a process ended, in Lambda's words."""
    code = process.returncode if process is not None else 1
    if code is None:
        code = 1
    if code < 0:
        return f"with error: signal: {'killed' if code in (-9, -15) else -code}"
    return f"with error: exit status {code}" if code else "without providing a reason"
