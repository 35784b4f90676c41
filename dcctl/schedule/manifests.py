"""Manifests as plain documents: which objects they describe, and where in each the pods are described."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from dcctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Document: TypeAlias = "dict[str, object]"

GATE: Final = "dcctl.io/plan"
"""The scheduling gate that keeps a pod from its scheduler until its place in the plan is known."""
RUN: Final = "dcctl.io/run"
"""Label of all that one run makes or places: its name."""
WORK: Final = "dcctl.io/work"
"""Annotation of a pod: the object of the plan that it belongs to."""
_HOSTNAME: Final = "kubernetes.io/hostname"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


class Object(NamedTuple):
    """One object of a manifest."""

    api_version: str
    kind: str
    namespace: str
    name: str
    """For one of which the server would choose the name, as plans call it: `train-` is `train-0`."""
    body: Document

    @property
    def id(self) -> str:
        """namespace/name."""
        return f"{self.namespace}/{self.name}"

    @property
    def title(self) -> str:
        """As a person would name it: `Deployment ml/web`."""
        return f"{self.kind} {self.id}"

    @property
    def ids(self) -> tuple[str, ...]:
        """What a plan may call it: with its kind in the middle where two kinds share the name."""
        group, kind = self.api_version.rpartition("/")[0], self.kind.lower()
        long = f"{kind}.{group}" if group else kind
        return self.id, f"{self.namespace}/{kind}/{self.name}", f"{self.namespace}/{long}/{self.name}"

    @property
    def makes_pods(self) -> bool:
        """Whether a pod is described in it."""
        return next(templates(self.body), None) is not None


def objects_of(documents: Iterable[Document], where: str) -> tuple[Object, ...]:
    """The objects of all documents, those of lists among them, in order. UsageError for what is none."""
    found: list[Object] = []
    numbers: dict[str, int] = {}
    for body in _flat(documents):
        meta = part(body, "metadata")
        name, prefix = str(meta.get("name") or ""), str(meta.get("generateName") or "")
        if not name and prefix:
            number = numbers[prefix] = numbers.get(prefix, -1) + 1
            name = f"{prefix}{number}"
        version, kind = str(body.get("apiVersion") or ""), str(body.get("kind") or "")
        if not (version and kind and name):
            raise UsageError(
                where,
                "holds a document without apiVersion, kind or metadata.name",
                "kubectl apply --dry-run=client -f",
            )
        found.append(Object(version, kind, str(meta.get("namespace") or "default"), name, body))
    return tuple(found)


def _flat(documents: Iterable[Document]) -> Iterator[Document]:
    for body in documents:
        items = body.get("items")
        if str(body.get("kind", "")).endswith("List") and isinstance(items, list):
            yield from _flat(each for each in items if isinstance(each, dict))
        else:
            yield body


def part(body: Mapping[str, object], key: str) -> Document:
    """The map under a key; empty where there is none."""
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def templates(body: object) -> Iterator[Document]:
    """Yield every description of a pod in an object, the object itself if it is one.

    Whatever its kind: a map whose `spec` has a list of containers is one.
    """
    if isinstance(body, dict):
        if isinstance(part(body, "spec").get("containers"), list):
            yield body
            return
        for value in body.values():
            yield from templates(value)
    elif isinstance(body, list):
        for value in body:
            yield from templates(value)


def gated(one: Object, run: str) -> Document:
    """The object with every pod that it makes behind the gate, and marked with the run."""
    body = copy.deepcopy(one.body)
    meta = _made_part(body, "metadata")
    if not meta.get("name"):
        meta["name"] = f"{meta.pop('generateName')}{run}-{one.name.rpartition('-')[2]}"
    _mark(body, one, run)
    for template in templates(body):
        _mark(template, one, run)
        _gate(template)
    return body


def marked(one: Object, run: str) -> Document:
    """An object that makes no pods, marked with the run."""
    body = copy.deepcopy(one.body)
    _made_part(_made_part(body, "metadata"), "labels")[RUN] = run
    return body


def confined(one: Object, nodes: tuple[str, ...], *, gate: bool) -> Document:
    """The object with all pods that it makes kept to these nodes, and (`gate`) behind the gate."""
    body = copy.deepcopy(one.body)
    for template in templates(body):
        affinity = _made_part(_made_part(template, "spec"), "affinity")
        node_affinity = _made_part(affinity, "nodeAffinity")
        node_affinity[_REQUIRED] = tightened(part(node_affinity, _REQUIRED), nodes)
        if gate:
            _made_part(_made_part(template, "metadata"), "annotations")[WORK] = one.id
            _gate(template)
    return body


def tightened(required: Mapping[str, object] | None, nodes: tuple[str, ...]) -> Document:
    """A required node affinity that also demands one of these nodes. Kubernetes lets gated pods have it.

    Terms are alternatives, so each is tightened; an empty term matches no node and stays. A single node is
    named by its name, several by the label that kubelets give them.
    """
    key = "matchFields" if len(nodes) == 1 else "matchExpressions"
    more = _one_of(nodes)
    terms = (required or {}).get("nodeSelectorTerms")
    if not isinstance(terms, list) or not terms:
        return {"nodeSelectorTerms": [{key: [more]}]}
    return {"nodeSelectorTerms": [_with(term, key, more) if term else term for term in terms]}


def pinned(required: Mapping[str, object] | None, node: str) -> tuple[bool, ...]:
    """Of each term of a required node affinity, whether it demands this very node."""
    terms = (required or {}).get("nodeSelectorTerms")
    if not isinstance(terms, list):
        return ()
    return tuple(_one_of((node,)) in (term.get("matchFields") or ()) for term in terms)


def _one_of(nodes: tuple[str, ...]) -> Document:
    key = "metadata.name" if len(nodes) == 1 else _HOSTNAME
    return {"key": key, "operator": "In", "values": list(nodes)}


def _with(term: Document, key: str, more: Document) -> Document:
    before = term.get(key)
    known = before if isinstance(before, list) else []
    return term if more in known else {**term, key: [*known, more]}


def _gate(template: Document) -> None:
    spec = _made_part(template, "spec")
    gates = spec.get("schedulingGates")
    known = gates if isinstance(gates, list) else []
    if {"name": GATE} not in known:
        spec["schedulingGates"] = [*known, {"name": GATE}]


def _mark(body: Document, one: Object, run: str) -> None:
    meta = _made_part(body, "metadata")
    _made_part(meta, "labels")[RUN] = run
    _made_part(meta, "annotations")[WORK] = one.id


def _made_part(body: Document, key: str) -> Document:
    """The map under a key, made where there is none (null counts as none)."""
    found = body.get(key)
    if not isinstance(found, dict):
        found = body[key] = {}
    return found
