"""Into which slices an NVIDIA board can be cut (MIG): the catalogue, and the exact check of what fits one.

Names and the most instances of each profile: NVIDIA Multi-Instance GPU User Guide, "Supported MIG Profiles",
and for GB200 the configurations of NVIDIA's mig-parted. Starts and sizes: `nvidia-smi mig -lgipp`, which
prints the same for A100 and H100 boards; the number of instances is the same on the later ones, whose memory
has as many slices. A board that is not listed is not cut.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.inventory.vendors import GIB

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX: Final = "nvidia.com/mig-"
"""Of the resource names under which a device plugin hands out slices (strategy `mixed`)."""
WHOLE_BOARD: Final = "nvidia.com/gpu"

_MEDIA = "+me"
"""Ends the names of profiles with the media engines, which a board has once."""


class Profile(NamedTuple):
    """One size of slice."""

    name: str
    """As `nvidia-smi` writes it: `1g.10gb`, `1g.10gb+me`."""
    compute: int
    """Compute slices."""
    memory: int
    """Memory slices, next to each other."""
    starts: tuple[int, ...]
    """Memory slices at which it may begin."""
    most: int
    """Instances on one board."""

    @property
    def resource(self) -> str:
        """What a pod asks for."""
        return PREFIX + self.name.replace("+", ".")


class Geometry(NamedTuple):
    """One model of board, and how it may be cut."""

    name: str
    words: tuple[str, ...]
    """Any of them is a word of the model's name."""
    memory_gb: int
    """As in the model's name; a driver reports up to 1 GiB less."""
    profiles: tuple[Profile, ...]
    reset: bool
    """Whether the board is reset when MIG mode is switched on: Ampere. Hopper and later are not (User Guide,
    "Enable MIG Mode")."""

    def of(self, resource: str) -> Profile | None:
        """The profile of that resource name."""
        return next((one for one in self.profiles if one.resource == resource), None)


def _eight(small: str, double: str, third: str, whole: str) -> tuple[Profile, ...]:
    """Profiles of a board of seven compute slices, by the memory of 1, 2, 4 and 8 memory slices."""
    every = (0, 1, 2, 3, 4, 5, 6)
    return (
        Profile(f"7g.{whole}gb", 7, 8, (0,), 1),
        Profile(f"4g.{third}gb", 4, 4, (0,), 1),
        Profile(f"3g.{third}gb", 3, 4, (0, 4), 2),
        Profile(f"2g.{double}gb", 2, 2, (0, 2, 4), 3),
        Profile(f"1g.{double}gb", 1, 2, (0, 2, 4, 6), 4),
        Profile(f"1g.{small}gb{_MEDIA}", 1, 1, every, 1),
        Profile(f"1g.{small}gb", 1, 1, every, 7),
    )


_FOUR = (
    Profile("4g.24gb", 4, 4, (0,), 1),
    Profile(f"2g.12gb{_MEDIA}", 2, 2, (0, 2), 1),
    Profile("2g.12gb", 2, 2, (0, 2), 2),
    Profile(f"1g.6gb{_MEDIA}", 1, 1, (0, 1, 2, 3), 1),
    Profile("1g.6gb", 1, 1, (0, 1, 2, 3), 4),
)

GEOMETRIES: Final = (
    Geometry("A30", ("a30",), 24, _FOUR, reset=True),
    Geometry("A100 40GB", ("a100", "a800"), 40, _eight("5", "10", "20", "40"), reset=True),
    Geometry("A100 80GB", ("a100", "a800"), 80, _eight("10", "20", "40", "80"), reset=True),
    Geometry("H100 80GB", ("h100", "h800"), 80, _eight("10", "20", "40", "80"), reset=False),
    Geometry("H100 94GB", ("h100", "h800"), 94, _eight("12", "24", "47", "94"), reset=False),
    Geometry("H100 96GB", ("h100", "gh200", "h20"), 96, _eight("12", "24", "48", "96"), reset=False),
    Geometry("H200", ("h200",), 141, _eight("18", "35", "71", "141"), reset=False),
    Geometry("B200", ("b200",), 180, _eight("23", "45", "90", "180"), reset=False),
    Geometry("GB200", ("gb200",), 186, _eight("23", "47", "93", "186"), reset=False),
)
"""Older boards first: of equal choices the first is cut."""

_SIZE = re.compile(r"([0-9]{1,4})gb")


@lru_cache(maxsize=1024)
def geometry(model: str, memory_bytes: int | None) -> Geometry | None:
    """How a board of this model may be cut.

    None: it cannot be, nobody knows how, or which of several sizes the model has was not told.
    """
    words = re.split(r"[^a-z0-9]+", model.casefold())
    known = [one for one in GEOMETRIES if not set(words).isdisjoint(one.words)]
    if memory_bytes is None:
        told = [int(match[1]) for match in map(_SIZE.fullmatch, words) if match]
        fit = [one for one in known if one.memory_gb in told] if told else known
    else:
        fit = [one for one in known if -1 <= memory_bytes / GIB - one.memory_gb <= 0]
    return fit[0] if len(fit) == 1 else None


def fits(board: Geometry, resources: Iterable[str]) -> bool:
    """Whether one board holds all these slices at once: exact."""
    return starts(board, tuple(sorted(resources))) is not None


@lru_cache(maxsize=1 << 16)
def starts(board: Geometry, resources: tuple[str, ...]) -> tuple[tuple[str, int], ...] | None:
    """Where each of these slices begins on one board, the largest first; None when they do not fit."""
    found = [board.of(name) for name in resources]
    profiles = [one for one in found if one is not None]
    media = sum(one.name.endswith(_MEDIA) for one in profiles)
    if len(profiles) < len(found) or media > 1 or any(profiles.count(one) > one.most for one in profiles):
        return None
    if sum(one.compute for one in profiles) > board.profiles[0].compute:
        return None
    profiles.sort(key=board.profiles.index)
    begins = _placed(profiles, 0)
    if begins is None:
        return None
    return tuple((one.resource, at) for one, at in zip(profiles, begins, strict=True))


def _placed(profiles: list[Profile], taken: int) -> tuple[int, ...] | None:
    """Starts of these slices beside the memory slices that are `taken` (a bit each)."""
    if not profiles:
        return ()
    first, rest = profiles[0], profiles[1:]
    for at in first.starts:
        mask = ((1 << first.memory) - 1) << at
        if not taken & mask:
            others = _placed(rest, taken | mask)
            if others is not None:
                return (at, *others)
    return None


@lru_cache(maxsize=256)
def layouts(board: Geometry, resources: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """All sets of these slices that one board holds and to which none of them can be added."""
    own = [one for one in dict.fromkeys(resources) if board.of(one)]
    most = board.profiles[0].compute
    every = {
        each
        for size in range(1, most + 1)
        for each in combinations_with_replacement(sorted(own), size)
        if fits(board, each)
    }
    return tuple(sorted(each for each in every if not any(_with(each, one) in every for one in own)))


def _with(layout: tuple[str, ...], one: str) -> tuple[str, ...]:
    return tuple(sorted((*layout, one)))
