"""One run from its first write to its end, or to the error that tells how to go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import DcctlError, RefusedError, UnfinishedError
from dcctl.interrupts import Interrupts
from dcctl.schedule.backends import Run

if TYPE_CHECKING:
    from dcctl.journal import Journal
    from dcctl.progress import Progress
    from dcctl.schedule.backends import Left, Ready, Step


class Outcome(NamedTuple):
    """How a run ended."""

    steps: tuple[Step, ...]
    left: tuple[Left, ...]


def carry_out(ready: Ready, journal: Journal, progress: Progress) -> Outcome:
    """Everything was written and stands. UnfinishedError: it began, and `--resume` goes on."""
    with Interrupts() as interrupts:
        run = Run(journal, interrupts, progress, {}, [])
        try:
            steps = ready.carry_out(run)
        except KeyboardInterrupt:
            raise _unfinished(run, ready, "interrupted") from None
        except DcctlError as error:
            raise _unfinished(run, ready, str(error)) from error
    journal.end("partly applied" if run.left else "applied")
    before = (one._replace(hint=one.hint_once_made or one.hint) for one in ready.left)
    return Outcome(steps, (*before, *run.left))


def _unfinished(run: Run, ready: Ready, why: str) -> DcctlError:
    """The error of a run that began; one that changed nothing at all is over, and was refused."""
    journal = run.journal
    if not any(entry.state != "failed" for entry in journal.steps.values()):
        journal.end("refused")
        return RefusedError("the plan", f"{why}; nothing was changed", "dcctl schedule apply --dry-run")
    stand = f"{len(run.stands):,} of {len(ready.new) + len(ready.there):,} pods stand"
    return UnfinishedError(
        f"schedule apply: {stand}", f"{why} (journal {journal.path})", journal.header.resume
    )
