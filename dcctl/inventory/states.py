"""The state of a node, in words: what is printed, what groups are formed by, why no work goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from dcctl.inventory.model import Node

Word: TypeAlias = Literal["ready", "notready", "cordoned", "unknown"]

_SAYS_CORDONED = ("schedulingdisabled", "cordon", "drain")
"""Parts of schedulers' words, in lower case, for a node that takes no new work."""


def words_of(node: Node) -> tuple[Word, ...]:
    """Return what is so: `notready` and `cordoned`, or one of them; else `ready`, or `unknown`."""
    if node.ready is not False and node.schedulable is not False:
        return ("ready",) if node.ready else ("unknown",)
    found: tuple[Word, ...] = ("notready",) if node.ready is False else ()
    return (*found, "cordoned") if node.schedulable is False else found


def state_of(node: Node) -> str | None:
    """Return the scheduler's word; else what can be said without one; None where nobody answered.

    That a node is cordoned is added where the word does not say so.
    """
    words = words_of(node)
    said = {"ready": "Ready", "notready": "NotReady"}.get(words[0])
    if node.state and not ("notready" in words and node.state.lower().startswith("ready")):
        said = node.state  # unless another source contradicts it
    if "cordoned" in words and not any(part in (said or "").lower() for part in _SAYS_CORDONED):
        return f"{said},cordoned" if said else "cordoned"
    return said or ("up" if node.system is not None else None)
