"""Version, health and discovery documents, made from the registered types."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kubeapi.kinds import Kind, Registry
    from tests.kubeapi.status import Obj

VERSION: Obj = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3",
    "gitCommit": "0" * 40,
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "go1.26.0",
    "compiler": "gc",
    "platform": "linux/amd64",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
}


def document(registry: Registry, path: str) -> Obj | str | None:
    """The document at this path: an object, a text, or None when there is nothing."""
    if path in {"/healthz", "/readyz", "/livez"}:
        return "ok"
    if path == "/version":
        return VERSION
    steps = path.strip("/").split("/")
    match steps:
        case ["api"]:
            found: Obj | None = {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            found = {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups(registry)}
        case ["apis", group]:
            found = _group(registry, group)
        case ["apis", group, version]:
            found = _resources(registry, group, version)
        case ["api", "v1"]:
            found = _resources(registry, "", "v1")
        case _:
            found = None
    return found


def _groups(registry: Registry) -> list[Obj]:
    return [
        _versions(registry, group) for group in dict.fromkeys(kind.group for kind in registry.all()) if group
    ]


def _versions(registry: Registry, group: str) -> Obj:
    versions = dict.fromkeys(kind.version for kind in registry.all() if kind.group == group)
    rows = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": rows, "preferredVersion": rows[0]}


def _group(registry: Registry, group: str) -> Obj | None:
    if not any(kind.group == group for kind in registry.all()):
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_versions(registry, group)}


def _resources(registry: Registry, group: str, version: str) -> Obj | None:
    kinds = [kind for kind in registry.all() if (kind.group, kind.version) == (group, version)]
    if not kinds:
        return None
    rows = [row for kind in sorted(kinds, key=lambda kind: kind.plural) for row in _rows(kind)]
    group_version = f"{group}/{version}" if group else version
    typed: Obj = {"apiVersion": "v1"} if group else {}  # the core group's list lacks it on real servers too
    return {"kind": "APIResourceList", **typed, "groupVersion": group_version, "resources": rows}


def _rows(kind: Kind) -> list[Obj]:
    row: Obj = {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        row["shortNames"] = list(kind.short_names)
    return [row, *(_subresource(kind, name) for name in kind.subresources)]


def _subresource(kind: Kind, name: str) -> Obj:
    row: Obj = {"name": f"{kind.plural}/{name}", "singularName": "", "namespaced": kind.namespaced}
    if name == "eviction":
        return {**row, "group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
    if name == "binding":
        return {**row, "kind": "Binding", "verbs": ["create"]}
    return {**row, "kind": kind.name, "verbs": ["get", "patch", "update"]}
