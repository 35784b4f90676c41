"""How long a served model takes: time to the first token, time per output token, and what bounds them.

A pass takes the longer of its arithmetic and its reading of memory, a fixed time for each layer, and its
traffic. The constants were fitted to published measurements on A100 and H100 that are none of the cases that
`dcctl assess check` scores:

- decode: gpt-fast README, dense models in bf16 at TP 1 to 8 (13 rows, each within 8 %; a 14th, Llama 3.1 70B
  at TP 2, took a third longer than its neighbours and was left out). Not fitted: Mixtral comes out 4 to 7 %
  low, an MI250X die 13 %, INT8 weights that are unpacked to bf16 up to 37 %;
- prefill: TensorRT-LLM 0.5 performance.md, first token in FP16 on A100 (8 rows, within 17 %) and in FP8 on
  H100 (8 rows, within 19 %). Not fitted: L40S in FP8 comes out 9 and 17 % high.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from dcctl.assess.demand.kvcache import kv_bytes, state_bytes
from dcctl.assess.demand.parameters import parts

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture, Attention
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.parameters import Part
    from dcctl.assess.demand.serving import ServingSpec

READ: Final = 0.787
"""Of the memory's bandwidth that decoding reaches."""
REACHED: Final = 0.8
"""Of the measured maximum of matrix products (MAMF) that prefill reaches in 16 bits."""
PEAK: Final = {16: 0.69, 8: 0.47}
"""Of the peak, where no maximum was measured, by bits of the number format; 4 bits are taken as 8."""
LAYER_DECODE_S: Final = 41e-6
"""For each layer, whatever its size: launches, norms, what does not fill the accelerator."""
LAYER_PREFILL_S: Final = {16: 250e-6, 8: 167e-6}
HOP_S: Final = 9e-6
"""Of one all-reduce, and for each further rank:"""
RANK_S: Final = 0.8e-6
LINK: Final = 0.48
"""Of the link's bandwidth that an all-reduce reaches."""
PCIE_BPS: Final = 25_000_000_000
"""Between accelerators without a link of their own, each way (PCIe 4.0 x16)."""
_ACTIVATION_BYTES: Final = 2


class Pass(Struct, frozen=True):
    """One pass of a replica over its layers, in seconds."""

    compute_s: float
    memory_s: float
    layers_s: float
    network_s: float

    @property
    def total_s(self) -> float:
        """Arithmetic and reading overlap, the rest does not."""
        return max(self.compute_s, self.memory_s) + self.layers_s + self.network_s


def prefill(spec: ServingSpec) -> Pass:
    """Return the pass over the input of one request, alone: `(2 N s + attention) / (n X)`."""
    tokens, model = spec.input_tokens, spec.model
    return Pass(
        compute_s=_prefill_operations(spec, _wide(spec)) / rate(spec.gpu, working_bits(spec)),
        memory_s=sum(read_bytes(part, spec, tokens) for part in parts(model))
        / (spec.gpu.bandwidth_bps * READ),
        layers_s=model.depth * LAYER_PREFILL_S[working_bits(spec)],
        network_s=_network_s(spec, tokens),
    )


def prefill_work_s(spec: ServingSpec) -> float:
    """Return what the input of one request takes from a busy replica, whose groups and stages all work."""
    work_s = _prefill_operations(spec, spec.tensor) / rate(spec.gpu, working_bits(spec))
    return (work_s + _network_s(spec, spec.input_tokens)) / (spec.data * spec.pipeline)


def decode(spec: ServingSpec, batch: int) -> Pass:
    """Return the pass that gives each of `batch` sequences over the replica one token.

    `max((W + B kv ctx) / (n BW), 2 N B / (n X)) + 2 L t_allreduce`, W without the experts that no token hit.
    The context is that of a request half answered. Stages of a pipeline each work on a part of the batch, one
    after the other: as fast as one stage with all layers and that part.
    """
    model, own = spec.model, batch / (spec.data * spec.pipeline)
    context = spec.input_tokens + spec.output_tokens // 2
    cached = kv_bytes(model, context, spec.tensor, spec.kv_bits) + 2 * state_bytes(model, spec.tensor)
    routed = own * _wide(spec) / spec.tensor
    weights = sum(read_bytes(part, spec, routed) for part in parts(model))
    operations = sum(_work(part, spec, spec.tensor) for part in parts(model))
    operations += sum(_scores(one.attention, context) * one.count for one in model.layers) / spec.tensor
    return Pass(
        compute_s=2 * own * operations / rate(spec.gpu, working_bits(spec)),
        memory_s=(weights + own * cached) / (spec.gpu.bandwidth_bps * READ),
        layers_s=model.depth * LAYER_DECODE_S,
        network_s=_network_s(spec, own),
    )


def loaded_s(spec: ServingSpec, batch: int) -> float:
    """Return the time per output token when the inputs of other requests are worked on in between."""
    return decode(spec, batch).total_s + batch * prefill_work_s(spec) / spec.output_tokens


def requests_per_s(spec: ServingSpec, batch: int) -> float:
    """Return how many requests a busy replica answers."""
    return batch / (loaded_s(spec, batch) * spec.output_tokens)


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


def working_bits(spec: ServingSpec) -> int:
    """Return the bits that products run in: 8 where weights have 8 and the accelerator can, else 16."""
    bits = spec.weight_bits or spec.model.weight_bits
    return 8 if 8 <= bits < 9 and "fp8" in spec.gpu.peak_flops else 16


def stored_bytes(part: Part, spec: ServingSpec) -> float:
    """Return what tensors take on one accelerator of the replica."""
    bits = part.bits
    if spec.weight_bits is not None and part.bits == spec.model.weight_bits and _is_matrix(part):
        bits = spec.weight_bits
    return part.parameters * bits / 8 * _share(part, spec)


def read_bytes(part: Part, spec: ServingSpec, tokens: float) -> float:
    """Return what one pass over so many tokens reads of tensors on one accelerator."""
    if part.name == "positions" or (part.name == "embedding" and not spec.model.tied):
        return 0
    if part.name != "experts":
        return stored_bytes(part, spec)
    return stored_bytes(part, spec) * (1 - float((1 - part.active / part.parameters) ** tokens))


def _is_matrix(part: Part) -> bool:
    return part.name not in {"embedding", "positions", "head", "norms", "small tensors", "router"}


def _share(part: Part, spec: ServingSpec) -> float:
    return 1 / _wide(spec) if part.name == "experts" else part.share(spec.tensor)


def _wide(spec: ServingSpec) -> int:
    """Ranks that experts are spread over: those of EP or of TP, whichever are more."""
    return max(spec.expert, spec.tensor)


def _work(part: Part, spec: ServingSpec, wide: int) -> float:
    """Parameters that one token is multiplied with on one of the ranks, experts split over `wide`."""
    if part.name == "positions" or (part.name == "embedding" and not spec.model.tied):
        return 0
    return part.active / wide if part.name == "experts" else part.active * part.share(spec.tensor)


def _prefill_operations(spec: ServingSpec, wide: int) -> float:
    """Of the input of one request on one rank; the head is for its last token alone."""
    model, tokens = spec.model, spec.input_tokens
    outside = {"head", "embedding"}
    multiplied = sum(_work(part, spec, wide) for part in parts(model) if part.name not in outside)
    return 2 * tokens * multiplied + _attended(model, tokens) / spec.tensor


def _attended(model: Architecture, tokens: int) -> float:
    """Operations of attention over an input, half of the square, less where a window cuts it."""
    return sum(one.count * _span(one.attention, tokens) * 2 * _width(one.attention) for one in model.layers)


def _span(one: Attention, tokens: int) -> float:
    """Pairs of tokens that see each other, twice."""
    reach = tokens if one.window is None else min(one.window, tokens)
    return 2 * tokens * reach - reach * reach


def _width(one: Attention) -> int:
    """Of queries and of values, over all heads, half each."""
    if one.kind == "latent":
        return one.heads * (one.nope_dim + one.rope_dim + one.value_dim) // 2
    return one.heads * one.head_dim if one.kind == "softmax" else 0


def _scores(one: Attention, context: int) -> float:
    """Multiplications of attention for one new token; MLA attends in its compressed space."""
    reach = context if one.window is None else min(one.window, context)
    if one.kind == "latent":
        return reach * one.heads * (2 * one.kv_rank + one.rope_dim)
    return 2 * reach * _width(one)


def _network_s(spec: ServingSpec, tokens: float) -> float:
    """Two all-reduces a layer among ranks of TP, two all-to-alls a layer of experts, a hop between stages."""
    model, wide = spec.model, spec.tensor
    each = tokens * model.hidden * _ACTIVATION_BYTES
    seconds = (spec.pipeline - 1) * (HOP_S + each / (_link_bps(spec.gpu, spec.gpus) * LINK))
    if wide > 1:
        moved = 2 * each * (wide - 1) / wide / (_link_bps(spec.gpu, wide) * LINK)
        seconds += 2 * model.depth * (HOP_S + RANK_S * (wide - 1) + moved)
    if spec.expert > wide:
        for one in model.layers:
            moved = one.mlp.active * each * (spec.expert - 1) / spec.expert / wide
            if one.mlp.experts:
                seconds += 2 * one.count * (HOP_S + moved / (_link_bps(spec.gpu, spec.expert) * LINK))
    return seconds


def _link_bps(gpu: Gpu, ranks: int) -> float:
    """One way; ranks beyond the domain talk over the network."""
    if ranks <= gpu.domain and gpu.nvlink_bps:
        return gpu.nvlink_bps
    return gpu.nic_bps if ranks > gpu.domain and gpu.nic_bps else PCIE_BPS
