"""Tasks that wait for each other, and the workers that may run them, as a file asks for them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from dcctl.inventory.devices import Fact, Natural

Positive = Annotated[int, Meta(ge=1)]


class Wait(Fact, frozen=True):
    """A task that must have ended before, and what it sends."""

    task: str
    size_bytes: Natural | None = None
    """Data that a link carries at its rate; None: `delay_ms` says how long it takes."""
    delay_ms: Natural = 0
    """How long it takes between any two workers."""


class Step(Fact, frozen=True):
    """One task."""

    name: str
    times_ms: dict[str, Positive] = field(default_factory=dict)
    """How long it takes, by worker: no other can run it."""
    after: tuple[Wait, ...] = ()


class Workflow(Fact, frozen=True):
    """Steps of which none waits for itself, on workers that run one at a time. Names are unique."""

    name: str = ""
    workers: tuple[str, ...] = ()
    rates_bps: tuple[tuple[Natural | None, ...], ...] = ()
    """Of the link from each worker to each; None: it is not told. All are told where a step sends bytes."""
    steps: tuple[Step, ...] = ()


class Crew(Fact, frozen=True):
    """The workers that an inventory has."""

    workers: tuple[str, ...] = ()
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Workers by the name that stands for them, `@pool:train`."""
