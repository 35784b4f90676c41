"""The NVLinks that boards of known models have."""

from __future__ import annotations

from typing import Final, NamedTuple


class Links(NamedTuple):
    """The NVLinks of a model."""

    model: str
    """The first words of NVML's name."""
    fitted: int
    mbps: int
    """MB/s of one link in one direction, as `nvidia-smi nvlink --status` tells it."""
    besides: tuple[str, ...] = ()
    """Words in the names of its PCIe forms: without links, or with a bridge that need not be there."""


# NVIDIA's data sheets and Health Validation: 18 links of 26,562 MB/s, 53,125 of Blackwell.
LINKS: Final = (
    Links("NVIDIA H100", 18, 26_562, ("PCIe", "NVL")),
    Links("NVIDIA H200", 18, 26_562, ("NVL",)),
    Links("NVIDIA H20", 18, 26_562),
    Links("NVIDIA H800", 8, 26_562, ("PCIe",)),
    Links("NVIDIA B200", 18, 53_125),
    Links("NVIDIA B300", 18, 53_125),
    Links("NVIDIA GB200", 18, 53_125),
    Links("NVIDIA GB300", 18, 53_125),
    Links("NVIDIA A100-SXM4", 12, 25_000),
    Links("NVIDIA A800-SXM4", 8, 25_000),
    Links("Tesla V100-SXM2", 6, 25_781),
)


def links_of(model: str | None) -> Links | None:
    """Return the links that a model has to have; None: it need have none, or is not known."""
    words = (model or "").replace("-SXM", "~SXM").replace("-", " ").replace("~", "-").split()
    for row in LINKS:
        name = row.model.split()
        if words[: len(name)] == name and not set(words).intersection(row.besides):
            return row
    return None
