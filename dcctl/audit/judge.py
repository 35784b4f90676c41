"""One audit: what the checks say, what is waived, and what the audit says of itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.audit.check import OWN
from dcctl.audit.coverage import Coverage, coverage
from dcctl.audit.evaluate import evaluate
from dcctl.audit.finding import Finding, findings
from dcctl.audit.scene import Scene
from dcctl.audit.waivers import means, used, waived
from dcctl.inventory.evidence.own import Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.audit.check import Check
    from dcctl.audit.evaluate import Tally
    from dcctl.inventory.evidence.own import Chain, Waiver
    from dcctl.inventory.model import Fleet


class Verdict(NamedTuple):
    """What came of one audit, before it is compared with others."""

    tallies: tuple[Tally, ...]
    findings: tuple[Finding, ...]
    waived: Mapping[str, Waiver]
    """By finding."""
    coverage: Coverage
    untold: frozenset[str]
    """Nodes that gave no answer."""


def judge(
    scene: Scene, checks: Sequence[Check], chains: tuple[Chain, ...] = (), *, whole: bool = True
) -> Verdict:
    """Run the checks; those of the audit itself come last, since they judge what the others were told.

    `whole`: no node was left out.
    """
    waivers = scene.evidence.waivers or ()
    others = [one for one in checks if one.id not in OWN]
    tallies = evaluate(scene, others)
    found = findings(tallies)
    known, untold = coverage(tallies), untold_nodes(scene.evidence.fleet)
    evidence = replace(
        scene.evidence,
        waivers=used(waivers, found, partial(_looked, {one.check.id: one.dark for one in tallies}, whole)),
        told=(_told(tallies, known, untold),),
        chains=chains,
    )
    own = evaluate(Scene(evidence, scene.now_s, scene.policy), [one for one in checks if one.id in OWN])
    every = (*tallies, *own)
    return Verdict(
        every,
        (*found, *findings(own)),
        waived(found, waivers, scene.now_s),
        coverage(every)._replace(milli=known.milli),
        untold,
    )


def _looked(dark: Mapping[str, frozenset[str]], whole: bool, waiver: Waiver) -> bool:
    """Whether all that a waiver means was looked at."""
    return (
        whole
        and waiver.check in dark
        and not any(not one or means(waiver, one) for one in dark[waiver.check])
    )


def _told(tallies: Iterable[Tally], known: Coverage, untold: frozenset[str]) -> Told:
    return Told(
        unknown_milli=None if known.milli is None else 1000 - known.milli,
        broken=tuple(one.check.id for one in tallies if one.error),
        untold_nodes=tuple(sorted(untold)),
    )


def untold_nodes(fleet: Fleet) -> frozenset[str]:
    """Return the nodes of which something that was asked was not told."""
    return frozenset(gap.node for gap in fleet.gaps if gap.node and gap.cause != "limited")
