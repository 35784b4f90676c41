"""The patches the server takes: JSON patch (RFC 6902), JSON merge patch (RFC 7386), strategic merge patch."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from tests.kubeapi.status import REASONS, ApiError, Obj, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"

# List fields that a strategic merge patch merges by key; every other list is replaced as a whole,
# tolerations and a node's taints among them. Source: the patchMergeKey tags of k8s.io/api v0.36.
MERGE_KEYS = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "resourceClaims": "name",
    "schedulingGates": "name",
    "secrets": "name",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
SET_LISTS = frozenset({"finalizers", "podCIDRs"})


def patched(obj: Obj, content_type: str, body: bytes, *, custom: bool) -> Obj:
    """The object after the patch; 400 or 422 when it cannot be applied, 415 for a form not taken."""
    kind = content_type.partition(";")[0].strip()
    if kind not in {JSON_PATCH, MERGE_PATCH} | (set() if custom else {STRATEGIC_PATCH}):
        raise ApiError(415, "415: Unsupported Media Type", details={})
    try:
        document = json.loads(body)
    except ValueError as why:
        raise bad_request(f"error decoding patch: {why}") from None
    if kind == JSON_PATCH:
        return json_patch(obj, document)
    if not isinstance(document, dict):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}"
        )
    merge = merge_patch if kind == MERGE_PATCH else strategic_merge
    return merge(obj, document)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: null deletes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge_patch(found.get(key), value)
    return found


def strategic_merge(target: Obj, patch: Obj) -> Obj:
    """As `merge_patch`, but lists with a merge key merge item by item, and `$patch` directives are obeyed."""
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    found = dict(target)
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            found[name] = [item for item in found.get(name) or [] if item not in value]
        elif key == "$retainKeys":
            found = {name: inner for name, inner in found.items() if name in value}
        elif not key.startswith("$"):
            _merge_field(found, key, value)
    return found


def _merge_field(found: Obj, key: str, value: Any) -> None:
    if value is None:
        found.pop(key, None)
    elif isinstance(value, dict):
        old = found.get(key)
        found[key] = strategic_merge(old if isinstance(old, dict) else {}, value)
    elif isinstance(value, list) and key in SET_LISTS:
        old = found.get(key) or []
        found[key] = [*old, *(item for item in value if item not in old)]
    elif isinstance(value, list) and _merges(key, value):
        found[key] = _merge_list(found.get(key) or [], value, MERGE_KEYS[key])
    else:
        found[key] = copy.deepcopy(value)


def _merges(key: str, value: list[Any]) -> bool:
    return key in MERGE_KEYS and all(isinstance(item, dict) for item in value)


def _merge_list(old: list[Obj], patch: list[Obj], key: str) -> list[Obj]:
    if any(item.get("$patch") == "replace" for item in patch):
        return [copy.deepcopy(item) for item in patch if "$patch" not in item]
    found = list(old)
    for item in patch:
        if key not in item:
            raise ApiError(500, f"map: {item} does not contain declared merge key: {key}", "")
        place = next((index for index, each in enumerate(found) if each.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            found = [each for each in found if each.get(key) != item[key]]
        elif place is None:
            found.append(strategic_merge({}, item))
        else:
            found[place] = strategic_merge(found[place], item)
    return found


def json_patch(obj: Obj, operations: Any) -> Obj:
    """RFC 6902. A failed `test` or a missing path is 422, in the words the server has for every such case."""
    if not isinstance(operations, list):
        text = (
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        )
        raise bad_request(text)
    found: Any = copy.deepcopy(obj)
    for operation in operations:
        try:
            found = _OPERATIONS[operation["op"]](found, operation)
        except (KeyError, IndexError, ValueError, TypeError):
            text = "the server rejected our request due to an error in our request"
            raise ApiError(422, text, REASONS[422], details={}) from None
    return dict(found)


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(obj: Any, steps: list[str]) -> Any:
    for step in steps:
        obj = obj[int(step)] if isinstance(obj, list) else obj[step]
    return obj


def _add(obj: Any, operation: Obj) -> Any:
    return _put(obj, _steps(operation["path"]), copy.deepcopy(operation["value"]))


def _put(obj: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    parent, last = _at(obj, steps[:-1]), steps[-1]
    if isinstance(parent, list):
        place = len(parent) if last == "-" else int(last)
        if not 0 <= place <= len(parent):
            raise IndexError(last)
        parent.insert(place, value)
    else:
        parent[last] = value
    return obj


def _remove(obj: Any, operation: Obj) -> Any:
    steps = _steps(operation["path"])
    parent = _at(obj, steps[:-1])
    del parent[int(steps[-1]) if isinstance(parent, list) else steps[-1]]
    return obj


def _replace(obj: Any, operation: Obj) -> Any:
    steps = _steps(operation["path"])
    _at(obj, steps)  # the path must be there
    parent = _at(obj, steps[:-1])
    parent[int(steps[-1]) if isinstance(parent, list) else steps[-1]] = copy.deepcopy(operation["value"])
    return obj


def _test(obj: Any, operation: Obj) -> Any:
    try:
        found = _at(obj, _steps(operation["path"]))
    except KeyError:
        found = None
    if found != operation.get("value"):
        raise ValueError(operation["path"])
    return obj


def _copy(obj: Any, operation: Obj) -> Any:
    return _put(obj, _steps(operation["path"]), copy.deepcopy(_at(obj, _steps(operation["from"]))))


def _move(obj: Any, operation: Obj) -> Any:
    value = _at(obj, _steps(operation["from"]))
    return _put(_remove(obj, {"path": operation["from"]}), _steps(operation["path"]), value)


_OPERATIONS: dict[Any, Callable[[Any, Obj], Any]] = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "test": _test,
    "copy": _copy,
    "move": _move,
}
