"""Slices of several profiles, where only Kubernetes counts them, stand for as many boards as there are."""

from __future__ import annotations

import pytest

from dcctl.inventory.model import Accelerator
from dcctl.inventory.occupancy.boards import boards_of, units_of
from tests.unit.assess.fleet.build import node


def slices(*profiles: str, **more: str) -> tuple[Accelerator, ...]:
    return tuple(
        Accelerator(at, resource=f"nvidia.com/mig-{each}", kind="mig", profile=each, **more)  # type: ignore[arg-type]  # test builder
        for at, each in enumerate(profiles)
    )


MIXED = ("3g.20gb", "2g.10gb", "1g.5gb", "1g.5gb")


@pytest.mark.parametrize(
    ("profiles", "label", "expected"),
    [
        (MIXED, "1", 1),
        (MIXED * 8, "8", 8),
        (("4g.20gb", "4g.20gb", "3g.20gb", "3g.20gb", "7g.40gb"), "3", 3),
        (("1g.5gb",) * 7, "4", 1),
        (MIXED, None, 3),
        (MIXED, "9" * 5000, 3),
        (MIXED, "many", 3),
    ],
)
def test_mixed_slices_are_on_no_more_boards_than_the_label_counts(
    profiles: tuple[str, ...], label: str | None, expected: int
) -> None:
    labels = {} if label is None else {"nvidia.com/gpu.count": label}
    boards = boards_of(node(accelerators=slices(*profiles), labels=labels)) or []
    assert len(boards) == expected
    held = [part for board in boards for part in board.slices]
    assert sorted(part.index for part in held) == list(range(len(profiles))), "each slice is on one board"
    assert sum(sum(units_of(board).values()) for board in boards) == len(profiles)


def test_boards_that_are_known_leave_the_rest_of_the_count() -> None:
    whole = Accelerator(9, "GPU-9")
    boards = boards_of(node(accelerators=(whole, *slices(*MIXED)), labels={"nvidia.com/gpu.count": "2"}))
    assert [(board.reading, len(board.slices)) for board in boards or ()] == [(whole, 0), (None, 4)]


def test_slices_that_name_their_board_are_left_there() -> None:
    parts = (*slices("1g.5gb", parent="GPU-0"), *slices("1g.5gb", parent="GPU-1"))
    assert len(boards_of(node(accelerators=parts, labels={"nvidia.com/gpu.count": "1"})) or ()) == 2
