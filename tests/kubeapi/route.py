"""From a request line to what it asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.kubeapi.status import ApiError, Obj, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.kubeapi.kinds import Kind, Registry

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get"}


@dataclass(frozen=True, slots=True)
class Route:
    """What a path names. `kind` is None when the group is served but has no such resource."""

    kind: Kind | None
    namespace: str = ""
    name: str = ""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, parsed. `route` is None for paths that name no resource."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""
    route: Route | None = None
    target: str = field(default="", repr=False)

    @property
    def is_watch(self) -> bool:
        return self.method == "GET" and self.query.get("watch", "") in {"1", "true"}

    @property
    def verb(self) -> str:
        """The verb as RBAC names it."""
        named = self.route is not None and bool(self.route.name)
        if self.method == "GET" and not named:
            return "watch" if self.is_watch else "list"
        if self.method == "DELETE" and not named:
            return "deletecollection"
        return VERBS.get(self.method, self.method.lower())

    @property
    def dry_run(self) -> bool:
        return self.query.get("dryRun") == "All"

    def json(self) -> Obj:
        """The body as an object; 400 when it is not one."""
        sent_as = self.headers.get("content-type", "application/json").partition(";")[0].strip()
        if sent_as != "application/json":
            known = "accepted media types include: application/json"
            raise ApiError(415, f"the body of the request was in an unknown format - {known}")
        name = self.route.kind.name if self.route and self.route.kind else ""
        what = f"the object provided is unrecognized (must be of type {name}):"
        what += " couldn't get version/kind; json parse"
        try:
            found = json.loads(self.body)
        except ValueError as why:
            raise bad_request(f"{what} error: {why} ({self.body[:64].hex()})") from None
        if not isinstance(found, dict):
            raise bad_request(f"{what} error: json: cannot unmarshal into Go value ({self.body[:64].hex()})")
        return found


def parse(registry: Registry, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, parts.path, query, headers, body, _route(registry, parts.path), target)


def _route(registry: Registry, path: str) -> Route | None:
    steps = [unquote(step) for step in path.strip("/").split("/")]
    if steps[0] == "api" and len(steps) > 2:
        return _resource(registry, "", steps[1], steps[2:])
    if steps[0] == "apis" and len(steps) > 3:
        return _resource(registry, steps[1], steps[2], steps[3:])
    return None


def _resource(registry: Registry, group: str, version: str, steps: list[str]) -> Route | None:
    if not any((kind.group, kind.version) == (group, version) for kind in registry.all()):
        return None
    if steps[0] == "namespaces" and len(steps) > 2 and (group or steps[2] not in {"status", "finalize"}):
        namespace, steps = steps[1], steps[2:]
    else:
        namespace = ""
    kind = registry.at(group, version, steps[0])
    if kind is None or len(steps) > 3 or (namespace and not kind.namespaced):
        return Route(None)
    name, subresource = (*steps[1:], "", "")[:2]
    if (name and kind.namespaced and not namespace) or (subresource and subresource not in kind.subresources):
        return Route(None)
    return Route(kind, namespace, name, subresource)
