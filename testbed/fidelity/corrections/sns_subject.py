"""A subject has fewer than 101 characters, all of them printable ASCII, and begins with a letter, a digit or a punctuation mark.

MiniStack takes every subject. AWS refuses other ones: mail could not carry them.
"""

from ministack.services import sns

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"
ROWS = [
    "sns: Publish subject of 101 characters",
    "sns: Publish subject with a line break",
    "sns: Publish subject that is not ASCII",
]


def install():
    @around(sns, "_publish", "(params)", "df41cb2faa09")
    def publish(inner, params):
        subject = sns._p(params, "Subject")
        if subject and not _good(subject):
            return sns._error("InvalidParameter", "Invalid parameter: Subject", 400)
        return inner(params)


def _good(subject: str) -> bool:
    return len(subject) <= 100 and all(" " <= character <= "~" for character in subject) and subject[0] != " "
