"""Which layout, on how many accelerators: told, searched, or as many as a deadline asks for."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.assess.demand.memory import memory
from dcctl.assess.demand.refusals import hint
from dcctl.assess.demand.search import ranked
from dcctl.assess.demand.training import Other, TrainingNeeds, needs
from dcctl.errors import UsageError
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.assess.demand.durability import Habits
    from dcctl.assess.demand.search import Found
    from dcctl.assess.demand.training_spec import TrainingSpec

BATCH_TOKENS = 4e6
"""Tokens of a step where nobody says: as Llama 2 and 3 began (arXiv 2307.09288, 2407.21783)."""
MOST_BATCH_TOKENS = 64e6
"""Nobody published a run with larger steps: Llama 3 ended with 16M (arXiv 2407.21783)."""
_ROUNDS = 6
_TRIES = 2
"""Nodes that are taken away in vain, one after the other, before it is said that fewer do not suffice."""
_OTHERS = 5


def searched(
    spec: TrainingSpec, gpus: int, tokens: float | None, habits: Habits, batch_tokens: float | None
) -> TrainingNeeds:
    """Return the fastest layout on exactly so many. UsageError when the model does not fit."""
    found = _best(spec, gpus, tokens, habits, batch_tokens)
    if found is None:
        raise UsageError(
            f"{spec.model.name} on {plural(gpus, spec.gpu.name)}",
            f"no layout fits its memory, splits its layers and divides {_batch(spec, batch_tokens)}",
            hint(spec, _enough(spec, gpus, batch_tokens)),
        )
    return found


def _enough(spec: TrainingSpec, gpus: int, batch_tokens: float | None) -> int:
    """As many as suffice, found by doubling; where that ends without any, twice as many."""
    for times in (2, 4, 8, 16, 32, 64):
        if ranked(spec, times * gpus, batch_tokens):
            return times * gpus
    return 2 * gpus


def _batch(spec: TrainingSpec, batch_tokens: float | None) -> str:
    return "a batch" if batch_tokens else f"the batch of {plural(spec.layout.batch, 'sequence')}"


def for_deadline(
    spec: TrainingSpec,
    tokens: float,
    deadline_s: float,
    habits: Habits,
    batch_tokens: float | None,
    node: int,
) -> TrainingNeeds:
    """Return the fewest whole nodes with which `tokens` are trained in time, and the layout on them.

    UsageError when failures and checkpoints eat what more accelerators would bring, or when a step would be
    of more tokens than anybody trained with.
    """

    def on(gpus: int) -> TrainingNeeds | None:
        return _best(spec, gpus, tokens, habits, batch_tokens)

    gpus, best = node, None
    for _ in range(_ROUNDS):
        found = on(gpus)
        if found is None:
            gpus *= 2
            continue
        if found.time_s is None or found.spec.step_tokens > MOST_BATCH_TOKENS:
            break
        late = found.time_s.value / deadline_s
        if late <= 1 and (best is None or found.spec.layout.gpus < best.spec.layout.gpus):
            best = found
        wanted = _whole(found.spec.layout.gpus * late, found.spec, node)
        if wanted == found.spec.layout.gpus or (best and wanted >= best.spec.layout.gpus):
            break
        gpus = wanted
    if best is None:
        raise UsageError(
            "--deadline",
            f"no number of accelerators is enough: on {plural(gpus, spec.gpu.name)} failures take all of the"
            f" time, or a step is of more than {MOST_BATCH_TOKENS / 1e6:.0f}M tokens",
            hint(spec, gpus),
        )
    return _fewer(best, on, deadline_s, node)


def _fewer(
    best: TrainingNeeds, on: Callable[[int], TrainingNeeds | None], deadline_s: float, node: int
) -> TrainingNeeds:
    """The same with nodes taken away as long as it is made: what divides better may be faster with fewer."""
    tries, gpus = _TRIES, best.spec.layout.gpus - node
    while tries and gpus >= node:
        found = on(gpus)
        if found is not None and found.time_s is not None and found.time_s.value <= deadline_s:
            best, tries = found, _TRIES
        else:
            tries -= 1
        gpus -= node
    return best


def _best(
    spec: TrainingSpec, gpus: int, tokens: float | None, habits: Habits, batch_tokens: float | None
) -> TrainingNeeds | None:
    """The fastest layout on so many, and the next ones."""
    found = ranked(spec, gpus, batch_tokens)
    if not found:
        return None
    others = tuple(_other(one, found[0]) for one in found[1 : 1 + _OTHERS])
    best = needs(found[0].spec, tokens, habits)
    grown = batch_tokens is not None and best.spec.step_tokens > 1.5 * batch_tokens
    text = f"a step is of {best.spec.step_tokens / 1e6:.1f}M tokens: each of so many ranks needs a sequence"
    return replace(best, others=others, cautions=(*best.cautions, *((text,) if grown else ())))


def _other(one: Found, best: Found) -> Other:
    return Other(
        spec=one.spec,
        memory_bytes=memory(one.spec).total.value,
        step_s=one.token_s * one.spec.step_tokens / one.spec.layout.gpus,
        tokens_per_s_gpu=1 / one.token_s,
        slower=one.token_s / best.token_s - 1,
    )


def _whole(gpus: float, spec: TrainingSpec, node: int) -> int:
    """Round up to whole replicas of the model and whole nodes."""
    one = spec.layout.tensor * spec.layout.pipeline * spec.layout.context
    step = one if one % node == 0 else node if node % one == 0 else one * node
    return ceil(gpus / step) * step


def at_rest(spec: TrainingSpec, gpus: int) -> TrainingSpec:
    """Return the spec with the data-parallel size that uses so many; UsageError when it does not divide."""
    one = spec.layout.tensor * spec.layout.pipeline * spec.layout.context
    if gpus % one or gpus < one:
        raise UsageError(
            f"--gpus {gpus}",
            f"is no multiple of the {one} accelerators of one replica (TP x PP x CP)",
            hint(spec, gpus),
        )
    return replace(spec, layout=replace(spec.layout, data=gpus // one))
