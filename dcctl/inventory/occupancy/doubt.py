"""Boards that somebody may hold, because somebody asked for what none of them answers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.vendors import device

if TYPE_CHECKING:
    from dcctl.inventory.occupancy.boards import Board


def doubted(rest: list[Board], leftover: dict[str, int]) -> list[Board]:
    """Of the boards that nobody is known to hold, those that the requests left over may stand for.

    A unit covers one board at most, and only of its own vendor: Neuron cores say nothing about a GPU. A batch
    scheduler's name covers boards of any vendor. `leftover` is units by resource name, as `hold` returns it.
    """
    left = sorted(rest, key=_use, reverse=True)
    found: list[Board] = []
    for resource in sorted(leftover, key=lambda name: (_vendor(name) is None, name)):
        covered = [at for at, board in enumerate(left) if _may_cover(resource, board)][: leftover[resource]]
        found += [left[at] for at in covered]
        left = [board for at, board in enumerate(left) if at not in covered]
    return found


def _use(board: Board) -> tuple[int, int]:
    """The more a board is used, the likelier it is held."""
    return sum(len(part.processes or ()) for part in board.parts()), board.busy_milli() or 0


def _may_cover(resource: str, board: Board) -> bool:
    asked, made = _vendor(resource), _vendor(board.resource)
    return asked is None or made is None or asked == made


def _vendor(resource: str) -> str | None:
    known = device(resource)
    return None if known is None else known.vendor
