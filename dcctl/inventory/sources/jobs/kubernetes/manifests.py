"""Manifests, collected: what one document says may lie in another, so that work is made when all are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.model import ENDED
from dcctl.inventory.sources.jobs.job import MAX_MEMBERS
from dcctl.inventory.sources.jobs.kubernetes.checks import check
from dcctl.inventory.sources.jobs.kubernetes.decode import HINT, as_json, decode
from dcctl.inventory.sources.jobs.kubernetes.kinds import MAKERS, SKIPPED, makes_nothing
from dcctl.inventory.sources.jobs.kubernetes.made import pod
from dcctl.inventory.sources.jobs.kubernetes.surroundings import Surroundings
from dcctl.inventory.sources.jobs.kubernetes.types import Holder, Object, PodTemplate
from dcctl.inventory.sources.jobs.kubernetes.work import Row, Work, gap
from dcctl.inventory.sources.kubernetes.owners import Ref
from dcctl.inventory.sources.kubernetes.pods import PHASES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.model import Gap, Workload
    from dcctl.inventory.placement import Template
    from dcctl.inventory.sources.jobs.cursor import Cursor
    from dcctl.inventory.sources.jobs.kubernetes.made import Made
    from dcctl.inventory.sources.jobs.kubernetes.types import Top

DEFAULT_NAMESPACE = "default"


class Manifests:
    """The objects read so far."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._around = Surroundings()
        self._gaps: list[Gap] = []
        self._seen: dict[Ref, str] = {}
        self._generated: dict[str, int] = {}
        self._members = 0

    def add(self, document: Cursor) -> None:
        """Read a manifest, or a list of them. UsageError with the place of what is wrong."""
        keys = document.fields(document.keys(), required=("apiVersion", "kind"))
        self._add(document, keys["apiVersion"].text(), keys["kind"].name())

    def _add(self, document: Cursor, version: str, kind: str) -> None:
        keys = document.keys()
        if kind.endswith("List") and "items" in keys:
            for item in keys["items"].items():
                self._add_item(item, version, kind)
        else:
            self._add_object(document, _group(version), kind)

    def _add_item(self, item: Cursor, version: str, kind: str) -> None:
        """Read an entry of a list: those of a PodList are Pods, and need not say so."""
        typed = kind != "List" and not item.keys().keys() & {"apiVersion", "kind"}
        if typed:
            self._add(item, version, kind.removesuffix("List"))
        else:
            self.add(item)

    def _add_object(self, document: Cursor, group: str, kind: str) -> None:
        data = as_json(document)
        meta = decode(document, data, Object).metadata
        ref = self._identify(group, kind, meta, document)
        if (group, kind) == ("", "Pod"):
            self._add_pod(ref, meta, document, data)
        elif (group, kind) in MAKERS:
            self._add_work(ref, meta, document, data)
        elif not self._around.add(ref, document, data) and not makes_nothing(group, kind):
            why, hint = SKIPPED.get((group, kind), ("is not known to dcctl: it may make pods", ""))
            self._leave_out(ref, document, why, hint)

    def finish(self) -> tuple[tuple[Workload, ...], dict[str, Template], tuple[Gap, ...]]:
        """Return the work of all manifests, where its members may stand, and what was left out."""
        work = Work(self._around)
        for row in self._rows:
            work.add(row)
        found = work.workloads()
        return found, work.templates(), (*self._gaps, *work.gaps)

    def _identify(self, group: str, kind: str, meta: Top, document: Cursor) -> Ref:
        """What tells the object from every other; one that is there twice is refused."""
        name = meta.name or (kind.lower() if (group, kind) in SKIPPED else "")
        if not name and meta.generate_name:
            number = self._generated[meta.generate_name] = self._generated.get(meta.generate_name, -1) + 1
            name = f"{meta.generate_name}{number}"
        if not name:
            raise document.error(f"this {kind} has no metadata.name", f"{HINT} {document.file}")
        for key in ("name", "namespace"):
            if key in (given := document.at(("metadata",)).keys()):
                given[key].name()
        namespace = meta.namespace or DEFAULT_NAMESPACE
        ref = Ref(namespace, group, kind, name, f"{group}/{kind}/{namespace}/{name}")
        if meta.name and ref in self._seen:
            raise document.error(f"another {kind} {namespace}/{name} is at {self._seen[ref]}")
        self._seen[ref] = document.place
        return ref

    def _add_pod(self, ref: Ref, meta: Top, document: Cursor, data: bytes) -> None:
        template = decode(document, data, PodTemplate)
        if PHASES.get(template.status.phase) in ENDED:
            return
        if template.spec.node_name:
            why = f"names its node, {template.spec.node_name}: no scheduler has a choice"
            self._leave_out(ref, document, why)
        else:
            self._keep(ref, meta, pod(ref.name, template), document)

    def _add_work(self, ref: Ref, meta: Top, document: Cursor, data: bytes) -> None:
        maker = MAKERS[ref.group, ref.kind]
        spec = decode(document, data, Holder[maker.spec]).spec  # type: ignore[name-defined]
        self._around.add_owner(
            ref, meta, spec, document.at(maker.gang_at.split(".")) if maker.gang_at else None
        )
        self._keep(ref, meta, maker.make(ref.name, spec), document)

    def _keep(self, ref: Ref, meta: Top, makes: Iterable[Made], document: Cursor) -> None:
        """Check the pods of an object and keep them, unless there are too many."""
        rows: list[Made] = []
        checked: set[str] = set()
        for each in makes:
            self._members += max(1, each.number)
            if self._members > MAX_MEMBERS:
                raise document.error(f"with this {ref.kind} there are more than {MAX_MEMBERS:,} members")
            if each.path not in checked:
                check(each.template, document.at([step for step in each.path.split(".") if step]))
                checked.add(each.path)
            rows.append(each)
        self._rows.append(Row(ref, meta.labels or {}, tuple(rows), document))

    def _leave_out(self, ref: Ref, document: Cursor, why: str, hint: str = "") -> None:
        hint = hint.format(name=ref.name, namespace=ref.namespace)
        self._gaps.append(gap(ref, document, why, hint))


def _group(version: str) -> str:
    """The API group in an apiVersion: that of `v1` is empty."""
    return version.rpartition("/")[0]
