"""The files of one store of models, for an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.models.source import TOLD, gather

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from dcctl.inventory.evidence.base import Silence
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.sources.models.source import Store


class ModelEvidence:
    """One store, by the bytes of its files: nothing of them is run, nothing is read whole."""

    name = "models"
    kinds = TOLD

    def __init__(self, store: Store) -> None:
        self._store = store

    def gather(self, stop: Event) -> Evidence:
        """Return its files and folders, and a gap where they are not all, or some could not be read."""
        found = gather([self._store], stop=stop)
        why = [found.silent["model_files"]] if "model_files" in found.silent else _failures(found)
        return replace(found, fleet=Fleet(gaps=(self._gap(why),))) if why else found

    def _gap(self, why: Sequence[Silence]) -> Gap:
        path, first = self._store.path, why[0]
        others = f" ({len(why) - 1} more like this)" if len(why) > 1 else ""
        reason = f"{first.reason.removeprefix(f'{path}: ')}{others}"
        return Gap(self.name, path, reason, first.cause, f"ls -ld {path}")


def _failures(evidence: Evidence) -> list[Silence]:
    """Why files and folders could not be read, though nobody denied it."""
    ones = (*(evidence.model_files or ()), *(evidence.model_folders or ()))
    return [why for one in ones if (why := next(iter(one.silent.values()), None)) and why.cause == "failed"]
