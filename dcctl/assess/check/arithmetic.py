"""Published figures recomputed from what was reported: they prove the arithmetic, not the prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.check.cases import Compared
from dcctl.assess.demand.durability import checkpoint_bytes
from dcctl.assess.demand.handmade import architecture
from dcctl.assess.demand.inference import needs as serving_needs
from dcctl.assess.demand.kvcache import kv_bytes_per_token, tokens_that_fit
from dcctl.assess.demand.layout import Layout
from dcctl.assess.demand.lookup import gpu, model
from dcctl.assess.demand.operations import forward, hardware
from dcctl.assess.demand.parameters import total
from dcctl.assess.demand.serving import ServingSpec
from dcctl.assess.demand.training_spec import TrainingSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dcctl.assess.check.cases import Case, Inputs
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import Model
    from dcctl.assess.demand.serving import ServingNeeds


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


def _training_days(one: Inputs, shelf: Shelf) -> float:
    return one.tokens * _hardware(one, shelf) / (one.gpus * one.teraflops * 1e12) / 86400


def _iteration_seconds(one: Inputs, shelf: Shelf) -> float:
    return one.batch * one.sequence * _hardware(one, shelf) / (one.gpus * one.teraflops * 1e12)


def _hardware(one: Inputs, shelf: Shelf, *, in_kernel: bool = True) -> float:
    spec = shelf.spec(one)
    return hardware(spec, forward(spec.model, spec.sequence), in_kernel=in_kernel)


def _mfu_of_iteration(one: Inputs, shelf: Shelf) -> float:
    spec = shelf.spec(one)
    return forward(spec.model, one.sequence).model() * _rate(one) / spec.gpu.peak_flops["bf16"]


def _hfu_of_iteration(one: Inputs, shelf: Shelf) -> float:
    return _hardware(one, shelf, in_kernel=False) * _rate(one) / shelf.spec(one).gpu.peak_flops["bf16"]


def _rate(one: Inputs) -> float:
    return one.batch * one.sequence / one.seconds / one.gpus


def _mfu(one: Inputs, _: Shelf) -> float:
    """PaLM, appendix B: all parameters, attention in full."""
    each = 6 * one.parameters + 12 * one.layers * one.heads * one.head_dim * one.sequence
    return one.tokens_per_s * each / one.peak


def _teraflops(one: Inputs, shelf: Shelf) -> float:
    return one.tokens_per_s * forward(shelf.model(one), one.sequence).model() / 1e12


def _zero_state(one: Inputs, _: Shelf) -> float:
    """ZeRO (arXiv 1910.02054, section 5): 2 + 2 + 12 bytes, of which each stage splits one more."""
    parts = ((2, one.zero >= 3), (2, one.zero >= 2), (12, one.zero >= 1))
    return one.parameters * sum(size / (one.ranks if split else 1) for size, split in parts)


def _kv_per_token(one: Inputs, shelf: Shelf) -> float:
    return kv_bytes_per_token(shelf.model(one), 1, one.tensor, 16)


def _kv_tokens(one: Inputs, shelf: Shelf) -> float:
    each = kv_bytes_per_token(shelf.model(one), 1, one.tensor, 16)
    return float(tokens_that_fit(one.room_gib * 2**30, each))


def _serving(one: Inputs, shelf: Shelf) -> ServingNeeds:
    board = gpu("A100 40GB" if not one.model else "H100", shelf.gpus)
    found = shelf.model(one)
    return serving_needs(
        ServingSpec(found, board, 512, 1, tensor=one.tensor, batch=1, memory_share=1.0, reserve_bytes=0)
    )


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


FORMULAS: Final[Mapping[str, Callable[[Inputs, Shelf], float]]] = {
    "training_days": _training_days,
    "iteration_seconds": _iteration_seconds,
    "parameters": lambda one, shelf: float(total(shelf.model(one))),
    "mfu_of_iteration": _mfu_of_iteration,
    "hfu_of_iteration": _hfu_of_iteration,
    "gpu_hours": lambda one, _: one.tokens / one.tokens_per_s / 3600,
    "mfu": _mfu,
    "teraflops": _teraflops,
    "days_of_gpu_hours": lambda one, _: one.gpu_hours / one.gpus / 24,
    "price": lambda one, _: one.gpu_hours * one.price,
    "operations_6nd": lambda one, shelf: 6.0 * total(shelf.model(one)) * one.tokens,
    "zero_state": _zero_state,
    "kv_bytes_per_token": _kv_per_token,
    "kv_tokens": _kv_tokens,
    "weights_per_gpu": _weights_per_gpu,
    "prefill_ms": _prefill_ms,
    "decode_ms": _decode_ms,
    "checkpoint_gib": lambda one, shelf: checkpoint_bytes(shelf.spec(one)).value / 2**30,
    "energy_mwh": lambda one, _: one.gpu_hours * one.watts * one.pue / 1e6,
    "carbon_t": lambda one, _: one.gpu_hours * one.watts * one.pue / 1e6 * one.kg_per_kwh,
}
"""By name in the data."""
