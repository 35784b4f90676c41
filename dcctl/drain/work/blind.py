"""What stands in the way on the nodes themselves: work that nobody told, and nodes that do not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.campaign import Finding
from dcctl.inventory.folding import sort_key
from dcctl.inventory.kinds import kinds_of
from dcctl.inventory.occupancy.demand import is_scheduled
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from dcctl.drain.request import Gates
    from dcctl.drain.work.pods import Pod
    from dcctl.inventory.model import Fleet, Node, Process


def node_hazards(
    fleet: Fleet, nodes: Collection[str], pods: Mapping[str, list[Pod]], gates: Gates
) -> Iterator[Finding]:
    """Yield what is wrong with the nodes. `pods`: all that stand on them, by node."""
    targets = [node for node in fleet.nodes if node.name in nodes]
    yield from _unlisted(fleet, targets)
    for node in targets:
        taken = foreign(node)
        if taken:
            opened = gates.foreign_cordons
            cure = "" if opened else "--foreign-cordons"
            yield Finding("foreign-cordon", node.name, taken, (node.name,), blocks=not opened, cure=cure)
        if node.ready is False and pods.get(node.name):
            yield _silent(node)
        yield from _strangers(node, pods.get(node.name, []), gates)


def foreign(node: Node) -> str:
    """Say who else took a node out of service, as far as it tells; empty: nobody did."""
    held = node.cordon
    if held is None:
        unsaid = "is out of service already, and it does not tell who did that"
        return unsaid if node.schedulable is False else ""
    if held.by == "dcctl":
        return ""
    who, why = f" ({held.who})" if held.who else "", f": {held.reason}" if held.reason else ""
    return f"{held.by}{who} took it out of service{why}"


def _unlisted(fleet: Fleet, targets: Collection[Node]) -> Iterator[Finding]:
    """Nodes of which some work is not known, or all: a gap of a source, or no scheduler at all."""
    for gap in fleet.gaps:
        if gap.part != "work":
            continue
        met = [
            node.name
            for node in targets
            if (gap.node in (node.name, *node.aliases) if gap.node else gap.source in node.sources)
        ]
        if met:
            says = f"{gap.subject}: {gap.reason}: what else runs here is not known"
            yield Finding(
                "unknown", gap.source, says, _in_order(met), cure=gap.hint or "dcctl inventory sources"
            )
    kinds = kinds_of([fleet])
    alone = [node.name for node in targets if not is_scheduled(node, kinds)]
    if alone:
        says = "no scheduler told of it: what runs here is not known"
        yield Finding(
            "unknown", alone[0] if len(alone) == 1 else "work", says, _in_order(alone), cure=_SOURCE
        )


_SOURCE = "dcctl config check, with the scheduler of these nodes as a source"


def _silent(node: Node) -> Finding:
    says = "is not ready: pods that are evicted from it stay until it answers, or is told to be off"
    cure = f"once it is off, kubectl taint nodes {node.name} node.kubernetes.io/out-of-service=off:NoExecute"
    return Finding("not-ready", node.name, says, (node.name,), blocks=False, cure=cure)


def _strangers(node: Node, pods: Iterable[Pod], gates: Gates) -> Iterator[Finding]:
    """Processes on accelerators that belong to no work that a scheduler told of."""
    known = list(pods)
    uids = {pod.member.uid for pod in known if pod.member.uid}
    jobs = {pod.work.id for pod in known}
    holders = any(
        pod.member.devices or (pod.member.requests is None or pod.member.requests.devices) for pod in known
    )
    found = [
        process
        for board in node.accelerators or ()
        for process in board.processes or ()
        if _is_strange(process, uids, jobs, holders=holders)
    ]
    if found:
        names = ", ".join(dict.fromkeys(_words(process) for process in found[:3]))
        count = plural(len({one.pid for one in found}), "process", "processes")
        says = f"{count} of no known work on its accelerators: {names}"
        cure = "" if gates.force else f"stop it on {node.name} (nvidia-smi shows it), or --force"
        yield Finding("device", node.name, says, (node.name,), blocks=not gates.force, cure=cure)


def _is_strange(process: Process, uids: set[str], jobs: set[str], *, holders: bool) -> bool:
    """Whether nobody answers for it. What names neither pod nor job may be of work that holds boards here."""
    if process.pod_uid is not None:
        return process.pod_uid not in uids
    if process.job_id is not None:
        return process.job_id not in jobs
    return not holders


def _words(process: Process) -> str:
    who = f" of {process.user}" if process.user else ""
    return f"{process.name or f'PID {process.pid}'}{who}"


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=sort_key))
