"""CodeBuild: builds that take their time and end in every way AWS has, on the account's clock.

builds.py      a build, its phases and its ends
build_log.py   what it writes to CloudWatch Logs
overrides.py   what StartBuild changes of the project
control.py     what a test says
"""
