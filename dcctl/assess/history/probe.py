"""What a server has: the questions that learn it, which its index answers, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.assess.history import promql as q
from dcctl.assess.history import signals as s
from dcctl.assess.history.chosen import chosen
from dcctl.assess.history.signals import Doubt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from dcctl.assess.history.signals import Found
    from dcctl.inventory.timeseries import Series


class Lookup(NamedTuple):
    """The values of a label among series that match."""

    key: str
    label: str
    match: str


_SPELLINGS = ("Hostname", "hostname")
_METRICS, _BOARDS = (f'__name__=~"{"|".join(names)}"' for names in (s.METRICS, s.BOARDS))


def host_lookups(bare: Found, *, choosing: bool) -> tuple[Lookup, ...]:
    """Return what to look up first: how nodes are spelled, and which there are where some are to be chosen.

    `bare` knows the labels that the user stated and nothing else.
    """
    spelled = (Lookup(name, name, q.matching(bare, _BOARDS, f'{name}!=""')) for name in _SPELLINGS)
    nodes = Lookup("nodes", "node", q.matching(bare, f'__name__="{s.ALLOCATABLE}"'))
    return (*spelled, *((nodes,) if choosing else ()))


def with_hosts(bare: Found, told: Mapping[str, Sequence[str]], include: str, exclude: str) -> Found:
    """Return what `host_lookups` learn, and which nodes `-w include -x exclude` choose. UsageError: none."""
    spellings = tuple(name for name in _SPELLINGS if told[name]) or ("hostname",)
    nodes = chosen((name for names in told.values() for name in names), include, exclude)
    return bare._replace(spellings=spellings, nodes=nodes)


def lookups(bare: Found) -> tuple[Lookup, ...]:
    """Return what to look up next."""
    names = q.one_of(bare.nodes.names)
    mark, rest = ("!~", "") if bare.nodes.left_out else ("=~", "|")  # of series that have the label
    there = [f'{label}{mark}"{names}{rest}"' for label in bare.spellings] if bare.nodes else []
    return (
        Lookup("metrics", "__name__", q.matching(bare, _METRICS, *there)),
        Lookup("jobs", "job", q.matching(bare, _BOARDS, *there)),
        Lookup("exported jobs", "job", q.matching(bare, _BOARDS, *there, *q.HELD["exported_"])),
        Lookup("plain jobs", "job", q.matching(bare, _BOARDS, *there, *q.HELD[""], 'exported_pod=""')),
        Lookup("slices", "GPU_I_ID", q.matching(bare, _BOARDS, *there, 'GPU_I_ID!=""')),
    )


def count(bare: Found, metrics: Sequence[str]) -> str:
    """Return the query for how many accelerators have each metric at a time, and how many are shared then."""
    boards = q.of_nodes(bare, lambda matchers: matchers, _BOARDS)
    each = f"count by (__name__) (count by (__name__, UUID, GPU_I_ID) ({boards}))"
    told = [metric for metric in s.PRESENT if metric in metrics]
    return f"{each} or {_shared(bare, told[0])}" if told else each


def _shared(bare: Found, metric: str) -> str:
    """How many accelerators several series tell of at the same latest time: one that has ended may linger."""
    board = "UUID, GPU_I_ID"
    times = q.of_nodes(bare, lambda matchers: f"timestamp({metric}{matchers})")
    latest = f"{times} == on ({board}) group_left () max by ({board}) ({times})"
    return f'label_replace(count(count by ({board}) ({latest}) > 1), "shared", "yes", "__name__", "")'


def learned(
    bare: Found, told: Mapping[str, Sequence[str]], first: Sequence[Series], last: Sequence[Series]
) -> Found:
    """Return what a server has, from the answers to `lookups` by key and to `count` at both ends."""
    exported, ends = tuple(sorted(told["exported jobs"])), (*first, *last)
    return bare._replace(
        metrics=frozenset(told["metrics"]),
        counts=_counts(last),
        doubts=tuple(_doubts(ends)),
        first_counts=_counts(first),
        exported_jobs=exported,
        mixed_jobs=tuple(sorted(set(exported) & set(told["plain jobs"]))),
        plain_jobs=tuple(sorted(set(told["jobs"]) - set(exported))) if exported else (),
        owned=bool(exported or told["plain jobs"]),
        sliced=bool(told["slices"]),
        shared=any(one.label("shared") for one in ends),
    )


def _counts(told: Iterable[Series]) -> dict[str, int]:
    return {
        one.label("__name__"): round(one.last)
        for one in told
        if one.last is not None and 0 <= one.last <= s.MOST and not one.label("shared")
    }


def _doubts(told: Iterable[Series]) -> Iterator[Doubt]:
    """Counts that cannot be."""
    for one in told:
        if one.last is None or not 0 <= one.last <= s.MOST:
            value = "no number" if one.last is None else f"{one.last:.3g}"
            yield Doubt(f"accelerators ({one.label('__name__')})", f"their count cannot be: {value}")
