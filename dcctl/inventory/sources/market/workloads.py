"""`workloads:`: what is to be done, as throughput, as amounts, or as a model that answers requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dcctl.inventory.market import Served, Trained, Workload
from dcctl.inventory.model import Resources
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.resources import resources
from dcctl.inventory.sources.market.measures import amount, throughput

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

KEYS = (
    "name",
    "need",
    "unit",
    "speed",
    "together",
    "gpu_memory",
    "serve",
    "train",
    "total",
    "sites",
    "types",
    "split",
)
SERVE_KEYS = ("model", "input", "output", "context", "batch", "weight_bits", "kv_bits", "ttft", "tpot")
TRAIN_KEYS = ("model", "gpus", "sequence", "batch", "precision")
PRECISIONS: Final = {name: name for name in ("bf16", "fp8", "mxfp8")}
REQUESTS = "req/s"
TOKENS = "tokens/s"
_MILLISECONDS: Final = amounts.Measure("time", {"ms": 1, "s": 1000}, "50ms", "a millisecond")
_MOST_TOKENS: Final = 100_000_000
_MOST_TOGETHER: Final = 1024
_MOST_TRAINED: Final = 100_000
_GPUS: Final = "GPUs"


def workload(given: Cursor) -> Workload:
    """Return a workload. UsageError with the place."""
    keys = given.fields(KEYS, required=("name",))
    name = keys["name"].name()
    given.path = f"workload {name}"
    total = resources(keys["total"]) if "total" in keys else Resources()
    _check_total(total, keys)
    device, need_micro, unit, speeds = _throughput(given, keys, total)
    return Workload(
        name=name,
        need_micro=need_micro,
        unit=unit,
        speed_micro=speeds,
        device=device,
        together=keys["together"].integer(1, _MOST_TOGETHER) if "together" in keys else 1,
        gpu_memory_bytes=amount(keys["gpu_memory"], amounts.MEMORY) if "gpu_memory" in keys else None,
        served=_served(keys["serve"]) if "serve" in keys else None,
        trained=_trained(keys["train"], total) if "train" in keys else None,
        total=Resources(
            cpu_milli=total.cpu_milli,
            memory_bytes=total.memory_bytes,
            storage_bytes=total.storage_bytes,
            bandwidth_bps=total.bandwidth_bps,
        ),
        sites=keys["sites"].names() if "sites" in keys else (),
        types=keys["types"].names() if "types" in keys else (),
        split=keys["split"].flag() if "split" in keys else True,
    )


def _check_total(total: Resources, keys: dict[str, Cursor]) -> None:
    if total.power_mw is not None:
        raise keys["total"].error("power is of nodes, not of work; leave it out")
    if total.gpu_memory_bytes is not None:
        raise keys["total"].error("gpu_memory is of each GPU; write it beside `total`")
    if total.gpu_milli is not None or len(total.devices) > 1:
        raise keys["total"].error("has whole accelerators of one kind")


def _throughput(
    given: Cursor, keys: dict[str, Cursor], total: Resources
) -> tuple[str, int | None, str, dict[str, int]]:
    """The device, how much of what, and the speed of one accelerator by type."""
    unit = keys["unit"].text() if "unit" in keys else _unit(keys)
    if "train" in keys and keys.keys() & {"serve", "gpu_memory"}:
        raise given.error(
            "says `train`, from which memory follows; then `serve` and `gpu_memory` say it twice"
        )
    if total.devices:
        if keys.keys() & {"need", "speed", "serve", "unit"}:
            raise given.error("counts accelerators in `total`; then `need`, `speed` and `serve` say it twice")
        ((device, count),) = total.devices.items()
        return device, count * 10**6, _GPUS, {"": 10**6}
    if "need" not in keys:
        if keys.keys() & {"speed", "serve", "train", "unit", "together", "gpu_memory"}:
            raise given.error("the key `need` is missing: how much is to be done")
        if total == Resources():
            raise given.error("asks for nothing: neither `need` nor `total`")
        return "", None, "", {}
    if not keys.keys() & {"speed", "serve", "train"}:
        raise given.error(
            "has a need and neither `speed`, of one accelerator by type, nor `serve` or `train`"
        )
    return "", throughput(keys["need"]), unit, _speeds(keys["speed"]) if "speed" in keys else {}


def _unit(keys: dict[str, Cursor]) -> str:
    return REQUESTS if "serve" in keys else TOKENS if "train" in keys else ""


def _trained(given: Cursor, total: Resources) -> Trained:
    """One run is on the accelerators that `total` counts, else on so many as are told."""
    keys = given.fields(TRAIN_KEYS, required=("model",))
    counted = sum(total.devices.values())
    if counted and "gpus" in keys:
        raise keys["gpus"].error("stands in `total` already; leave it out")
    if not counted and "gpus" not in keys:
        raise given.error("the key `gpus` is missing: on how many accelerators one run is laid out")
    return Trained(
        model=keys["model"].text(),
        gpus=counted or keys["gpus"].integer(1, _MOST_TRAINED),
        sequence=keys["sequence"].integer(1, _MOST_TOKENS) if "sequence" in keys else None,
        batch=keys["batch"].integer(1, _MOST_TOKENS) if "batch" in keys else None,
        precision=keys["precision"].choice(PRECISIONS) if "precision" in keys else "bf16",
    )


def _speeds(given: Cursor) -> dict[str, int]:
    if not given.is_mapping:
        return {"": throughput(given)}
    found = {name: throughput(value) for name, value in given.entries().items()}
    if not found:
        raise given.error("names no type")
    return found


def _served(given: Cursor) -> Served:
    keys = given.fields(SERVE_KEYS, required=("model", "input", "output"))

    def count(key: str, most: int) -> int | None:
        return keys[key].integer(1, most) if key in keys else None

    def time(key: str) -> int | None:
        return amount(keys[key], _MILLISECONDS) if key in keys else None

    return Served(
        model=keys["model"].text(),
        input_tokens=keys["input"].integer(1, _MOST_TOKENS),
        output_tokens=keys["output"].integer(1, _MOST_TOKENS),
        context=count("context", _MOST_TOKENS),
        batch=count("batch", _MOST_TOKENS),
        weight_bits=count("weight_bits", 64),
        kv_bits=count("kv_bits", 64) or 16,
        ttft_ms=time("ttft"),
        tpot_ms=time("tpot"),
    )
