"""Training runs that were published with their throughput, and what is asked of the estimate for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from dcctl.assess.demand.handmade import Plain, architecture
from dcctl.assess.demand.layout import Layout, Recompute
from dcctl.assess.demand.lookup import gpu, model
from dcctl.assess.demand.operations import forward, hardware
from dcctl.assess.demand.training_spec import Optimizer, Precision, Stack, TrainingSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import Model


class Run(Struct, frozen=True):
    """One row of a published table. One of the three rates is its throughput, or its memory alone is told."""

    gpu: str
    gpus: int
    batch: int
    micro_batch: int
    sequence: int
    tensor: int = 1
    pipeline: int = 1
    context: int = 1
    expert: int = 1
    virtual: int = 1
    zero: Literal[0, 1, 2, 3] = 1
    recompute: Recompute = "selective"
    precision: Precision | Literal["nvfp4"] = "bf16"
    positions: int = 0
    """Learned position embeddings of the model in this run."""
    outside: str = ""
    """Why the estimate is not held to it; empty: it is."""
    assumed: tuple[str, ...] = ()
    """What the table does not tell."""
    recalled: bool = False
    """Not read in the source: never fitted."""
    tokens_per_s: float | None = None
    """Per accelerator, as the next two."""
    teraflops: float | None = None
    """Hardware TFLOP/s, as Megatron counts them."""
    mfu: float | None = None
    peak_bytes: int | None = None
    """Of the memory of the most loaded accelerator; None: not published."""
    optimizer: Optimizer = "adamw"
    gradient_bytes: int = 4
    whole_gradients: bool = False
    nic_bytes_per_s: int | None = None
    """Of an accelerator's share of the network, bytes per second; None: that of the usual server."""


class Group(Struct, frozen=True):
    """Runs of one model in one table."""

    table: str
    source: str
    model: str
    stack: Stack
    runs: tuple[Run, ...]
    shape: Plain | None = None
    catalogue: str = ""
    independent: str = ""
    """Who measured, where the figures were collected by somebody who knew no estimate, when the formulas and
    coefficients were settled: they are never fitted, and show what an estimate is worth elsewhere."""


class Measured(NamedTuple):
    """A run, what is asked of the estimate, and what was measured."""

    group: Group
    run: Run
    spec: TrainingSpec
    tokens_per_s: float
    """Per accelerator; 0: only its memory was published."""

    @property
    def name(self) -> str:
        """The run in one line."""
        run = self.run
        recipe = "".join(
            f" {short}{value}"
            for short, value in (
                ("tp", run.tensor), ("pp", run.pipeline), ("cp", run.context), ("ep", run.expert)
            )
            if value > 1
        )  # fmt: skip
        zero = " fsdp" if run.zero == 3 else ""
        what = f"{self.group.model} {run.gpus}x{run.gpu} {run.precision} {run.sequence}/{run.batch}"
        return f"{what}/{run.micro_batch}{recipe}{zero}"

    @property
    def experts(self) -> bool:
        """Whether the model has experts."""
        return any(one.mlp.experts for one in self.spec.model.layers)

    @property
    def held_out(self) -> tuple[str, str, str]:
        """Runs with the same key are predicted from the others: they are never fitted together."""
        return self.spec.stack, self.run.gpu, self.group.model


def measured(groups: Iterable[Group], gpus: Sequence[Gpu], models: Sequence[Model]) -> tuple[Measured, ...]:
    """Return every run, in the order of the data."""
    boards = {run.gpu: gpu(run.gpu, gpus) for group in groups for run in group.runs}
    return tuple(
        _one(group, run, boards[run.gpu], base)
        for group in groups
        for base in [_model(group, models)]
        for run in group.runs
    )


def _model(group: Group, models: Sequence[Model]) -> Architecture:
    if group.shape is None:
        return model(group.catalogue, models).architecture()
    return architecture(group.shape, group.model, group.source)


def _one(group: Group, run: Run, board: Gpu, base: Architecture) -> Measured:
    layout = Layout(
        tensor=run.tensor,
        pipeline=run.pipeline,
        data=run.gpus // (run.tensor * run.pipeline * run.context),
        context=run.context,
        expert=run.expert,
        virtual=run.virtual,
        micro_batch=run.micro_batch,
        batch=run.batch,
        zero=run.zero,
        recompute=run.recompute,
    )
    spec = TrainingSpec(
        model=replace(base, positions=run.positions) if run.positions else base,
        gpu=replace(board, nic_bytes_per_s=run.nic_bytes_per_s) if run.nic_bytes_per_s else board,
        layout=layout,
        sequence=run.sequence,
        precision="mxfp8" if run.precision == "nvfp4" else run.precision,
        stack=group.stack,
        optimizer=run.optimizer,
        gradient_bytes=run.gradient_bytes,
        whole_gradients=run.whole_gradients,
    )
    return Measured(group, run, spec, _throughput(run, spec))


def _throughput(run: Run, spec: TrainingSpec) -> float:
    if run.tokens_per_s:
        return run.tokens_per_s
    per = forward(spec.model, spec.sequence)
    if run.teraflops:
        return run.teraflops * 1e12 / hardware(spec, per, in_kernel=True)
    return (run.mfu or 0.0) * spec.gpu.peak_flops["bf16"] / per.model()
