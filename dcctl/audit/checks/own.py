"""The audit of the audit: what it was not told, what is waived, and whether its history is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.audit.check import Fault, Unsure, check
from dcctl.audit.terms import ends_at_s, longest_s
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.own import Chain, Told, Waiver

_LATE: Final = 2
"""So many times the interval without a run, and one was missed."""


def _was_asked(told: Told, _scene: Scene) -> str:
    return "" if told.unknown_milli is not None or told.broken or told.untold_nodes else "no check applies"


@check(
    "SLF-02",
    "Much of what was asked stayed untold",
    "high",
    tier="L",
    over="told",
    refs=("dcctl:coverage", "800-53:CA-7", "soc2:CC4.1"),
    why="A check that sees nothing finds nothing: faults hide where nobody answers.",
    fix="See why with `dcctl audit -o wide`; give the rights and mend the nodes that it names.",
    applies=_was_asked,
)
def told_enough(told: Told, scene: Scene) -> Iterator[Fault]:
    """Enough was told, no check broke, and every node answered."""
    most = scene.policy.own.unknown_most_milli
    unknown = told.unknown_milli or 0
    if unknown > most:
        yield Fault(
            f"{unknown / 10:g} % of what was asked is not known, at most {most / 10:g} % may be", "share"
        )
    for name in told.broken:
        yield Fault(f"the check {name} broke", name)
    if told.untold_nodes:
        count = len(told.untold_nodes)
        yield Fault(f"{count} node{'s' * (count > 1)} gave no answer: {fold(told.untold_nodes)}", "nodes")


@check(
    "SLF-03",
    "Waiver or attestation that is expired, unused, over-broad or nobody's",
    "medium",
    tier="L",
    over="waivers",
    refs=("dcctl:waivers", "800-53:CA-5", "soc2:CC4.1"),
    why="A waiver that nobody looks at again turns a risk that was borne for a time into one for ever.",
    fix="Mend what it waives and delete it from the file; or look again, and give it new dates there.",
)
def waiver_in_order(waiver: Waiver, scene: Scene) -> Iterator[Fault]:
    """It is in force, not for too long, somebody's, for a reason, and covers something but not everything."""
    yield from _in_time(waiver, scene.now_s)
    yield from _somebodys(waiver)
    if waiver.attests:
        return
    yield from _narrow(waiver, scene)
    if waiver.used is None:
        raise Unsure(f"{waiver.check} did not look at all that it names")


def _somebodys(waiver: Waiver) -> Iterator[Fault]:
    for name in ("owner", "reason") if waiver.attests else ("owner", "ticket", "reason"):
        if not getattr(waiver, name).strip():
            yield Fault(f"has no {name}: {waiver.place}", name)


def _narrow(waiver: Waiver, scene: Scene) -> Iterator[Fault]:
    if any(not part.strip("*?/") for part in waiver.objects.split(",")):
        yield Fault(f"{waiver.objects} covers whatever there will be", "over-broad")
    elif waiver.used is not None and waiver.used > scene.policy.own.waiver_most_objects:
        yield Fault(f"covers {waiver.used} findings", "over-broad")
    if waiver.used == 0:
        yield Fault("covers nothing", "unused")


def _in_time(waiver: Waiver, now_s: int) -> Iterator[Fault]:
    if waiver.created_at_s > now_s:
        yield Fault("was made in the future: is the clock right?", "created")
    if waiver.expires_at_s - waiver.created_at_s > longest_s(waiver):
        yield Fault(f"holds for more than {longest_s(waiver) // 86400} days", "too long")
    if ends_at_s(waiver) <= now_s:
        again = "somebody has to look again" if waiver.attests else "what it covered counts again"
        yield Fault(f"has expired; {again}", "expired")


def _has_run(chain: Chain, _scene: Scene) -> str:
    return (
        "" if chain.flaws or chain.last_at_s is not None or chain.flaws is None else "this is the first run"
    )


@check(
    "SLF-04",
    "History of the audit changed, cut off or with missing runs",
    "high",
    tier="L",
    over="chains",
    needs=("flaws",),
    refs=("soc2:CC4.1", "mlps:8.1.4.3", "800-53:AU-9", "800-53:AU-10"),
    why="Who can change the records of an audit can hide what it found.",
    fix="See `dcctl audit verify`; compare with the head that was sent to another host.",
    applies=_has_run,
)
def chain_is_whole(chain: Chain, scene: Scene) -> Iterator[Fault]:
    """Every record hashes to what the next one and the signed head say, and no run was missed."""
    for number, says in chain.flaws or ():
        yield Fault(f"run {number}: {says}" if number else says, f"run {number}")
    if chain.last_at_s is None:
        return
    passed = (scene.now_s if chain.at_s is None else chain.at_s) - chain.last_at_s
    if passed < 0:
        yield Fault("the last run is in the future: the clock jumped", "clock")
    if chain.every_s and passed > _LATE * chain.every_s:
        yield Fault(f"no run for {passed // 3600} h, one is due every {chain.every_s // 3600} h", "missed")
