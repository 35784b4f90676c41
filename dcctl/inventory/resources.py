"""Amounts of what a scheduler hands out, and the most that some work may hold of them."""

from msgspec import field

from dcctl.inventory.devices import Fact, Natural


class Resources(Fact, frozen=True):
    """An amount of what a scheduler hands out. A missing dimension is None: not counted by that scheduler."""

    cpu_milli: Natural | None = None
    memory_bytes: Natural | None = None
    storage_bytes: Natural | None = None
    """Ephemeral (scratch) storage."""
    pods: Natural | None = None
    devices: dict[str, Natural] = field(default_factory=dict)
    """Whole devices by resource name: `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`, `huawei.com/Ascend910`."""
    gpu_milli: Natural | None = None
    """A share of one accelerator, in thousandths (below 1000)."""
    gpu_memory_bytes: Natural | None = None
    """Memory of that share; of each device, where whole devices are asked for."""
    bandwidth_bps: Natural | None = None
    power_mw: Natural | None = None


class Quota(Fact, frozen=True):
    """The most that the work of one namespace or owner may ask for together."""

    name: str
    account: str
    """Whose work it limits: a namespace; in files, who owns the work or the queue where it waits."""
    source: str | None = None
    hard: Resources = field(default_factory=Resources)
    """A dimension that is None is not limited; so are devices that are not named."""
    used: Resources | None = None
    """What the source counts already, waiting pods too; None: nobody counts it, and what runs is summed."""
    best_effort: bool | None = None
    """True: work that asks for neither CPU nor memory alone; False: all other alone."""
    priority_classes: tuple[str, ...] = ()
    """Work of these PriorityClasses alone; empty: whatever its class."""
    scopes: tuple[str, ...] = ()
    """Other conditions on the work that it limits. They are not understood: whom it limits is unknown."""
