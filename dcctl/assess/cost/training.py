"""The layout with which a model is trained on the nodes of a type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.assess.demand.layout import Layout
from dcctl.assess.demand.plans import BATCH_TOKENS
from dcctl.assess.demand.search import search
from dcctl.assess.demand.training import needs
from dcctl.assess.demand.training_spec import SEQUENCE, TrainingSpec, stack_of

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.inventory.market import Trained


def best_layout(model: Architecture, board: Gpu, asked: Trained) -> TrainingNeeds | None:
    """Return what the fastest layout on the accelerators of a run takes; None: none fits their memory."""
    layout = Layout(batch=asked.batch or 0)
    spec = TrainingSpec(
        model=model,
        gpu=board,
        layout=layout,
        sequence=asked.sequence or min(SEQUENCE, model.context or SEQUENCE),
        precision=asked.precision,  # type: ignore[arg-type]  # the reader takes those that there are
        stack=stack_of(layout),
    )
    found = search(spec, asked.gpus, None if asked.batch else BATCH_TOKENS)
    return None if found is None else needs(found.spec)
