"""The embedded demo fleet as a source: every command can be tried at once, with nothing to connect to."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.demo.evictions import Evictions
from dcctl.inventory.demo.machines import kinds, machines
from dcctl.inventory.demo.members import workloads
from dcctl.inventory.demo.plant import links, meters, pools, racks, sites
from dcctl.inventory.demo.readings import device_ids, holders, measured
from dcctl.inventory.demo.templates import by_work
from dcctl.inventory.demo.troubles import CONFLICTS, GAPS, troubled
from dcctl.inventory.model import Fleet, Workload
from dcctl.inventory.placement import key_of

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class DemoSource:
    """A believable fleet of 128 nodes with 1,024 GPUs and 16 NPUs. One node gives no answer, on purpose."""

    now_s: int | None = None
    """Unix time to which all ages refer; None: the clock of this machine."""
    kind: str = "demo"
    name: str = "demo"

    def collect(self) -> Fleet:
        """The same fleet for the same time. Never fails."""
        return build(int(time.time()) if self.now_s is None else self.now_s)


def build(now_s: int) -> Fleet:
    """The demo fleet as it stands at `now_s` (Unix time)."""
    kind_of = kinds()
    held = holders(kind_of)
    bare = {node.name: node for node in machines()}
    busy = [measured(node, kind_of[name], held.get(name, [])) for name, node in bare.items()]
    ids: dict[str, list[str]] = {}
    for name, one in held.items():
        ids |= device_ids(bare[name], kind_of[name], one)
    nodes = tuple(map(troubled, busy))
    ready = {node.name: node.ready for node in nodes}
    templates = by_work()
    keys = {id_: key_of(template) for id_, template in templates.items()}
    evictions = Evictions(now_s)
    work = [evictions.told(_told(ready, ids, one)) for one in workloads(bare, keys, now_s)]
    return Fleet(
        name="demo",
        taken_at_s=now_s,
        sites=sites(),
        racks=racks(nodes),
        nodes=nodes,
        pools=pools(),
        links=links(nodes),
        workloads=tuple(work),
        templates=dict(sorted((keys[id_], template) for id_, template in templates.items())),
        disruptions=evictions.found(),
        meters=meters(busy, now_s),
        gaps=GAPS,
        conflicts=CONFLICTS,
    )


def _told(ready: Mapping[str, bool | None], ids: Mapping[str, list[str]], workload: Workload) -> Workload:
    """The workload as the kubelets tell it: its members hold these devices, as ready as their nodes."""
    members = (
        replace(one, devices=tuple(ids.get(one.uid or "", ())), ready=ready.get(one.node or ""))
        for one in workload.members
    )
    return replace(workload, members=tuple(members))
