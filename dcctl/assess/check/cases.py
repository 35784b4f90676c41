"""Published figures, and what they are computed from."""

from typing import Final, NamedTuple

from msgspec import Struct

from dcctl.assess.demand.handmade import Plain
from dcctl.assess.demand.layout import Recompute

NEAR: Final = 0.01
"""Relative error of a figure that is met; a case with a wider bar says why."""


class Inputs(Struct, frozen=True, forbid_unknown_fields=True):
    """What a figure is computed from; each formula takes some of it."""

    model: str = ""
    """Of the catalogue."""
    shape: Plain | None = None
    gpu: str = ""
    gpus: int = 1
    tokens: float = 0
    batch: int = 1
    sequence: int = 1
    recompute: Recompute = "selective"
    teraflops: float = 0
    tokens_per_s: float = 0
    """Per accelerator."""
    seconds: float = 0
    parameters: float = 0
    layers: int = 0
    heads: int = 0
    head_dim: int = 0
    peak: float = 0
    """Operations per second."""
    tensor: int = 1
    room_gib: float = 0
    zero: int = 0
    ranks: int = 1
    gpu_hours: float = 0
    price: float = 0
    """Per accelerator-hour."""
    watts: float = 0
    pue: float = 1
    kg_per_kwh: float = 0
    context: int = 512
    """Tokens of a sequence that is served."""
    kv_bits: float = 16
    write_s: float = 0
    mtbf_s: float = 0
    days: float = 0
    load: float = 0
    """Erlang."""
    servers: int = 1
    wait: float = 0
    """Over the time of service."""


class Case(Struct, frozen=True, forbid_unknown_fields=True):
    """One published figure."""

    case: int
    """Cases of one source and kind share a number."""
    name: str
    formula: str
    inputs: Inputs
    published: float
    unit: str
    source: str
    within: float = NEAR
    """Relative error that is allowed."""
    rounding: float = 0.0
    """Half of the last digit of the figure and of what it is computed from: allowed in any case."""
    recalled: bool = False
    """The published figure, or what it is computed from, was not read in the source."""
    note: str = ""


class Compared(NamedTuple):
    """A case and what is computed here."""

    case: Case
    ours: float

    @property
    def error(self) -> float:
        """Relative."""
        return self.ours / self.case.published - 1

    @property
    def near(self) -> bool:
        """Whether the figure is met to 1 % or its rounding, however much its case allows."""
        case = self.case
        allowed = max(case.rounding, min(case.within, NEAR) * abs(case.published))
        return abs(self.ours - case.published) <= allowed * (1 + 1e-9)

    @property
    def within(self) -> bool:
        """Whether the figure is as near as its case asks for."""
        case = self.case
        allowed = max(case.rounding, case.within * abs(case.published))
        return abs(self.ours - case.published) <= allowed * (1 + 1e-9)
