"""What a container's image is: its digest, its platform, and what the label `testbed.behaviour` makes it do.

The label holds a YAML list of rules as for functions (../behaviour.py); the first that applies is followed:

    - {when: {task: run, command: migrate, env: {STAGE: prd}}, do: exit 3, after: 0.2, log: [one, two]}
    - {do: ok}

`when` may name `env` (variables with these values), `container` (its name), `command` (a text within it), `task` (`run` or
`service`), `after-starts` (that many tasks of this family were started before) and `path` (of an HTTP request). `do` is one of

    ok             serve, in a task of a service; end with 0, in a task of RunTask
    serve          run until it is stopped; answer HTTP requests as a healthy service
    status N       as serve, and answer HTTP requests with status N
    exit N         end with N
    import-error   write what Python writes when a module is missing, and end with 1
    never-healthy  run, but fail the container's health check and HTTP requests (503)
    cannot-pull    cannot be pulled
    no-start TEXT  fail to start, for this reason
    hang           stay PENDING
    stop CODE TEXT be stopped by ECS with this stop code (SpotInterruption, InfrastructureHealth, TerminationNotice...)

`after` is how many seconds it runs before it ends, `log` what it writes first, `on-stop` the exit code when it is stopped
(143), `stopping` the seconds that takes. Images of other registries are as the setting `ecs_images` says: `[{match, do, ...}]`
by a regular expression; without one they serve.

Where the setting `ecs_engine` names a container engine, a task none of whose images says what it would do is run there: containers.py.
"""

import hashlib
import json
import re
from dataclasses import dataclass, field

import yaml
from ministack.services import ecr

from .. import settings
from ..corrections import lambda_image_source
from ..scope import get_account_id

_ARCHITECTURES = {"X86_64": "amd64", "ARM64": "arm64"}


@dataclass
class Image:
    """An image as a task found it; without a digest it cannot be pulled, and `refusal` says why."""

    reference: str
    digest: str | None
    refusal: str = ""
    labels: dict = field(default_factory=dict)
    rules: list = field(default_factory=list)
    # Whether a label or a setting says what it does; another one is run where there is an engine.
    is_told: bool = False


def look_up(reference: str, platform: dict | None) -> Image:
    """The image of a container for the platform of its task definition."""
    for rule in settings.value(get_account_id(), "ecs_images") or []:
        if re.search(rule["match"], reference):
            return Image(reference, _made_up(reference), rules=[rule], is_told=True)
    found = lambda_image_source._URI.match(reference)
    if not found:
        return Image(reference, _made_up(reference), rules=[{"do": "serve"}])
    account, region, repository, tag, digest = found.groups()
    image = lambda_image_source._find(account, region, repository, tag, digest)
    if not image:
        return Image(reference, None, _pull_error(f"failed to resolve ref {reference}: {reference}: not found"))
    wanted = _ARCHITECTURES.get((platform or {}).get("cpuArchitecture", "X86_64"), "amd64")
    configuration = _configuration(account, region, repository, image, wanted)
    if configuration is None:
        refusal = f"image Manifest does not contain descriptor matching platform 'linux/{wanted}'"
        return Image(reference, None, _pull_error(refusal))
    labels = (configuration.get("config") or {}).get("Labels") or {}
    rules = yaml.safe_load(labels.get("testbed.behaviour") or "[]") or []
    return Image(reference, image["imageDigest"], labels=labels, rules=rules, is_told="testbed.behaviour" in labels)


def rule_of(image: Image, *, variables: dict, container: str, command: str, kind: str, before: int, path=None) -> dict:
    """The first rule of an image that applies."""
    for rule in image.rules:
        when = rule.get("when") or {}
        if any(variables.get(name) != str(value) for name, value in (when.get("env") or {}).items()):
            continue
        told = {"container": container, "task": kind, "path": path}
        if any(name in when and when[name] != value for name, value in told.items()):
            continue
        if when.get("command", "") in command and before >= when.get("after-starts", 0):
            return rule
    return {"do": "ok"}


def cannot_pull(reference: str) -> str:
    return _pull_error(f"failed to copy: httpReadSeeker: failed open: unexpected status code for {reference}: 403 Forbidden")


def _pull_error(reason: str) -> str:
    # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html
    return f"CannotPullContainerError: pull image manifest has been retried 1 time(s): {reason}"


def _made_up(reference: str) -> str:
    """The digest of an image of another registry."""
    return reference.split("@")[1] if "@" in reference else "sha256:" + hashlib.sha256(reference.encode()).hexdigest()


def _configuration(account, region, repository, image, architecture) -> dict | None:
    """The configuration of the image, or of the one in an index that is for the architecture."""
    manifest = json.loads(image["imageManifest"])
    for child in manifest.get("manifests", []):
        if (child.get("platform") or {}).get("architecture") == architecture:
            found = lambda_image_source._find(account, region, repository, None, child["digest"])
            return found and _configuration(account, region, repository, found, architecture)
    if "config" not in manifest:
        return None
    blobs = ecr._layer_blobs.get_scoped(account, region, repository) or {}
    found = json.loads(blobs.get(manifest["config"]["digest"], b"{}"))
    return found if found.get("architecture", architecture) == architecture else None
