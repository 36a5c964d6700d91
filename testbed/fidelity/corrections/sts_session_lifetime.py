"""Credentials of a session end, and are then refused as expired, not as unknown.

MiniStack forgets ended sessions, and then takes their keys for somebody else's. How long sessions of an account last
can be set (`session_lifetime`), to see credentials end in the middle of a run.
"""

import re
import time

from ministack.services import sts

from .. import settings
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html"
ROWS = ["sts: expired session (Lambda ExpiredTokenException)", "sts: expired session (STS ExpiredToken)"]


def expired(access_key: str) -> bool:
    """Whether the key is that of a session whose time is over."""
    session = sts._sessions.get(access_key)
    return session is not None and sts._session_expired(session)


def install():
    @around(sts, "_evict_expired_sessions", "()", "67ddc890eea7")
    def evict(_):
        """Ended sessions are remembered, to be told from unknown ones."""

    @around(sts, "handle_request", "(method, path, headers, body, query_params)", "f2d7c72d01d6")
    async def handle(inner, method, path, headers, body, query_params):
        known = set(sts._sessions)
        status, answered, content = await inner(method, path, headers, body, query_params)
        for key in set(sts._sessions) - known:
            session = sts._sessions[key]
            account = session.get("AccountId", "")
            lifetime, shift = settings.value(account, "session_lifetime"), settings.value(account, "clock_shift")
            if (lifetime is not None or shift) and key.encode() in content:
                if lifetime is not None:
                    session["Expiration"] = time.time() + lifetime
                end = sts._future(session["Expiration"] - time.time() + shift).encode()
                content = re.sub(rb"<Expiration>[^<]*</Expiration>", b"<Expiration>" + end + b"</Expiration>", content)
        return status, answered, content
