"""What stands below the table of shares: what is taken for granted, what is proved, and what it costs."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from dcctl.packing.sharing.price import cost, whole_nodes
from dcctl.packing.sharing.shares import PARTS
from dcctl.render.report import Note
from dcctl.schedule import shares_words as words
from dcctl.units import plural, three

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.schedule.shares_report import Answer


def notes(answer: Answer) -> tuple[Note, ...]:
    """Return the sentences below the table, those that change the answer first."""
    return tuple(
        note for part in (_absent, _untold, _minimums, _worth, _prices, _supply) for note in part(answer)
    )


def _absent(answer: Answer) -> Iterator[Note]:
    """Parts that get nothing at all, because of something there is none."""
    for name, there in answer.there.supply.items():
        parts = {part: [c.name for c in answer.claims if name in c.wanted(part)] for part in PARTS}
        texts = [f"{part} of {', '.join(models)}" for part, models in parts.items() if models]
        if there == 0 and texts:
            yield Note(
                "none", f"there is no {words.noun(name)}: {' and '.join(texts)} cannot have anything", "warn"
            )


def _untold(answer: Answer) -> Iterator[Note]:
    """Dimensions that are taken not to limit anything, because nobody tells how much there is."""
    total = words.wanted(answer.claims)
    untold = [name for name, there in answer.there.supply.items() if there is None]
    if untold:
        wanted = ", ".join(words.quantity(name, total[name]) for name in untold)
        zero = ", ".join(f"{words.KEYS.get(name, name)}: 0" for name in untold)
        none = f"; if there is none, say `supply: {{total: {{{zero}}}}}`" if answer.asked.supply else ""
        yield Note("not told", f"{wanted} wanted, and nobody tells how much there is: no limit here{none}")
    for name, count in answer.there.partly.items():
        nodes = plural(count, "node does", "nodes do")
        yield Note("not told", f"{nodes} not tell {words.noun(name)}: what there is, is that of the others")


def _minimums(answer: Answer) -> Iterator[Note]:
    below = [one.name for one in answer.shares.shares if one.below_minimum]
    if below:
        yield Note(
            "minimum", f"{', '.join(below)}: less than the minimum; the minimums do not all fit", "crit"
        )


def _worth(answer: Answer) -> Iterator[Note]:
    """The sum that is to be large, against that of fair shares and against the bound."""
    shares = answer.shares
    if shares.bound is None:
        return
    gap = float((shares.bound - shares.value) / shares.bound) if shares.bound else 0.0
    proved = f"proved: nothing is better by more than {_gap(gap)}"
    fair = f"{three(float(answer.fair.value))} at fair shares"
    text = f"sum of training x inference satisfied {three(float(shares.value))} of {_most(answer)}; {fair}"
    yield Note("best", f"{text}; {proved}")


def _most(answer: Answer) -> str:
    return three(float(sum(claim.weight for claim in answer.claims)))


def _gap(gap: float) -> str:
    return f"{max(0.001, ceil(gap * 1e5) / 1000):g} %"


def _prices(answer: Answer) -> Iterator[Note]:
    """What all that is wanted costs a year, by the unit and as whole nodes."""
    supply = answer.asked.supply
    if supply is None or not answer.prices:
        return
    total = words.wanted(answer.claims)
    units = cost(total, answer.prices)
    text = f"all that is wanted costs {words.money(units, supply.currency)} a year"
    nodes = whole_nodes(total, answer.there.nodes, answer.prices)
    if nodes is not None and nodes.cost:
        whole = words.money(nodes.cost, supply.currency)
        text += f" by the unit, {whole} as {plural(nodes.number, 'whole node')}"
    yield Note("cost", text)
    free = [words.noun(name) for name in total if name not in answer.prices]
    if free:
        yield Note("cost", f"no price is told for {', '.join(free)}: not counted")


def _supply(answer: Answer) -> Iterator[Note]:
    if answer.there.summed:
        text = f"what is free on {plural(answer.there.summed, 'node')} together; what fits on each of them"
        yield Note("supply", text, command="dcctl schedule plan FILE")
    if answer.there.closed:
        nodes = plural(answer.there.closed, "node takes", "nodes take")
        yield Note("closed", f"{nodes} no work, or nobody knows what is held there: not counted")
    wants = [
        one
        for one in answer.asked.elastic
        for part in (one.training, one.inference)
        if part and part.gpu_memory_bytes
    ]
    if wants:
        yield Note("left out", "gpu_memory: it is asked of each device, and is no amount to share out")
    if answer.asked.workloads:
        count = plural(len(answer.asked.workloads), "job counts as a model", "jobs count as models")
        yield Note("jobs", f"{count} in training, and could do with less than they ask for")
