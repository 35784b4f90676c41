"""Which nodes are looked at: names as a node set gives them, spelled as the series spell them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import UsageError
from dcctl.inventory.folding import fold, short, sort_key
from dcctl.inventory.model import Fleet, Node
from dcctl.inventory.nodeset import select

if TYPE_CHECKING:
    from collections.abc import Iterable


class Nodes(NamedTuple):
    """A choice of nodes, by all their spellings; of none: every node."""

    names: tuple[str, ...] = ()
    left_out: bool = False
    """Whether those are the ones that are not looked at."""

    def __bool__(self) -> bool:
        return bool(self.names)

    @property
    def words(self) -> str:
        """For people."""
        return f"{'all but' if self.left_out else 'only'} {fold(self.names)}"


def chosen(told: Iterable[str], include: str, exclude: str) -> Nodes:
    """Return the nodes that `-w include` and `-x exclude` choose among the names that labels tell.

    `gpu1.dc1.example` of one exporter is `gpu1` of another, unless several nodes have that short name.
    UsageError for names that no series has, and where nothing is left.
    """
    if not include and not exclude:
        return Nodes()
    nodes = _nodes(told)
    if not nodes:
        why = "no series names its node in a label `hostname`, `Hostname` or `node`"
        raise UsageError("--nodes and --exclude", why, "the same without -w and -x")
    kept = select(Fleet(nodes=nodes), include or None, exclude or None).nodes
    if include:
        return Nodes(_spelled(kept))
    names = {node.name for node in kept}
    return Nodes(_spelled(node for node in nodes if node.name not in names), left_out=True)


def _nodes(told: Iterable[str]) -> tuple[Node, ...]:
    families: dict[str, set[str]] = defaultdict(set)
    for name in told:
        families[short(name)].add(name)
    found = []
    for name, spellings in families.items():
        if name in spellings and len(spellings) == 2:
            (other,) = spellings - {name}
            found.append(Node(name, aliases=(other,)))
        else:
            found += [Node(each) for each in spellings]
    return tuple(sorted(found, key=lambda node: sort_key(node.name)))


def _spelled(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(sorted({name for node in nodes for name in (node.name, *node.aliases)}, key=sort_key))
