"""Evidence for an audit: what each source of a run can tell. New collectors are plugged in here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.inventory.evidence import document
from dcctl.inventory.evidence.collected import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.model import Fleet
    from dcctl.settings import Settings

_HEAD_BYTES = 64


def saved(settings: Settings) -> Evidence | None:
    """Return the evidence that `-i FILE` names, less the nodes that -w and -x leave out; None: it names none.

    UsageError: the file is damaged, of a newer version, or not the only inventory.
    """
    found = [what for what in settings.inventory if _is_evidence(what)]
    if not found:
        return None
    if len(settings.inventory) > 1:
        raise UsageError(f"-i {found[0]}", "evidence is looked at alone", f"dcctl audit -i {found[0]}")
    from dcctl.inventory.nodeset import select
    from dcctl.inventory.sources.files.documents import read_bytes

    evidence = document.decode(read_bytes(found[0]), found[0])
    if not (settings.nodes or settings.exclude):
        return evidence
    fleet = select(evidence.fleet, settings.nodes or None, settings.exclude or None)
    return replace(document.restricted(evidence, {node.name for node in fleet.nodes}), fleet=fleet)


def _is_evidence(what: str) -> bool:
    if what in {"-", "live", "demo"}:
        return False
    try:
        with open(what, "rb") as file:  # noqa: PTH123  # it may be no path at all
            return document.begins(file.read(_HEAD_BYTES))
    except (OSError, ValueError):
        return False


def gather(settings: Settings, fleet: Fleet, now_s: int) -> Evidence:
    """Return what the sources of this run tell beside the fleet. What a source does not tell is silent."""
    parts = [Evidence(taken_at_s=fleet.taken_at_s or now_s, fleet=fleet)]
    if "demo" in settings.inventory:
        parts += _demo(fleet)
    return document.merged(tuple(parts))


def _demo(fleet: Fleet) -> Iterator[Evidence]:
    """Yield what each topic of the demo tells."""
    from importlib import import_module
    from pkgutil import iter_modules

    from dcctl.inventory.demo import evidence

    for module in sorted(iter_modules(evidence.__path__, f"{evidence.__name__}."), key=lambda one: one.name):
        yield import_module(module.name).part(fleet)
