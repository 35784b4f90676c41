"""What can be bought, where it can stand, what it costs, and what it is to do."""

from msgspec import field

from dcctl.inventory.asked import Positive
from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.model import Gap, Resources

HOURS = 8760
"""Of a year."""


class Rack(Fact, frozen=True):
    """A place for nodes within a site. None: not limited."""

    name: str
    power_mw: Natural | None = None
    """For the nodes in it."""
    nodes: Natural | None = None
    """How many nodes there is room for."""


class Place(Fact, frozen=True):
    """A data centre, and what a kilowatt-hour is there. None: not told, or not limited."""

    name: str
    region: str = ""
    pue_milli: Positive | None = None
    """Power usage effectiveness: energy of the data centre over that of its nodes."""
    tariff_micro: Natural | None = None
    """Millionths of the currency for a kilowatt-hour."""
    carbon_mg: Natural | None = None
    """Of CO2 for a kilowatt-hour, at the place (location-based)."""
    renewable_milli: Natural | None = None
    """Share of the energy that is renewable (REF)."""
    power_mw: Natural | None = None
    """For all nodes, before the PUE."""
    uplink_bps: Natural | None = None
    """What the network out of the data centre carries."""
    storage_bytes: Natural = 0
    """That is there already, beside that of the nodes."""
    racks: tuple[Rack, ...] = ()
    """Where nodes stand; none: anywhere."""


class NodeType(Fact, frozen=True):
    """A node that can be bought, or rented. What `each` does not tell, it does not have."""

    name: str
    each: Resources
    model: str | None = None
    """Of its accelerators."""
    stock: Natural | None = None
    """How many there are at most; None: as many as one likes."""
    capex_milli: Natural = 0
    """Thousandths of the currency, once."""
    life_milliyears: Positive | None = None
    """Over which it is written off; None: nothing is."""
    opex_milli: Natural = 0
    """Thousandths of the currency a year, energy apart."""
    sites: tuple[str, ...] = ()
    """Where it can stand; none: anywhere."""
    whole: bool = True
    """False: a part of one can be had, as of what is rented."""


class Served(Fact, frozen=True):
    """A model that answers requests: its memory and speed follow from it."""

    model: str
    input_tokens: Positive
    output_tokens: Positive
    context: Positive | None = None
    """Tokens of the longest sequence; None: input and output together."""
    batch: Positive | None = None
    """Sequences at once on one replica at most."""
    weight_bits: Positive | None = None
    kv_bits: Positive = 16
    tpot_ms: Positive | None = None
    """Target for the time per output token."""
    ttft_ms: Positive | None = None
    """Target for the time to the first token."""


class Trained(Fact, frozen=True):
    """A model that is trained: its memory and speed follow from the best layout on so many accelerators."""

    model: str
    gpus: Positive
    """Accelerators that one run is laid out on."""
    sequence: Positive | None = None
    """Tokens of a sequence; None: 8,192, or as many as the model is made for."""
    batch: Positive | None = None
    """Sequences of a step; None: about 4 million tokens."""
    precision: str = "bf16"
    """Of the matrix products: bf16, fp8, mxfp8."""


class Workload(Fact, frozen=True):
    """What is to be done, all year long."""

    name: str
    need_micro: Positive | None = None
    """Throughput in millionths of `unit`; None: it asks for amounts alone."""
    unit: str = ""
    speed_micro: dict[str, int] = field(default_factory=dict)
    """Throughput of one accelerator, by node type or model of accelerator; under the empty name on all."""
    device: str = ""
    """The resource that its accelerators must be; empty: any."""
    together: Positive = 1
    """Accelerators that must be in one node, such as those of a replica."""
    gpu_memory_bytes: Positive | None = None
    """That each of its accelerators must have; None: it follows from the model, or nobody tells."""
    served: Served | None = None
    trained: Trained | None = None
    total: Resources = Resources()
    """Amounts beside: CPUs, memory, storage, bandwidth out of the data centre."""
    sites: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    """Sites and node types that are accepted; none: any."""
    split: bool = True
    """Whether it may be done at several sites, its amounts in proportion."""


class Limits(Fact, frozen=True):
    """On all that is bought together. None: not limited."""

    renewable_milli: Natural | None = None
    """The least share of renewable energy (REF)."""
    regions: dict[str, int] = field(default_factory=dict)
    """The same by region, in thousandths."""
    carbon_mg: Natural | None = None
    """CO2 of a year."""
    capex_milli: Natural | None = None
    """Money at once."""


class Market(Fact, frozen=True):
    """One question: the cheapest nodes that do all of the work. Names are unique."""

    sites: tuple[Place, ...]
    types: tuple[NodeType, ...]
    workloads: tuple[Workload, ...]
    limits: Limits = Limits()
    currency: str = ""
    hours: Natural = HOURS
    """In which nodes are under power, of a year."""
    gaps: tuple[Gap, ...] = ()
    """What its curves do not tell."""
