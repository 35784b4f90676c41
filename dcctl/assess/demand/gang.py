"""A training run as work that the packing core can place."""

from __future__ import annotations

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Member, Resources, Workload
from dcctl.inventory.placement import Template, Toleration, key_of


def gang(
    name: str, nodes: int, each: int, models: tuple[str, ...], resource: str, lasts_s: int | None = None
) -> Asked:
    """Return one workload of so many members, all or none, each with so many whole accelerators of a model.

    Taints that keep other work off accelerators are tolerated, as training does.
    """
    template = Template(models=models, tolerations=(Toleration(resource, "Exists"),))
    key = key_of(template)
    wants = Resources(devices={resource: each})
    members = tuple(
        Member(f"{name}-{at}", phase="pending", requests=wants, template=key) for at in range(nodes)
    )
    work = Workload(name, kind="Job", gang_min=nodes, members=members, duration_s=lasts_s)
    return Asked(workloads=(work,), templates={key: template})
