"""How corrections reach into MiniStack: its functions are wrapped, and must be the ones that were read."""

import functools
import hashlib
import inspect

_checked = set()


class Changed(Exception):
    """MiniStack's function is not the one the correction was written for."""


def around(module, name: str, signature: str, source: str):
    """Replaces `module.name` by the decorated function, which gets the function it replaces as first argument.

    `signature` and `source` (see `fingerprint`) are those of MiniStack's own function. Several corrections
    may wrap one function: the last one installed is the outermost.
    """

    def install(wrapper):
        inner = getattr(module, name, None)
        _check(module, name, inner, signature, source)

        @functools.wraps(inner)
        def wrapped(*arguments, **named):
            return wrapper(inner, *arguments, **named)

        setattr(module, name, wrapped)
        return wrapper

    return install


def around_action(module, action: str, name: str, signature: str, source: str):
    """As `around`, for the handler of an action: MiniStack looks it up in a table of its own."""

    def install(wrapper):
        around(module, name, signature, source)(wrapper)
        module._ACTION_MAP[action] = getattr(module, name)
        return wrapper

    return install


def fingerprint(function) -> str:
    """The first twelve hex digits of the SHA-256 of the function's source."""
    return hashlib.sha256(inspect.getsource(inspect.unwrap(function)).encode()).hexdigest()[:12]


def _check(module, name, function, signature, source) -> None:
    where = f"{getattr(module, '__name__', module)}.{name}"
    if where in _checked:
        return
    if function is None:
        raise Changed(f"{where} does not exist")
    found = parameters(function)
    if found != signature:
        raise Changed(f"{where}{found} was {where}{signature}")
    found = fingerprint(function)
    if found != source:
        raise Changed(f"{where} has the source {found}, corrections were written for {source}")
    _checked.add(where)


def parameters(function) -> str:
    """The names of the function's parameters: `(name, data)`."""
    return f"({', '.join(inspect.signature(inspect.unwrap(function)).parameters)})"
