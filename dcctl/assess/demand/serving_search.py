"""The replica to serve with where nobody told its sizes: the fewest accelerators that meet the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.assess.demand.inference import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.assess.demand.serving import ServingNeeds, ServingSpec

_STAGES: Final = (1, 2, 4, 8, 16)
"""Tried one after the other: more of them only where a whole NVLink domain is too small."""


def best_replica(spec: ServingSpec) -> ServingSpec:
    """Return it; where none fits the memory or meets the targets, the largest that was looked at."""
    last = spec
    for stages in _STAGES:
        if stages > spec.model.depth:
            break
        tried = [replace(spec, tensor=size, pipeline=stages) for size in _tensor_sizes(spec)]
        found = [(one, needs(one)) for one in tried]
        fit = [(one, took) for one, took in found if took.fits]
        good = [(one, took) for one, took in fit if not took.missed and (took.replicas or one.rate is None)]
        if good:
            return min(good, key=lambda pair: _cost(*pair))[0]
        if fit:  # more stages answer no sooner
            return fit[-1][0]
        last = tried[-1]
    return last


def _tensor_sizes(spec: ServingSpec) -> Iterator[int]:
    """Powers of two in one NVLink domain that divide the heads."""
    size = 1
    while size <= max(1, spec.gpu.domain):
        if all(layers.attention.heads % size == 0 for layers in spec.model.layers):
            yield size
        size *= 2


def _cost(spec: ServingSpec, took: ServingNeeds) -> tuple[float, int]:
    """(accelerators in all, of one replica)."""
    return (took.replicas.value if took.replicas else 1) * spec.gpus, spec.gpus
