"""How a viewer's request names a distribution: by `Host`, as on AWS, or in one of two ways for programs that cannot
choose the address they connect to.

    Host: d111.cloudfront.net, or an alternate domain name of the distribution
    GET http://d111.cloudfront.net/index.html     the server as an HTTP proxy: the variable `http_proxy`
    GET /_aws/cloudfront/d111/index.html          below the endpoint, where it counts as HTTPS
"""

import re
from urllib.parse import unquote

from ministack.services import cloudfront

_PATH = re.compile(rb"^/_aws/cloudfront/([a-z0-9]+)(/[^?]*)?$")
_PROXIED = re.compile(rb"^http://([^/?]+)(/[^?]*)?$")
_LABEL = re.compile(r"^([a-z0-9]+)\.cloudfront\.net$")
# Names under which the server itself is called, and AWS's own.
_OWN = re.compile(r"^(127\.\d+\.\d+\.\d+|localhost|\[::1\]|.*\.amazonaws\.com)(:\d+)?$")


def normal(scope: dict) -> dict:
    """The request as it would be with `Host`."""
    raw = scope.get("raw_path") or scope["path"].encode()
    below, proxied = _PATH.match(raw), _PROXIED.match(raw)
    if below:
        fields = [(b"host", below.group(1) + b".cloudfront.net"), (b"x-forwarded-proto", b"https")]
    elif proxied:
        fields = [(b"host", proxied.group(1))]
    else:
        return scope
    replaced = {name for name, _ in fields}
    path = (below or proxied).group(2) or b"/"
    kept = [pair for pair in scope["headers"] if pair[0].lower() not in replaced]
    return scope | {"raw_path": path, "path": unquote(path.decode("latin-1")), "headers": [*kept, *fields]}


def distribution(host: str) -> dict | None:
    """The distribution that a `Host` names, whoever has it."""
    if not host or _OWN.match(host):
        return None
    name = host.split(":")[0].lower()
    named = _LABEL.match(name)
    for found in list(cloudfront._distributions._data.values()):
        if found["DomainName"].lower() == name if named else name in _aliases(found):
            return found
    return None


def label(found: dict) -> str:
    return _LABEL.match(found["DomainName"]).group(1)


# By id: the configuration that was read, and what it says.
_read: dict[str, tuple[str, list[str]]] = {}


def _aliases(found: dict) -> list[str]:
    if _read.get(found["Id"], ("",))[0] != found["config_xml"]:
        named = cloudfront._find(cloudfront._dist_config_el(found), "Aliases")
        items = cloudfront._find(named, "Items") if named is not None else None
        names = [(one.text or "").lower() for one in items] if items is not None else []
        _read[found["Id"]] = found["config_xml"], names
    return _read[found["Id"]][1]
