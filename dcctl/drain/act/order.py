"""One `dcctl drain`, from its plan to its end: checked, asked about, locked, journalled, done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dcctl.drain.backends import Backend, Hooks
    from dcctl.drain.campaign import Campaign
    from dcctl.drain.outcome import Known, Outcome
    from dcctl.drain.request import Done, Request
    from dcctl.progress import Progress

KIND = "drain"


class World(NamedTuple):
    """What one run needs of what lies around it."""

    backend: Backend
    """The scheduler that is asked, and told."""
    hooks: Hooks
    plan: Callable[[Request, Done], Campaign]
    """Surveys the cluster now, and plans. It is called before every wave."""
    progress: Progress
    tell: Callable[[str], None]
    """Takes one line about how the run goes: what it waits for, what is held."""
    consent: Callable[[Sequence[str]], None]
    """Returns when the answer is yes; RefusedError else."""
    folder: Path
    """Where journals are kept."""
    now_s: int
    command: str
    """The command, with all that says whom it acts on."""
    options: str = ""
    """How it acts, to be said again when a run goes on."""
    dry_run: bool = False
    """Of `take_back`: nothing is changed."""
    wait_s: float = 3600.0
    """How long one wave waits for budgets."""
    stand_s: float = 300.0
    """How long, after a wave, displaced work may take until it stands again."""
    margin_s: float = 30.0
    """How long after its grace a pod may take to be gone."""
    clock: Callable[[], float] = time.time
    """Unix time in seconds."""


def drain(world: World, request: Request) -> Outcome:
    """The campaign is planned, agreed to and carried out: every target is drained and out of service.

    RefusedError: a finding of the plan blocks it, another run is under way, or the answer was no; nothing was
    changed. DeniedError: a right is missing. NotDrainedError: it began; `--resume` goes on.
    """
    raise NotImplementedError


def resume(world: World, run: str = "") -> Outcome:
    """The newest run that stopped (or the one of this name) goes on to its end.

    UsageError: there is none. RefusedError: it ran on another cluster, or is being undone.
    """
    raise NotImplementedError


def take_back(world: World, run: str = "") -> Outcome:
    """Every node of the newest run (or of the one of this name) is as it was before it.

    Evicted pods are told before the question: they do not come back. Nodes that somebody changed since are
    left and told. Errors as `resume`.
    """
    raise NotImplementedError


def status(folder: Path) -> tuple[Known, ...]:
    """Every run that has a journal, the newest first. Nothing is contacted."""
    raise NotImplementedError
