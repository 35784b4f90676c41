"""What changed between two fleets: facts, not readings. Pure and in a fixed order."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, Literal

from msgspec.structs import asdict, replace

from dcctl.inventory.folding import sort_key
from dcctl.inventory.model import Cordon, Fact, Fleet
from dcctl.inventory.occupancy.boards import count_boards
from dcctl.inventory.racks import Racks

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

    from dcctl.inventory.model import Link, Node

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
    "PowerMeter": frozenset(
        {"power_mw", "energy_mj", "read_at_s", "input_mw", "load_milli", "efficiency_milli", "status"}
    ),
    "Budget": frozenset({"allowed", "current_healthy", "expected"}),
    "Member": frozenset({"template", "disruption", "ready"}),
    "Workload": frozenset({"checkpointed_at_s"}),
    "Quota": frozenset({"used"}),
}
"""Struct -> its fields that move by themselves, or that say nothing to a person: the key of a template, say.
Accelerators are compared on their own, by UUID."""

_NAMES: Final = {
    "Nic": "name",
    "Disk": "name",
    "Mount": "path",
    "NvLink": "index",
    "Member": "name",
    "Budget": "name",
}
"""Struct -> the field that tells one from its neighbours in a list."""

_ENDS: Final = frozenset({"a_node", "a_port", "b_node", "b_port"})
"""What a link is known by, whichever end it was seen from."""

_LISTS: Final = ("accelerators", "nics", "disks", "mounts")
"""Lists of a node that are None where nobody could look."""


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
    Silence is no removal: a list that one side could not read is one change, from its length to `unknown`;
    what a source that gave no answer, or none about a node, would have told is none.
    """
    old, new = _without_doubtful(old, new), _without_doubtful(new, old)
    changes: list[Change] = []
    for kind, items_of in _KINDS.items():
        changes += _compare(kind, items_of(old, new), items_of(new, old))
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
    for name in fact.__struct_fields__:  # `fields` would look up the types of each struct again
        if name not in skipped:
            _put(result, prefix + name, getattr(fact, name))
    return result


def _put(result: dict[str, str], path: str, value: object) -> None:
    if isinstance(value, Cordon):
        result[path] = _cordon(value)
    elif isinstance(value, Fact):
        result |= _flat(value, f"{path}.")
    elif isinstance(value, dict):
        result |= {f"{path}.{key}": str(item) for key, item in value.items()}
    elif isinstance(value, tuple):
        _put_list(result, path, value)
    elif value is not None:
        result[path] = str(value)


def _cordon(cordon: Cordon) -> str:
    """Return who took a node out of service, in words: `dcctl for lin.wei: PDU swap`."""
    who = f" for {cordon.who}" if cordon.who else ""
    return f"{cordon.by}{who}" + (f": {cordon.reason}" if cordon.reason else "")


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


def _without_doubtful(fleet: Fleet, other: Fleet) -> Fleet:
    """Return the fleet without lists of boards that were read in part and lack some of the other's."""
    gaps = [gap for gap in fleet.gaps if gap.part == "devices"]
    if not gaps:
        return fleet
    doubtful, sources = {gap.node for gap in gaps}, {gap.source for gap in gaps if not gap.node}
    there = {node.name: _ids(node) for node in other.nodes}
    return replace(
        fleet,
        nodes=tuple(
            replace(node, accelerators=None)
            if (node.name in doubtful or not sources.isdisjoint(node.sources))
            and (_ids(node) or not node.accelerators)
            and there.get(node.name, set()) - _ids(node)
            else node
            for node in fleet.nodes
        ),
    )


def _ids(node: Node) -> set[str]:
    return {board.id for board in node.accelerators or () if board.id}


def _silent(fleet: Fleet) -> set[str]:
    """Return the sources that gave no answer at all."""
    return {run.name for run in fleet.sources if not run.ok and not run.items}


def _nodes(fleet: Fleet, other: Fleet) -> Items:
    twins, unheard = {node.name: node for node in other.nodes}, _unheard(fleet, other)
    gapped = _gapped(other)
    return {
        node.name: _node(node, twins.get(node.name), gapped[node.name])
        for node in fleet.nodes
        if node.name not in unheard
    }


def _gapped(fleet: Fleet) -> defaultdict[str, set[str]]:
    """Return by node the sources that gave no whole answer about it."""
    gapped: defaultdict[str, set[str]] = defaultdict(set)
    for gap in fleet.gaps:
        if gap.node and gap.part != "work":
            gapped[gap.node].add(gap.source)
    return gapped


def _unheard(fleet: Fleet, other: Fleet) -> set[str]:
    """Return the nodes that the other fleet lacks because each source that tells of them was silent."""
    silent, gapped, there = _silent(other), _gapped(other), {node.name for node in other.nodes}
    nodes = (node for node in fleet.nodes if node.name not in there and node.sources)
    return {node.name for node in nodes if (silent | gapped[node.name]).issuperset(node.sources)}


def _node(node: Node, twin: Node | None, gapped: set[str]) -> dict[str, str]:
    """Return the facts of a node; of a list that its twin or itself does not know, how long it is.

    What its twin lacks as sources (`gapped`) did not read it is left out.
    """
    if twin is None:
        return _flat(node)
    uneven = [f for f in _LISTS if (getattr(node, f) is None) != (getattr(twin, f) is None)]
    lengths = {fact: _length(node, fact) for fact in uneven}
    if _by_count(node, twin):
        lengths["accelerators"] = _length(node, "accelerators")
    facts = _flat(replace(node, **dict.fromkeys(uneven)))
    if (unread := _unread(node, twin, gapped)) is not None:
        known = _flat(twin)
        facts = {path: fact for path, fact in facts.items() if path in known or not path.startswith(unread)}
    return facts | lengths


def _unread(node: Node, twin: Node, gapped: set[str]) -> str | None:
    """Return how the facts begin that its twin may lack for want of a reading; None: it was read.

    All of them where no source read it; where another one did, those of the machine itself.
    """
    if gapped.isdisjoint((*node.sources, *twin.sources)):
        return None
    if any(listed is not None for listed in (twin.nics, twin.disks, twin.mounts)):
        return None
    return "" if twin.accelerators is None and gapped.issuperset(twin.sources) else "system"


def _length(node: Node, fact: str) -> str:
    listed = getattr(node, fact)
    count = None if listed is None else count_boards(node) if fact == "accelerators" else len(listed)
    return "unknown" if count is None else str(count)


def _by_count(node: Node, twin: Node) -> bool:
    """Tell whether one of them lists boards without any UUID: then only their numbers can be compared."""
    return bool(node.accelerators and twin.accelerators) and bool(_ids(node)) != bool(_ids(twin))


def _boards(fleet: Fleet, other: Fleet) -> Items:
    """Return the accelerators by UUID, but not of nodes on which the other fleet could not tell them."""
    repeated = _repeated(fleet) | _repeated(other)
    there, blind = _by_uuid(other, repeated), _unheard(fleet, other)
    twins = {node.name: node for node in other.nodes}
    for node in fleet.nodes:
        twin = twins.get(node.name)
        if twin is not None and (twin.accelerators is None or _by_count(node, twin)):
            blind.add(node.name)
    return {
        board: facts
        for board, facts in _by_uuid(fleet, repeated).items()
        if board in there or facts["node"] not in blind
    }


def _repeated(fleet: Fleet) -> set[str]:
    """Return the ids that more than one board has."""
    ids = Counter(board.id for node in fleet.nodes for board in node.accelerators or () if board.id)
    return {id_ for id_, count in ids.items() if count > 1}


def _by_uuid(fleet: Fleet, repeated: Container[str]) -> Items:
    """Return the accelerators by UUID; those without one, or with one that repeats, by place."""
    items: Items = {}
    for node in fleet.nodes:
        for board in node.accelerators or ():
            place = f"{node.name}:{board.kind}:{board.index}"
            name = board.id if board.id and board.id not in repeated else place
            items[name] = {"node": node.name} | _flat(board)
    return items


def _workloads(fleet: Fleet, other: Fleet) -> Items:
    """Return the work by id, but not what is missing because the other fleet could not read it."""
    counts = [Counter(work.id for work in each.workloads) for each in (fleet, other)]
    unread = _silent(other) | (_work_unread(other) - _work_unread(fleet))
    there = {work.id for work in other.workloads}
    items: Items = {}
    for work in fleet.workloads:
        if work.id in there or work.source not in unread:
            alone = max(count[work.id] for count in counts) == 1
            items[work.id if alone else f"{work.kind} {work.id} of {work.source}"] = _flat(work)
    return items


def _quotas(fleet: Fleet, other: Fleet) -> Items:
    """Return the quotas by namespace and name, but not those of a source that could not read them."""
    unread = _silent(other) | {gap.source for gap in other.gaps if gap.subject == "resourcequotas"}
    keys = {*_quota_keys(fleet), *_quota_keys(other)}
    named = Counter((account, name) for _, account, name in keys)
    there = _quota_keys(other)
    return {
        f"{one.account}/{one.name}"
        + (f" of {one.source}" if named[one.account, one.name] > 1 else ""): _flat(one)
        for one in fleet.quotas
        if (one.source, one.account, one.name) in there or one.source not in unread
    }


def _quota_keys(fleet: Fleet) -> set[tuple[str | None, str, str]]:
    return {(one.source, one.account, one.name) for one in fleet.quotas}


def _work_unread(fleet: Fleet) -> set[str]:
    return {gap.source for gap in fleet.gaps if gap.part == "work" and not gap.node}


def _gaps(fleet: Fleet, _: Fleet) -> Items:
    return {f"{gap.source} {gap.subject}": {"reason": gap.reason, "cause": gap.cause} for gap in fleet.gaps}


def _named(field: str) -> Callable[[Fleet, Fleet], Items]:
    return lambda fleet, _: {item.name: _flat(item) for item in getattr(fleet, field)}


def _links(fleet: Fleet, other: Fleet) -> Items:
    """Return the cables by their ends, in order; not those of nodes that the other fleet did not hear of."""
    there, unheard = {_ends(link) for link in other.links}, _unheard(fleet, other)
    return {
        ends: {name: fact for name, fact in _flat(link).items() if name not in _ENDS}
        for link in fleet.links
        for ends in [_ends(link)]
        if ends in there or unheard.isdisjoint((link.a_node, link.b_node))
    }


def _ends(link: Link) -> str:
    ends = (f"{link.a_node}:{link.a_port}", f"{link.b_node}:{link.b_port}")
    return " - ".join(sorted(ends, key=sort_key))


def _conflicts(fleet: Fleet, other: Fleet) -> Items:
    """Return what each source said, by subject and fact; not what could only end as a source was silent."""
    silent = _silent(other)
    muted = {node.name for node in fleet.nodes if not silent.isdisjoint(node.sources)}
    there = {(conflict.subject, conflict.fact) for conflict in other.conflicts}
    return {
        f"{conflict.subject} {conflict.fact}": {
            "values": ", ".join(f"{source}: {value}" for source, value in conflict.values)
        }
        for conflict in fleet.conflicts
        if (conflict.subject, conflict.fact) in there
        or muted.isdisjoint((conflict.subject, *(value for _, value in conflict.values)))
    }


def _racks(fleet: Fleet, other: Fleet) -> Items:
    known = Racks((*fleet.nodes, *other.nodes), (*fleet.racks, *other.racks))
    return {known.label(known.key(rack.name, rack.site)): _flat(rack) for rack in fleet.racks}


_KINDS: Final[Mapping[str, Callable[[Fleet, Fleet], Items]]] = {
    "node": _nodes,
    "accelerator": _boards,
    "workload": _workloads,
    "gap": _gaps,
    "conflict": _conflicts,
    "link": _links,
    "pool": _named("pools"),
    "rack": _racks,
    "site": _named("sites"),
    "meter": _named("meters"),
    "quota": _quotas,
}
