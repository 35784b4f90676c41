"""The layout with which a model is trained on the nodes of a type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.assess.demand.layout import Layout
from dcctl.assess.demand.plans import BATCH_TOKENS
from dcctl.assess.demand.search import search
from dcctl.assess.demand.training import needs
from dcctl.assess.demand.training_spec import SEQUENCE, TrainingSpec, stack_of

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.inventory.market import NodeType, Trained

_NODE: Final = 8
"""Accelerators of the usual node: a larger domain spans nodes."""


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


def in_node(board: Gpu, one: NodeType) -> Gpu:
    """Return the accelerator as it is in a node: with its memory where that is told, and its neighbours."""
    there = sum(one.each.devices.values())
    domain = min(board.domain, there) if board.domain <= _NODE else board.domain
    return replace(board, memory_bytes=one.each.gpu_memory_bytes or board.memory_bytes, domain=domain)
