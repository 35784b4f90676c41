"""How a training run is laid out over accelerators."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Recompute: TypeAlias = Literal["none", "selective", "full"]
"""What of the activations is computed again in the backward pass: nothing; the core of attention
(FlashAttention does so by itself); all but the input of each layer."""


class Layout(Struct, frozen=True):
    """Sizes of the groups that a model, its state and its batch are split over; their product is the GPUs.

    GPUs = tensor x pipeline x context x data. Experts are split over `expert` of the data x context ranks.
    """

    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    context: int = 1
    expert: int = 1
    virtual: int = 1
    """Chunks of layers on each pipeline stage (interleaved schedule)."""
    micro_batch: int = 1
    """Sequences that one pass works on."""
    batch: int = 1
    """Sequences of one optimizer step, over all."""
    zero: Literal[0, 1, 2, 3] = 1
    """What of the state is split over the data-parallel ranks: nothing; the optimizer's; and gradients; and
    weights (FSDP)."""
    sequence_parallel: bool = True
    """Whether what tensor parallelism leaves whole is split along the sequence."""
    recompute: Recompute = "selective"

    @property
    def gpus(self) -> int:
        """How many accelerators it takes."""
        return self.tensor * self.pipeline * self.data * self.context
