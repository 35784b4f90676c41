"""Files of work to what they ask for together: across files names are unique and jobs wait for others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.errors import UsageError
from dcctl.inventory.asked import Asked
from dcctl.inventory.nodeexpr import shown
from dcctl.inventory.placement import BARE, key_of
from dcctl.inventory.sources.files.documents import documents
from dcctl.inventory.sources.jobs import form
from dcctl.inventory.sources.jobs.cursor import HINT, Cursor
from dcctl.inventory.sources.jobs.form import Form
from dcctl.inventory.sources.jobs.kubernetes.manifests import Manifests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.model import Workload

_INVENTORIES = ("nodes", "all", "_meta", "schema")
"""Keys by which lists of nodes, Ansible inventories and snapshots are told."""


def parse(texts: Iterable[tuple[str, str]]) -> Asked:
    """Return what texts ask for, each given with the name of its file.

    Members are pending. UsageError: with file, line, reason and the next command. What cannot be placed from
    a manifest is a gap.
    """
    own, manifests = Form(), Manifests()
    for where, text in texts:
        _read(where, text, own, manifests)
    work, templates, gaps = manifests.finish()
    _check_ids(own, work)
    own.check(each.id for each in work)
    jobs = own.jobs.values()
    needs = [read.template for read in jobs if read.template != BARE]
    return Asked(
        workloads=tuple(sorted((*(read.workload for read in jobs), *work), key=lambda each: each.id)),
        templates=dict(sorted({**templates, **{key_of(each): each for each in needs}}.items())),
        elastic=tuple(own.models[name] for name in sorted(own.models)),
        gaps=gaps,
        supply=own.supply,
        quotas=tuple(own.quotas[name] for name in sorted(own.quotas)),
    )


def _read(where: str, text: str, own: Form, manifests: Manifests) -> None:
    try:
        found = documents(text, where)
    except UsageError as error:
        hint = "helm template . | dcctl schedule plan -" if "{{" in text else HINT
        raise UsageError(error.what, error.why, error.hint or hint) from error
    if not found:
        raise UsageError(where, "is empty", "dcctl schema jobs")
    for node, _ in found:
        document = Cursor(node, where)
        if _is_own(document):
            own.add(document, f"file:{where}")
        else:
            manifests.add(document)


def _is_own(document: Cursor) -> bool:
    """Tell dcctl's own form from a manifest; UsageError for what is neither."""
    keys = document.keys()
    kind = keys["kind"].text() if "kind" in keys else ""
    version = keys["apiVersion"].text() if "apiVersion" in keys else ""
    if kind == form.KIND and version in ("", form.VERSION):
        return True
    if kind == form.KIND and version.startswith("dcctl/"):
        raise keys["apiVersion"].error(f"{shown(version)} is not known: this dcctl reads {form.VERSION}")
    if kind and version:
        return False
    if not keys.keys().isdisjoint(_INVENTORIES):
        raise document.error("is an inventory, not work", f"dcctl schedule plan JOBS -i {document.file}")
    if kind:
        raise keys["kind"].error(f"{kind} has no apiVersion; dcctl's own form is `kind: {form.KIND}`")
    raise document.error(f"says neither `kind: {form.KIND}` nor the apiVersion and kind of a manifest")


def _check_ids(own: Form, work: Iterable[Workload]) -> None:
    """Two forms cannot name one thing: ids of manifests have a namespace, and so may a job."""
    for each in work:
        if each.id in own.jobs:
            raise own.jobs[each.id].at.error(f"the {each.kind} {each.id} of a manifest has this name")
