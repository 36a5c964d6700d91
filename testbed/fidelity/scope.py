"""Whose request is being answered, and the small things every correction needs."""

import contextvars
import json
import threading

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response

__all__ = ["body_of", "error", "get_account_id", "get_region", "here", "in_background", "json_response"]


def here(name: str) -> tuple[str, str, str]:
    """The key of something in the account and region of the request."""
    return (get_account_id(), get_region(), name)


def error(code: str, message: str, status: int = 400):
    """An error of a JSON service, as MiniStack's handlers return it."""
    return error_response_json(code, message, status)


def body_of(response) -> dict:
    """The JSON body of a handler's response."""
    return json.loads(response[2]) if response[2] else {}


def in_background(function, *arguments) -> None:
    """Runs a function on a thread of its own, in the account and region of the request."""
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(function, *arguments), daemon=True).start()
