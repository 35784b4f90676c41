"""One entry under `jobs:` as a workload whose members wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.lengths import duration
from dcctl.inventory.model import Dataset, Member, Workload
from dcctl.inventory.moments import moment
from dcctl.inventory.placement import BARE, Template, key_of
from dcctl.inventory.sources.jobs import amounts, place
from dcctl.inventory.sources.jobs.resources import checked, resources

if TYPE_CHECKING:
    from dcctl.inventory.sources.jobs.cursor import Cursor

KEYS = (
    "name",
    "members",
    "each",
    "gang",
    "within",
    *place.KEYS,
    "priority",
    "preemptible",
    "queue",
    "owner",
    "duration",
    "deadline",
    "earliest",
    "after",
    "data",
)
MAX_MEMBERS = 1_000_000
MAX_PRIORITY = 2_147_483_647
"""Of Kubernetes: a 32-bit integer."""
UNKNOWN = "unknown"


class Read(NamedTuple):
    """A job, what its members need, and where it stands."""

    workload: Workload
    template: Template
    at: Cursor
    after: tuple[Cursor, ...] = ()


def job(given: Cursor, source: str) -> Read:
    """Return a job. UsageError with the place of whatever is wrong."""
    keys = given.fields(KEYS, required=("name", "each"))
    name = keys["name"].name()
    given.path = f"job {name}"
    count = keys["members"].integer(1, MAX_MEMBERS) if "members" in keys else 1
    needs = place.template(name, keys)
    each = replace(resources(keys["each"]), pods=1)
    key = key_of(needs) if needs != BARE else None
    work = Workload(
        id=name,
        kind="Job",
        owner=_name(keys, "owner"),
        source=source,
        queue=_name(keys, "queue"),
        priority=keys["priority"].integer(-MAX_PRIORITY - 1, MAX_PRIORITY) if "priority" in keys else None,
        gang_min=_gang(keys.get("gang"), count),
        members=tuple(Member(f"{name}-{at}", None, "pending", each, template=key) for at in range(count)),
        deadline_s=_moment(keys, "deadline"),
        preemptible=keys["preemptible"].flag() if "preemptible" in keys else None,
        labels=needs.labels,
        duration_s=checked(keys["duration"], duration) if "duration" in keys else None,
        within=keys["within"].choice(place.LEVELS) if "within" in keys else None,
        after=keys["after"].names() if "after" in keys else (),
        earliest_s=_moment(keys, "earliest"),
        data=_data(keys["data"]) if "data" in keys else (),
    )
    _check_times(work, keys)
    return Read(work, needs, given, tuple(keys["after"].items()) if "after" in keys else ())


def _name(keys: dict[str, Cursor], key: str) -> str | None:
    return keys[key].name() if key in keys else None


def _moment(keys: dict[str, Cursor], key: str) -> int | None:
    return checked(keys[key], moment) if key in keys else None


def _gang(given: Cursor | None, count: int) -> int | None:
    """All members stand or fall together unless the job says otherwise; one alone is no gang."""
    if given is None:
        return count if count > 1 else None
    if not given.is_mapping:
        return count if given.flag() and count > 1 else None
    least = given.fields(("min",), required=("min",))["min"].integer(1, MAX_MEMBERS)
    if least > count:
        raise given.error(f"min: {least} is more than the {count} members there are")
    return least if least > 1 else None


def _data(given: Cursor) -> tuple[Dataset, ...]:
    found: dict[str, Dataset] = {}
    for item in given.items():
        keys = item.fields(("name", "size", "sites"), required=("name", "size"))
        name, size = keys["name"].name(), keys["size"]
        if name in found:
            raise keys["name"].error(f"the data {name} is there twice")
        known = size.text() != UNKNOWN
        sites = keys["sites"].names() if "sites" in keys else ()
        found[name] = Dataset(name, checked(size, _size) if known else None, sites)
    return tuple(found.values())


def _size(text: str) -> int:
    return amounts.read(text, amounts.SIZE)


def _check_times(work: Workload, keys: dict[str, Cursor]) -> None:
    """Refuse a deadline that cannot be kept wherever the job runs."""
    if work.deadline_s is None:
        return
    first = (work.earliest_s or 0) + (work.duration_s or 0)
    if first > work.deadline_s:
        raise keys["deadline"].error("is before the earliest moment at which the job can have ended")
