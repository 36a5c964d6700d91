"""Answers in pages."""

import base64


def page(everything: list, size: int, token: str | None) -> tuple[list, str | None] | None:
    """A page and the token of the next one; none if the token is none of these."""
    try:
        start = int(base64.b64decode(token, validate=True)) if token else 0
    except ValueError:
        return None
    rest = len(everything) > start + size
    return everything[start : start + size], base64.b64encode(str(start + size).encode()).decode() if rest else None
