"""`dcctl drain --return`: nodes go back into service after maintenance, if they are healthy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.errors import RefusedError, UsageError
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from dcctl.audit.check import Check
    from dcctl.audit.judge import Verdict
    from dcctl.audit.scene import Scene
    from dcctl.cli.drain.options import Which
    from dcctl.cli.session import Session
    from dcctl.drain.told.returning import Back, Health
    from dcctl.inventory.evidence.collected import Evidence
    from dcctl.inventory.model import Fleet, Gap
    from dcctl.render.report import Report

_COMMAND: Final = "dcctl drain --return"
_GRAVE: Final = ("critical", "high")
"""Findings of these severities keep a node out of service; slighter ones are told."""


def back(session: Session, which: Which, *, checks: bool, others: bool = False) -> Report:
    """Nodes that a drain took out of service, and that are healthy, are in the state that they had before it.

    `others`: also nodes of runs that this machine does not know, without a person who is asked.
    UsageError: no node is named. RefusedError: the answer was no, or a run is under way. UnfinishedError: a
    node could not be told.
    """
    from dcctl.cli.again import in_full
    from dcctl.cli.drain.live import backend_of, demand_live, journals
    from dcctl.drain.act.back import give_back, strangers
    from dcctl.drain.told.returning import RETURNS, question, return_report, told

    if not (which.targets or which.labels or which.findings):
        raise UsageError("--return", "no node is named", "dcctl drain --status")
    if which.gpu:
        demand_live(session, "dcctl drain --status")
    backs, gaps = _judged(session, which, checks=checks)
    going = [one for one in backs if one.state == RETURNS]
    if session.consent.dry_run or not going:
        return return_report(backs, gaps, dry_run=session.consent.dry_run)
    demand_live(session, f"{_COMMAND} --dry-run")
    foreign = strangers(journals(session), going)
    if foreign and session.consent.yes and not others:
        raise RefusedError(
            fold(one.node for one in foreign),
            _whose(foreign),
            _typed(session, which, checks=checks, others=True),
        )
    lines = [f"{fold(one.node for one in foreign)}: {_whose(foreign)}"] if foreign else []
    session.consent.demand(_typed(session, which, checks=checks, others=others), [*lines, *question(backs)])
    given = give_back(
        backend_of(session), journals(session), in_full(_COMMAND, session), going, session.now_s
    )
    return return_report(told(backs, given.left), gaps, given.run, given.journal)


def _whose(backs: Sequence[Back]) -> str:
    """Whose runs these are, as their nodes tell."""
    from dcctl.drain.waves.clocks import local

    told = {
        f"run {one.run or 'of no name'} of {one.who or 'somebody'}"
        + ("" if one.at_s is None else f" since {local(one.at_s, 'UTC')} UTC")
        for one in backs
    }
    return f"{', '.join(sorted(told))}, which no journal of this machine knows"


def _typed(session: Session, which: Which, *, checks: bool, others: bool) -> str:
    from shlex import join

    from dcctl.cli.again import in_full
    from dcctl.cli.drain.options import How, Open, typed

    words = join(typed(which, How(), Open(foreign_cordons=others)))
    words += "" if checks else " --without-checks"
    return f"{in_full('dcctl drain', session)} --return {words}"


def _judged(session: Session, which: Which, *, checks: bool) -> tuple[tuple[Back, ...], tuple[Gap, ...]]:
    """What becomes of each node, and what was not told."""
    from dcctl.cli.drain.asked import node_sets, nodes_of
    from dcctl.drain.told.shape import RETURN

    sets = node_sets(session, which.targets or [])
    evidence = _evidence(session) if checks else None
    fleet = evidence.fleet if evidence is not None else session.survey(RETURN).whole
    names = nodes_of(fleet, session, sets, which)
    health = _health_of(session, evidence, names) if evidence is not None else {}
    backs = tuple(_backs(session, fleet, names, which, health if checks else None))
    return backs, tuple(gap for gap in fleet.gaps if not gap.node or gap.node in names)


def _backs(
    session: Session, fleet: Fleet, names: tuple[str, ...], which: Which, health: Mapping[str, Health] | None
) -> Iterator[Back]:
    """Each node, or each of its accelerators that --gpu names. `health` None: it is not asked about."""
    from dcctl.cli.drain.asked import boards_of
    from dcctl.cli.drain.live import backend_of
    from dcctl.drain.told.returning import judged, judged_board
    from dcctl.drain.work.taints import keeping_away

    by_name = {node.name: node for node in fleet.nodes}
    told = {name: None if health is None else health[name] for name in names}
    if not which.gpu:
        taints = keeping_away(fleet, names)
        yield from (judged(by_name[name], told[name], taints.get(name, ())) for name in names)
        return
    backend = backend_of(session)
    for board in boards_of(fleet, names, which.gpu):
        node = by_name[board.node]
        yield judged_board(node, board.title, backend.kept(board=board), told[node.name])


def _evidence(session: Session) -> Evidence:
    """All that an audit is told. Ctrl-C and what is silent make gaps."""
    from dcctl.cli.audit.run import evidence_of
    from dcctl.drain.told.shape import RETURN
    from dcctl.interrupts import Stop

    return evidence_of(session, RETURN, (), Stop())


def _health_of(session: Session, evidence: Evidence, names: Sequence[str]) -> dict[str, Health]:
    """What the checks that draining mends say of each node; what somebody bears is no fault."""
    from msgspec.structs import replace

    from dcctl.audit.drains import DRAINS
    from dcctl.audit.judge import judge
    from dcctl.audit.scene import Scene
    from dcctl.cli.audit.setup import setup
    from dcctl.drain.told.returning import unasked

    this = setup(session)
    checks = tuple(one for one in this.checks if one.id in DRAINS)
    scene = Scene(replace(evidence, waivers=this.waivers), evidence.taken_at_s or session.now_s, this.policy)
    verdict = judge(scene, checks, whole=False)
    return _told(scene, checks, verdict, names, unasked(_looking(session), evidence.fleet, names))


def _looking(session: Session) -> frozenset[str]:
    """The kinds of sources of this run that look into nodes; what is saved was looked at once."""
    from dcctl import app, specs

    kinds = {specs.SshSpec: "ssh", specs.LocalSpec: "local"}
    plan = app.plan_of(session.settings)
    if not any(isinstance(one, specs.KubernetesSpec) for one in plan):
        return frozenset(("ssh",))
    return frozenset(kinds[type(one)] for one in plan if type(one) in kinds)


def _told(
    scene: Scene, checks: Sequence[Check], verdict: Verdict, names: Sequence[str], unasked: Collection[str]
) -> dict[str, Health]:
    from dcctl.drain.told.returning import Health, by_check

    faults: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    slight: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    for one in verdict.findings:
        if one.id not in verdict.waived:
            for name in set(one.nodes) & faults.keys():
                (faults if one.severity in _GRAVE else slight)[name].append((one.check, one.says))
    doubts = _doubts(verdict, names, unasked)
    looked = _looked(scene, checks, names)
    return {
        name: Health(
            by_check(faults[name]),
            by_check(doubts[name]),
            looked[name],
            by_check(slight[name]),
            name in unasked,
        )
        for name in names
    }


def _doubts(
    verdict: Verdict, names: Sequence[str], unasked: Collection[str]
) -> dict[str, list[tuple[str, str]]]:
    """Why checks could tell nothing of a node; of a kind of evidence that was refused, of every node.

    `unasked`: nodes that nobody was asked to look into, so that nothing follows from what they do not tell.
    """
    found: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    for tally in verdict.tallies:
        for one in tally.outcomes:
            if one.state not in ("unknown", "error") or one.check.severity not in _GRAVE:
                continue
            for name in names if not one.subject else set(one.nodes) & found.keys():
                if one.state == "error" or not one.subject or name not in unasked:
                    found[name].append((one.check.id, one.says))
    return found


def _looked(scene: Scene, checks: Sequence[Check], names: Sequence[str]) -> dict[str, int]:
    """How many checks have something to look at on each node."""
    found = dict.fromkeys(names, 0)
    for kind in {one.over for one in checks}:
        for name in {node for subject in scene.of(kind) for node in subject.stands_on} & found.keys():
            found[name] += 1
    return found
