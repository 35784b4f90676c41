"""What is asked of a model that is served, and what serving it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.estimate import Estimate
    from dcctl.assess.demand.hardware import Gpu

QUANTILE = 0.95
"""Of the requests that are to meet the targets for waiting."""


class ServingSpec(Struct, frozen=True):
    """A model, the accelerators of one replica, and the requests it is to answer."""

    model: Architecture
    gpu: Gpu
    input_tokens: int
    """Of the usual request."""
    output_tokens: int
    """Of the usual answer."""
    rate: float | None = None
    """Requests per second, over all replicas; None: not told, one replica at its best."""
    ttft_s: float | None = None
    """Target for the time to the first token at p95, waiting included."""
    tpot_s: float | None = None
    """Target for the time per output token after the first."""
    context: int | None = None
    """Tokens of the longest sequence; None: input and output together."""
    tensor: int = 1
    """Accelerators that split each layer (TP)."""
    pipeline: int = 1
    """Stages that the layers are spread over (PP)."""
    data: int = 1
    """Groups that each hold all of attention, and together the experts (DP attention)."""
    expert: int = 1
    """Ranks that whole experts are spread over (EP): a divisor of `tensor` x `data`; 1: TP splits them. Where
    they do not divide the experts, the places that are left hold copies of busy ones."""
    batch: int | None = None
    """Sequences at once on one replica at most; None: as many as fit and the targets allow."""
    weight_bits: float | None = None
    """Weights as they are served, where that is not how they are published."""
    kv_bits: float = 16
    """Of the cached keys and values: 16, or 8 for an FP8 cache."""
    grouped_reads: bool | None = None
    """Whether attention reads a cached key once for all heads that share it; None: as the accelerator can."""
    lora_rank: int | None = None
    """Of the low-rank adapters that are served with it; None: there are none."""
    adapters: int = 1
    """How many of them are in memory at once."""
    memory_share: float = 0.9
    """Of the accelerator's memory that the server may take (vLLM: gpu_memory_utilization)."""
    reserve_bytes: int | None = None
    """Taken by activations, graphs and the runtime; None: estimated."""

    @property
    def gpus(self) -> int:
        """Accelerators of one replica."""
        return self.tensor * self.pipeline * self.data

    @property
    def stage(self) -> float:
        """Of the layers, the share that the most loaded stage has."""
        depth = self.model.depth
        return -(-depth // self.pipeline) / depth

    @property
    def longest(self) -> int:
        """Tokens that a sequence may grow to."""
        return self.context or self.input_tokens + self.output_tokens


class ServingNeeds(Struct, frozen=True):
    """What it takes. Memory is of one accelerator, the most loaded; times are of one request."""

    weights_bytes: Estimate
    """On one accelerator."""
    adapters_bytes: Estimate | None
    """On one accelerator, of all adapters; None: there are none."""
    kv_bytes_per_token: Estimate
    """On one accelerator, in a sequence of the longest context."""
    reserve_bytes: Estimate
    kv_room_bytes: Estimate
    """Left for the cache on one accelerator; below zero: the model does not fit."""
    kv_tokens: Estimate
    """That fit into one replica, in blocks of 16; infinite where nothing grows with a sequence."""
    concurrency: Estimate
    """Sequences of the longest context that fit into one replica at once."""
    batch: int
    """Sequences that one replica decodes at once: bounded by memory, the target for TPOT, and the request."""
    bound: str
    """What bounds it: `memory`, `tpot`, `asked`; `weights` where they leave no room."""
    ttft_s: Estimate
    """Alone on the replica, without waiting."""
    tpot_s: Estimate
    """At `batch`, between two tokens while nothing else is worked on."""
    loaded_tpot_s: Estimate
    """At `batch` under full load, inputs of others worked on in between; held against the target."""
    tokens_per_s: Estimate
    """Output of one replica at `batch`, prefill taken off."""
    requests_per_s: Estimate
    """Of one replica at `batch`."""
    replicas: Estimate | None
    """For the rate and the targets; None: no rate was told, or no number of replicas is enough."""
    replicas_by: dict[str, int]
    """What each bound asks for: `kv`, `throughput`, `waiting`."""
    missed: tuple[str, ...] = ()
    """Targets that even a request alone on its replica does not meet: `ttft`, `tpot`."""

    @property
    def fits(self) -> bool:
        """Whether the weights leave room for one sequence of the longest context."""
        return self.concurrency.value >= 1
