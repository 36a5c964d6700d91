"""What a build has of its project, and what StartBuild changes of it for this build only.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
"""

import copy

# The field of StartBuild, and where it goes: a part of the build, and its field.
_OVERRIDES = {
    "sourceTypeOverride": ("source", "type"),
    "sourceLocationOverride": ("source", "location"),
    "buildspecOverride": ("source", "buildspec"),
    "gitCloneDepthOverride": ("source", "gitCloneDepth"),
    "environmentTypeOverride": ("environment", "type"),
    "imageOverride": ("environment", "image"),
    "computeTypeOverride": ("environment", "computeType"),
    "privilegedModeOverride": ("environment", "privilegedMode"),
    "imagePullCredentialsTypeOverride": ("environment", "imagePullCredentialsType"),
    "timeoutInMinutesOverride": ("timeoutInMinutes", None),
    "queuedTimeoutInMinutesOverride": ("queuedTimeoutInMinutes", None),
    "serviceRoleOverride": ("serviceRole", None),
    "artifactsOverride": ("artifacts", None),
    "encryptionKeyOverride": ("encryptionKey", None),
}
_MINUTES = {"timeoutInMinutesOverride": (5, 2160), "queuedTimeoutInMinutesOverride": (5, 480)}


def refusal(data: dict) -> str | None:
    """What is wrong with the request."""
    for name, (least, most) in _MINUTES.items():
        if name in data and not least <= data[name] <= most:
            return f"Invalid {name.removesuffix('Override')}: it must be from {least} to {most} minutes"
    names = [one.get("name") for one in data.get("environmentVariablesOverride", [])]
    twice = next((name for name in names if names.count(name) > 1), None)
    return f"Environment variable {twice} is given twice" if twice else None


def applied(project: dict, data: dict) -> dict:
    """The fields of a build of this project."""
    kept = (
        "source",
        "artifacts",
        "environment",
        "timeoutInMinutes",
        "queuedTimeoutInMinutes",
        "serviceRole",
        "vpcConfig",
        "cache",
    )
    build = {name: copy.deepcopy(project[name]) for name in kept if project.get(name) is not None}
    build.setdefault("queuedTimeoutInMinutes", 480)
    for name, (part, field) in _OVERRIDES.items():
        if name in data and field is None:
            build[part] = data[name]
        elif name in data:
            build.setdefault(part, {})[field] = data[name]
    variables = {one["name"]: one for one in build["environment"].get("environmentVariables", [])}
    for one in data.get("environmentVariablesOverride", []):
        variables[one["name"]] = {"type": "PLAINTEXT", **one}
    build["environment"]["environmentVariables"] = list(variables.values())
    version = data.get("sourceVersion") or project.get("sourceVersion")
    return build | ({"sourceVersion": version} if version else {})


def logs_config(project: dict, data: dict) -> dict:
    return data.get("logsConfigOverride") or project.get("logsConfig") or {}
