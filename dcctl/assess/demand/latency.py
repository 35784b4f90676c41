"""How long a served model takes: time to the first token, time per output token.

A pass takes the time of its kernels one after the other, a fixed time for each layer, and its messages. Where
experts are on many ranks, two halves of a batch take turns, and the messages of one travel while the other is
worked on, if that is faster (DeepSeek-V3, arXiv 2412.19437, section 3.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from dcctl.assess.demand.exchange import SKEW, exchange, reductions_s, spread
from dcctl.assess.demand.kvcache import attended_bytes
from dcctl.assess.demand.parameters import parts
from dcctl.assess.demand.roofline import (
    cache_reads,
    rate,
    read_bytes,
    reading_s,
    unused,
    working_bits,
)

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture, Attention
    from dcctl.assess.demand.exchange import Exchange
    from dcctl.assess.demand.parameters import Part
    from dcctl.assess.demand.serving import ServingSpec

LAYER_DECODE_S: Final = 41e-6
"""For each layer, whatever its size: launches, norms, what does not fill the accelerator."""
LAYER_PREFILL_S: Final = {16: 250e-6, 8: 167e-6}
_OUTSIDE: Final = frozenset({"embedding", "positions", "head"})
_MLP: Final = frozenset({"mlp", "router", "experts", "shared experts"})


class Pass(Struct, frozen=True):
    """One pass of a replica over its layers, in seconds."""

    work_s: float
    """Kernels."""
    layers_s: float
    network_s: float
    """Messages that no work hides."""

    @property
    def total_s(self) -> float:
        """One after the other."""
        return self.work_s + self.layers_s + self.network_s


class _Work(NamedTuple):
    """Kernels of one pass, in seconds."""

    mixing: float
    """Attention and all that stands beside it in a layer."""
    mlp: float
    outside: float

    @property
    def total(self) -> float:
        """One after the other."""
        return sum(self)

    def times(self, factor: float) -> _Work:
        """Return the same for more or less."""
        return _Work(*(factor * one for one in self))


def prefill(spec: ServingSpec) -> Pass:
    """Return the pass over the input of one request, alone: `(2 N s + attention) / (n X)`."""
    tokens, model = spec.input_tokens, spec.model
    operations = _prefill_operations(spec, max(spec.expert, spec.tensor))
    read_s = reading_s(spec.gpu, sum(read_bytes(part, spec, tokens) for part in parts(model)))
    return Pass(
        work_s=max(sum(operations) / rate(spec.gpu, working_bits(spec)), read_s),
        layers_s=model.depth * LAYER_PREFILL_S[working_bits(spec)],
        network_s=reductions_s(spec, tokens) + exchange(spec, tokens, forwarded=True).total_s,
    )


def prefill_work_s(spec: ServingSpec) -> float:
    """Return what the input of one request takes from a busy replica, whose groups and stages all work."""
    speed = rate(spec.gpu, working_bits(spec))
    mixing, mlp = (operations / speed for operations in _prefill_operations(spec, spec.tensor))
    work = _Work(mixing, mlp * SKEW if spread(spec) else mlp, 0.0)
    sent = exchange(spec, spec.input_tokens, forwarded=True)
    busy_s = min(work.total + sent.total_s, _in_turns(spec, work.times(0.5), sent.times(0.5)))
    return (busy_s + reductions_s(spec, spec.input_tokens)) / (spec.data * spec.pipeline)


def decode(spec: ServingSpec, batch: int) -> Pass:
    """Return the pass that gives each of `batch` sequences over the replica one token.

    `sum over kernels of max(bytes / BW, operations / X)`, without the experts that no token hit. The context
    is that of a request half answered. Stages of a pipeline each work on a part of the batch, one after the
    other: as fast as one stage with all layers and that part.
    """
    own, launched_s = batch / (spec.data * spec.pipeline), spec.model.depth * LAYER_DECODE_S
    work, sent = _decode_work(spec, own), exchange(spec, own, forwarded=False)
    whole = Pass(work.total, launched_s, reductions_s(spec, own) + sent.total_s)
    if not spread(spec):
        return whole
    half = _decode_work(spec, own / 2)
    launching = _Work(half.mixing + launched_s / 2, half.mlp + launched_s / 2, half.outside)
    turns_s = _in_turns(spec, launching, exchange(spec, own / 2, forwarded=False))
    shown_s = turns_s - 2 * launching.total
    halves = Pass(2 * half.total, 2 * launched_s, reductions_s(spec, own) + shown_s)
    return min(whole, halves, key=lambda one: one.total_s)


def loaded_s(spec: ServingSpec, batch: int) -> float:
    """Return the time per output token when the inputs of other requests are worked on in between."""
    return decode(spec, batch).total_s + batch * prefill_work_s(spec) / spec.output_tokens


def requests_per_s(spec: ServingSpec, batch: int) -> float:
    """Return how many requests a busy replica answers."""
    return batch / (loaded_s(spec, batch) * spec.output_tokens)


def _in_turns(spec: ServingSpec, half: _Work, sent: Exchange) -> float:
    """Two halves of a batch, layer by layer: each step of one is worked on while the other sends.

    Attention of one and tokens of the other to their experts; experts and tokens; experts and answers on
    their way back; attention and answers. Layers without experts send nothing: they are taken to be like the
    others in all else.
    """
    sending = sum(one.count for one in spec.model.layers if one.mlp.experts) / spec.model.depth
    steps = [half.mixing * sending, half.mlp * sending]
    overlapped = sum(max(step, message) for step in steps for message in sent)
    return overlapped + 2 * (half.outside + (half.mixing + half.mlp) * (1 - sending))


def _decode_work(spec: ServingSpec, own: float) -> _Work:
    """Kernels of a pass over `own` sequences of each group."""
    mixing = mlp = outside = 0.0
    routed = own * max(spec.expert, spec.tensor) / spec.tensor
    for part in parts(spec.model):
        operations = 2 * own * _multiplied(part, spec, spec.tensor)
        skew = SKEW if part.name == "experts" and spread(spec) else 1.0
        worked_s = skew * operations / rate(spec.gpu, working_bits(spec))
        took = max(worked_s, reading_s(spec.gpu, read_bytes(part, spec, routed)))
        if part.name in _OUTSIDE:
            outside += took
        elif part.name in _MLP:
            mlp += took
        else:
            mixing += took
    attending = sum(layers.count * _attending_s(spec, layers.attention, own) for layers in spec.model.layers)
    return _Work(mixing + attending, mlp, outside)


def _attending_s(spec: ServingSpec, one: Attention, own: float) -> float:
    """Attention over what is cached, in one layer: it runs in 16 bits unless the cache has 8."""
    context = spec.input_tokens + spec.output_tokens // 2
    bits = working_bits(spec) if spec.kv_bits <= 8 else 16
    cached = attended_bytes(one, context, spec.tensor, spec.kv_bits) * cache_reads(spec, one)
    cached += 2 * one.state_bytes / spec.tensor
    operations = 2 * own * _scores(one, min(one.top or context, context)) / spec.tensor
    indexed = 2 * own * context * one.index_heads * one.index_dim
    worked_s = operations / rate(spec.gpu, bits) + indexed / rate(spec.gpu, working_bits(spec))
    return max(worked_s, reading_s(spec.gpu, own * cached))


def _multiplied(part: Part, spec: ServingSpec, wide: int) -> float:
    """Parameters that one token is multiplied with on one of the ranks, experts split over `wide`."""
    if unused(part, spec):
        return 0
    return part.active / wide if part.name == "experts" else part.active * part.share(spec.tensor)


def _prefill_operations(spec: ServingSpec, wide: int) -> tuple[float, float]:
    """(attention and what stands beside it, feed-forward) of the input of one request on one rank.

    The head is for its last token alone.
    """
    model, tokens = spec.model, spec.input_tokens
    mixing, mlp = _attended(model, tokens) / spec.tensor, 0.0
    for part in parts(model):
        operations = 2 * tokens * _multiplied(part, spec, wide)
        if part.name in _MLP:
            mlp += operations
        elif part.name not in _OUTSIDE:
            mixing += operations
    return mixing, mlp


def _attended(model: Architecture, tokens: int) -> float:
    """Operations of attention over an input, half of the square, less where a window cuts it."""
    return sum(
        one.count * _span(one.attention, tokens) * 2 * _width(one.attention)
        + one.count * tokens**2 * one.attention.index_heads * one.attention.index_dim
        for one in model.layers
    )


def _span(one: Attention, tokens: int) -> float:
    """Pairs of tokens that see each other, twice."""
    reach = min(one.window or tokens, one.top or tokens, tokens)
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
