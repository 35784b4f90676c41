"""The order that `after` sets between jobs: of jobs that exist, and without a circle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.nodeexpr import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcctl.inventory.sources.jobs.job import Read


def check(jobs: Iterable[Read], known: Iterable[str]) -> None:
    """Raise UsageError for a job after one that is not there, or after itself by way of others.

    `known`: ids of all work of the files. Work of the cluster (`namespace/name`) need not be in them.
    """
    rows = {each.workload.id: each for each in jobs}
    names = {*rows, *known}
    for row in rows.values():
        for at in row.after:
            name = at.name()
            if name not in names and "/" not in name:
                raise at.error(f"no job is called {name}{nearest(name, names)}")
    circle = cycle({name: row.workload.after for name, row in rows.items()})
    if circle:
        way = " -> ".join([*circle, circle[0]])
        raise rows[circle[0]].at.error(f"none of these can start, since each waits for the next: {way}")


def cycle(after: Mapping[str, Sequence[str]]) -> list[str]:
    """Return names of which each waits for the next and the last for the first; empty: there are none."""
    done: set[str] = set()
    for start in after:
        path: dict[str, int] = {}
        stack = [(start, iter(after[start]))]
        path[start] = 0
        while stack:
            name, waits = stack[-1]
            step = next((each for each in waits if each in after and each not in done), None)
            if step is None:
                done.add(name)
                del path[name]
                stack.pop()
            elif step in path:
                return list(path)[path[step] :]
            else:
                path[step] = len(path)
                stack.append((step, iter(after[step])))
    return []
