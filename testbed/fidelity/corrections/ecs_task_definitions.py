"""A task definition keeps what was registered, and nothing else: its tags are told to who asks for them, and it is checked.

MiniStack drops what it does not know, adds empty roles and modes, tells tags to everybody, takes any size for Fargate,
lists families that begin with the one that was asked for, and takes the newest revision of a family where AWS takes the newest
that is ACTIVE.
"""

from ministack.services import ecs

from ..scope import body_of, error, json_response
from ..wrapping import around, around_action

AWS = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html"
ROWS = [
    "ecs: RegisterTaskDefinition keeps keys that no SDK knows",
    "ecs: RegisterTaskDefinition adds no empty values",
    "ecs: RegisterTaskDefinition sizes that Fargate does not have",
    "ecs: RegisterTaskDefinition a secret and a variable of one name",
    "ecs: RegisterTaskDefinition two containers of one name",
    "ecs: DescribeTaskDefinition tells tags with include TAGS only",
    "ecs: RegisterTaskDefinition takes no keys that AWS sets",
    "ecs: ListTaskDefinitions of a family, not of others that begin so",
    "ecs: DescribeTaskDefinition of a family is its newest ACTIVE revision",
]

# Tags are kept elsewhere, and the rest is AWS's to say.
_NOT_REGISTERED = (
    "tags",
    "compatibilities",
    "deleteRequestedAt",
    "deregisteredAt",
    "registeredAt",
    "registeredBy",
    "requiresAttributes",
    "revision",
    "status",
    "taskDefinitionArn",
)
_EMPTY = ("executionRoleArn", "taskRoleArn", "pidMode", "ipcMode", "proxyConfiguration", "runtimePlatform", "ephemeralStorage")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html: least, most, step in MiB.
_SIZES = {
    256: (512, 2048, 512),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
# Lists that AWS shows empty.
_LISTS = ("portMappings", "environment", "mountPoints", "volumesFrom", "systemControls")


def install():
    @around_action(ecs, "RegisterTaskDefinition", "_register_task_definition", "(data)", "824afe19e6a1")
    def register(inner, data):
        refusal = _refusal(data)
        if refusal:
            return refusal
        given = ecs._sanitize({name: value for name, value in data.items() if name not in _NOT_REGISTERED})
        for container in given.get("containerDefinitions", []):
            for name in _LISTS:
                container.setdefault(name, [])
        response = inner({**given, "tags": data.get("tags") or []})
        if response[0] >= 300:
            return response
        answer = body_of(response)
        found = answer["taskDefinition"]
        stored = ecs._task_defs[f"{found['family']}:{found['revision']}"]
        for name in _EMPTY:
            if not stored.get(name):
                stored.pop(name, None)
        stored.update({name: value for name, value in given.items() if name not in stored})
        stored["requiresAttributes"] = [{"name": "com.amazonaws.ecs.capability.docker-remote-api.1.18"}]
        return json_response({"taskDefinition": stored, **({"tags": data["tags"]} if data.get("tags") else {})})

    @around_action(ecs, "DescribeTaskDefinition", "_describe_task_definition", "(data)", "bd62cba4a625")
    def describe(inner, data):
        response = inner(data)
        if response[0] >= 300:
            return response
        answer = body_of(response)
        if "TAGS" not in (data.get("include") or []):
            answer.pop("tags", None)
        return json_response(answer)

    @around_action(ecs, "ListTaskDefinitions", "_list_task_definitions", "(data)", "698e0a5b4e71")
    def list_them(inner, data):
        family = data.get("familyPrefix")
        if not family:
            return inner(data)
        answer = body_of(inner({**data, "maxResults": 10**9, "nextToken": None}))
        arns = [arn for arn in answer["taskDefinitionArns"] if arn.rsplit("/", 1)[1].rsplit(":", 1)[0] == family]
        first, size = int(data.get("nextToken") or 0), data.get("maxResults") or 100
        more = {"nextToken": str(first + size)} if first + size < len(arns) else {}
        return json_response({"taskDefinitionArns": arns[first : first + size], **more})

    @around(ecs, "_resolve_td_key", "(ref)", "0cd4ac5c23ce")
    def resolve(inner, ref):
        key = inner(ref)
        family = key and key.rsplit(":", 1)[0]
        if not key or ref.endswith(key):
            return key
        active = [one for one in ecs._task_defs.values() if one["family"] == family and one["status"] == "ACTIVE"]
        return f"{family}:{max(one['revision'] for one in active)}" if active else f"{family}:0"


def _refusal(data: dict):
    """https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html"""
    containers = data.get("containerDefinitions") or []
    names = [one.get("name") for one in containers]
    if len(set(names)) < len(names):
        return error("ClientException", "Container.name must be unique across all containers in a task definition.")
    for one in containers:
        variables = {variable.get("name") for variable in one.get("environment") or []}
        both = [secret["name"] for secret in one.get("secrets") or [] if secret.get("name") in variables]
        if both:
            return error(
                "ClientException",
                "The secret name must be unique and not shared with any new or existing environment variables set on "
                f"the container, such as '{both[0]}'.",
            )
    if "FARGATE" in (data.get("requiresCompatibilities") or []):
        cpu, memory = str(data.get("cpu", "")), str(data.get("memory", ""))
        sizes = _SIZES.get(int(cpu)) if cpu.isdecimal() else None
        # Other units than MiB and 1024ths of a vCPU are not looked at.
        told = cpu.isdecimal() and memory.isdecimal()
        if not cpu or not memory or told and (not sizes or not _fits(int(memory), *sizes)):
            return error("ClientException", f"No Fargate configuration exists for given values: {cpu} CPU, {memory} memory.")
    return None


def _fits(memory: int, least: int, most: int, step: int) -> bool:
    return least <= memory <= most and memory % step == 0
