"""A build writes to CloudWatch Logs: see codebuild/build_log.py.

MiniStack names a group and a stream, and writes nothing.
"""

AWS = "https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details.html"
ROWS = [
    "codebuild: a build writes its log while it goes on",
    "codebuild: the log tells why a command failed",
    "codebuild: a build without CloudWatch Logs names none",
]


def install():
    pass
