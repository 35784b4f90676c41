"""How many replicas of a served model a rate of requests needs."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from dcctl.assess.demand.latency import decode, loaded_s, prefill
from dcctl.assess.demand.queueing import MOST_SERVERS, groups_needed
from dcctl.assess.demand.serving import QUANTILE
from dcctl.errors import UsageError

if TYPE_CHECKING:
    from dcctl.assess.demand.serving import ServingSpec


def replicas_by(spec: ServingSpec, batch: int, factor: float = 1) -> dict[str, int]:
    """Return the replicas that each bound asks for, if answers take `factor` times as long as estimated.

    `kv`: places for the requests in work, by Little's law; `throughput`; `waiting`: p95 of the wait and the
    first pass within the target for TTFT. Empty when no rate was told or no number of replicas is enough.
    UsageError when the rate is beyond all reason.
    """
    if spec.rate is None or not batch:
        return {}
    first_s = prefill(spec).total_s
    if spec.ttft_s is not None and spec.ttft_s <= first_s:
        return {}
    service_s = factor * loaded_s(spec, batch) * spec.output_tokens
    load = spec.rate * service_s
    if load > MOST_SERVERS:
        raise UsageError(
            f"rate {spec.rate:g} per second", f"keeps {load:,.0f} requests in work at once: too many"
        )
    in_work = spec.rate * (first_s + factor * decode(spec, batch).total_s * spec.output_tokens)
    found = {"kv": ceil(in_work / batch), "throughput": ceil(load / batch)}
    if spec.ttft_s is not None:
        found["waiting"] = groups_needed(load, batch, service_s, spec.ttft_s - first_s, QUANTILE)
    return {name: max(1, count) for name, count in found.items()}
