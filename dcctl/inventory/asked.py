"""What is asked for, before anybody placed it: work, where its members may stand, and elastic demand."""

from typing import Annotated

from msgspec import Meta, field

from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.model import Gap, Node, Quota, Resources, Workload
from dcctl.inventory.placement import Template

Positive = Annotated[int, Meta(ge=1)]


class Elastic(Fact, frozen=True):
    """A model that takes what it can get, and does as well as the smaller share of what it wants."""

    name: str
    weight_milli: Positive = 1000
    """Its claim against that of the others, in thousandths."""
    training: Resources | None = None
    """What its training wants in all; None: it does not train."""
    inference: Resources | None = None
    """What its inference wants in all; None: it does not serve."""
    minimum: Resources | None = None
    """What it is given before anybody shares."""
    quota: Resources | None = None
    """What it is never given more of."""


class Rate(Fact, frozen=True):
    """What an amount costs in a year."""

    cost_milli: Natural
    """Thousandths of the currency."""
    per: Positive = 1
    """For so many of the resource's units: of cpu_milli 1000 are one processor."""


class Supply(Fact, frozen=True):
    """What there is to share out, where the file says so and not the inventory."""

    nodes: tuple[Node, ...] = ()
    total: Resources | None = None
    """An amount that nobody has cut into nodes. A dimension that is None is not limited."""
    rates: dict[str, Rate] = field(default_factory=dict)
    """By field of Resources (`cpu_milli`), or by name of a device."""
    currency: str = ""


class Asked(Fact, frozen=True):
    """What files ask for. Members are pending; ids and names are unique."""

    workloads: tuple[Workload, ...] = ()
    templates: dict[str, Template] = field(default_factory=dict)
    """By key (placement.key_of), as in a fleet."""
    elastic: tuple[Elastic, ...] = ()
    gaps: tuple[Gap, ...] = ()
    """What the files name and nobody can place from them: exit code 3."""
    supply: Supply | None = None
    quotas: tuple[Quota, ...] = ()
    """The most that owners or queues may hold together: accounts are unique."""
