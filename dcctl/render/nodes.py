"""Node names as one short text on a screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def node_set(names: Iterable[str]) -> str:
    """Return the distinct names as one node set, `gpu[001-126]`; a single name as it is."""
    distinct = list(dict.fromkeys(names))
    if len(distinct) == 1:
        return distinct[0]
    from dcctl.inventory.folding import fold

    return fold(distinct)
