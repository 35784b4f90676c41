"""Drift: nodes of one pool that are not alike in what they run."""

from __future__ import annotations

from collections import Counter, defaultdict
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from dcctl.audit.check import Fault, Unsure, check, told
from dcctl.audit.facts.drift import deviations, parts
from dcctl.audit.facts.pools import check_whole, comparable, nodes_by_name
from dcctl.audit.scene import DERIVED
from dcctl.inventory.evidence.base import Silence, Subject
from dcctl.inventory.folding import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.boards import GpuNode

DRIVERS = ("driver", "cuda", "vbios", "gsp", "fabricmanager")
NICS = ("nic firmware", "psid", "ofed")
SYSTEMS = ("kernel", "cmdline", "os", "microcode", "bios")
RUNTIMES = ("nccl", "container-toolkit", "containerd")
_BOTH = " + "


class PoolFact(Subject, frozen=True, kw_only=True):
    """One fact about the nodes of a pool that have the same boards."""

    pool: str
    """`pool train, NVIDIA H200`."""
    name: str = ""
    """`train`."""
    fact: str
    values: dict[str, str] | None = None
    """By node; of those that told it."""
    untold: tuple[str, ...] = ()
    """Nodes that should have told it."""

    deviants: tuple[str, ...] = ()
    """Nodes with a value that few have; those of a rollout are none."""

    @property
    def key(self) -> str:
        """`pool train, NVIDIA H200/driver`."""
        return f"{self.pool}/{self.fact}"

    @property
    def stands_on(self) -> tuple[str, ...]:
        """The nodes that deviate: whoever drains them leaves a rollout alone."""
        return self.deviants


def versions(scene: Scene) -> Mapping[str, dict[str, str]]:
    """Return the versions that nodes tell, by node and fact: of services, of boards, and of ports."""
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    several: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for node in scene.evidence.fleet.nodes:
        system = node.system
        if system is not None:
            told = {"driver": system.driver, "cuda": system.cuda, "kernel": system.kernel, "os": system.os}
            found[node.name].update({name: value for name, value in told.items() if value})
    for one in scene.evidence.gpu_nodes or ():
        found[one.node].update(one.versions or {})
    for board in scene.evidence.boards or ():
        several[board.node, "vbios"].add(board.vbios or "")
        several[board.node, "gsp"].add(board.gsp or "")
    for port in scene.evidence.ports or ():
        several[port.node, "nic firmware"].add(_of_model(port.model, port.firmware))
        several[port.node, "psid"].add(_of_model(port.model, port.psid))
    for (name, fact), values in several.items():
        if "" not in values:
            found[name][fact] = _BOTH.join(sorted(values))
    return found


def _of_model(model: str | None, value: str | None) -> str:
    """A value with the model that it belongs to; empty where it was not told."""
    return f"{model} {value}" if model and value else value or ""


class Alike(NamedTuple):
    """A homogeneous pool: nodes of one pool whose boards are of one model."""

    pool: str
    """`train`."""
    label: str
    """`pool train, NVIDIA H200`."""


def like_nodes(scene: Scene) -> Mapping[Alike, tuple[str, ...]]:
    """Return the nodes of each homogeneous pool."""
    models = {node.node: node.model for node in scene.evidence.gpu_nodes or ()}
    found: defaultdict[Alike, list[str]] = defaultdict(list)
    for name, node in scene.once(nodes_by_name).items():
        if any(fnmatchcase(name, canary) for canary in scene.policy.drift.canaries):
            continue
        boards = {board.model for board in node.accelerators or () if board.model}
        model = models.get(name) or _BOTH.join(sorted(boards))
        for pool in node.pools:
            found[Alike(pool, f"pool {pool}, {model}" if model else f"pool {pool}")].append(name)
    return {pool: tuple(names) for pool, names in found.items()}


def _expected(fact: str, node: GpuNode | None, scene: Scene) -> bool:
    """Whether a node has such a thing at all, as far as anybody knows."""
    if fact in SYSTEMS:
        return True
    if node is None:
        return False
    if fact in NICS:
        return node.rdma is not False
    if fact == "fabricmanager":
        return bool(node.switches)
    return node.vendor == "nvidia" or fact in {"driver", "containerd"}


def _facts(names: Sequence[str]) -> Callable[[Scene], Sequence[PoolFact]]:
    """What makes the subjects of one group of facts."""

    def made(scene: Scene) -> Sequence[PoolFact]:
        told = scene.once(versions)
        known = {node.node: node for node in scene.evidence.gpu_nodes or ()}
        found = []
        for pool, members in scene.once(like_nodes).items():
            for fact in names:
                having = [one for one in members if _expected(fact, known.get(one), scene)]
                values = {one: told[one][fact] for one in members if fact in told.get(one, {})}
                untold = tuple(one for one in having if one not in values)
                if values or untold:
                    found.append(_pool_fact(pool, fact, values, untold, scene))
        return found

    return made


def _pool_fact(
    pool: Alike, fact: str, values: dict[str, str], untold: tuple[str, ...], scene: Scene
) -> PoolFact:
    if not values:
        why = scene.silence("gpu_nodes") or Silence(f"no node tells its {fact}", "missing")
        return PoolFact(pool=pool.label, name=pool.pool, fact=fact, untold=untold, silent={"values": why})
    found = deviations(values, scene.policy.drift.rollout_share_milli)
    deviants = tuple(sorted(node for one in found if one.value for node in one.nodes))
    return PoolFact(
        pool=pool.label, name=pool.pool, fact=fact, values=values, untold=untold, deviants=deviants
    )


DERIVED["pool_drivers"] = _facts(DRIVERS)
DERIVED["pool_nics"] = _facts(NICS)
DERIVED["pool_systems"] = _facts(SYSTEMS)
DERIVED["pool_runtimes"] = _facts(RUNTIMES)


def _alone(subject: PoolFact, scene: Scene) -> str:
    if not comparable(scene, (subject.name,)):
        check_whole(scene, (subject.name,))
    return "pools of one node" if len(subject.values or {}) + len(subject.untold) == 1 else ""


def _drifted(subject: PoolFact, scene: Scene) -> Iterator[Fault]:
    """A fault for each value that few nodes have, and one for a rollout."""
    found = deviations(told(subject.values), scene.policy.drift.rollout_share_milli)
    for one in found:
        if one.value:
            usual = " or ".join(one.usual)
            yield Fault(f"{subject.fact} {one.value} on {fold(one.nodes)}, others have {usual}", one.value)
        else:
            shares = parts(told(subject.values))
            split = "; ".join(f"{value} on {fold(shares[value])}" for value in one.usual)
            yield Fault(f"{subject.fact} is split, a rollout under way? {split}", "split", "medium")
    check_whole(scene, (subject.name,))
    if not found and subject.untold:
        raise Unsure(f"{fold(subject.untold)} did not tell its {subject.fact}; the others are alike")


@check(
    "DRF-01",
    "Driver, CUDA, VBIOS or fabric manager differ within a pool",
    "high",
    tier=("N", "S"),
    over="pool_drivers",
    needs=("values",),
    refs=("dcctl:drift", "imbue:vbios", "gcm:vbios", "soc2:CC7.1"),
    why="A job over nodes that differ fails or crawls on a few of them, and nobody knows on which.",
    fix="Bring the nodes that are named to the version of the others, or name them in audit.drift.canaries.",
    applies=_alone,
)
def driver_drift(subject: PoolFact, scene: Scene) -> Iterator[Fault]:
    """All nodes of the pool have one value; few that deviate are named, a rollout is told once."""
    return _drifted(subject, scene)


@check(
    "DRF-02",
    "Firmware or drivers of NICs differ within a pool",
    "high",
    tier="S",
    over="pool_nics",
    needs=("values",),
    refs=("dcctl:drift", "imbue:flint", "soc2:CC7.1"),
    why="Two firmwares in one collective mean two behaviours in congestion and recovery.",
    fix="Flash the firmware of the others (flint, mlxup), or name the nodes in audit.drift.canaries.",
    applies=_alone,
)
def nic_drift(subject: PoolFact, scene: Scene) -> Iterator[Fault]:
    """All nodes of the pool have one value; few that deviate are named, a rollout is told once."""
    return _drifted(subject, scene)


@check(
    "DRF-03",
    "Kernel, command line, system, microcode or BIOS differ within a pool",
    "medium",
    tier="S",
    over="pool_systems",
    needs=("values",),
    refs=("dcctl:drift", "imbue:system", "soc2:CC7.1"),
    why="A node that was set up another day has other mitigations, IOMMU settings and bugs.",
    fix="Set the node up anew, or bring it to the state of the others; or name it in audit.drift.canaries.",
    applies=_alone,
)
def system_drift(subject: PoolFact, scene: Scene) -> Iterator[Fault]:
    """All nodes of the pool have one value; few that deviate are named, a rollout is told once."""
    return _drifted(subject, scene)


@check(
    "DRF-04",
    "NCCL, container toolkit or container runtime differ within a pool",
    "medium",
    tier=("S", "A"),
    over="pool_runtimes",
    needs=("values",),
    refs=("dcctl:drift", "soc2:CC7.1"),
    why="The same image runs with other libraries and mounts, and fails on some nodes alone.",
    fix="Bring the packages of the nodes that are named to the version of the others.",
    applies=_alone,
)
def runtime_drift(subject: PoolFact, scene: Scene) -> Iterator[Fault]:
    """All nodes of the pool have one value; few that deviate are named, a rollout is told once."""
    return _drifted(subject, scene)


class PoolDigest(Subject, frozen=True, kw_only=True):
    """A short name for all that most nodes of a pool run."""

    pool: str
    name: str = ""
    digest: str | None = None

    @property
    def key(self) -> str:
        """`pool train, NVIDIA H200`."""
        return self.pool


def digests(scene: Scene) -> Sequence[PoolDigest]:
    """Return the digest of each pool: of the most common value of each fact, so that few cannot change it."""
    told = scene.once(versions)
    dark = {gap.node for gap in scene.evidence.fleet.gaps if gap.node and gap.cause != "limited"}
    found = []
    for pool, members in scene.once(like_nodes).items():
        rows = [told[one] for one in members if told.get(one)]
        silent = [one for one in members if one in dark]
        digest = _digest(rows, len(silent))
        why = Silence(f"{fold(silent)} did not tell all, and might change what most of its nodes run")
        unsure = {} if digest or not silent else {"digest": why}
        found.append(PoolDigest(pool=pool.label, name=pool.pool, digest=digest, silent=unsure))
    return found


def _digest(rows: Sequence[Mapping[str, str]], silent: int) -> str | None:
    """Return the digest of some nodes; None: nothing was told, or those that are silent might change it."""
    lines = []
    for fact in sorted({name for row in rows for name in row}):
        first, second = [*Counter(row[fact] for row in rows if fact in row).most_common(2), ("", 0)][:2]
        if silent and first[1] - second[1] <= silent:
            return None
        shares = parts({str(at): row[fact] for at, row in enumerate(rows) if fact in row})
        lines.append(f"{fact}={next(iter(shares))}")
    return sha256("\n".join(lines).encode()).hexdigest()[:12] if lines else None


DERIVED["pool_digests"] = digests


def _not_accepted(subject: PoolDigest, scene: Scene) -> str:
    if subject.pool in scene.policy.drift.accepted:
        check_whole(scene, (subject.name,))
    return "" if subject.pool in scene.policy.drift.accepted else "pools of which no profile was accepted"


@check(
    "DRF-05",
    "The profile of a pool is not the one that was accepted",
    "medium",
    tier="L",
    over="pool_digests",
    needs=("digest",),
    refs=("dcctl:drift", "soc2:CC8.1"),
    why="A whole pool can move at once, by an image or an operator, and then nobody deviates.",
    fix="When the change was meant, put the digest that is named into audit.drift.accepted.",
    applies=_not_accepted,
)
def profile_changed(subject: PoolDigest, scene: Scene) -> Iterator[Fault]:
    """What most nodes run is what was accepted."""
    accepted = scene.policy.drift.accepted[subject.pool]
    if subject.digest != accepted:
        yield Fault(f"is {subject.digest}, accepted was {accepted}")
