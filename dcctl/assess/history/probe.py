"""What a server has: the questions that learn it, which its index answers, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history import promql as q
from dcctl.assess.history import signals as s

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.assess.history.signals import Found
    from dcctl.inventory.timeseries import Series


class Lookup(NamedTuple):
    """The values of a label among series that match."""

    key: str
    label: str
    match: str


def lookups(bare: Found) -> tuple[Lookup, ...]:
    """Return what to look up. `bare` knows the labels that the user stated and nothing else."""
    metrics, boards = (f'__name__=~"{"|".join(names)}"' for names in (s.METRICS, s.BOARDS))
    return (
        Lookup("metrics", "__name__", q.matching(bare, metrics)),
        Lookup("jobs", "job", q.matching(bare, boards)),
        Lookup("exported jobs", "job", q.matching(bare, boards, *q.HELD["exported_"])),
        Lookup("plain jobs", "job", q.matching(bare, boards, *q.HELD[""], 'exported_pod=""')),
        Lookup("Hostname", "job", q.matching(bare, boards, 'Hostname!=""')),
        Lookup("hostname", "job", q.matching(bare, boards, 'hostname!=""')),
        Lookup("slices", "GPU_I_ID", q.matching(bare, boards, 'GPU_I_ID!=""')),
    )


def count(bare: Found) -> str:
    """Return the query for how many accelerators have each metric at one time."""
    boards = q.matching(bare, f'__name__=~"{"|".join(s.BOARDS)}"')
    return f"count by (__name__) (count by (__name__, UUID, GPU_I_ID) ({boards}))"


def learned(
    bare: Found, told: Mapping[str, Sequence[str]], first: Iterable[Series], last: Iterable[Series]
) -> Found:
    """Return what a server has, from the answers to `lookups` by key and to `count` at both ends."""
    exported = tuple(sorted(told["exported jobs"]))
    return bare._replace(
        metrics=frozenset(told["metrics"]),
        counts=_counts(last),
        first_counts=_counts(first),
        spellings=tuple(name for name in ("Hostname", "hostname") if told[name]) or ("hostname",),
        exported_jobs=exported,
        plain_jobs=tuple(sorted(set(told["jobs"]) - set(exported))) if exported else (),
        owned=bool(exported or told["plain jobs"]),
        sliced=bool(told["slices"]),
    )


def _counts(told: Iterable[Series]) -> dict[str, int]:
    return {one.label("__name__"): round(one.last) for one in told if one.last is not None}
