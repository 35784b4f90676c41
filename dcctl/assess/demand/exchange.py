"""What the accelerators of one replica send to each other in one pass, in seconds.

All-reduce: fitted with the constants of `roofline`. All-to-all: DeepEP README, pure RDMA, 128 tokens on H800:
39 of 50 GB/s at 128 and 256 ranks; 155 of 200 GB/s of NVLink inside of a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.demand.roofline import working_bits

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Mlp
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.serving import ServingSpec

HOP_S: Final = 9e-6
"""Of one message, and of an all-reduce for each further rank:"""
RANK_S: Final = 0.8e-6
LINK: Final = 0.48
"""Of the link's bandwidth that an all-reduce reaches."""
ALL_TO_ALL: Final = 0.78
"""The same of an all-to-all."""
PCIE_BPS: Final = 25_000_000_000
"""Between accelerators without a link of their own, each way (PCIe 4.0 x16)."""
SKEW: Final = 59_337 / 50_302
"""What the busiest rank has to do over the mean, with experts that are balanced as well as can be (lmsys.org,
2025-05-05: input tokens per second of DeepSeek-V3 on 32 ranks, tokens spread evenly and as they came)."""
_ACTIVATION_BYTES: Final = 2


class Exchange(NamedTuple):
    """All-to-alls of all layers with experts: tokens to their experts, and back."""

    dispatch_s: float
    combine_s: float

    @property
    def total_s(self) -> float:
        """One after the other."""
        return self.dispatch_s + self.combine_s

    def times(self, factor: float) -> Exchange:
        """Return the same for more or less."""
        return Exchange(factor * self.dispatch_s, factor * self.combine_s)


def reductions_s(spec: ServingSpec, tokens: float) -> float:
    """Return two all-reduces a layer among the ranks of TP, and a hop between stages."""
    each = tokens * spec.model.hidden * _ACTIVATION_BYTES
    seconds = (spec.pipeline - 1) * (HOP_S + each / (_link_bytes_per_s(spec.gpu, spec.gpus) * LINK))
    wide = spec.tensor
    if wide > 1:
        moved = 2 * each * (wide - 1) / wide / (_link_bytes_per_s(spec.gpu, wide) * LINK)
        seconds += 2 * spec.model.depth * (HOP_S + RANK_S * (wide - 1) + moved)
    return seconds


def exchange(spec: ServingSpec, tokens: float, *, forwarded: bool) -> Exchange:
    """Return what so many tokens of one group take; nothing where no expert is beyond the ranks of TP.

    Tokens go in the number format of the products, answers return in 16 bits. `forwarded`: a token goes once
    to each node, as in prefill; else once to each expert, which is what takes least time for few tokens.
    """
    if not spread(spec):
        return Exchange(0, 0)
    speed = _link_bytes_per_s(spec.gpu, spec.expert) * ALL_TO_ALL
    dispatch = combine = 0.0
    for layers in spec.model.layers:
        if layers.mlp.experts:
            values = SKEW * tokens * spec.model.hidden * _copies(spec, layers.mlp, forwarded) / spec.tensor
            dispatch += layers.count * (HOP_S + values * working_bits(spec) / 8 / speed)
            combine += layers.count * (HOP_S + values * _ACTIVATION_BYTES / speed)
    return Exchange(dispatch, combine)


def spread(spec: ServingSpec) -> bool:
    """Whether experts are on more ranks than those of TP: then tokens travel to them."""
    return spec.expert > spec.tensor


def _copies(spec: ServingSpec, mlp: Mlp, forwarded: bool) -> float:
    """How often a token crosses the link, on average over where its experts are."""
    nodes = -(-spec.expert // spec.gpu.domain)
    if forwarded and nodes > 1:
        return (nodes - 1) * (1 - (1 - 1 / nodes) ** mlp.active)
    return mlp.active * (spec.expert - 1) / spec.expert


def _link_bytes_per_s(gpu: Gpu, ranks: int) -> float:
    """One way; ranks beyond the domain talk over the network."""
    if ranks <= gpu.domain and gpu.nvlink_bytes_per_s:
        return gpu.nvlink_bytes_per_s
    return gpu.nic_bytes_per_s if ranks > gpu.domain and gpu.nic_bytes_per_s else PCIE_BPS
