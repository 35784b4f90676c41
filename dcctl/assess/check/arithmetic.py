"""Published figures recomputed from what was reported: they prove the arithmetic, not the prediction.

Each formula calls what `dcctl assess demand` calls for the figure that it prints; nothing is computed here
but units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from dcctl.assess.check.cases import Compared
from dcctl.assess.demand.activations import saved, scores
from dcctl.assess.demand.bill import Prices, bill
from dcctl.assess.demand.durability import Habits, checkpoint_bytes, durability, young
from dcctl.assess.demand.estimate import Estimate
from dcctl.assess.demand.handmade import architecture
from dcctl.assess.demand.inference import needs as serving_needs
from dcctl.assess.demand.kvcache import kv_bytes, kv_bytes_per_token, tokens_that_fit
from dcctl.assess.demand.layout import Layout
from dcctl.assess.demand.lookup import gpu, model
from dcctl.assess.demand.memory import state
from dcctl.assess.demand.operations import Forward, forward, hardware
from dcctl.assess.demand.parameters import total
from dcctl.assess.demand.queueing import groups_needed, late, waits
from dcctl.assess.demand.rates import model_operations, run_s, tokens_per_s, utilisation
from dcctl.assess.demand.serving import ServingSpec
from dcctl.assess.demand.shards import Shard
from dcctl.assess.demand.training_spec import TrainingSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dcctl.assess.check.cases import Case, Inputs
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.bill import Bill
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import Model
    from dcctl.assess.demand.serving import ServingNeeds

GIB: Final = 1 << 30
DAY: Final = 86400
_ONE: Final = Estimate.exact(1.0)
_MWH_MJ: Final = 3.6e12
_TERA: Final = 1e12


class Shelf(NamedTuple):
    """The catalogues."""

    models: Sequence[Model]
    gpus: Sequence[Gpu]

    def spec(self, inputs: Inputs) -> TrainingSpec:
        """The run of a case."""
        board = gpu(inputs.gpu or "A100", self.gpus)
        layout = Layout(data=inputs.gpus, batch=inputs.batch, recompute=inputs.recompute)
        return TrainingSpec(self.model(inputs), board, layout, inputs.sequence)

    def model(self, inputs: Inputs) -> Architecture:
        """The model of a case."""
        if inputs.shape is not None:
            return architecture(inputs.shape, inputs.model or "GPT")
        return model(inputs.model, self.models).architecture()


def compared(cases: Iterable[Case], shelf: Shelf) -> list[Compared]:
    """Return every case with what is computed here."""
    return [Compared(case, FORMULAS[case.formula](case.inputs, shelf)) for case in cases]


def _seconds(work: float, rate: float) -> float:
    """A run without failures."""
    found = run_s(work, Estimate.exact(rate), _ONE)
    return found.value if found else float("inf")


def _training_days(one: Inputs, shelf: Shelf) -> float:
    return _seconds(one.tokens, one.gpus * one.teraflops * _TERA / _hardware(one, shelf)) / DAY


def _iteration_seconds(one: Inputs, shelf: Shelf) -> float:
    tokens = shelf.spec(one).step_tokens
    return _seconds(tokens, one.gpus * one.teraflops * _TERA / _hardware(one, shelf))


def _hardware(one: Inputs, shelf: Shelf, *, in_kernel: bool = True) -> float:
    spec = shelf.spec(one)
    return hardware(spec, forward(spec.model, spec.sequence), in_kernel=in_kernel)


def _mfu_of_iteration(one: Inputs, shelf: Shelf) -> float:
    spec = shelf.spec(one)
    return _utilisation(one, spec, forward(spec.model, one.sequence).model())


def _hfu_of_iteration(one: Inputs, shelf: Shelf) -> float:
    return _utilisation(one, shelf.spec(one), _hardware(one, shelf, in_kernel=False))


def _utilisation(one: Inputs, spec: TrainingSpec, per_token: float) -> float:
    rate = tokens_per_s(spec.step_tokens, Estimate.exact(one.seconds))
    return utilisation(rate, per_token, one.gpus, spec.gpu.peak_flops["bf16"], "").value


def _mfu(one: Inputs, _: Shelf) -> float:
    """PaLM, appendix B: all parameters, attention in full."""
    attention = 4.0 * one.layers * one.heads * one.head_dim * one.sequence
    per = Forward(2 * one.parameters, 0.0, attention, attention / 2).model()
    return utilisation(Estimate.exact(one.tokens_per_s), per, 1, one.peak, "").value


def _teraflops(one: Inputs, shelf: Shelf) -> float:
    per = forward(shelf.model(one), one.sequence).model()
    return utilisation(Estimate.exact(one.tokens_per_s), per, 1, _TERA, "").value


def _operations_6nd(one: Inputs, shelf: Shelf) -> float:
    return model_operations(Forward(2.0 * total(shelf.model(one)), 0.0, 0.0, 0.0), one.tokens).value


def _zero_state(one: Inputs, shelf: Shelf) -> float:
    """ZeRO, section 5: gradients of two bytes."""
    spec = replace(shelf.spec(one), gradient_bytes=2)
    spec = replace(spec, layout=replace(spec.layout, data=one.ranks, zero=one.zero))
    held = Shard(one.parameters, 0.0)
    return sum(state(spec, held, part).value for part in ("weights", "gradients", "optimizer"))


def _activations_saved(one: Inputs, shelf: Shelf) -> float:
    """Of what is kept: the scores of attention and what follows from them."""
    spec = replace(shelf.spec(one), stack="megatron-2021")
    return scores(spec) / (saved(spec) + scores(spec))


def _activation_bytes(one: Inputs, shelf: Shelf) -> float:
    """Of one token and layer in units of its width."""
    spec = replace(shelf.spec(one), stack="megatron-2021")
    return saved(spec) / spec.model.hidden


def _kv_per_token(one: Inputs, shelf: Shelf) -> float:
    return kv_bytes_per_token(shelf.model(one), 1, one.tensor, one.kv_bits)


def _kv_tokens(one: Inputs, shelf: Shelf) -> float:
    return float(tokens_that_fit(one.room_gib * GIB, _kv_per_token(one, shelf)))


def _serving(one: Inputs, shelf: Shelf) -> ServingNeeds:
    """A request with a prompt of `context` tokens."""
    return serving_needs(_served(one, shelf, one.context))


def _served(one: Inputs, shelf: Shelf, prompt: int) -> ServingSpec:
    board = gpu(one.gpu or ("H100" if one.model else "A100 40GB"), shelf.gpus)
    return ServingSpec(
        shelf.model(one), board, prompt, 1, tensor=one.tensor, batch=1, kv_bits=one.kv_bits,
        memory_share=1.0, reserve_bytes=0,
    )  # fmt: skip


def _sequences(one: Inputs, shelf: Shelf) -> float:
    """Of `context` tokens that are served at once where so much room is left beside the weights."""
    spec = _served(one, shelf, one.context - 1)
    room = round(serving_needs(spec).weights_bytes.value + one.room_gib * GIB)
    return serving_needs(replace(spec, gpu=replace(spec.gpu, memory_bytes=room))).concurrency.value


def serving_interval(case: Case, shelf: Shelf) -> tuple[float, float] | None:
    """Return the 90 % interval of a case that is a prediction; None: it is arithmetic."""
    pick = {"prefill_ms": lambda one: one.ttft_s, "decode_ms": lambda one: one.tpot_s}.get(case.formula)
    if pick is None:
        return None
    found = pick(_serving(case.inputs, shelf))
    return found.low * 1000, found.high * 1000


def _weights_per_gpu(one: Inputs, shelf: Shelf) -> float:
    return _serving(one, shelf).weights_bytes.value


def _prefill_ms(one: Inputs, shelf: Shelf) -> float:
    return _serving(one, shelf).ttft_s.value * 1000


def _decode_ms(one: Inputs, shelf: Shelf) -> float:
    return _serving(one, shelf).tpot_s.value * 1000


def _bill(one: Inputs, shelf: Shelf) -> Bill:
    """Of accelerators alone that draw their nameplate, as these publications count."""
    board = replace(gpu("A100", shelf.gpus), power_mw=round(one.watts * 1000))
    prices = Prices(
        gpu_hour=Estimate.exact(one.price) if one.price else None,
        carbon_g_per_kwh=Estimate.exact(one.kg_per_kwh * 1000),
        pue=Estimate.exact(one.pue),
        busy=_ONE,
        node=_ONE,
    )
    return bill(_ONE, board, Estimate.exact(one.gpu_hours * 3600), prices)


def _known(found: Estimate | None) -> float:
    return found.value if found else float("nan")


def _mtbf_hours(one: Inputs, shelf: Shelf) -> float:
    return durability(shelf.spec(one), Habits()).mtbf_s.value / 3600


FORMULAS: Final[Mapping[str, Callable[[Inputs, Shelf], float]]] = {
    "training_days": _training_days,
    "iteration_seconds": _iteration_seconds,
    "parameters": lambda one, shelf: float(total(shelf.model(one))),
    "mfu_of_iteration": _mfu_of_iteration,
    "hfu_of_iteration": _hfu_of_iteration,
    "gpu_hours": lambda one, _: _seconds(one.tokens, one.tokens_per_s) / 3600,
    "mfu": _mfu,
    "teraflops": _teraflops,
    "days_of_gpu_hours": lambda one, _: _seconds(one.gpu_hours * 3600, one.gpus) / DAY,
    "price": lambda one, shelf: _known(_bill(one, shelf).money),
    "operations_6nd": _operations_6nd,
    "zero_state": _zero_state,
    "activations_saved": _activations_saved,
    "activation_bytes": _activation_bytes,
    "kv_bytes_per_token": _kv_per_token,
    "kv_tokens": _kv_tokens,
    "kv_gib": lambda one, shelf: kv_bytes(shelf.model(one), one.context, one.tensor, one.kv_bits) / GIB,
    "sequences": _sequences,
    "weights_per_gpu": _weights_per_gpu,
    "prefill_ms": _prefill_ms,
    "decode_ms": _decode_ms,
    "checkpoint_gib": lambda one, shelf: checkpoint_bytes(shelf.spec(one)).value / GIB,
    "energy_mwh": lambda one, shelf: _known(_bill(one, shelf).energy_mj) / _MWH_MJ,
    "carbon_t": lambda one, shelf: _known(_bill(one, shelf).carbon_kg) / 1000,
    "mtbf_hours": _mtbf_hours,
    "young_s": lambda one, _: young(one.write_s, one.mtbf_s),
    "waits": lambda one, _: waits(one.load, one.servers),
    "late": lambda one, _: late(one.load, one.servers, 1.0, one.wait),
    "servers": lambda one, _: float(groups_needed(one.load, 1, 1.0, 0.0, 0.9)),
}
"""By name in the data."""
