"""A secret that was made without a value has no version until one is put.

MiniStack makes a current version that holds nothing.
"""

from ministack.services import secretsmanager

from ..wrapping import around

AWS = "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html"
ROWS = ["secretsmanager: a secret without a value has no version"]


def install():
    @around(secretsmanager, "_create_secret", "(data)", "d3de7fac76ba")
    def create(inner, data):
        answer = inner(data)
        made = secretsmanager._secrets.get(data.get("Name"))
        if answer[0] == 200 and made and data.get("SecretString") is None and data.get("SecretBinary") is None:
            made["Versions"] = {}
        return answer
