"""Sentences below an answer about cost: its proof, what one unit more is worth, why there is no mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.cost.fit import no_type
from dcctl.assess.cost.words import amount, called, money, one_more, unit
from dcctl.render.report import Note
from dcctl.units import cores, three

if TYPE_CHECKING:
    from dcctl.assess.cost.answer import Answer
    from dcctl.assess.cost.conflict import Clash
    from dcctl.assess.cost.shadow import Worth
    from dcctl.inventory.market import Market

_SHOWN: Final = 4
_PARTS: Final = "where nodes can be had in parts (dual value of the relaxed programme)"
_CENT: Final = 0.001
_SAME: Final = 0.01
"""A share by which two prices may differ and be called one."""


def notes(answer: Answer) -> tuple[Note, ...]:
    """Return the notes, the proof or the conflict first."""
    if answer.mix is None:
        return _none(answer)
    worth = [Note("worth", _worth(one, answer.market)) for one in _told(answer)]
    return (_proof(answer), *worth, *_energy(answer.market), *_computed(answer))


def _proof(answer: Answer) -> Note:
    mix = answer.mix
    if mix is None or not mix.gap:
        return Note("best", "no mix is cheaper: proved by branch and cut (HiGHS)", "ok")
    share = three(float(mix.gap) * 10**6)
    return Note("bound", f"another mix could be cheaper by {share} millionths at most: proved by HiGHS", "ok")


def _told(answer: Answer) -> list[Worth]:
    """Limits first: what work costs at the margin is of less use than what hinders it."""
    limits = [one for one in answer.worths if one.group.kind != "need"]
    needs = [one for one in answer.worths if one.group.kind == "need"]
    return [*limits[:_SHOWN], *needs[:_SHOWN]]


def _worth(one: Worth, market: Market) -> str:
    """`one more kW in rack r7 at north is worth 2,526 a year, solved again with it`."""
    what = f"one more {one_more(one.group, market)}"
    if one.again is None:
        return f"{what} {_verb(one.by_part)} {_price(one.by_part, market)} {_PARTS}; not solved again"
    parts = f"{_price(one.by_part, market)} {_PARTS}"
    if abs(one.again) < _CENT:
        return f"{what} changes nothing, solved again with it; {_verb(one.by_part)} {parts}"
    text = f"{what} {_verb(one.again)} {_price(one.again, market)}, solved again with it"
    same = abs(one.again - one.by_part) <= _SAME * abs(one.again)
    return text if same else f"{text}; {parts}"


def _verb(value: float) -> str:
    return "is worth" if value > 0 else "costs"


def _price(value: float, market: Market) -> str:
    return f"{money(abs(value), market.currency)} a year"


def _energy(market: Market) -> list[Note]:
    if all(one.tariff_micro is None for one in market.sites):
        return [Note("not told", "no site tells a tariff: the cost is without energy")]
    return [
        Note("energy", f"nameplate power of the nodes x PUE for {market.hours:,} hours a year, not measured")
    ]


def _computed(answer: Answer) -> list[Note]:
    """Speeds that are estimates make the mix one."""
    names = sorted({name for (name, _), fit in answer.fits.items() if fit.computed is not None})
    if not names:
        return []
    text = f"the speeds of {', '.join(names)} are computed, within the 90 % intervals of details.speeds"
    return [Note("estimate", text)]


def _none(answer: Answer) -> tuple[Note, ...]:
    if not answer.clashes:
        return (Note("stopped", "there was no time to find a mix; give it more with --limit", "warn"),)
    several = len(answer.clashes) > 1
    listed = "; ".join(_clash(one, answer.market) for one in answer.clashes)
    end = ". Without any one of them the others can hold together" if several else ""
    found = [Note("conflict", f"{listed}{end}", "crit")]
    for one in answer.clashes:
        why = no_type(answer.market, answer.fits, one.group.subject) if one.group.kind == "need" else ""
        if why:
            found.append(Note("nowhere", f"{one.group.subject} runs on no type: {why}", "crit"))
        cure = _cure(one, answer.market)
        if cure:
            found.append(Note("cure", cure))
    return tuple(found)


def _clash(one: Clash, market: Market) -> str:
    told, noun = amount(one.group, market), unit(one.group, market)
    return called(one.group) if told is None else f"{called(one.group)}: {_count(told)} {noun}".rstrip()


def _cure(one: Clash, market: Market) -> str:
    told, short, noun = amount(one.group, market), one.would_do, unit(one.group, market)
    if short is None:
        return ""
    up = -(-short * 1000 // 1) / 1000
    if told is None:
        return f"{_count(up)} {noun} more there would do".replace("  ", " ")
    if one.group.kind in ("need", "renewable", "region"):
        if up >= told:
            return ""
        left = f"{_count(max(0.0, told - up))} {noun}".rstrip()
        return f"{called(one.group)}: {left} can be had, all else kept"
    return f"{called(one.group)}: {_count(told + up)} {noun} would do, all else kept"


def _count(value: float) -> str:
    return cores(round(value * 1000))
