"""What one kernel of a served model takes on one accelerator: the longer of its arithmetic and its reading.

The constants were fitted to published measurements on A100 and H100 that are none of the cases that
`dcctl assess check` scores:

- reading: gpt-fast README, dense models in bf16 at TP 1 to 8 (13 rows, each within 8 %; a 14th, Llama 3.1 70B
  at TP 2, took a third longer than its neighbours and was left out). Not fitted: Mixtral comes out 4 to 7 %
  low, an MI250X die 13 %, INT8 weights that are unpacked to bf16 up to 37 %;
- arithmetic: TensorRT-LLM 0.5 performance.md, first token in FP16 on A100 (8 rows, within 17 %) and in FP8 on
  H100 (8 rows, within 19 %). Not fitted: L40S in FP8 comes out 9 and 17 % high.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Attention
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.parameters import Part
    from dcctl.assess.demand.serving import ServingSpec

READ: Final = 0.787
"""Of the memory's bandwidth that decoding reaches."""
REACHED: Final = 0.8
"""Of the measured maximum of matrix products (MAMF) that prefill reaches in 16 bits."""
PEAK: Final = {16: 0.69, 8: 0.47}
"""Of the peak, where no maximum was measured, by bits of the number format; 4 bits are taken as 8."""
_OUTSIDE: Final = frozenset({"embedding", "positions", "head", "norms", "small tensors", "router", "tower"})
"""Tensors that keep their number format when a server converts weights."""


def rate(gpu: Gpu, bits: int) -> float:
    """Return the operations per second that large products reach in a number format of so many bits.

    0 where the accelerator has no such format.
    """
    for form in ("bf16", "fp16") if bits == 16 else ("fp8", "int8"):
        if form in gpu.reached_flops:
            return gpu.reached_flops[form] * REACHED
        if form in gpu.peak_flops:
            return gpu.peak_flops[form] * PEAK[bits]
    return 0


def reading_s(gpu: Gpu, count_bytes: float) -> float:
    """Return the seconds in which so many bytes of memory are read."""
    return count_bytes / (gpu.bandwidth_bytes_per_s * READ)


def working_bits(spec: ServingSpec) -> int:
    """Return the bits that products run in: 8 where weights have 8 and the accelerator can, else 16."""
    bits = spec.weight_bits or spec.model.weight_bits
    return 8 if 8 <= bits < 9 and "fp8" in spec.gpu.peak_flops else 16


def cache_reads(spec: ServingSpec, one: Attention) -> float:
    """Return how often a cached key is read for one token: once, or for each head that shares it.

    FlashAttention 2, FlashInfer and XQA read it once; they are for Ampere and later, as bf16 is. The kernels
    before them read it for each query head (TensorRT-LLM up to 0.7, paged attention of vLLM).
    """
    grouped = "bf16" in spec.gpu.peak_flops if spec.grouped_reads is None else spec.grouped_reads
    if grouped or one.kind != "softmax" or not one.kv_heads:
        return 1.0
    return max(1.0, one.heads / max(one.kv_heads, spec.tensor))


def stored_bytes(part: Part, spec: ServingSpec) -> float:
    """Return what tensors take on one accelerator of the replica, that with the most experts."""
    bits = part.bits
    if spec.weight_bits is not None and part.bits == spec.model.weight_bits and part.name not in _OUTSIDE:
        bits = spec.weight_bits
    share = _experts_share(spec) if part.name == "experts" else part.share(spec.tensor)
    return part.parameters * bits / 8 * share


def read_bytes(part: Part, spec: ServingSpec, tokens: float) -> float:
    """Return what one pass over so many tokens of all groups reads of tensors on one accelerator."""
    if unused(part, spec):
        return 0
    if part.name != "experts":
        return stored_bytes(part, spec)
    return stored_bytes(part, spec) * (1 - float((1 - part.active / part.parameters) ** tokens))


def unused(part: Part, spec: ServingSpec) -> bool:
    """Whether tensors are looked up, or are for images, not multiplied with."""
    return part.name in ("positions", "tower") or (part.name == "embedding" and not spec.model.tied)


def _experts_share(spec: ServingSpec) -> float:
    """TP splits each expert, EP spreads whole ones: where they do not divide, places are left for copies."""
    if spec.expert <= spec.tensor:
        return 1 / spec.tensor
    count = max(layers.mlp.experts for layers in spec.model.layers)
    return -(-count // spec.expert) / count
