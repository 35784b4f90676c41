"""Other defaults of the policy, for cases that keep the default."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from dcctl.audit.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator


def others(value: object) -> Iterator[tuple[str, Any]]:
    """Yield other values in place of a default, with what was done to it."""
    if isinstance(value, bool):
        yield f"{value} is {not value}", not value
    elif isinstance(value, int):
        yield from ((f"{value} is {other}", other) for other in (value + 1, value - 1))
    elif isinstance(value, str):
        yield f"{value!r} is {value + '~'!r}", value + "~"
    elif isinstance(value, tuple):
        yield from _of_tuple(value)
    elif isinstance(value, dict):
        yield from _of_table(value)
    elif isinstance(value, msgspec.Struct):
        for name, each in msgspec.structs.asdict(value).items():
            for what, other in others(each):
                yield f"{name}: {what}", msgspec.structs.replace(value, **{name: other})


def _of_tuple(value: tuple[object, ...]) -> Iterator[tuple[str, Any]]:
    for at, one in enumerate(value):
        yield f"no {one!r}", value[:at] + value[at + 1 :]
        for what, other in others(one):
            yield what, (*value[:at], other, *value[at + 1 :])


def _of_table(value: dict[str, object]) -> Iterator[tuple[str, Any]]:
    for key, one in value.items():
        yield f"no {key}", {name: each for name, each in value.items() if name != key}
        for what, other in others(one):
            yield f"{key}: {what}", {**value, key: other}


_CHANGED: list[tuple[str, str, Any]] = []
"""(section, field, value) of the default that is another just now."""


@contextmanager
def other_default(section: str, name: str, value: object) -> Iterator[None]:
    """Have fixtures that keep the default of a field of the policy run with another value."""
    _CHANGED.append((section, name, value))
    try:
        yield
    finally:
        _CHANGED.clear()


def changed(real: Policy) -> Policy:
    for section, name, value in _CHANGED:
        part = getattr(real, section)
        if getattr(part, name) == getattr(getattr(Policy(), section), name):
            return msgspec.structs.replace(real, **{section: msgspec.structs.replace(part, **{name: value})})
    return real
