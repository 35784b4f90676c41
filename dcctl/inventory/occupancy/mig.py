"""Slices of boards that only a scheduler counts: they stand for no more boards than the node has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.model import Accelerator
    from dcctl.inventory.occupancy.boards import Board

SLICES_PER_BOARD = 7
"""Compute slices of one NVIDIA board in MIG mode (NVIDIA MIG user guide, table of profiles)."""
_BOARDS_LABEL = "nvidia.com/gpu.count"
_WIDTH = re.compile(r"(?:.*mig-)?([1-7])g\.")
_COUNT = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)


def bounded(boards: list[Board], labels: Mapping[str, str]) -> list[Board]:
    """The boards, those of slices that name none being no more than the node's label leaves room for.

    Profiles mix on a board, so slices by profile stand for too many; here they are spread, the widest first.
    """
    count = labels.get(_BOARDS_LABEL, "")
    loose = [board for board in boards if board.reading is None and _is_loose(board.slices)]
    if not loose or not _COUNT.fullmatch(count):
        return boards
    most = max(1, int(count) - (len(boards) - len(loose)))
    if len(loose) <= most:
        return boards
    _spread([part for board in loose for part in board.slices], loose[:most])
    gone = {id(board) for board in loose[most:]}
    return [board for board in boards if id(board) not in gone]


def _is_loose(slices: tuple[Accelerator, ...]) -> bool:
    return bool(slices) and slices[0].parent is None and slices[0].vendor == "nvidia"


def _spread(parts: list[Accelerator], homes: list[Board]) -> None:
    """Every slice is on one of these boards: the one with most room."""
    room = [SLICES_PER_BOARD] * len(homes)
    filled: list[list[Accelerator]] = [[] for _ in homes]
    for part in sorted(parts, key=_width, reverse=True):
        at = max(range(len(homes)), key=room.__getitem__)
        room[at] -= _width(part)
        filled[at].append(part)
    for home, slices in zip(homes, filled, strict=True):
        home.slices, home.resource = tuple(slices), slices[0].resource


def _width(part: Accelerator) -> int:
    """Compute slices of its profile, `3g.40gb` or `nvidia.com/mig-3g.40gb`; all of a board if unknown."""
    match = _WIDTH.match(part.profile or part.resource)
    return int(match[1]) if match else SLICES_PER_BOARD
