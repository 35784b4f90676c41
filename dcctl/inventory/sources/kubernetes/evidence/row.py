"""A list of objects of which evidence is made, as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from dcctl.inventory.evidence.base import Subject
    from dcctl.inventory.sources.kubernetes.listed import Listed

METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Metadata and nothing else: a server that cannot leave the rest out has to refuse."""


class Made(Protocol):
    """Takes the objects of one list page by page, keeps none of them, and has subjects at the end."""

    def add(self, items: list[Any]) -> None:
        """Read one page of objects."""

    def clear(self) -> None:
        """Forget all pages: the list starts again."""

    def subjects(self) -> Iterable[Subject]:
        """What came of all pages."""


class Row(NamedTuple):
    """One list: a line in a table and one function are all that a new one takes."""

    listed: Listed
    of: type[Any]
    """What is decoded of an object; everything else is skipped unread."""
    into: tuple[str, ...]
    """The fields of Evidence that are not whole without it; several lists may share one."""
    parse: Callable[[Any, str], Iterable[Subject]] | None = None
    """Subjects of one object of a cluster by name. ValueError for an object that is not understood."""
    made: Callable[[str], Made] | None = None
    """Instead of `parse`, where subjects are made of several objects; it is told the name of the cluster."""
    query: Mapping[str, str] = {}
    """A selector of fields or labels."""
    asked_for: bool = False
    """Not in the role that is printed: who wants it told has to allow it, knowingly."""


class Each:
    """Subjects of a list of which every object is looked at alone."""

    def __init__(self, parse: Callable[[Any, str], Iterable[Subject]], cluster: str) -> None:
        self._parse, self._cluster = parse, cluster
        self._found: list[Subject] = []

    def add(self, items: list[Any]) -> None:
        """Read one page of objects."""
        for item in items:
            self._found += self._parse(item, self._cluster)

    def clear(self) -> None:
        """Forget all pages."""
        self._found = []

    def subjects(self) -> Iterable[Subject]:
        """What came of all pages."""
        return self._found


def taker(row: Row, cluster: str) -> Made:
    """Return what takes the objects of this row."""
    if row.parse is not None:
        return Each(row.parse, cluster)
    if row.made is None:
        raise ValueError(f"{row.listed.title}: nothing reads it")
    return row.made(cluster)
