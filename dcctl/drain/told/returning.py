"""After maintenance: which nodes may go back into service, and why the others may not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from dcctl.drain.told.shape import RETURN, RETURNED
from dcctl.inventory.folding import fold
from dcctl.inventory.kinds import SCHEDULERS, kind_of, kinds_of
from dcctl.inventory.model import Gap
from dcctl.render.report import Note, Report, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from dcctl.drain.backends import Kept
    from dcctl.inventory.model import Fleet, Node
    from dcctl.render.report import Severity

State: TypeAlias = Literal["returned", "in service", "faulty", "not ready", "unknown", "foreign", "changed"]
"""`returned`: back as it was before its drain. `in service`: it never left. `unknown`: nobody could tell its
health. `foreign`: another tool, or a person, took it out of service. `changed`: somebody else changed it."""
RETURNS: Final[State] = "returned"
_STAY: Final[tuple[State, ...]] = ("faulty", "not ready", "changed", "foreign")
"""Known to be unfit, or in the hands of somebody else."""
_TOLD: Final = 8
"""Such nodes that are told below the table; the table has all."""
_AUDIT: Final = "dcctl audit -w"
_NOT_LOOKED: Final = (
    "boards, drivers and links were not looked at on the nodes themselves: no ssh source is named"
)
_MOST: Final = 3
"""Faults of one node that a sentence tells."""


class Health(NamedTuple):
    """What the checks say of one node."""

    faults: tuple[str, ...] = ()
    """`GPU-05: …`: each keeps it out of service."""
    doubts: tuple[str, ...] = ()
    """Why a check could tell nothing."""
    looked: int = 0
    """Checks that were told of it."""
    slight: tuple[str, ...] = ()
    """Faults that are told, and keep nothing out of service."""
    unasked: bool = False
    """No source of this run looks into the node: what only it could tell keeps nothing out of service."""


class Back(NamedTuple):
    """One node, and whether it goes back into service."""

    node: str
    """Its name; of one accelerator `gpu017 GPU 3`."""
    state: State
    says: str = ""
    run: str = ""
    reason: str = ""
    stays_cordoned: bool = False
    """It was out of service before its drain, and is again as it was."""
    unasked: bool = False
    """Nobody looked into it."""
    who: str = ""
    """Who began the run, as the node tells."""
    at_s: int | None = None
    """Since when (Unix time). None: not told."""
    kept: tuple[Kept, ...] = ()
    """What keeps it back, where it is one accelerator."""
    taints: tuple[str, ...] = ()
    """By which somebody else keeps work away from it: they stay."""

    @property
    def words(self) -> str:
        """What names it in a command."""
        return self.node.replace(" GPU ", " --gpu ")


def by_check(told: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return one text for each check, `GPU-05: …`, of all (check, what it says of a part of one node)."""
    found: dict[str, list[str]] = {}
    for check, says in told:
        found.setdefault(check, []).append(says)
    return tuple(f"{check}: {says[0]}{_repeated(says)}" for check, says in found.items())


def _repeated(says: Sequence[str]) -> str:
    if len(says) == 1:
        return ""
    return f" ({len(says):,} times)" if len(set(says)) == 1 else f" (and {len(says) - 1:,} more)"


def unasked(looking: Collection[str], fleet: Fleet, names: Iterable[str]) -> frozenset[str]:
    """Return the nodes that no source of this run looks into, and of which none failed to tell something.

    `looking`: kinds of the sources that look into nodes: `ssh`, and `local`, which looks into one.
    """
    kinds = kinds_of([fleet])
    here = {node.name for node in fleet.nodes if "local" in node.sources} if "local" in looking else set()
    gaps = [gap for gap in fleet.gaps if gap.cause != "limited"]
    others = any(not gap.node and kind_of(gap.source, kinds) not in SCHEDULERS for gap in gaps)
    if "ssh" in looking or others:
        return frozenset()
    return frozenset(names) - here - {gap.node for gap in gaps}


def judged(node: Node, health: Health | None, taints: tuple[str, ...] = ()) -> Back:
    """Decide about one node. `health` None: it was asked to go back without checks.

    `taints`: by which somebody else keeps work away from it.
    """
    cordon = node.cordon
    if cordon is None and node.schedulable is not False:
        says = "it is in service" if node.schedulable else "nobody tells whether it is in service"
        return Back(node.name, "in service" if node.schedulable else "unknown", says)
    if cordon is None or cordon.by != "dcctl":
        by = cordon.by if cordon is not None and cordon.by else "somebody"
        return Back(node.name, "foreign", f"{by} took it out of service, not dcctl: it is left alone")
    state, says = _state(node, health)
    was_out = cordon.was_schedulable is False
    if state == RETURNS and was_out:
        says = "; ".join(filter(None, ("it stays cordoned, as it was before its drain", says)))
    going, blind = state == RETURNS, health is not None and health.unasked
    stays, unlooked = going and was_out, going and blind
    back = Back(node.name, state, says, cordon.run, cordon.reason, stays, unlooked, cordon.who, cordon.at_s)
    return back._replace(taints=taints if going else ())


def judged_board(node: Node, title: str, kept: tuple[Kept, ...], health: Health | None) -> Back:
    """Decide about one accelerator of a node: by the health of that node. `kept`: what keeps it back."""
    if not kept:
        return Back(title, "in service", "no drain keeps it back")
    state, says = _state(node, health)
    blind = state == RETURNS and health is not None and health.unasked
    return Back(title, state, says, kept[0].run, kept[0].reason, kept=kept, unasked=blind)


def _state(node: Node, health: Health | None) -> tuple[State, str]:
    if not node.ready:
        known = node.ready is not None
        told = "its kubelet says that it is not ready" if known else "nobody tells whether it is ready"
        return "not ready" if known else "unknown", told
    if health is None:
        return RETURNS, "not checked"
    if health.faults:
        return "faulty", _some(health.faults)
    if health.doubts or not (health.looked or health.unasked):
        return "unknown", _some(health.doubts) or "no source tells of its health"
    return RETURNS, _some(health.slight)


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST
    return "; ".join(texts[:_MOST]) + (f"; and {plural(more, 'check')} more" if more > 0 else "")


def return_report(
    backs: Sequence[Back],
    gaps: tuple[Gap, ...] = (),
    run: str = "",
    journal: str = "",
    *,
    dry_run: bool = False,
) -> Report:
    """One row per node. What stays out of service is a finding; health that nobody can tell makes a gap."""
    back, kept = _with(backs, RETURNS), [one for one in backs if one.state not in (RETURNS, "in service")]
    unknown = _with(backs, "unknown")
    rows = tuple((one.node, one.state, one.says, one.run, one.reason) for one in backs)
    told = tuple(
        Gap("drain", f"health of {one.node}", one.says, "unsupported", f"{_AUDIT} {one.node}", node=one.node)
        for one in unknown
    )
    return Report(
        kind=RETURN.kind,
        headline=_headline(backs, len(back), len(kept), dry_run),
        items=Table("items", RETURNED, rows),
        summary={
            "returned": len(back),
            "kept": len(kept),
            "unknown": len(unknown),
            "run": run,
            "journal": journal,
        },
        notes=tuple(_notes(backs, dry_run=dry_run)),
        gaps=(*gaps, *told),
        level=_level(backs),
        alarms=True,
    )


def _headline(backs: Sequence[Back], back: int, kept: int, dry_run: bool) -> str:
    verb = "would be back in service" if dry_run else "back in service"
    served = len(_with(backs, "in service"))
    if served == len(backs):
        return f"nothing to return: {plural(served, 'node')} in service"
    text = f"{back:,} of {plural(len(backs), 'node')} {verb}"
    stay = "stays as it is" if kept == 1 else "stay as they are"
    return f"{text}; {kept:,} {stay}" if kept else text


def _level(backs: Sequence[Back]) -> Severity:
    if any(one.state in _STAY for one in backs):
        return "crit"
    return "warn" if _with(backs, "unknown") else "ok"


def _with(backs: Sequence[Back], state: State) -> list[Back]:
    return [one for one in backs if one.state == state]


def _notes(backs: Sequence[Back], *, dry_run: bool) -> Iterator[Note]:
    for one in [each for each in backs if each.state in _STAY][:_TOLD]:
        yield Note(one.state, f"{one.node}: {one.says}", "crit")
    if any(one.stays_cordoned for one in backs):
        yield Note(
            "cordoned", "what was out of service before its drain is again as it was: kubectl uncordon NODE"
        )
    yield from (Note("taint", text, "warn") for text in _tainted(backs))
    if _with(backs, "unknown"):
        text = "nodes whose health nobody can tell go back with --without-checks alone"
        yield Note("unknown", text, "warn")
    if any(one.unasked for one in backs):
        yield Note("health", _NOT_LOOKED)
    if _with(backs, RETURNS):
        yield Note("network", "not tested: a cable or a NIC that is bad is no finding of an audit")
    if dry_run:
        yield Note("dry run", "nothing was changed")


def _tainted(backs: Sequence[Back]) -> Iterator[str]:
    """What keeps work away from nodes also once they are back, each taint once."""
    for taint in dict.fromkeys(one for back in _with(backs, RETURNS) for one in back.taints):
        nodes = fold(back.node for back in _with(backs, RETURNS) if taint in back.taints)
        yield f"{nodes}: {taint} was left as it is: somebody else keeps work away"


def question(backs: Sequence[Back]) -> tuple[str, ...]:
    """Return what is told before the question, line by line."""
    back = _with(backs, RETURNS)
    kept = [f"{one.node} stays as it is: {one.state}: {one.says}" for one in backs if one.state != RETURNS]
    return (
        *kept,
        *_tainted(back),
        *([_NOT_LOOKED] if any(one.unasked for one in back) else []),
        f"back in service: {fold(one.node for one in back)}",
        f"Return {plural(len(back), 'node')}?",
    )


def told(backs: Sequence[Back], left: Mapping[str, str]) -> tuple[Back, ...]:
    """Return them as they ended; `left`: why nodes were not given back, by name."""
    return tuple(
        one._replace(state="changed", says=left[one.node], stays_cordoned=False)
        if left.get(one.node)
        else one
        for one in backs
    )
