"""What serving takes, as a report: figures in the order in which they are read, and what does not work."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING

from dcctl.assess.demand import bill as bills
from dcctl.assess.demand.estimate import Estimate, Figure
from dcctl.assess.demand.shape import DEMAND, SUMMARY, assumed, items, value, whole
from dcctl.render.report import Note, Report
from dcctl.units import plural

if TYPE_CHECKING:
    from dcctl.assess.demand.bill import Bill
    from dcctl.assess.demand.serving import ServingNeeds, ServingSpec
    from dcctl.assess.demand.shape import Told
    from dcctl.render.report import Cell

_BOUNDS = {
    "memory": "as many as fit into memory",
    "tpot": "more would miss the target for the time per output token",
    "asked": "as asked",
    "weights": "the weights leave no room",
}


def figures(spec: ServingSpec, needs: ServingNeeds) -> tuple[Figure, ...]:
    """Return every figure; times are in milliseconds, as their keys tell."""
    batch = Estimate.exact(needs.batch, _BOUNDS[needs.bound])
    tokens = None if isinf(needs.kv_tokens.value) else needs.kv_tokens
    room = needs.fits  # where nothing can be served, nothing has a time
    adapted = [Figure("adapters_bytes", "adapters on one GPU", "memory", needs.adapters_bytes)]
    return (
        Figure("gpus_per_replica", "GPUs of one replica", "count", Estimate.exact(spec.gpus, "TP x PP x DP")),
        Figure("weights_bytes", "weights on one GPU", "memory", needs.weights_bytes),
        *(adapted if spec.lora_rank else ()),
        Figure("reserve_bytes", "runtime on one GPU", "memory", needs.reserve_bytes),
        Figure("kv_room_bytes", "left for the cache", "memory", needs.kv_room_bytes),
        Figure("kv_bytes_per_token", "cache of one token", "memory", needs.kv_bytes_per_token),
        Figure("kv_tokens", "tokens that fit", "count", tokens),
        Figure("concurrency", f"sequences of {spec.longest:,} tokens", "count", needs.concurrency),
        Figure("batch", "sequences at once", "count", batch),
        Figure("ttft_ms", "time to first token", "duration_ms", needs.ttft_s * 1000 if room else None),
        Figure("tpot_ms", "time per output token", "duration_ms", needs.tpot_s * 1000 if room else None),
        Figure(
            "loaded_tpot_ms",
            "the same under load",
            "duration_ms",
            needs.loaded_tpot_s * 1000 if room else None,
        ),
        Figure(
            "tokens_per_s",
            "output of one replica, tokens per second",
            "number",
            needs.tokens_per_s if room else None,
        ),
        Figure(
            "requests_milli_per_s",
            "requests per second",
            "milli",
            needs.requests_per_s * 1000 if room else None,
        ),
        Figure("replicas", "replicas", "count", needs.replicas),
        Figure("gpus", "GPUs in all", "count", needs.replicas and needs.replicas * spec.gpus),
    )


def remarks(spec: ServingSpec, needs: ServingNeeds) -> tuple[str, ...]:
    """Return what does not work and what decides, a sentence each."""
    found = []
    if not needs.fits:
        found.append(
            f"one sequence of {spec.longest:,} tokens does not fit beside the weights on {spec.gpus} x "
            f"{spec.gpu.name}: more GPUs to a replica, fewer bits, or a shorter context"
        )
    targets = {
        "ttft": (spec.ttft_s, needs.ttft_s, "time to the first token"),
        "tpot": (spec.tpot_s, needs.tpot_s, "time per output token"),
    }
    for name in needs.missed:
        target, alone, words = targets[name]
        found.append(
            f"a request alone takes {alone.value * 1000:,.0f} ms of {words}, the target is "
            f"{(target or 0) * 1000:,.0f} ms: no number of replicas helps, more GPUs to a replica may"
        )
    if spec.lora_rank is not None:
        found.append("adapters take memory; what they take of the time is not counted")
    if spec.rate is not None and needs.replicas is not None and needs.replicas.value > 1:
        bound = max(needs.replicas_by, key=lambda name: needs.replicas_by[name])
        words = {"kv": "room for the cache", "throughput": "throughput", "waiting": "waiting at p95"}[bound]
        found.append(f"{needs.replicas.value:,.0f} replicas are for {words}")
    return tuple(found)


def in_all(spec: ServingSpec, needs: ServingNeeds) -> Estimate:
    """Return the accelerators of all replicas; of one where no rate was told."""
    return (needs.replicas or Estimate.exact(1)) * spec.gpus


def per_million(spec: ServingSpec, needs: ServingNeeds, hour: Bill) -> Figure:
    """Return what a million output tokens cost, given the bill of an hour."""
    told = None if spec.rate is None else Estimate.exact(spec.rate * spec.output_tokens)
    rate = told or needs.tokens_per_s
    title = "the same for a million output tokens"
    if hour.money is None or rate.low <= 0 or not needs.fits:
        return Figure("money_per_million", title, "number", None)
    made = Estimate(1 / rate.value, 1 / rate.high, 1 / rate.low)
    cost = bills.product(hour.money * (1e6 / 3600), made, "money of an hour / output tokens of an hour")
    return Figure("money_per_million", title, "number", cost)


def serving_report(spec: ServingSpec, needs: ServingNeeds, hour: Bill, told: Told) -> Report:
    """Return the report of a model that is served; its level is `crit` where it does not fit or misses."""
    energy, money, carbon = bills.figures(hour, " for an hour")
    costs = (energy, money, per_million(spec, needs, hour), carbon)
    found = [("serving", one) for one in figures(spec, needs)] + [("bill", one) for one in costs]
    summary: dict[str, Cell | dict[str, Cell]] = {
        **dict.fromkeys((column.key for column in SUMMARY), None),
        "model": spec.model.name,
        "gpu": spec.gpu.name,
        "gpus": round(in_all(spec, needs).value) if needs.replicas else None,
        "layout": _groups(spec),
        "fits_memory": needs.fits,
        "fits_fleet": told.fits_fleet,
        "energy_mj": whole(hour.energy_mj),
        "money": value(hour.money),
        "carbon_kg": value(hour.carbon_kg),
        "bottleneck": told.missing or needs.bound,
    }
    bad = not needs.fits or bool(needs.missed)
    said = (Note("serving", text, "warn" if bad else "info") for text in remarks(spec, needs))
    return Report(
        kind=DEMAND.kind,
        headline=_headline(spec, needs, told),
        items=items(found, explain=told.explain),
        summary=summary,
        notes=(*said, *assumed(spec.model), *told.notes),
        gaps=told.gaps,
        name_key="figure",
        level="crit" if bad or told.fits_fleet is False else "ok",
    )


def _headline(spec: ServingSpec, needs: ServingNeeds, told: Told) -> str:
    replicas = f"{plural(round(needs.replicas.value), 'replica')} of " if needs.replicas else ""
    room = {True: "; fits the fleet now", False: "; does not fit the fleet now", None: ""}[told.fits_fleet]
    return f"{spec.model.name}: {replicas}{spec.gpus} x {spec.gpu.name}, {needs.batch:,} at once{room}"


def _groups(spec: ServingSpec) -> str:
    sizes = [("TP", spec.tensor), ("PP", spec.pipeline), ("DP", spec.data)]
    found = " x ".join(f"{name} {size}" for name, size in sizes if size > 1 or name == "TP")
    return f"{found}, EP {spec.expert}" if spec.expert > 1 else found
