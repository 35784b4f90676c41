"""What is to run, as work that the packing core can place."""

from __future__ import annotations

from typing import NamedTuple

from dcctl.inventory.asked import Asked
from dcctl.inventory.model import Member, Resources, Workload
from dcctl.inventory.placement import Template, Toleration, key_of


class Group(NamedTuple):
    """A gang of whole accelerators: a training run, or one replica of a model that is served."""

    name: str
    members: int
    """On one node each, all or none."""
    each: int
    """Accelerators of a member."""
    copies: int = 1
    lasts_s: int | None = None


def work_of(group: Group, models: tuple[str, ...], resource: str) -> Asked:
    """Return one workload per copy. Taints that keep other work off accelerators are tolerated."""
    template = Template(models=models, tolerations=(Toleration(resource, "Exists"),))
    key = key_of(template)
    wants = Resources(devices={resource: group.each})
    return Asked(
        workloads=tuple(
            Workload(
                name,
                kind="Job",
                gang_min=group.members,
                members=tuple(
                    Member(f"{name}-{at}", phase="pending", requests=wants, template=key)
                    for at in range(group.members)
                ),
                duration_s=group.lasts_s,
            )
            for copy in range(group.copies)
            for name in [f"{group.name}-{copy}" if group.copies > 1 else group.name]
        ),
        templates={key: template},
    )
