"""Sentences below an answer about cost: its proof, what one unit more is worth, why there is no mix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.assess.cost.fit import no_type
from dcctl.assess.cost.words import amount, called, money, one_more, unit
from dcctl.inventory.model import Gap
from dcctl.render.report import Note
from dcctl.units import cores, three

if TYPE_CHECKING:
    from fractions import Fraction

    from dcctl.assess.cost.answer import Answer
    from dcctl.assess.cost.conflict import Clash, Conflict
    from dcctl.assess.cost.shadow import Worth
    from dcctl.inventory.market import Market

_SHOWN: Final = 4
_CURES: Final = 6
_PARTS: Final = "where nodes can be had in parts (LP dual)"
_CENT: Final = 0.001
_SAME: Final = 0.01
"""A share by which two prices may differ and be called one."""


def notes(answer: Answer) -> tuple[Note, ...]:
    """Return the notes, the proof or the conflict first."""
    if answer.mix is None:
        return _none(answer)
    worth = [Note("worth", _worth(*one, answer.market)) for one in _told(answer)]
    return (_proof(answer), *worth, *_energy(answer.market), *_computed(answer))


def _proof(answer: Answer) -> Note:
    mix = answer.mix
    if mix is None or not mix.gap:
        return Note("best", "no mix is cheaper: proved by branch and cut (HiGHS)", "ok")
    text = f"another mix could be cheaper by {per_cent(mix.gap)} at most: proved by HiGHS"
    if answer.limited:
        return Note(
            "bound", f"{text}; --limit ended the search: with more time it finds or proves more", "warn"
        )
    return Note("bound", text, "ok")


def per_cent(gap: Fraction) -> str:
    """`3.49 %`."""
    return f"{three(float(gap) * 100)} %"


def unproved(answer: Answer) -> tuple[Gap, ...]:
    """Return the gap of an answer whose proof was not finished."""
    if answer.mix is None or not answer.limited:
        return ()
    reason = f"another mix could be {per_cent(answer.mix.gap)} cheaper; --limit ended the search"
    return (Gap("solver", "the cheapest mix", reason, "timeout", "dcctl assess cost --limit SECONDS"),)


def _told(answer: Answer) -> list[tuple[Worth, int]]:
    """The largest prices, of limits first, each with how many others of its kind have the same one."""
    alike: dict[tuple[bool, str, str], list[Worth]] = {}
    for one in answer.worths:
        prices = f"{one.by_part:.2f} {one.again and f'{one.again:.2f}'}"
        alike.setdefault((one.group.kind == "need", one.group.kind, prices), []).append(one)
    found = [(need, same[0], len(same) - 1) for (need, _, _), same in alike.items()]
    return [
        (one, others)
        for of_needs in (False, True)
        for one, others in [(one, others) for need, one, others in found if need is of_needs][:_SHOWN]
    ]


def _worth(one: Worth, others: int, market: Market) -> str:
    """`one more kW in rack r7 at north is worth 2,526 a year, solved again with it`."""
    like = f" (or in {others} more like it)" if others else ""
    what = f"one more {one_more(one.group, market)}{like}"
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
    if answer.conflict is None:
        return (Note("stopped", "there was no time to find a mix; give it more with --limit", "warn"),)
    clashes, market = answer.conflict.clashes, answer.market
    found = [Note("conflict", _together(answer.conflict, market), "crit")]
    for one in clashes:
        why = no_type(market, answer.fits, one.group.subject) if one.group.kind == "need" else ""
        if why:
            found.append(Note("nowhere", f"{one.group.subject} runs on no type: {why}", "crit"))
    cures = [cure for one in clashes if (cure := _cure(one, market, answer.conflict.in_parts))]
    return (*found, *(Note("cure", cure) for cure in cures[:_CURES]))


def _together(found: Conflict, market: Market) -> str:
    """Every condition of a few, and how many others of a kind."""
    by_kind: dict[str, list[Clash]] = {}
    for one in found.clashes:
        by_kind.setdefault(one.group.kind, []).append(one)
    listed = []
    for same in by_kind.values():
        listed += [_clash(one, market) for one in same[:_SHOWN]]
        if len(same) > _SHOWN:
            listed[-1] += f" and {len(same) - _SHOWN} others"
    text = "; ".join(listed)
    if len(found.clashes) == 1:
        return text
    parts = ", where nodes can be had in parts" if found.in_parts else ""
    return f"{text}. Without any one of them the others can hold together{parts}"


def _clash(one: Clash, market: Market) -> str:
    told, noun = amount(one.group, market), unit(one.group, market)
    return called(one.group) if told is None else f"{called(one.group)}: {_count(told)} {noun}".rstrip()


def _cure(one: Clash, market: Market, in_parts: bool) -> str:
    """What would do, all else kept; of parts, the least that could."""
    told, short, noun = amount(one.group, market), one.would_do, unit(one.group, market)
    if short is None:
        return ""
    up = -(-short * 1000 // 1) / 1000
    bound = "at least " if in_parts else ""
    if told is None:
        return f"{called(one.group)}: {bound}{_count(up)} {noun} more would do, all else kept"
    if one.group.kind in ("need", "renewable", "region"):
        most = "at most " if in_parts else ""
        left = f"{most}{_count(told - up)} {noun}".rstrip()
        return f"{called(one.group)}: {left} can be had, all else kept" if up < told else ""
    return f"{called(one.group)}: {bound}{_count(told + up)} {noun} would do, all else kept"


def _count(value: float) -> str:
    return cores(round(value * 1000))
