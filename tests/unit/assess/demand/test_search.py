"""The search for a layout is as good as trying them all, and a deadline is met by the fewest nodes."""

from __future__ import annotations

from itertools import product
from typing import Literal

import pytest
from msgspec.structs import replace

from dcctl.assess.demand.durability import Habits
from dcctl.assess.demand.handmade import Plain, architecture
from dcctl.assess.demand.hardware import Gpu
from dcctl.assess.demand.layout import Layout, Recompute
from dcctl.assess.demand.lookup import Model, gpu, model
from dcctl.assess.demand.plans import for_deadline, searched
from dcctl.assess.demand.predict import step
from dcctl.assess.demand.refusals import shape_reasons
from dcctl.assess.demand.search import holds, search
from dcctl.assess.demand.training_spec import TrainingSpec, stack_of
from dcctl.errors import UsageError
from dcctl.inventory.sources.catalogue import rows

ZEROS: tuple[Literal[0, 1, 2, 3], ...] = (0, 1, 2, 3)
RECOMPUTES: tuple[Recompute, ...] = ("none", "selective", "full")
BOARDS = rows("gpus", Gpu)
SMALL = architecture(Plain(2048, 12, 16, 51200), "small")
MIDDLE = architecture(Plain(5120, 40, 40, 51200), "middle")
EXPERTS = architecture(
    Plain(2048, 16, 16, 51200, gated=True, tied=False, bias=False, experts=8, active=2, expert_width=2048),
    "moe",
)


def spec(one: object, board: str, batch: int, sequence: int = 2048) -> TrainingSpec:
    return TrainingSpec(one, gpu(board, BOARDS), Layout(batch=batch), sequence)  # type: ignore[arg-type]


def exhaustive(one: TrainingSpec, gpus: int) -> float:
    """Seconds of a step of the best of all layouts, whatever their sizes."""
    sizes = range(1, gpus + 1)
    best = float("inf")
    for tensor, pipeline, context, expert in product(sizes, repeat=4):
        if gpus % (tensor * pipeline * context) or tensor > one.gpu.domain:
            continue
        data = gpus // (tensor * pipeline * context)
        for virtual, micro, zero, recompute in product(range(1, 13), (1, 2, 3, 4, 6, 8), ZEROS, RECOMPUTES):
            layout = Layout(
                tensor,
                pipeline,
                data,
                context,
                expert,
                virtual,
                micro,
                one.layout.batch,
                zero,
                True,
                recompute,
            )
            if layout.batch % (micro * data) or (virtual > 1 and pipeline == 1):
                continue
            tried = replace(one, layout=layout, stack=stack_of(layout))
            if next(shape_reasons(tried), None) is None and holds(tried):
                best = min(best, step(tried).value)
    return best


@pytest.mark.parametrize(
    ("one", "board", "gpus", "batch"),
    [(SMALL, "A100 40GB", 4, 24), (MIDDLE, "H100", 8, 32), (EXPERTS, "H100", 4, 16), (SMALL, "H100", 6, 24)],
)
def test_the_search_is_within_one_per_cent_of_exhaustive_search(
    one: object, board: str, gpus: int, batch: int
) -> None:
    asked = spec(one, board, batch)
    found = search(asked, gpus)
    assert found is not None
    assert step(found.spec).value <= exhaustive(asked, gpus) * 1.01


def test_what_does_not_fit_is_not_found() -> None:
    assert search(spec(MIDDLE, "A100 40GB", 8), 1) is None
    with pytest.raises(UsageError, match="no layout fits"):
        searched(spec(MIDDLE, "A100 40GB", 8), 1, None, Habits(), None)


def test_a_deadline_is_met_and_with_fewer_it_is_not() -> None:
    one = spec(model("llama-3-8b", rows("models", Model)).architecture(), "H100", 0, 8192)
    day = 86400.0
    found = for_deadline(one, 1e12, 30 * day, Habits(), 4e6)
    assert found.time_s is not None
    assert found.time_s.value <= 30 * day
    gpus = found.spec.layout.gpus
    assert gpus % 8 == 0
    fewer = searched(one, gpus - 8 * max(1, gpus // 80), 1e12, Habits(), 4e6)
    assert fewer.time_s is not None
    assert fewer.time_s.value > 0.97 * 30 * day
