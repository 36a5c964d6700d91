"""The answer names subject, audience and provider of the token that was shown.

MiniStack answers constants.
"""

import re
from xml.sax.saxutils import escape

from ministack.services import sts

from .. import oidc
from ..wrapping import around
from .sts_assume_role_trust import form

AWS = "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html"
ROWS = ["sts: AssumeRoleWithWebIdentity answers subject, audience and provider"]


def install():
    @around(sts, "handle_request", "(method, path, headers, body, query_params)", "f2d7c72d01d6")
    async def handle(inner, method, path, headers, body, query_params):
        status, answered, content = await inner(method, path, headers, body, query_params)
        asked = form(body)
        if asked.get("Action") != "AssumeRoleWithWebIdentity" or status >= 300:
            return status, answered, content
        try:
            _, claims = oidc.read(asked.get("WebIdentityToken", ""))
        except ValueError:
            return status, answered, content
        account = asked["RoleArn"].split(":")[4]
        provider = f"arn:aws:iam::{account}:oidc-provider/{oidc.host_of(claims['iss'])}"
        told = {"SubjectFromWebIdentityToken": claims.get("sub"), "Audience": claims.get("aud"), "Provider": provider}
        text = content.decode()
        for name, value in told.items():
            element = f"<{name}>{escape(str(value))}</{name}>"
            text = re.sub(rf"<{name}>.*?</{name}>", lambda _, element=element: element, text)
        return status, answered, text.encode()
