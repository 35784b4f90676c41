"""Asks object stores about their buckets, whatever the client is that answers."""

from __future__ import annotations

from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from msgspec.structs import replace

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.model import Gap
from dcctl.inventory.sources.base import PART_GRACE_S, Task, at_once
from dcctl.inventory.sources.s3.parse import NOT_SET, OPERATIONS, bucket

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.evidence.storage import Bucket


class Asked(Protocol):
    """Calls one operation about one bucket."""

    def __call__(self, operation: str, bucket: str) -> dict[str, Any]:
        """Return the reply. Raises StoreError where the store says no, OSError where it says nothing."""


class StoreError(Exception):
    """The store refused: `code` is its own word for why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def gather(names: Iterable[str], ask: Asked, *, https: bool, stop: Event | None = None) -> Evidence:
    """Return these buckets. `https`: their endpoint speaks nothing else. What was refused is silent.

    They are asked about one after the other; once `stop` is set, no more.
    """

    def told(name: str) -> Bucket:
        return bucket(name, {each: _answer(ask, each, name) for each in OPERATIONS}, https=https)

    def cut(name: str) -> Bucket:
        bare = bucket(name, {}, https=https)
        return replace(bare, silent=dict.fromkeys(bare.silent, CUT))

    asking = [Task(partial(told, name), partial(cut, name)) for name in names]
    found = at_once(asking, stop or Event(), most=1, grace_s=PART_GRACE_S)
    return Evidence(buckets=tuple(found))


def refusals(name: str, evidence: Evidence) -> tuple[Gap, ...]:
    """Return a gap for each bucket of which something was not told; `name` is that of the source."""
    told = [(one, next(iter(one.silent.values()), None)) for one in evidence.buckets or ()]
    return tuple(
        Gap(name, one.key, why.reason.removeprefix(f"{one.name}: "), why.cause) for one, why in told if why
    )


def _answer(ask: Asked, operation: str, name: str) -> dict[str, Any] | Silence:
    try:
        return ask(operation, name)
    except StoreError as error:
        if error.code in NOT_SET:
            return {}
        return Silence(f"{operation}: {error.code}", "denied" if error.code == "AccessDenied" else "failed")
    except OSError as error:
        return Silence(f"{operation}: {error.strerror or error}", "unreachable")
