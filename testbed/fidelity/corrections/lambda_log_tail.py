"""LogType=Tail answers the last 4 KB of the log, with the START, END and REPORT lines of the platform. Of a function whose log format is
JSON they are JSON objects (https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html).

MiniStack answers the function's own output only, and nothing at all if there is none.
"""

import json
import time

from ministack.services import lambda_svc

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"
ROWS = [
    "lambda: Invoke LogType=Tail",
    "lambda: Invoke LogType=Tail of a failed start has INIT_REPORT",
    "lambda: Invoke LogType=Tail with JSON system logs",
]


def install():
    @around(lambda_svc, "_execute_function_dispatch", "(func, config, event, request_id, started)", "f62cd259213e")
    def dispatch(inner, func, config, event, request_id, started):
        result = inner(func, config, event, request_id, started)
        if isinstance(result, dict) and not result.get("throttle"):
            formatted = (config.get("LoggingConfig") or {}).get("LogFormat")
            lines = json_lines if formatted == "JSON" else log
            result["log"] = lines(result, config, request_id, (time.time() - started) * 1000)
        return result


def json_lines(result: dict, config: dict, request_id: str, milliseconds: float) -> str:
    def event(kind: str, **record) -> str:
        when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        return json.dumps({"time": when, "type": f"platform.{kind}", "record": record}, separators=(",", ":"))

    lines = []
    metrics = {"durationMs": round(milliseconds, 3)}
    init = result.get("testbed_init_error")
    if init:
        failed = {"status": "timeout"} if init == "Sandbox.Timedout" else {"status": "error", "errorType": init}
        lines.append(event("initReport", initializationType="on-demand", phase="init", **failed, metrics=metrics))
    lines.append(event("start", requestId=request_id, version=config.get("Version", "$LATEST")))
    own = (result.get("log") or "").rstrip("\n")
    if own:
        lines.append(own)
    status = "error" if result.get("error") else "success"
    lines.append(event("report", requestId=request_id, status=status, metrics=metrics))
    return "\n".join(lines) + "\n"


def log(result: dict, config: dict, request_id: str, milliseconds: float) -> str:
    lines = []
    init = result.get("testbed_init_error")
    if init:
        failed = "timeout" if init == "Sandbox.Timedout" else f"error\tError Type: {init}"
        lines.append(f"INIT_REPORT Init Duration: {milliseconds:.2f} ms\tPhase: init\tStatus: {failed}")
    lines.append(f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}")
    own = (result.get("log") or "").rstrip("\n")
    if own:
        lines.append(own)
    memory = config.get("MemorySize", 128)
    kind = (
        (result.get("body") or {}).get("errorType")
        if result.get("error") and isinstance(result.get("body"), dict)
        else None
    )
    ending = "\t"
    if kind == "Sandbox.Timedout":
        ending = "\tStatus: timeout\t"
    elif kind and kind.startswith("Runtime."):
        ending = f"\tStatus: error\tError Type: {kind}\t"
    lines.append(f"END RequestId: {request_id}")
    lines.append(
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: "
        f"{int(milliseconds) + 1} ms\tMemory Size: {memory} MB\tMax Memory Used: {min(memory, 40)} MB{ending}"
    )
    return "\n".join(lines) + "\n"
