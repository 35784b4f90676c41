"""From pods and from templates to workloads: what is alike is one, and the owner that nobody owns has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from dcctl.inventory.devices import Fact
from dcctl.inventory.evidence.base import Silence, Subject
from dcctl.inventory.evidence.pods import Literally, Shape, Work
from dcctl.inventory.sources.kubernetes.owners import MOST_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcctl.inventory.evidence.pods import Container

T = TypeVar("T")


class Ref(NamedTuple):
    """An object by the names under which findings have it."""

    cluster: str
    namespace: str
    kind: str
    name: str


class Look(Fact, frozen=True):
    """What tells the pods of one owner from each other, if anything does. Hashable: it is kept once."""

    shape: Shape
    account: str = "default"
    automount: bool | None = None
    labels: tuple[tuple[str, str], ...] = ()
    networks: tuple[str, ...] = ()
    secrets: tuple[Literally, ...] = ()


class Piece(Subject, frozen=True, kw_only=True):
    """What one object tells of a workload: who owns it, what it has templates of, what pods it has.

    It is no evidence: `whole` makes workloads of all of them.
    """

    ref: Ref
    owner: Ref | None = None
    templates: tuple[Look, ...] = ()
    found: tuple[Look, ...] = ()
    """Of its pods."""
    pods: int = 0
    claims: tuple[str, ...] = ()
    """Of volumes, by their names."""

    @property
    def key(self) -> str:
        """As that of the workload, were it one."""
        return f"{self.ref.namespace}/{self.ref.kind}/{self.ref.name}"


class _Parts:
    """All that is told of one owner that nobody owns."""

    def __init__(self) -> None:
        self.templates: dict[Look, None] = {}
        self.found: dict[Look, None] = {}
        self.pods = 0
        self.claims: set[str] = set()
        self.silent: dict[str, Silence] = {}

    def add(self, piece: Piece) -> None:
        """Take what a piece tells."""
        self.templates.update(dict.fromkeys(piece.templates))
        self.found.update(dict.fromkeys(piece.found))
        self.pods += piece.pods
        self.claims.update(piece.claims)
        self.silent.update(piece.silent)

    def looks(self) -> list[Look]:
        """Templates that no pod was made of yet, and the pods: these have what admission made of them."""
        made = {_made_of(each) for each in self.found}
        return [*(each for each in self.templates if _made_of(each) not in made), *self.found]


def _made_of(look: Look) -> tuple[str, frozenset[tuple[str, str]]]:
    """What a pod shares with its template. A container that somebody put in later is not in it."""
    own = frozenset((one.name, one.image) for one in look.shape.containers if one.turn == "main")
    return look.account, own


def whole(found: Iterable[Subject]) -> Iterator[Subject]:
    """Yield the subjects, with workloads instead of their pieces."""
    pieces: list[Piece] = []
    for one in found:
        if isinstance(one, Piece):
            pieces.append(one)
        else:
            yield one
    owners = {one.ref: one.owner for one in pieces if one.owner is not None}
    works: dict[Ref, _Parts] = {}
    for one in pieces:
        works.setdefault(_root(one.ref, owners), _Parts()).add(one)
    for ref, parts in works.items():
        yield from _works(ref, parts)


def _root(ref: Ref, owners: dict[Ref, Ref]) -> Ref:
    for _ in range(MOST_STEPS):
        if ref not in owners:
            break
        ref = owners[ref]
    return ref


def _works(ref: Ref, parts: _Parts) -> Iterator[Work]:
    """One workload for each account that its pods run as; the first keeps the name of the owner."""
    by_account: dict[str, list[Look]] = {}
    for look in parts.looks():
        by_account.setdefault(look.account, []).append(look)
    first = next((each.account for each in parts.templates), min(by_account, default=""))
    for account, looks in by_account.items():
        name = ref.name if account == first else f"{ref.name}/{account}"
        yield _work(ref, name, looks, parts)
    if parts.silent and not by_account:
        silent = parts.silent
        yield Work(cluster=ref.cluster, namespace=ref.namespace, kind=ref.kind, name=ref.name, silent=silent)


def _work(ref: Ref, name: str, looks: list[Look], parts: _Parts) -> Work:
    looks = sorted(looks, key=repr) if len(looks) > 1 else looks  # not as the pods happen to be called
    inside = [(look.shape, each) for look in looks for each in look.shape.containers]
    mounting = {look.automount for look in looks}
    return Work(
        cluster=ref.cluster,
        namespace=ref.namespace,
        kind=ref.kind,
        name=name,
        account=looks[0].account,
        automount=True if True in mounting else None if None in mounting else False,
        images={each.name: each.image for _, each in inside},
        bare=_unique(each.name for shape, each in inside if _bare(shape, each)),
        pods=parts.pods if name == ref.name else 0,
        shapes=_unique(look.shape for look in looks),
        labels=tuple(dict(each) for each in _unique(look.labels for look in looks)),
        networks=_unique(each for look in looks for each in look.networks),
        secrets=_unique(each for look in looks for each in look.secrets),
        claims=tuple(sorted(parts.claims)),
        silent=parts.silent,
    )


def _bare(shape: Shape, each: Container) -> bool:
    return not (shape.says or each.says)


def _unique(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))


STATIC: Final = "Static"
"""Kind of the pods that a node runs of its own files."""
