"""An update does not disturb invocations that are running; new invocations get a new environment.

MiniStack kills the worker of $LATEST, running or not, at the moment of the update, and on configuration updates
those of every account that has a function of that name. Here an environment is replaced when it is next needed.
"""

import contextvars

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from .. import workers
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"
ROWS = ["lambda: an invocation in flight survives an update"]

_updating = contextvars.ContextVar("testbed_updating", default=False)

# Importing botocore costs a worker 150 ms, to count recursive calls that no function of a test makes.
_BOTOCORE = "        import botocore.handlers\n"


def install():
    for name, source in (("_update_code", "0998d118b422"), ("_update_config", "6999cb0695da")):
        around(lambda_svc, name, "(name, data)", source)(update)

    @around(lambda_svc, "invalidate_worker", "(func_name, qualifier, account, region)", "1be5d7f769f5")
    def invalidate(inner, *arguments, **named):
        if not _updating.get():
            inner(*arguments, **named)

    @around(lambda_svc, "acquire_worker", "(func_name, config, code_zip, qualifier, max_concurrency)", "5017d144adb5")
    def acquire(inner, func_name, config, code_zip, **named):
        while True:
            worker, how = inner(func_name, config, code_zip, **named)
            if worker is None or worker.config.get("RevisionId") == config.get("RevisionId"):
                return worker, how
            workers.end(worker)

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    assert script.count(_BOTOCORE) == 1, "the worker script changed"
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(_BOTOCORE, "        raise ImportError\n")


def update(inner, name, data):
    token = _updating.set(True)
    try:
        return inner(name, data)
    finally:
        _updating.reset(token)
