"""A campaign taken back: each node is as it was before it, the last first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.act import recall
from dcctl.drain.act.kept import give_out
from dcctl.drain.outcome import NotDrainedError
from dcctl.errors import DcctlError

if TYPE_CHECKING:
    from dcctl.drain.act.going import Going
    from dcctl.drain.outcome import Outcome


def undo(going: Going) -> Outcome:
    """Every node that the run touched is given back; what was left as it is is held, and told why.

    NotDrainedError: some are not yet, and `--undo` goes on.
    """
    nodes = tuple(reversed(recall.touched(going.written.steps)))
    going.world.progress.start(len(nodes), "giving back")
    try:
        give_out(going)
        for name in nodes:
            going.demand()
            with going.interrupts.step():
                _give_back(going, name)
            going.world.progress.advance(name)
    except (KeyboardInterrupt, DcctlError) as error:
        raise _unfinished(going, error) from error
    return _outcome(going, "undone")


def _give_back(going: Going, name: str) -> None:
    """The journal keeps why a node was left as it is."""
    step = f"give-back {name}"
    known = going.written.steps.get(step)
    if known is not None and known.state == "done":
        return
    going.written.begin(step)
    why = going.world.backend.give_back(name, going.run)
    going.written.done(step, **({"left": why} if why else {}))


def _outcome(going: Going, state: recall.State) -> Outcome:
    return recall.outcome(going.run, str(going.written.path), going.written.steps, state)


def _unfinished(going: Going, error: BaseException) -> NotDrainedError:
    why = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
    path, header = going.written.path, going.written.header
    told = f"{why} (journal {path})"
    return NotDrainedError("drain --undo", told, header.undo, _outcome(going, "unfinished"))
