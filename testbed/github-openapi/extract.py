#!/usr/bin/env python3
"""Extract, from GitHub's OpenAPI description, what the local GitHub serves and which events it tells of.

    extract.py                    write github.json and events.json beside this file
    extract.py --check            exit 1 when they are not what would be written
    extract.py --description F    read the description from F instead of fetching the pinned package

The description comes from the npm package named below, at that exact version, through the npm client.
github.json keeps, per route of routes.txt: the operation's id, its parameters' names, and the JSON schemas of its
request and its answers; no prose. OpenAPI 3.0's `nullable` becomes JSON Schema's `null`. events.json keeps the schemas of
the payloads of EVENTS.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tarfile
import tempfile

PACKAGE = "@octokit/openapi"
VERSION = "23.0.2"
MEMBER = "package/generated/api.github.com.json"

HERE = pathlib.Path(__file__).resolve().parent
ROUTES = HERE / "routes.txt"
EXTRACT = HERE / "github.json"
PAYLOADS = HERE / "events.json"

# What starts a workflow, by its name in GITHUB_EVENT_NAME, and the webhook whose payload it brings. `schedule` has none.
EVENTS = {
    "pull_request": "pull-request-opened",
    "push": "push",
    "release": "release-published",
    "repository_dispatch": "repository-dispatch-sample.collected",
    "workflow_dispatch": "workflow-dispatch",
    "workflow_run": "workflow-run-completed",
}

PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "deprecated", "default",
         "format", "readOnly", "writeOnly", "discriminator"}
SCHEMAS = "#/components/schemas/"


def fetch():
    """The description out of the pinned package."""
    with tempfile.TemporaryDirectory() as folder:
        packed = subprocess.run(["npm", "pack", "--silent", "--prefer-offline", f"{PACKAGE}@{VERSION}"],
                                cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
        with tarfile.open(pathlib.Path(folder) / packed.stdout.split()[-1]) as package:
            return json.load(package.extractfile(MEMBER))


def schema(node):
    """One schema without prose, `nullable` written as JSON Schema writes it."""
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        plain = {"$ref": node["$ref"]}
    else:
        plain = {}
        for key, value in node.items():
            if key in PROSE or key == "nullable" or key.startswith("x-"):
                continue
            if key in ("properties", "patternProperties"):
                plain[key] = {name: schema(inner) for name, inner in value.items()}
            elif key in ("allOf", "anyOf", "oneOf"):
                plain[key] = [schema(inner) for inner in value]
            elif key in ("items", "additionalProperties", "not"):
                plain[key] = schema(value)
            else:
                plain[key] = value
    if not node.get("nullable"):
        return plain
    if isinstance(plain.get("type"), str) and not {"allOf", "anyOf", "oneOf"} & plain.keys():
        plain["type"] = [plain["type"], "null"]
        if "enum" in plain and None not in plain["enum"]:
            plain["enum"] = [*plain["enum"], None]
        return plain
    return {"anyOf": [plain, {"type": "null"}]}


def references(node):
    """Every schema name that `node` refers to."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(SCHEMAS)
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def body(content):
    """The JSON schema of a request or an answer; nothing for one without a JSON body."""
    for media, inner in (content or {}).items():
        if media.split(";")[0].endswith("json") and "scim" not in media:
            return schema(inner.get("schema", {}))
    return None


def extract(description):
    """The extract: `paths` and the `components` they need."""
    def resolve(node):
        while "$ref" in node:
            target = description
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    paths = {}
    for line in ROUTES.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        method, path = line.split()
        operation = description["paths"][path][method.lower()]
        parameters = [resolve(parameter) for parameter in operation.get("parameters", [])]
        request = resolve(operation.get("requestBody", {}))
        entry = {
            "operationId": operation["operationId"],
            "path": sorted(p["name"] for p in parameters if p["in"] == "path"),
            "query": sorted(p["name"] for p in parameters if p["in"] == "query"),
            "responses": {status: body(resolve(response).get("content"))
                          for status, response in sorted(operation["responses"].items())},
        }
        if (sent := body(request.get("content"))) is not None:
            entry["request"] = sent
        paths.setdefault(path, {})[method.lower()] = entry

    return with_components(description, {"paths": paths})


def events(description):
    """The payloads of EVENTS, and the `components` they need."""
    def payload(webhook):
        return body(description["x-webhooks"][webhook]["post"]["requestBody"]["content"])

    return with_components(description, {"events": {name: payload(webhook) for name, webhook in EVENTS.items()}})


def with_components(description, extract):
    """An extract with its source and the schemas it refers to."""
    schemas, pending = {}, set(references(extract))
    while pending:
        name = pending.pop()
        schemas[name] = schema(description["components"]["schemas"][name])
        pending |= set(references(schemas[name])) - schemas.keys()
    return {"source": f"{PACKAGE} {VERSION}", **extract, "components": {"schemas": schemas}}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments.add_argument("--description", type=pathlib.Path, help="read this description")
    given = arguments.parse_args()
    description = json.loads(given.description.read_text()) if given.description else fetch()
    for file, content in ((EXTRACT, extract(description)), (PAYLOADS, events(description))):
        text = json.dumps(content, indent=1, sort_keys=True) + "\n"
        if not given.check:
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            sys.exit(f"{file.name} is not what {PACKAGE} {VERSION} and {ROUTES.name} give: run extract.py")


if __name__ == "__main__":
    main()
