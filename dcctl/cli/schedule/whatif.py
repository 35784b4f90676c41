"""`dcctl schedule whatif`: what a change would do."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from dcctl.cli.schedule.work import Planning

if TYPE_CHECKING:
    from dcctl.cli.schedule.work import Work
    from dcctl.cli.session import Session
    from dcctl.packing.questions.ask import Change
    from dcctl.packing.solve import Options
    from dcctl.render.report import Report

Add = Annotated[
    list[str] | None,
    typer.Option(
        "--add", metavar="NxNODE", help="Add N empty nodes like NODE (or like the nodes of a pool)."
    ),
]
Remove = Annotated[
    list[str] | None, typer.Option("--remove", metavar="NODESET", help="These nodes are taken away.")
]
Fail = Annotated[
    list[str] | None,
    typer.Option("--fail", metavar="PART", help="rack:r07, leaf:l3, feed:pdu-a, site:dc1, or a node fails."),
]
Evict = Annotated[
    list[str] | None, typer.Option("--evict", metavar="JOB", help="This workload holds nothing any more.")
]
EverySingle = Annotated[
    bool,
    typer.Option(
        "--every-single", help="Lose every part by itself (of what the change leaves), list those that hurt."
    ),
]
Only = Annotated[
    str,
    typer.Option("--for", metavar="JOB", help="Leave out other waiting work that does not fit either."),
]
_COUNT = re.compile(r"([1-9][0-9]{0,4})x(.+)", re.ASCII)


def whatif(
    session: "Session",
    asked: Planning,
    add: Add = None,
    remove: Remove = None,
    fail: Fail = None,
    evict: Evict = None,
    every_single: EverySingle = False,
    job: Only = "",
) -> "Report":
    """What stops, what fits elsewhere and what does not if nodes are lost or added, or work is evicted.

    A gang that loses a member stops as a whole. Work of FILE, and with --pending what waits in the fleet, is
    planned with and without the change, as `dcctl schedule plan` does with the same options. Changes nothing.
    --every-single asks of work that runs alone, once the other changes are made.
    """
    from dcctl.cli.schedule.work import job_named
    from dcctl.errors import UsageError
    from dcctl.interrupts import awaited
    from dcctl.packing.questions.ask import Change, ask, only_for
    from dcctl.schedule.whatif_report import SINGLE, WHATIF, whatif_report

    if not (add or remove or fail or evict or every_single):
        why = "say what changes: --add, --remove, --fail, --evict or --every-single"
        raise UsageError("nothing to try", why, "dcctl schedule whatif --every-single")
    _check_single(every_single, bool(asked.files or asked.pending or job))
    options, shape = asked.options(), SINGLE if every_single else WHATIF
    work = asked.work(session, shape, pending=bool(job) and not asked.files, idle=True)
    removed = _lost(work, remove or [], fail or [])
    change = Change(_added(work, add or []), removed, _evicted(work, evict or []))
    if every_single:
        return _every_single(session, work, change, options)
    problem = only_for(work.problem, job_named(work.problem, job).id, options) if job else work.problem
    found = awaited(lambda: ask(problem, change, options))
    return whatif_report(found, len(removed), work.gaps, asked.typed())


def _every_single(session: "Session", work: "Work", change: "Change", options: "Options") -> "Report":
    """Each part that the change leaves, lost by itself."""
    from msgspec.structs import replace

    from dcctl.interrupts import awaited
    from dcctl.packing.fit.parts import parts_of
    from dcctl.packing.questions.ask import changed_by
    from dcctl.packing.questions.single import single_failures
    from dcctl.packing.scene import Scene
    from dcctl.packing.solve import solved
    from dcctl.schedule.whatif_report import single_report

    made = awaited(lambda: changed_by(work.problem, change, options))
    found = parts_of(made.problem.bins, work.found.whole)
    parts = [one._replace(bins=one.bins - change.removed) for one in found if one.bins - change.removed]
    scene = Scene(solved(replace(made.problem, jobs=()), options._replace(effort="fast")))
    with session.progress() as progress:
        progress.start(len(parts), "parts lost")
        told = []
        for one in single_failures(scene, parts):
            told.append(one)
            progress.advance(one.part.name)
    return single_report(told, work.gaps, made.loss)


def _check_single(every_single: bool, work: bool) -> None:
    from dcctl.errors import UsageError

    if every_single and work:
        why = "asks about work that runs: it takes no FILE, --pending or --for"
        raise UsageError("--every-single", why, "dcctl schedule whatif --every-single")


def _lost(work: "Work", remove: list[str], fail: list[str]) -> frozenset[int]:
    """Bins that --remove and --fail name. UsageError for what is not there."""
    from dcctl.errors import UsageError
    from dcctl.inventory.nodeset import expand, groups_of
    from dcctl.packing.fit.parts import named, parts_of

    positions = {one.name: at for at, one in enumerate(work.problem.bins)}
    lost: set[int] = set()
    for text in remove:
        names = expand(text, groups_of(work.found.whole))
        unknown = [name for name in names if name not in positions]
        if unknown:
            raise UsageError(f"--remove {text}", f"there is no node {unknown[0]}", "dcctl inventory show")
        lost.update(positions[name] for name in names)
    parts = parts_of(work.problem.bins, work.found.whole) if fail else ()
    for text in fail:
        found = named(parts, text)
        if len(found) != 1:
            several = ", ".join(f"{one.level}:{one.name}" for one in found)
            why = (
                f"can mean {several}" if found else "is no node, rack, leaf, feed, zone or site of the fleet"
            )
            raise UsageError(f"--fail {text}", why, "dcctl inventory show")
        lost.update(found[0].bins)
    return frozenset(lost)


def _added(work: "Work", add: list[str]) -> tuple[tuple[int, int], ...]:
    """(how many, like which bin) of each --add. UsageError for a wrong count or an unknown node."""
    from dcctl.errors import UsageError

    positions = {one.name: at for at, one in enumerate(work.problem.bins)}
    pools = {pool: node.name for node in reversed(work.found.whole.nodes) for pool in node.pools}
    found = []
    for text in add:
        match = _COUNT.fullmatch(text)
        if match is None:
            raise UsageError(f"--add {text}", "must read 4xNODE: how many, and like which node or pool")
        name = pools.get(match[2], match[2])
        if name not in positions:
            raise UsageError(f"--add {text}", f"there is no node or pool {match[2]}", "dcctl inventory show")
        found.append((int(match[1]), positions[name]))
    return tuple(found)


def _evicted(work: "Work", evict: list[str]) -> frozenset[str]:
    from dcctl.errors import UsageError

    for name in evict:
        if name not in work.problem.running:
            raise UsageError(
                f"--evict {name}", "no workload of that name holds anything", "dcctl assess --by workload"
            )
    return frozenset(evict)
