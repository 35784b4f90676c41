"""The fewest boards that give so many slices of each profile: an integer programme over layouts of boards."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from dcctl.packing.mig import layouts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.packing.mig import Geometry

    Layout = tuple[str, ...]


class Pool(NamedTuple):
    """Boards that are alike, and alike in what is lost when one of them is cut."""

    rank: int
    """Of equal choices the lowest is taken."""
    board: Geometry


class _Column(NamedTuple):
    pool: Pool
    layout: Layout


def cover(wanted: Mapping[str, int], boards: Mapping[Pool, int]) -> dict[Pool, Counter[Layout]] | None:
    """How many boards of each pool in which layouts, the largest first, have all wanted slices together.

    They are as few as possible: solved by HiGHS to the proven optimum. None where there are not enough.
    """
    columns = [
        _Column(pool, layout)
        for pool in sorted(boards, key=lambda pool: (pool.rank, pool.board.name))
        for layout in sorted(layouts(pool.board, tuple(sorted(wanted))), key=lambda one: (-len(one), one))
    ]
    counts = _solved(columns, wanted, boards)
    if counts is None:
        return None
    found: dict[Pool, Counter[Layout]] = {}
    for column, count in zip(columns, counts, strict=True):
        if count:
            found.setdefault(column.pool, Counter())[column.layout] = count
    return found


def _solved(
    columns: list[_Column], wanted: Mapping[str, int], boards: Mapping[Pool, int]
) -> list[int] | None:
    """How many boards of each column; None where no number is enough."""
    import highspy

    solver = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("random_seed", 0), ("mip_rel_gap", 0.0)):
        solver.setOptionValue(option, value)
    ranks = {rank: at for at, rank in enumerate(sorted({pool.rank for pool in boards}))}
    one_board = float(len(ranks) * min(sum(wanted.values()), sum(boards.values())) + 1)
    for at, column in enumerate(columns):
        cost = one_board + ranks[column.pool.rank]
        solver.addCol(cost, 0.0, float(boards[column.pool]), 0, [], [])
        solver.changeColIntegrality(at, highspy.HighsVarType.kInteger)
    for name, count in wanted.items():
        terms = {at: float(one.layout.count(name)) for at, one in enumerate(columns) if name in one.layout}
        solver.addRow(float(count), highspy.kHighsInf, len(terms), list(terms), list(terms.values()))
    for pool, most in boards.items():
        mine = [at for at, one in enumerate(columns) if one.pool == pool]
        solver.addRow(-highspy.kHighsInf, float(most), len(mine), mine, [1.0] * len(mine))
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    return [round(value) for value in solver.getSolution().col_value]
