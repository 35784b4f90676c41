"""One task of a workflow: how long it takes where, and what it waits for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.lengths import SECONDS
from dcctl.inventory.nodeexpr import HIDDEN, MAX_NAME, shown
from dcctl.inventory.sources.jobs import amounts
from dcctl.inventory.sources.jobs.amounts import Measure
from dcctl.inventory.sources.jobs.resources import checked
from dcctl.inventory.workflow import Step, Wait

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor
    from dcctl.inventory.sources.workflows.workers import Team

_UNITS = {"ms": 1, **{unit: seconds * 1000 for unit, seconds in SECONDS.items()}}
_TIME = Measure("time", {"": 1000, **_UNITS}, "90, 90s, 15min or 1.5h", "a millisecond")
_DELAY = Measure("time", _UNITS, "18s", "a millisecond")
_DATA = Measure("data", amounts.BYTES, "40GB, or as a time: 18s", "a byte")
_IS_TIME = re.compile(rf"[-+0-9. ]+({'|'.join(_UNITS)})")
_MOST_MS = 10 * 366 * 86_400_000
"""Ten years: no task takes longer."""
_KEYS = ("time", "work", "on", "after")


class Read(NamedTuple):
    """A task, and where the file tells of it."""

    step: Step
    at: Cursor
    after: dict[str, Cursor]
    """By name of the task that it waits for."""


def step(given: Cursor, name: str, workers: Team) -> Read:
    """Return a task. UsageError with the place of whatever is wrong."""
    given.path = f"task {shown(name)[1:-1]}"
    keys = given.fields(_KEYS)
    if ("time" in keys) == ("work" in keys):
        raise given.error("needs either `time`, or `work` for workers with a `speed`")
    if not name.strip() or len(name) > MAX_NAME or HIDDEN.search(name):
        raise given.error("is no name of a task")
    after = _after(keys["after"]) if "after" in keys else {}
    sends = "after" in keys and keys["after"].is_mapping
    waits = tuple(_wait(before, at) if sends else Wait(before) for before, at in after.items())
    return Read(Step(name, _times(keys, workers), waits), given, after)


def _times(keys: dict[str, Cursor], workers: Team) -> dict[str, int]:
    """Return how long the task takes, by worker that can run it."""
    able = _able(keys, workers)
    if "time" in keys and keys["time"].is_mapping:
        return {name: _time(at) for name, at in workers.by_name(keys["time"]).items()}
    if "time" in keys:
        return dict.fromkeys(able, _time(keys["time"]))
    work = checked(keys["work"], lambda text: amounts.read(text, amounts.PLAIN))
    times = {name: -(-work * 1000 // workers.speed_milli[name]) for name in able}
    if max(times.values()) > _MOST_MS:
        raise keys["work"].error("takes more than ten years")
    return times


def _able(keys: dict[str, Cursor], workers: Team) -> tuple[str, ...]:
    """Return the workers that can run the task, at least one."""
    named = keys["time"].is_mapping if "time" in keys else False
    if named and "on" in keys:
        raise keys["on"].error("`time` names the workers already")
    if named:
        found = tuple(workers.by_name(keys["time"]))
    elif "on" in keys:
        found = tuple(name for at in keys["on"].items() for name in workers.meant(at, at.text()))
    else:
        return workers.names
    if not found:
        raise keys["time" if named else "on"].error("no worker can run the task")
    return found


def _time(at: Cursor) -> int:
    """Return a time in milliseconds, more than none."""
    found = checked(at, lambda text: amounts.read(text, _TIME, least=0))
    if found == 0:
        raise at.error("a task takes more than no time")
    if found > _MOST_MS:
        raise at.error("takes more than ten years")
    return found


def _after(given: Cursor) -> dict[str, Cursor]:
    """Return the place of each task that this one waits for: of what it sends, or of its name in a list."""
    if given.is_mapping:
        return given.entries()
    found: dict[str, Cursor] = {}
    for at in given.items():
        if at.text() in found:
            raise at.error(f"{at.text()} is there twice")
        found[at.text()] = at
    return found


def _wait(before: str, at: Cursor) -> Wait:
    """Return what a task waits for: bytes, or a time between any two workers."""
    if _IS_TIME.fullmatch(at.text()):
        return Wait(before, delay_ms=checked(at, lambda text: amounts.read(text, _DELAY, least=0)))
    return Wait(before, size_bytes=checked(at, lambda text: amounts.read(text, _DATA, least=0)))
