"""What is asked of a model that is trained: how, on what, and how far."""

from math import ceil
from typing import Literal, TypeAlias

from msgspec import Struct

from dcctl.assess.demand.architecture import Architecture
from dcctl.assess.demand.hardware import Gpu
from dcctl.assess.demand.layout import Layout

Optimizer: TypeAlias = Literal["adamw", "adamw-8bit", "adamw-bf16", "muon", "sgd"]
Precision: TypeAlias = Literal["bf16", "fp8", "mxfp8", "nvfp4"]
"""Of the matrix products; FP8 with one scale per tensor (`fp8`) or per block of 32 (`mxfp8`)."""
Stack: TypeAlias = Literal["megatron", "megatron-2021", "fsdp", "deepspeed-zero3"]
"""The software, which tells most of how near to the hardware's rates a run comes: Megatron-Core or NeMo;
Megatron-LM of 2021, without FlashAttention; PyTorch FSDP; DeepSpeed ZeRO-3 of 2021."""

SEQUENCE = 8192
"""Tokens of a sequence where nobody says, and the model is made for as many."""
OPTIMIZER_BYTES: dict[str, int] = {"adamw": 12, "adamw-8bit": 6, "adamw-bf16": 4, "muon": 8, "sgd": 8}
"""Per parameter: the master copy (4) and the moments. Muon and SGD keep one, 8-bit AdamW two of a byte.
AdamW in bf16 has no master copy, and moments of two bytes."""


class TrainingSpec(Struct, frozen=True):
    """A model, the accelerators, and how the run is laid out over them."""

    model: Architecture
    gpu: Gpu
    layout: Layout
    sequence: int
    """Tokens of one sequence."""
    precision: Precision = "bf16"
    optimizer: Optimizer = "adamw"
    lora_rank: int | None = None
    """Rank of low-rank adapters; None: all weights are trained."""
    stack: Stack = "megatron"
    gradient_bytes: int = 4
    """Of one gradient: 4 where they are summed in fp32, as Megatron and FSDP do; 2 in the ZeRO paper."""
    whole_gradients: bool = False
    """Whether gradients are exchanged after the last micro-batch alone (`no_sync`), and whole until then."""

    @property
    def step_tokens(self) -> int:
        """Tokens of one optimizer step."""
        return self.layout.batch * self.sequence

    @property
    def pass_tokens(self) -> float:
        """Tokens of one micro-batch on one context-parallel rank."""
        return self.layout.micro_batch * self.sequence / self.layout.context

    @property
    def passes(self) -> int:
        """Micro-batches of one pipeline in one step; the last one may be smaller."""
        return max(1, ceil(self.layout.batch / (self.layout.micro_batch * self.layout.data)))

    @property
    def fresh(self) -> bool:
        """Whether every weight is trained."""
        return self.lora_rank is None


def stack_of(layout: Layout) -> Stack:
    """Return the software that such a layout is usual for: Megatron-Core has no FSDP in a pipeline."""
    alone = layout.tensor == layout.pipeline == layout.context == layout.expert == 1
    piped = layout.pipeline > 1 and layout.zero >= 2
    return "fsdp" if piped or (layout.zero == 3 and alone) else "megatron"
