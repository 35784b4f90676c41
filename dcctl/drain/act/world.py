"""What one run of a drain needs of what lies around it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dcctl.drain.backends import Backend, Hooks
    from dcctl.drain.campaign import Campaign
    from dcctl.drain.request import Done, Request
    from dcctl.progress import Progress


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
    fanout: int = 32
    """So many evictions are on their way at once."""
    clock: Callable[[], float] = time.time
    """Unix time in seconds."""
