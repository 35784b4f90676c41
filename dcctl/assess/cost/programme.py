"""A mixed-integer linear programme as data: columns, rows, and whose condition each row is."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # NamedTuple
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal[
    "need",
    "stock",
    "rack power",
    "rack room",
    "power",
    "uplink",
    "cpu",
    "memory",
    "storage",
    "bandwidth",
    "renewable",
    "region",
    "carbon",
    "capex",
]


class Group(NamedTuple):
    """A condition that somebody set."""

    kind: Kind
    subject: str
    """A workload, a type, a rack or a region; empty: the site, or all."""
    site: str = ""


class Column(NamedTuple):
    """One unknown, from 0 up."""

    cost: float
    """A year, for one."""
    whole: bool


class Row(NamedTuple):
    """lower <= sum of terms <= upper. None: no such end."""

    terms: dict[int, float]
    lower: float | None
    upper: float | None
    group: Group | None = None
    """None: it follows from what the unknowns mean."""
    grow: float = 0
    """By how much the ends grow where one unit more is given, or asked for."""
    tilt: Mapping[int, float] = MappingProxyType({})
    """By how much terms grow then."""

    def more(self, units: float) -> Row:
        """Return the row with so many units more."""
        terms = dict(self.terms)
        for at, each in self.tilt.items():
            terms[at] = terms.get(at, 0) + each * units
        lower, upper = (None if end is None else end + self.grow * units for end in (self.lower, self.upper))
        return self._replace(terms=terms, lower=lower, upper=upper)


class Stand(NamedTuple):
    """Nodes of a type in a rack of a site, or anywhere in it."""

    type: str
    site: str
    rack: str = ""


class Run(NamedTuple):
    """A workload on accelerators of a type at a site."""

    workload: str
    type: str
    site: str


class Programme(NamedTuple):
    """The cheapest values of the columns are asked for."""

    columns: list[Column]
    rows: list[Row]
    nodes: dict[Stand, int]
    """The column that counts them."""
    gpus: dict[Run, int]
    """The column of the accelerators."""
    parts: dict[tuple[str, str], int]
    """The column of the share of a workload (first) that is done at a site (second)."""

    @property
    def groups(self) -> list[Group]:
        """Conditions that somebody set, each once, in their order."""
        return list(dict.fromkeys(row.group for row in self.rows if row.group is not None))

    def with_more(self, group: Group, units: float) -> Programme:
        """Return the programme with so many units more of one condition."""
        rows = [row.more(units) if row.group == group else row for row in self.rows]
        return self._replace(rows=rows)

    def free(self) -> Programme:
        """Return the programme with nothing to be paid."""
        free = [column._replace(cost=0) for column in self.columns]
        return self._replace(columns=free, rows=list(self.rows))

    def given(self, nodes: dict[int, float]) -> tuple[Programme, list[int]]:
        """Return what is left to be found where the nodes are given, and which columns it has."""
        columns = [at for at in range(len(self.columns)) if at not in nodes]
        new = {at: number for number, at in enumerate(columns)}
        rows = []
        for row in self.rows:
            terms = {new[at]: value for at, value in row.terms.items() if at in new}
            used = sum(value * nodes[at] for at, value in row.terms.items() if at in nodes)
            lower, upper = (None if end is None else end - used for end in (row.lower, row.upper))
            if terms:
                rows.append(Row(terms, lower, upper))
        return Programme([self.columns[at] for at in columns], rows, {}, {}, {}), columns
