"""Which work runs on which type of node, and how fast: as told, or from the model that is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl.assess.cost.training import best_layout
from dcctl.assess.demand.hardware import in_node
from dcctl.assess.demand.inference import needs
from dcctl.assess.demand.lookup import gpu as gpu_of
from dcctl.assess.demand.lookup import model as model_of
from dcctl.assess.demand.refusals import lacking
from dcctl.assess.demand.serving import ServingSpec
from dcctl.errors import UsageError
from dcctl.units import memory, plural

if TYPE_CHECKING:
    from dcctl.assess.demand.architecture import Architecture
    from dcctl.assess.demand.estimate import Estimate
    from dcctl.assess.demand.hardware import Gpu
    from dcctl.assess.demand.lookup import Model
    from dcctl.assess.demand.training import TrainingNeeds
    from dcctl.inventory.market import Market, NodeType, Trained, Workload

    Fits = dict[tuple[str, str], "Fit"]
    """By workload and node type, of workloads that need accelerators."""

_MOST_GPUS: Final = 10_000_000
"""Of one workload: more is a slip of the pen, and beyond what floats solve exactly."""


class Catalogue(NamedTuple):
    """What dcctl knows of accelerators and models."""

    gpus: tuple[Gpu, ...]
    models: tuple[Model, ...]


class Fit(NamedTuple):
    """One workload on one type of node."""

    speed: float
    """Throughput of one accelerator; 0: it does not run there."""
    why: str = ""
    """Why not."""
    needs_bytes: int | None = None
    """Memory of each accelerator; None: nobody tells."""
    computed: Estimate | None = None
    """The speed with its interval, where it was not told."""


class Case(NamedTuple):
    """One workload, and what was found out about it."""

    work: Workload
    model: Architecture | None
    catalogue: Catalogue
    known: dict[tuple[str, int, int], TrainingNeeds | None]
    """The best layout by accelerator, its memory and its neighbours; None: there is none."""


def gpus_of(node_type: NodeType) -> int:
    """Return how many accelerators a node has."""
    return sum(node_type.each.devices.values())


def fits(market: Market, catalogue: Catalogue) -> Fits:
    """Return every pair. UsageError for what cannot be computed: a model or accelerator nobody knows."""
    found: Fits = {}
    for work in market.workloads:
        if work.need_micro is None:
            continue
        case = Case(work, _architecture(work, catalogue), catalogue, {})
        for one in market.types:
            found[work.name, one.name] = _fit(case, one)
        _check_size(work, max(found[work.name, one.name].speed for one in market.types))
    return found


def _architecture(work: Workload, catalogue: Catalogue) -> Architecture | None:
    asked = work.served or work.trained
    return model_of(asked.model, catalogue.models).architecture() if asked else None


def _check_size(work: Workload, fastest: float) -> None:
    if work.need_micro and fastest and work.need_micro / 1e6 / fastest > _MOST_GPUS:
        raise UsageError(
            f"workload {work.name}", f"would take more than {_MOST_GPUS:,} accelerators", "dcctl schema cost"
        )


def _fit(case: Case, one: NodeType) -> Fit:
    work = case.work
    why = _refused(work, one)
    if why:
        return Fit(0, why)
    told = next((work.speed_micro[key] for key in (one.name, one.model, "") if key in work.speed_micro), None)
    if told is None and (work.speed_micro or case.model is None):
        return Fit(0, "no speed is told")
    if case.model is None:
        return _held(work, one, case.catalogue, (told or 0) / 1e6)
    board = _gpu(work, one, case.catalogue)
    if work.trained is None:
        return _serving(work, case.model, board, told)
    there = in_node(board, sum(one.each.devices.values()), one.each.gpu_memory_bytes)
    return _training(case, work.trained, there, told)


def _refused(work: Workload, one: NodeType) -> str:
    gpus = gpus_of(one)
    if work.types and one.name not in work.types:
        return "not among its types"
    if not gpus:
        return "has no accelerators"
    if work.device and work.device not in one.each.devices:
        return f"has no {work.device}"
    if gpus < work.together:
        return f"{work.together} accelerators together are asked for, it has {gpus}"
    return ""


def _held(work: Workload, one: NodeType, catalogue: Catalogue, speed: float) -> Fit:
    """Memory as told by the workload."""
    wanted = work.gpu_memory_bytes
    if wanted is None:
        return Fit(speed)
    there = one.each.gpu_memory_bytes or _gpu(work, one, catalogue).memory_bytes
    if there < wanted:
        return Fit(0, _short(wanted, there), wanted)
    return Fit(speed, needs_bytes=wanted)


def _gpu(work: Workload, one: NodeType, catalogue: Catalogue) -> Gpu:
    if one.model is None:
        raise UsageError(
            f"type {one.name}",
            f"tells neither the memory nor the model of its accelerators, and {work.name} depends on it",
            "dcctl schema cost",
        )
    return gpu_of(one.model, catalogue.gpus)


def _serving(work: Workload, served: Architecture, board: Gpu, told: int | None) -> Fit:
    """Memory and speed as the model's configuration has them; each replica is `together` accelerators."""
    spec = _spec(work, served, board)
    try:
        found = needs(spec)
    except UsageError as error:
        raise UsageError(f"workload {work.name}: {error.what}", error.why, error.hint) from error
    taken = found.weights_bytes.value + found.reserve_bytes.value
    one_sequence = found.kv_bytes_per_token.value * spec.longest
    wanted = round((taken + one_sequence) / spec.memory_share)
    if not found.fits:
        return Fit(0, _short(wanted, board.memory_bytes), wanted)
    if told is not None:
        return Fit(told / 1e6, needs_bytes=wanted)
    if found.missed or not found.batch:
        missed = " and ".join(name.upper() for name in found.missed) or "TPOT"
        return Fit(0, f"misses the target for {missed}", wanted)
    speed = found.requests_per_s * (1 / spec.gpus)
    return Fit(speed.value, needs_bytes=wanted, computed=speed)


def _training(case: Case, asked: Trained, board: Gpu, told: int | None) -> Fit:
    """Memory and speed of the fastest layout on the accelerators of one run."""
    if why := lacking(board, asked.precision):
        return Fit(0, why)
    key = board.name, board.memory_bytes, board.domain
    if key not in case.known:
        case.known[key] = best_layout(case.model, board, asked) if case.model else None
    found = case.known[key]
    if found is None:
        return Fit(0, f"no layout of {asked.model} on {plural(asked.gpus, 'accelerator')} fits its memory")
    wanted = round(found.memory.total.value)
    if told is not None:
        return Fit(told / 1e6, needs_bytes=wanted)
    speed = found.tokens_per_s * (1 / asked.gpus)
    return Fit(speed.value, needs_bytes=wanted, computed=speed)


def _spec(work: Workload, served: Architecture, board: Gpu) -> ServingSpec:
    asked = work.served
    if asked is None:
        raise ValueError(work.name)
    return ServingSpec(
        model=served,
        gpu=board,
        input_tokens=asked.input_tokens,
        output_tokens=asked.output_tokens,
        context=asked.context,
        batch=asked.batch,
        tensor=work.together,
        weight_bits=asked.weight_bits,
        kv_bits=asked.kv_bits,
        ttft_s=asked.ttft_ms / 1000 if asked.ttft_ms else None,
        tpot_s=asked.tpot_ms / 1000 if asked.tpot_ms else None,
    )


def _short(wanted: int, there: int) -> str:
    return f"{memory(wanted)} of memory on each accelerator are needed, it has {memory(there)}"


def no_type(market: Market, found: Fits, workload: str) -> str:
    """Return why nothing runs a workload, the most frequent reason first; empty where something does."""
    pairs = [(one.name, found[workload, one.name]) for one in market.types if (workload, one.name) in found]
    if not pairs or any(fit.speed for _, fit in pairs):
        return ""
    if len(pairs) <= 3:
        return "; ".join(f"{name}: {fit.why}" for name, fit in pairs)
    return f"{plural(len(pairs), 'type')}, such as {pairs[0][0]}: {pairs[0][1].why}"
