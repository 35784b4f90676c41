"""Facts of one machine that its sources state differently: findings, not guesses."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from dcctl.inventory.model import Conflict
from dcctl.inventory.occupancy.boards import boards_of
from dcctl.inventory.uuids import uuid_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dcctl.inventory.merge.precedence import Known
    from dcctl.inventory.model import Node

    Equal = Callable[[str, str], bool]

_NOT_WORD = re.compile(r"nvidia|amd|tesla|instinct|geforce|[^a-z0-9]")
_MEMORY_SLACK = 50
"""Memory may differ by one part in this many: firmware and crash kernels take some."""


def disagreements(name: str, views: Sequence[Known]) -> Iterator[Conflict]:
    """Yield each fact of one machine on which two sources differ, and counts that differ within one."""
    counts = _counts(views)
    if len({value for _, value in counts}) > 1:
        yield Conflict(subject=name, fact="accelerators", values=tuple(sorted(set(counts))))
    if len(views) < 2:
        return
    for fact, (value_of, equal) in _COMPARED.items():
        said = sorted((view.source, value) for view in views if (value := value_of(view.node)) is not None)
        if any(not equal(said[0][1], value) for _, value in said[1:]):
            yield Conflict(subject=name, fact=fact, values=tuple(dict.fromkeys(said)))
    yield from _listed_twice(name, views)


def shared_devices(nodes: Iterable[Node]) -> Iterator[Conflict]:
    """Yield each accelerator that two machines claim to hold."""
    holders: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        for board in {board.id for board in node.accelerators or () if board.id}:
            holders[board].append(node)
    for board in sorted(holders):
        if len(holders[board]) > 1:
            said = sorted(("+".join(node.sources), node.name) for node in holders[board])
            yield Conflict(subject=board, fact="node", values=tuple(said))


def _counts(views: Sequence[Known]) -> list[tuple[str, str]]:
    """Return (view, number of boards); a source that states no count is counted, if it lists each board."""
    counts: list[tuple[str, str]] = []
    for view in views:
        node = view.node
        counts += [(name, str(count)) for name, count in node.accelerator_counts.items()]
        if not node.accelerator_counts and node.accelerators is not None:
            boards = boards_of(node)
            if boards is not None and all(board.reading is not None for board in boards):
                counts.append((view.source, str(len(boards))))
    return counts


def _listed_twice(name: str, views: Sequence[Known]) -> Iterator[Conflict]:
    listed: dict[tuple[int, str], int] = defaultdict(int)
    for view in views:
        listed[view.fleet, view.source] += 1
    said = sorted((source, f"lists it {times} times") for (_, source), times in listed.items() if times > 1)
    if said:
        yield Conflict(subject=name, fact="name", values=tuple(said))


def _models(node: Node) -> str | None:
    models = {board.model for board in node.accelerators or () if board.model}
    return ", ".join(sorted(models)) or None


def _same_models(one: str, other: str) -> bool:
    """Tell whether two names of a board may mean the same: `H100` and `NVIDIA-H100-80GB-HBM3` do."""
    first, second = _NOT_WORD.sub("", one.lower()), _NOT_WORD.sub("", other.lower())
    return first in second or second in first


def _memory(node: Node) -> str | None:
    memory = node.capacity.memory_bytes if node.capacity else None
    return None if memory is None else str(memory)


def _near(one: str, other: str) -> bool:
    first, second = int(one), int(other)
    return abs(first - second) * _MEMORY_SLACK <= max(first, second)


def _cpus(node: Node) -> str | None:
    if node.capacity and node.capacity.cpu_milli is not None:
        return str(node.capacity.cpu_milli // 1000)
    return str(node.system.threads) if node.system and node.system.threads is not None else None


def _same_text(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _same_uuid(one: str, other: str) -> bool:
    return uuid_key(one) == uuid_key(other)


_COMPARED: dict[str, tuple[Callable[[Node], str | None], Equal]] = {
    "model": (_models, _same_models),
    "memory": (_memory, _near),
    "cpus": (_cpus, _same_text),
    "rack": (lambda node: node.rack, _same_text),
    "site": (lambda node: node.site, _same_text),
    "system_uuid": (lambda node: node.system_uuid if uuid_key(node.system_uuid) else None, _same_uuid),
}
"""Fact -> how it reads, and when two readings agree."""
