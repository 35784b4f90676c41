"""Slices of boards that only a scheduler counts: they stand for no more boards than the node has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcctl.inventory.counted import first
from dcctl.inventory.vendors import labels_of, parts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Accelerator
    from dcctl.inventory.occupancy.boards import Board

_COUNT = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


def bounded(boards: list[Board], labels: Mapping[str, str]) -> list[Board]:
    """The boards, those of slices that name none being no more than the node's label leaves room for.

    Profiles mix on a board, so slices by profile stand for too many; here they are spread, the widest first.
    """
    loose = [board for board in boards if board.reading is None and _is_loose(board.slices)]
    vendors = {board.slices[0].vendor for board in loose}
    count = first(labels, labels_of(vendors.pop()).boards) if len(vendors) == 1 else None
    if not count or not _COUNT.fullmatch(count):
        return boards
    most = max(1, int(count) - (len(boards) - len(loose)))
    if len(loose) <= most:
        return boards
    _spread([part for board in loose for part in board.slices], loose[:most])
    gone = {id(board) for board in loose[most:]}
    return [board for board in boards if id(board) not in gone]


def _is_loose(slices: tuple[Accelerator, ...]) -> bool:
    return bool(slices) and slices[0].parent is None


def _spread(parts: list[Accelerator], homes: list[Board]) -> None:
    """Every slice is on one of these boards: the one with most room."""
    room = [0] * len(homes)
    filled: list[list[Accelerator]] = [[] for _ in homes]
    for part in sorted(parts, key=_width, reverse=True):
        at = max(range(len(homes)), key=room.__getitem__)
        room[at] -= _width(part)
        filled[at].append(part)
    for home, slices in zip(homes, filled, strict=True):
        home.slices, home.resource = tuple(slices), slices[0].resource


def _width(part: Accelerator) -> int:
    """Parts of a board that it takes; all of one if unknown."""
    taken, _ = parts_of(part.resource, part.profile) or (_WHOLE, _WHOLE)
    return taken


_WHOLE = 1 << 10
"""Wider than any slice."""
