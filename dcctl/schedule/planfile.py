"""The plan file: what `dcctl schedule plan -o json` prints, read back as the plan that it tells of."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta, field

from dcctl.errors import UsageError
from dcctl.inventory.devices import Fact, Natural
from dcctl.inventory.nodeexpr import check_name, shown
from dcctl.inventory.snapshot import not_json, place_of, type_error
from dcctl.packing.plan import Assignment, Cut, Plan, Unplaced

if TYPE_CHECKING:
    from collections.abc import Iterable

KIND: Final = "schedule-plan"
_VERSION: Final = 1
_SCHEMA = re.compile(r"dcctl/([a-z-]+)/v([0-9]{1,9})")
_MAX_BYTES: Final = 1 << 30
_AGAIN: Final = "dcctl schedule plan FILE -o json=plan.json"

_Number = Annotated[str, Meta(pattern=r"^[0-9]{1,6}$")]
"""A device as the cell of a table: cells that are lists hold words."""


class _Header(Fact, frozen=True):
    schema: str | None = None


class _Row(Fact, frozen=True):
    job: str
    member: str
    node: str
    devices: tuple[_Number, ...] = ()
    share_milli: Annotated[int, Meta(gt=0, lt=1000)] | None = None
    start_s: int | None = None
    end_s: int | None = None


class _Cut(Fact, frozen=True):
    node: str
    device: _Number
    model: str | None = None
    id: str | None = None
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class _Left(Fact, frozen=True):
    job: str
    members: Natural = 0


class _Tables(Fact, frozen=True):
    assignments: tuple[_Row, ...] | None = None
    cuts: tuple[_Cut, ...] = ()
    refusals: tuple[_Left, ...] = ()
    """Of each job that has no place one row for every reason."""


class _Summary(Fact, frozen=True):
    snapshot: str | None = None
    clusters: tuple[str, ...] = ()
    placed: Natural | None = None
    policy: str | None = None
    seed: int | None = None
    gpu_milli: Natural | None = None
    bound_gpu_milli: Natural | None = None


class _Document(Fact, frozen=True):
    details: _Tables = field(default_factory=_Tables)
    summary: _Summary = field(default_factory=_Summary)


def digest(data: bytes) -> str:
    """What tells one plan file, or manifest, from every other: its SHA-256 in hexadecimal."""
    return sha256(data).hexdigest()


def read(data: bytes, where: str) -> Plan:
    """Return the plan of a plan file. Fields that are not known are passed over.

    `where` is the file name for messages. UsageError: empty, cut off, not JSON, a snapshot or another report,
    of a newer version, of a wrong type (with its path), or a plan that nobody could carry out.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    if len(data) > _MAX_BYTES:
        raise UsageError(where, f"is larger than {_MAX_BYTES >> 30} GiB", _AGAIN)
    if not data or data.isspace():
        raise UsageError(where, "is empty", _AGAIN)
    try:
        _check_kind(data, where)
        document = msgspec.json.decode(data, type=_Document)
    except msgspec.ValidationError as error:
        raise UsageError(where, type_error(error), f"dcctl schema {KIND}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        place = f"{where}{place_of(data, str(error))}"
        raise UsageError(place, not_json(str(error)), _AGAIN) from error
    except RecursionError as error:
        raise UsageError(where, "is nested too deeply to be a plan", _AGAIN) from error
    tables = document.details
    if tables.assignments is None:
        raise UsageError(where, "has no field `details.assignments`", f"dcctl schema {KIND}")
    _check_rows(tables.assignments, where)
    said = document.summary.placed
    if said is not None and said != len(tables.assignments):
        why = f"places {len(tables.assignments):,} members and says {said:,}: it was changed by hand"
        raise UsageError(where, why, _AGAIN)
    return _plan(tables.assignments, tables, document.summary)


def _check_kind(data: bytes, where: str) -> None:
    """Raise unless the document says that it is a plan of a version this program reads."""
    try:
        schema = msgspec.json.decode(data, type=_Header).schema
    except msgspec.ValidationError:
        schema = None
    match = _SCHEMA.fullmatch(schema or "")
    if match is None:
        said = f"its schema is {shown(schema)}" if schema else "it has no field `schema`"
        raise UsageError(where, f"is not a plan of dcctl: {said}", _AGAIN)
    if match[1] == "snapshot":
        raise UsageError(
            where, "is a snapshot of a fleet, not a plan", f"dcctl schedule plan FILE -i {where}"
        )
    if match[1] == "error":
        raise UsageError(where, "is the error of a dcctl that made no plan", f"jq .error {where}")
    if match[1] != KIND:
        raise UsageError(where, f"is a dcctl {match[1]} report, not a plan", _AGAIN)
    if int(match[2]) > _VERSION:
        why = f"was written by a newer dcctl (v{match[2]}), this one reads v{_VERSION}"
        raise UsageError(where, why, "pip install --upgrade dcctl")


def _check_rows(rows: Iterable[_Row], where: str) -> None:
    """UsageError for what contradicts itself: nobody could carry it out."""
    seen = Counter((row.job, row.member) for row in rows)
    for at, row in enumerate(rows):
        path = f"{where}: $.details.assignments[{at}]"
        check_name(row.node, f"{path}.node")
        if not row.job or not row.member:
            raise UsageError(path, "names no job or no member", _AGAIN)
        if seen[row.job, row.member] > 1:
            raise UsageError(path, f"{shown(f'{row.job} {row.member}')} is placed twice", _AGAIN)
        if row.start_s is not None and row.end_s is not None and row.end_s < row.start_s:
            raise UsageError(path, "ends before it starts", _AGAIN)


def _plan(rows: tuple[_Row, ...], tables: _Tables, summary: _Summary) -> Plan:
    left = {one.job: one.members for one in tables.refusals}
    return Plan(
        assignments=tuple(
            Assignment(
                row.job,
                row.member,
                row.node,
                tuple(int(one) for one in row.devices),
                row.share_milli or 0,
                row.start_s,
                row.end_s,
            )
            for row in rows
        ),
        unplaced=tuple(Unplaced(job, count) for job, count in left.items()),
        policy=summary.policy or "",
        seed=summary.seed or 0,
        snapshot=summary.snapshot or "",
        clusters=summary.clusters,
        placed=len(rows),
        gpu_milli=summary.gpu_milli or 0,
        bound_gpu_milli=summary.bound_gpu_milli,
        cuts=tuple(
            Cut(one.node, int(one.device), one.model or "", one.id, one.before, one.after)
            for one in tables.cuts
        ),
    )
