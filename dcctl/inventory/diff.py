"""What changed between two fleets: facts, not readings. Pure and in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec.structs import asdict, fields

from dcctl.inventory.folding import sort_key
from dcctl.inventory.model import Fact, Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

VOLATILE: Final[dict[str, frozenset[str]]] = {
    "Node": frozenset({"sources", "use", "accelerators"}),
    "System": frozenset({"uptime_s"}),
    "Accelerator": frozenset(
        {
            *("memory_used_bytes", "busy_milli", "memory_busy_milli", "power_mw", "energy_mj", "sm_clock_hz"),
            *("memory_clock_hz", "temperature_c", "memory_temperature_c", "throttle", "performance_state"),
            "processes",
        }
    ),
    "Ecc": frozenset({"volatile_corrected", "aggregate_corrected"}),
    "Pcie": frozenset({"replays"}),
    "NvLink": frozenset({"errors"}),
    "Nic": frozenset({"rx_bytes", "tx_bytes", "rx_errors", "tx_errors"}),
    "Mount": frozenset({"free_bytes"}),
    "PowerMeter": frozenset({"power_mw", "energy_mj", "read_at_s"}),
    "Budget": frozenset({"allowed", "current_healthy"}),
}
"""Struct -> its fields that move by themselves. Accelerators are compared on their own, by UUID."""

_NAMES: Final = {
    "Nic": "name",
    "Disk": "name",
    "Mount": "path",
    "NvLink": "index",
    "Member": "name",
    "Budget": "name",
}
"""Struct -> the field that tells one from its neighbours in a list."""


class Change(Fact, frozen=True):
    """One thing that came, went or became different."""

    subject: str
    """What it is about: `node gpu001`, `accelerator GPU-5a…`, `workload nlp/train`, `gap ssh gpu077`."""
    kind: Literal["added", "removed", "changed"]
    path: str = ""
    """The fact, dotted: `system.kernel`; empty when the subject itself came or went."""
    old: str | None = None
    new: str | None = None


def diff(old: Fleet, new: Fleet) -> tuple[Change, ...]:
    """Return the changes, in natural order of subject and path. Readings (temperatures, counters) are none.

    Accelerators are followed by UUID: a board that moved has `node` changed, a swapped one is two changes.
    """
    changes: list[Change] = []
    for kind, items_of in _KINDS.items():
        changes += _compare(kind, items_of(old), items_of(new))
    return tuple(sorted(changes, key=lambda change: (sort_key(change.subject), change.path)))


Items = dict[str, "dict[str, str]"]


def _compare(kind: str, old: Items, new: Items) -> Iterator[Change]:
    for name in old.keys() - new.keys():
        yield Change(subject=f"{kind} {name}", kind="removed", old=old[name].get("node"))
    for name in new.keys() - old.keys():
        yield Change(subject=f"{kind} {name}", kind="added", new=new[name].get("node"))
    for name in old.keys() & new.keys():
        before, after = old[name], new[name]
        if before == after:
            continue
        for path in before.keys() | after.keys():
            was, is_ = before.get(path), after.get(path)
            if was != is_:
                yield Change(subject=f"{kind} {name}", kind="changed", path=path, old=was, new=is_)


def _flat(fact: Fact, prefix: str = "") -> dict[str, str]:
    """Return every stable fact of a struct as dotted path -> text; what is unknown is left out."""
    skipped = VOLATILE.get(type(fact).__name__, frozenset())
    result: dict[str, str] = {}
    for field in fields(fact):
        if field.name not in skipped:
            _put(result, prefix + field.name, getattr(fact, field.name))
    return result


def _put(result: dict[str, str], path: str, value: object) -> None:
    if isinstance(value, Fact):
        result |= _flat(value, f"{path}.")
    elif isinstance(value, dict):
        result |= {f"{path}.{key}": str(item) for key, item in value.items()}
    elif isinstance(value, tuple):
        _put_list(result, path, value)
    elif value is not None:
        result[path] = str(value)


def _put_list(result: dict[str, str], path: str, values: Sequence[object]) -> None:
    """Structs with a name go under it, so that one inserted at the front does not change all the others."""
    plain = []
    for value in values:
        if not isinstance(value, Fact):
            plain.append(str(value))
        elif type(value).__name__ in _NAMES:
            result |= _flat(value, f"{path}[{getattr(value, _NAMES[type(value).__name__])}].")
        else:
            plain.append(":".join(str(part) for part in asdict(value).values()))
    if plain:
        result[path] = ", ".join(sorted(plain))


def _nodes(fleet: Fleet) -> Items:
    return {node.name: _flat(node) for node in fleet.nodes}


def _boards(fleet: Fleet) -> Items:
    """Return the accelerators by UUID, those without one by their place."""
    return {
        board.id or f"{node.name}:{board.kind}:{board.index}": {"node": node.name} | _flat(board)
        for node in fleet.nodes
        for board in node.accelerators or ()
    }


def _workloads(fleet: Fleet) -> Items:
    return {work.id: _flat(work) for work in fleet.workloads}


def _gaps(fleet: Fleet) -> Items:
    return {f"{gap.source} {gap.subject}": {"reason": gap.reason, "cause": gap.cause} for gap in fleet.gaps}


def _named(field: str) -> Callable[[Fleet], Items]:
    return lambda fleet: {item.name: _flat(item) for item in getattr(fleet, field)}


_KINDS: Final[Mapping[str, Callable[[Fleet], Items]]] = {
    "node": _nodes,
    "accelerator": _boards,
    "workload": _workloads,
    "gap": _gaps,
    "pool": _named("pools"),
    "rack": _named("racks"),
    "site": _named("sites"),
    "meter": _named("meters"),
}
