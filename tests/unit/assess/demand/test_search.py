"""The search for a layout is as good as trying them all, and a deadline is met by the fewest nodes."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Literal

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
from dcctl.assess.demand.search import holds, ranked, search
from dcctl.assess.demand.training_spec import TrainingSpec, stack_of
from dcctl.errors import UsageError
from dcctl.inventory.sources.catalogue import rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.demand.architecture import Architecture

ZEROS: tuple[Literal[0, 1, 2, 3], ...] = (0, 1, 2, 3)
RECOMPUTES: tuple[Recompute, ...] = ("none", "selective", "full")
BOARDS = rows("gpus", Gpu)
MODELS = rows("models", Model)
SMALL = architecture(Plain(2048, 12, 16, 51200), "small")
MIDDLE = architecture(Plain(5120, 40, 40, 51200), "middle")
EXPERTS = architecture(
    Plain(2048, 16, 16, 51200, gated=True, tied=False, bias=False, experts=8, active=2, expert_width=2048),
    "moe",
)


def spec(one: Architecture, board: str, batch: int, sequence: int = 2048) -> TrainingSpec:
    return TrainingSpec(one, gpu(board, BOARDS), Layout(batch=batch), sequence)


def layouts(one: TrainingSpec, gpus: int) -> Iterator[Layout]:
    """Every layout on so many accelerators, whatever its sizes: none is left out because it looks hopeless.

    Only what the search says of itself holds: TP stays inside of a domain, each rank has 4,096 tokens of a
    sequence, a micro-batch has at most 64 sequences, no FSDP in a pipeline.
    """
    sizes = [size for size in range(1, gpus + 1) if gpus % size == 0]
    most = max(layers.mlp.experts for layers in one.model.layers) or 1
    for tensor, pipeline, context in product(sizes, repeat=3):
        data, rest = divmod(gpus, tensor * pipeline * context)
        if rest or tensor > one.gpu.domain or (context > 1 and one.sequence / context < 4096):
            continue
        chunks = range(1, (one.model.depth + 2 if pipeline > 1 else 1) + 1)
        experts = [size for size in range(1, gpus + 1) if most % size == 0]
        micros = [size for size in range(1, 65) if one.layout.batch % (size * data) == 0]
        for sizes_ in product(experts, chunks, micros, ZEROS, (True, False), RECOMPUTES):
            expert, virtual, micro, zero, split, recompute = sizes_
            if zero > 1 and pipeline > 1:
                continue
            yield Layout(
                tensor, pipeline, data, context, expert, virtual, micro, one.layout.batch,
                zero, split, recompute,
            )  # fmt: skip


def exhaustive(one: TrainingSpec, gpus: int) -> float:
    """Seconds of a step of the best of all layouts."""
    best = float("inf")
    for layout in layouts(one, gpus):
        tried = replace(one, layout=layout, stack=stack_of(layout))
        if next(shape_reasons(tried), None) is None:
            took = step(tried).value
            if took < best and holds(tried):
                best = took
    return best


@pytest.mark.parametrize(
    ("one", "board", "gpus", "batch", "sequence"),
    [
        (SMALL, "A100 40GB", 4, 24, 2048),
        (SMALL, "H100", 6, 24, 2048),
        (MIDDLE, "H100", 8, 32, 2048),
        (MIDDLE, "A100 80GB", 16, 48, 4096),
        (EXPERTS, "H100", 4, 16, 2048),
        (EXPERTS, "H100", 16, 64, 4096),
        ("gpt-2", "A100 40GB", 3, 30, 1024),
        ("llama-3-8b", "H100", 8, 64, 8192),
        ("llama-3-8b", "B200", 8, 16, 32768),
        ("llama-3-8b", "A100 80GB", 12, 48, 4096),
        ("llama-3-8b", "L40S", 8, 32, 2048),
        ("llama-3-70b", "H200", 32, 64, 8192),
        ("mixtral-8x7b", "H100", 16, 32, 4096),
        ("gemma-3-27b", "H200", 16, 64, 4096),
    ],
)
def test_the_search_is_within_one_per_cent_of_exhaustive_search(
    one: Architecture | str, board: str, gpus: int, batch: int, sequence: int
) -> None:
    built = model(one, MODELS).architecture() if isinstance(one, str) else one
    asked = spec(built, board, batch, sequence)
    found = search(asked, gpus)
    assert found is not None
    assert step(found.spec).value <= exhaustive(asked, gpus) * 1.01


def test_the_next_best_are_other_splits_of_the_ranks_in_order() -> None:
    found = ranked(spec(MIDDLE, "H100", 32), 8)
    splits = {(one.spec.layout.tensor, one.spec.layout.pipeline, one.spec.layout.context) for one in found}
    assert len(splits) == len(found) > 5
    assert [one.token_s for one in found] == sorted(one.token_s for one in found)
    assert all(holds(one.spec) and one.spec.layout.gpus == 8 for one in found)
    assert found[0] == search(spec(MIDDLE, "H100", 32), 8)


def test_what_does_not_fit_is_not_found() -> None:
    assert search(spec(MIDDLE, "A100 40GB", 8), 1) is None
    with pytest.raises(UsageError, match="no layout fits"):
        searched(spec(MIDDLE, "A100 40GB", 8), 1, None, Habits(), None)


def test_a_deadline_is_met_and_with_fewer_it_is_not() -> None:
    one = spec(model("llama-3-8b", MODELS).architecture(), "H100", 0, 8192)
    day = 86400.0
    found = for_deadline(one, 1e12, 30 * day, Habits(), 4e6, 8)
    assert found.time_s is not None
    assert found.time_s.value <= 30 * day
    gpus = found.spec.layout.gpus
    assert gpus % 8 == 0
    for nodes in (1, 2):
        fewer = searched(one, gpus - 8 * nodes, 1e12, Habits(), 4e6)
        assert fewer.time_s is not None
        assert fewer.time_s.value > 30 * day
