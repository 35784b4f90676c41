"""Which nodes a campaign is about, and which campaigns are refused before anything is contacted."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from dcctl.drain.labels import meets, selector
from dcctl.drain.matched import demand_matched
from dcctl.drain.waves.clocks import local
from dcctl.drain.work.blind import foreign
from dcctl.errors import RefusedError, UsageError
from dcctl.inventory.folding import fold, sort_key
from dcctl.inventory.kinds import SCHEDULERS, kind_of, kinds_of
from dcctl.inventory.model import Fleet
from dcctl.inventory.nodeset import Names, select
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from dcctl.drain.request import Request
    from dcctl.inventory.disruption import Cordon
    from dcctl.inventory.model import Node

_CONTROL_PLANE: Final = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_SERVERS: Final = ("kube-apiserver-", "etcd-")
"""How the names of the pods begin without which there is no cluster."""
_LIST: Final = "dcctl inventory -o name"
_RETURN: Final = "dcctl drain --return"
_NONE: Final[Mapping[str, Begun]] = {}


class Begun(NamedTuple):
    """A run of this machine that is not at its end."""

    resume: str
    """The command that goes on with it."""
    undo: str
    """The command that takes it back."""
    under_way: bool = False
    """Whether a process is at it now."""


def chosen(
    fleet: Fleet,
    words: str | None = None,
    *,
    exclude: str | None = None,
    labels: str = "",
    found: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Return the names of the nodes that meet all of these, in natural order.

    `words` and `exclude` are node sets, `labels` a selector, `found` the nodes of findings (`named_by`).
    UsageError: nothing is named, a name or group is unknown, the labels select nothing, or no node is left.
    """
    if words is None and not labels and found is None:
        raise UsageError("dcctl drain", "no node is named", "dcctl drain @rack7 --dry-run")
    place = Fleet(nodes=fleet.nodes, racks=fleet.racks, pools=fleet.pools)
    nodes = select(place, words, exclude, option="").nodes
    if labels:
        wanted = selector(labels)
        if not any(meets(node.labels, wanted) for node in fleet.nodes):
            raise UsageError(f"-l {labels}", "no node of the inventory has such labels", _LIST)
        nodes = tuple(node for node in nodes if meets(node.labels, wanted))
    names = sorted((node.name for node in nodes if found is None or node.name in found), key=sort_key)
    if not names:
        typed = (
            words,
            exclude and f"-x {exclude}",
            labels and f"-l {labels}",
            found is not None and "--for FILE",
        )
        what = ", ".join(str(one) for one in typed if one)
        raise UsageError(what, "no node is left: all that is named must be met at once", _LIST)
    return tuple(names)


def named_by(
    findings: Iterable[Mapping[str, object]], drains: Collection[str], fleet: Fleet, where: str
) -> tuple[str, ...]:
    """Return the nodes of the inventory on which findings of an audit stand that draining meets.

    `findings`: the items of `dcctl audit -o json`; what nobody saw, what is gone and what somebody bears is
    passed over. `drains`: ids of the checks that draining meets. `where`: the file. UsageError: no finding
    names a node of the inventory.
    """
    names = Names(fleet.nodes)
    met = [one for one in findings if _is_open(one) and one.get("check") in drains]
    told = {names.find(node) for one in met for node in _nodes(one)}
    known = told & names.nodes
    if not known:
        why = "no finding there is met by draining"
        if met:
            why = f"its findings are about {fold(told)}, none of them in the inventory" if told else why
        raise UsageError(where, why, "dcctl audit -o json, of the same inventory")
    return tuple(sorted(known, key=sort_key))


def _is_open(finding: Mapping[str, object]) -> bool:
    """Whether a run saw it and nobody bears it."""
    return finding.get("status") in ("new", "known") and not finding.get("waiver")


def _nodes(finding: Mapping[str, object]) -> Iterator[str]:
    nodes = finding.get("nodes")
    yield from (str(one) for one in cast("list[object]", nodes) if one) if isinstance(nodes, list) else ()


def check(
    fleet: Fleet,
    request: Request,
    *,
    reason_needed: bool = False,
    run: str = "",
    finished: Collection[str] = (),
    begun: Mapping[str, Begun] = _NONE,
) -> None:
    """Return when these nodes may be planned for; nothing is contacted.

    `run` is that of the campaign itself, `finished` those that have ended and hold their nodes no more,
    `begun` those of this machine that have not.
    UsageError: no nodes, unknown ones, no reason where the site demands one, or a word that matches nothing
    (`matched.demand_matched`). RefusedError: another run
    holds a node, or a gate is shut before the control plane, every node of a cluster, or foreign cordons.
    """
    by_name = {node.name: node for node in fleet.nodes}
    if not request.nodes:
        raise UsageError("dcctl drain", "no node is named", "dcctl drain @rack7 --dry-run")
    unknown = [name for name in request.nodes if name not in by_name]
    if unknown:
        raise UsageError(fold(unknown), "not in the inventory", _LIST)
    if reason_needed and not request.reason.strip():
        why = "this site demands one: it stands on the nodes, for whoever finds them drained"
        raise UsageError("--reason", why, _command(request, "--reason TEXT"))
    demand_matched(fleet, request)
    targets = [by_name[name] for name in request.nodes]
    _refuse_held(targets, (run, *finished), begun)
    if request.boards:
        return  # their node stays in service
    servers = control_plane(fleet)
    _refuse_control_plane(targets, servers, request)
    _refuse_whole(fleet, targets, servers, request)
    _refuse_foreign(targets, request)


def control_plane(fleet: Fleet) -> frozenset[str]:
    """Return the nodes that run the cluster itself: by their labels, or by the static pods on them."""
    labelled = (node.name for node in fleet.nodes if any(label in node.labels for label in _CONTROL_PLANE))
    mirrors = {key for key, told in fleet.disruptions.items() if told.mirror}
    serving = (
        member.node
        for work in (fleet.workloads if mirrors else ())
        for member in work.members
        if member.disruption in mirrors and member.node and member.name.startswith(_SERVERS)
    )
    return frozenset((*labelled, *serving))


def _refuse_held(targets: Iterable[Node], over: Collection[str], begun: Mapping[str, Begun]) -> None:
    """Nodes of another run of dcctl that is not at its end."""
    for node in targets:
        held = node.cordon
        if held is not None and held.by == "dcctl" and held.run not in over:
            names = fold(one.name for one in targets if one.cordon and one.cordon.run == held.run)
            raise _held(names, held, begun.get(held.run))


def _held(nodes: str, held: Cordon, ours: Begun | None) -> RefusedError:
    """Which run holds them, who began it, since when, and what ends it."""
    since = "" if held.at_s is None else f" since {local(held.at_s, 'UTC')} UTC"
    reason = f" ({held.reason})" if held.reason else ""
    run = f"held by run {held.run or 'of no name'} of {held.who or 'somebody'}{since}{reason}"
    if ours is None:
        ends = "dcctl drain --resume or --undo ends it where it was begun; only if nobody can do that"
        back = f"{_RETURN} {shlex.quote(nodes)}"
        return RefusedError(nodes, f"{run}, of another machine: {ends}, return them", back)
    if ours.under_way:
        return RefusedError(nodes, f"{run}, which is under way", "dcctl drain --status")
    return RefusedError(nodes, f"{run}, which did not finish; to take it back: {ours.undo}", ours.resume)


def _refuse_control_plane(targets: Iterable[Node], servers: frozenset[str], request: Request) -> None:
    met = [node.name for node in targets if node.name in servers]
    if met and not request.gates.control_plane:
        why = f"{plural(len(met), 'node')} of the control plane: the cluster itself runs there"
        raise RefusedError(fold(met), why, _command(request, "--control-plane"))


def _refuse_whole(fleet: Fleet, targets: Iterable[Node], servers: frozenset[str], request: Request) -> None:
    """Every node of a cluster that could take work, or all that the inventory has."""
    if request.gates.whole_cluster:
        return
    names = {node.name for node in targets}
    for cluster, members in _clusters(fleet).items():
        workers = members - servers or members
        if workers <= names:
            where = f"of {cluster}" if cluster else "of the inventory"
            why = f"is every node {where}: nothing that is moved finds a place"
            raise RefusedError(fold(workers), why, _command(request, "--whole-cluster"))


def _clusters(fleet: Fleet) -> dict[str, set[str]]:
    """The nodes of each source that hands out work; of no name where none does."""
    kinds = kinds_of([fleet])
    found: dict[str, set[str]] = {}
    for node in fleet.nodes:
        for source in node.sources:
            if kind_of(source, kinds) in SCHEDULERS:
                found.setdefault(source, set()).add(node.name)
    return found or {"": {node.name for node in fleet.nodes}}


def _refuse_foreign(targets: Sequence[Node], request: Request) -> None:
    """Nodes that somebody else took out of service, as far as they tell."""
    if request.gates.foreign_cordons:
        return
    for node in targets:
        taken = foreign(node)
        if taken:
            raise RefusedError(node.name, taken, _command(request, "--foreign-cordons"))


def _command(request: Request, option: str) -> str:
    """The same command with one option more."""
    return f"dcctl drain {shlex.quote(request.asked or fold(request.nodes))} {option}"
