"""Who took a node out of service: dcctl's own annotation, or the marks that other tools leave. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dcctl.inventory.disruption import Cordon
from dcctl.inventory.marks import holders
from dcctl.inventory.moments import moment
from dcctl.inventory.sources.kubernetes.types import Wire

if TYPE_CHECKING:
    from dcctl.inventory.sources.kubernetes.types import NodeObject

DRAIN = "dcctl.io/drain"
"""Annotation of a node that dcctl took out of service: a DrainNote."""


class DrainNote(Wire):
    """What dcctl writes on a node that it takes out of service."""

    run: str = ""
    """Empty: somebody spoiled the note."""
    who: str = ""
    reason: str = ""
    was_schedulable: bool | None = None
    """Before it. None: not told."""
    at: str = ""
    """RFC 3339."""
    drained: bool = False
    """Whether nothing of the run is left to do there: it may go back while the run goes on elsewhere."""

    def encode(self) -> str:
        """As the annotation has it."""
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: str) -> DrainNote:
        """What the annotation tells; an empty note where somebody spoiled it."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeError):
            return cls()


def cordon_of(item: NodeObject) -> Cordon | None:
    """Who took the node out of service; None where nothing on it tells."""
    notes, labels, spec = item.metadata.annotations or {}, item.metadata.labels or {}, item.spec
    taints = {each.key: each.value or "" for each in spec.taints or ()}
    others = holders(notes, labels, taints)
    if DRAIN in notes:
        note = DrainNote.decode(notes[DRAIN])
        since_s = _since_s(note.at)
        return Cordon("dcctl", note.run, note.who, note.reason, note.was_schedulable, since_s, others)
    return Cordon(others[0], others=others[1:]) if others else None


def _since_s(text: str) -> int | None:
    try:
        return moment(text)
    except ValueError:
        return None
