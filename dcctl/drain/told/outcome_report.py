"""What became of a run of `dcctl drain`, and which runs there are."""

from __future__ import annotations

import shlex
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.inventory.folding import fold
from dcctl.render.report import Column, Note, Report, Shape, Table
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dcctl.drain.outcome import Held, Known, Outcome
    from dcctl.render.report import Severity

_WAVES: Final = (
    Column("wave", "WAVE", "count", keep=9),
    Column("nodes", "NODES", "nodes", keep=9),
    Column("evicted", "EVICTED", "count", keep=8),
    Column("ended_at_s", "ENDED", "time_s", keep=6),
    Column("waiting", "DOES NOT STAND YET", keep=7),
)
_HELD: Final = (
    Column("kind", "WHY", "state", keep=8),
    Column("subject", "WHAT", keep=9),
    Column("node", "NODE", "nodes", keep=7),
    Column("says", "IT SAYS", keep=8),
    Column("wave", "WAVE", "count", keep=5),
)
_LASTING: Final = (Column("pod", "POD", keep=9),)
_SUMMARY: Final = (
    Column("run", "the name of the run: it stands on its nodes"),
    Column("state", "how it ended, or how it stands"),
    Column("nodes", "nodes that are drained, or given back", "count"),
    Column("boards", "accelerators that alone were taken out of service, or may have been", "nodes"),
    Column("evicted", "pods that were evicted", "count"),
    Column("held", "pods and nodes that were not moved", "count"),
    Column("journal", "its journal"),
)
RUN: Final = Shape(
    "drain-run",
    "What became of a drain: waves that are over, what is held, and what no --undo brings back.",
    _WAVES,
    (("held", _HELD), ("lasting", _LASTING)),
    _SUMMARY,
)
_RUNS: Final = (
    Column("run", "RUN", keep=9),
    Column("state", "STATE", "state", keep=9),
    Column("cluster", "CLUSTER", keep=8, wide=True),
    Column("started_at_s", "STARTED", "time_s", keep=7),
    Column("who", "WHO", keep=5),
    Column("nodes", "NODES", "nodes", keep=8),
    Column("returned", "RETURNED", "nodes", keep=4),
    Column("reason", "REASON", keep=6),
    Column("boards", "GPUS", "nodes", keep=5),
    Column("waves", "WAVES", "count", keep=6),
    Column("evicted", "EVICTED", "count", keep=7),
    Column("held", "HELD", "count", keep=7),
    Column("command", "COMMAND", wide=True),
    Column("journal", "JOURNAL", wide=True),
    Column("cluster_uid", "CLUSTER UID", wide=True),
)
STATUS: Final = Shape("drain-status", "The runs of `dcctl drain`, the newest first.", _RUNS)
SHAPES: Final = (RUN, STATUS)
_UNDONE: Final = ("unfinished", "refused")
_BACK: Final = ("undone", "planned")
"""Of an `--undo`: its end, and its dry run."""
_OUT: Final = ("drained", "partly returned")
"""Of runs that may have nodes out of service."""
_WORDS: Final = {
    "drained": "drained",
    "undone": "given back",
    "planned": "would be given back; nothing was changed",
    "unfinished": "drained so far",
    "under way": "drained so far",
    "refused": "drained",
}
_MOST: Final = 8


def run_report(outcome: Outcome) -> Report:
    """One row per wave that is over; below them what is held, and what lasts."""
    rows = tuple((one.number, one.nodes, one.evicted, one.ended_at_s, one.waiting) for one in outcome.waves)
    held = tuple((one.kind, one.subject, one.node, one.says, one.wave) for one in outcome.held)
    return Report(
        kind=RUN.kind,
        headline=_headline(outcome),
        items=Table("items", _WAVES, rows, fold=False),
        details=(
            Table("held", _HELD, held, _kept(outcome), fold=False),
            Table("lasting", _LASTING, tuple((pod,) for pod in outcome.lasting), "evicted", fold=False),
        ),
        summary={
            "run": outcome.run,
            "state": outcome.state,
            "nodes": len(outcome.nodes),
            "boards": outcome.boards,
            "evicted": outcome.evicted,
            "held": len(outcome.held),
            "journal": outcome.journal,
        },
        notes=tuple(_notes(outcome)),
        name_key="nodes",
        level=_level(outcome),
        alarms=True,
    )


def _headline(one: Outcome) -> str:
    text = f"{_what(one)} {_WORDS[one.state]}"
    if one.state == "drained":
        text += f" in {plural(len(one.waves), 'wave')}, {plural(one.evicted, 'pod')} evicted"
    if one.held:
        text += f"; {len(one.held):,} {_kept(one)}"
    return f"{text} (run {one.run})"


def _kept(one: Outcome) -> str:
    """What became of that which a run could not do."""
    if one.state not in _BACK:
        return "not moved"
    return "left as it is" if len(one.held) == 1 else "left as they are"


def _what(one: Outcome) -> str:
    """What the run is about; of single accelerators all, since one rule or none holds for each."""
    return fold(one.boards) if one.boards else plural(len(one.nodes), "node")


def _level(one: Outcome) -> Severity:
    if one.held or one.state in _UNDONE:
        return "crit"
    return "warn" if any(wave.waiting for wave in one.waves) else "ok"


def _notes(one: Outcome) -> Iterator[Note]:
    for held in one.held[:_MOST]:
        yield Note(held.kind, _held(held), "crit")
    if len(one.held) > _MOST:
        yield Note("more", f"{len(one.held) - _MOST:,} with -o wide", "crit")
    for wave in one.waves:
        if wave.waiting:
            text = (
                f"{', '.join(wave.waiting[:3])} of wave {wave.number} did not stand again in the time given"
            )
            yield Note("waits", text, "warn")
    if one.lasting and one.state in _BACK:
        text = f"{plural(len(one.lasting), 'pod')} evicted: they stand where their scheduler put them"
        yield Note("not undone", text, detail="lasting")
    if one.state == "drained" and one.nodes:
        told = "".join(f" --gpu {title.rpartition(' GPU ')[2]}" for title in one.boards)
        command = f"dcctl drain --return {fold(one.nodes)}{told}"
        yield Note("after maintenance", "check and return them", command=command)


def _held(one: Held) -> str:
    where = f" on {one.node}" if one.node and one.node != one.subject else ""
    return f"{one.subject}{where}: {one.says}"


def status_report(known: Sequence[Known], damaged: Sequence[tuple[str, str]] = ()) -> Report:
    """One row per run, the newest first. `damaged`: journals that cannot be read, and why."""
    unfinished = [one for one in known if one.outcome.state == "unfinished"]
    clusters = _clusters(known)
    rows = tuple(
        (
            one.header.run,
            one.state,
            clusters[one.header.cluster],
            one.header.started_at_s,
            one.header.who,
            one.nodes,
            one.returned,
            one.reason,
            one.outcome.boards,
            len(one.outcome.waves),
            one.outcome.evicted,
            len(one.outcome.held),
            one.header.command,
            str(one.path),
            one.header.cluster,
        )
        for one in known
    )
    broken = f", {plural(len(damaged), 'journal')} damaged" if damaged else ""
    return Report(
        kind=STATUS.kind,
        headline=f"{plural(len(known), 'run')}, {len(unfinished):,} unfinished{broken}",
        items=Table("items", _columns(len(clusters)), rows, fold=False),
        notes=(
            *(_damaged(path, why) for path, why in damaged),
            *(_by_hand() if any(one.state in _OUT for one in known) else ()),
            *(
                Note("unfinished", f"the run {one.header.run} did not finish", "warn", one.header.resume)
                for one in unfinished
            ),
        ),
        name_key="run",
        level="crit" if damaged else "warn" if unfinished else "ok",
    )


def _columns(clusters: int) -> tuple[Column, ...]:
    """The columns; on which cluster a run acted is for a screen where there are several."""
    return tuple(replace(one, wide=False) if one.key == "cluster" and clusters > 1 else one for one in _RUNS)


def _clusters(known: Iterable[Known]) -> dict[str, str]:
    """How the cluster of each run is called, by UID: as the newest command names it that names it alone."""
    found: dict[str, str] = {}
    for one in known:
        uid = one.header.cluster
        found[uid] = found.get(uid) or _named(one.header.command)
    names = Counter(found.values())
    return {uid: name if name and names[name] == 1 else uid for uid, name in found.items()}


def _named(command: str) -> str:
    """What a command calls its cluster: `kubernetes:prod`; empty: it leaves that to the configuration."""
    words = shlex.split(command)
    told = (word for option, word in pairwise(words) if option in ("-i", "--context"))
    return next(told, "")


def _by_hand() -> Iterator[Note]:
    """What journals cannot know."""
    text = (
        "as the journals of this machine tell; what was uncordoned by hand or returned elsewhere is not known"
    )
    yield Note("drained", text)


def _damaged(path: str, why: str) -> Note:
    told = f"cannot be read, and nobody can tell what its run did: {why}"
    return Note("damaged", told, "crit", f"mv {path} {path}.damaged")
