"""A signature is refused when its time is more than five minutes away from AWS's, by S3 more than fifteen.

MiniStack looks at the time of a session's signature only, and at that by its own machine's clock. The clock of an account's AWS can be set away from this machine's (`clock_shift`): then
the field `Date` of its answers, and the ends of sessions, are told by that clock.
"""

import time
from calendar import timegm
from email.utils import formatdate

from ministack.core import sigv4

from .. import errors, settings
from ..wrapping import around

AWS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html"
ROWS = [
    "sts: signature of ten minutes ago (Lambda InvalidSignatureException)",
    "sts: signature of ten minutes ago (STS SignatureDoesNotMatch)",
    "sts: signature of ten minutes ahead (Lambda InvalidSignatureException)",
]
STAMP = "%Y%m%dT%H%M%SZ"


def install():
    @around(sigv4, "request_time_failure", "(signature, now)", "0185b7962a6c")
    def failure(_, signature, now=None):
        """The layer has asked `refusal` when the request arrived."""
        return None


def now(account: str) -> float:
    """The time by the clock of an account's AWS."""
    return time.time() + settings.value(account, "clock_shift")


def date(account: str) -> str:
    """The field `Date` of its answers."""
    return formatdate(now(account), usegmt=True)


def refusal(request):
    """What AWS answers to a signature of another time; None when its time is good, or it has none."""
    stamp = request.headers.get("x-amz-date", "")
    try:
        signed = timegm(time.strptime(stamp, STAMP))
    except ValueError:
        return None
    minutes = 15 if request.service == "s3" else 5
    away = signed - now(request.account)
    if abs(away) <= minutes * 60:
        return None
    if request.service == "s3":
        # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
        words = "The difference between the request time and the current time is too large."
        return errors.response(request, 403, "RequestTimeTooSkewed", words)
    here = time.strftime(STAMP, time.gmtime(now(request.account)))
    bound = time.strftime(STAMP, time.gmtime(now(request.account) + (60 * minutes if away > 0 else -60 * minutes)))
    if away > 0:
        words = f"Signature not yet current: {stamp} is still later than {bound} ({here} + {minutes} min.)"
    else:
        words = f"Signature expired: {stamp} is now earlier than {bound} ({here} - {minutes} min.)"
    code = "SignatureDoesNotMatch" if request.protocol == "query" else "InvalidSignatureException"
    return errors.response(request, 400 if request.protocol == "json" else 403, code, words)
