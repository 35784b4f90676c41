"""What checks of nodes share: when they do not apply, and what was told in part."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from dcctl.audit.check import Unsure
from dcctl.audit.facts.pools import has_peers
from dcctl.audit.words import in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcctl.audit.check import Fault
    from dcctl.audit.scene import Scene
    from dcctl.inventory.evidence.hosts import Host
    from dcctl.inventory.model import Node

IMMUTABLE = ("bottlerocket", "cos", "fedora-coreos", "flatcar", "rhcos", "talos")
"""Systems of which a node gets a whole new image instead of packages."""


def like(name: str, patterns: Iterable[str]) -> bool:
    """True when a name is like one of these patterns of the shell."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def days(seconds: int) -> int:
    """Return whole days."""
    return seconds // 86_400


def unless_told(host: Host, faults: list[Fault], *fields: str) -> list[Fault]:
    """Return the faults. Unsure: there are none, and one of these fields was not told, or only in part."""
    if faults:
        return faults
    for name in fields:
        if name in host.silent:
            raise Unsure(host.silent[name].reason)
        if getattr(host, name) is None:
            raise Unsure(f"nobody told {in_words(name)}")
    return faults


def in_container(host: Host, _scene: Scene) -> str:
    """Its kernel, and what hangs on it, is another machine's."""
    return "containers: their kernel and its settings are the host's" if host.container else ""


def on_no_board(host: Host, _scene: Scene) -> str:
    """A guest has no board of its own."""
    return "" if host.virtual in {None, "none"} else "guests and containers: the board is their host's"


def in_an_image(host: Host, scene: Scene) -> str:
    """Packages of it are not upgraded one by one."""
    if (host.os or "").partition(" ")[0] in IMMUTABLE:
        return "systems that get a whole new image"
    return in_container(host, scene)


def nodes_of(scene: Scene) -> dict[str, Node]:
    """Return the nodes of the fleet by name."""
    return {node.name: node for node in scene.evidence.fleet.nodes}


def pools_of(scene: Scene) -> dict[str, str]:
    """Return the first pool of each node, by name."""
    return {node.name: node.pools[0] if node.pools else "" for node in scene.evidence.fleet.nodes}


def peers_of(scene: Scene) -> dict[str, str]:
    """Return by node a name for its like: one pool, one make of machine, as many boards of one model."""
    found = {}
    for node in scene.evidence.fleet.nodes:
        boards = Counter(one.model or "" for one in node.accelerators or () if one.kind != "mig")
        make = (node.system.vendor, node.system.cpu_model) if node.system else ()
        found[node.name] = repr((node.pools[:1], make, sorted(boards.items())))
    return found


def of_pool(table: dict[str, dict[str, str]], pool: str) -> dict[str, str] | None:
    """Return the row of a pool, else that of `*`."""
    return table.get(pool, table.get("*"))


def majority(values: Iterable[str]) -> str | None:
    """Return the value that more than three quarters have; None: there is none, or fewer than 3 told."""
    counts = Counter(values)
    total = counts.total()
    if total < 3:
        return None
    value, count = counts.most_common(1)[0]
    return value if 4 * count > 3 * total else None


def by_peers(scene: Scene, read: Callable[[Host], str | None]) -> dict[str, list[str]]:
    """Return what the hosts of each group of peers say, those alone that say it."""
    peers, found = scene.once(peers_of), dict[str, list[str]]()
    for host in scene.evidence.hosts or ():
        value = read(host)
        if value is not None and has_peers(scene, host.node):
            found.setdefault(peers.get(host.node, ""), []).append(value)
    return found
