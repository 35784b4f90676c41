"""Single accelerators kept back while their node stays in service, and given out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.drain.act import recall

if TYPE_CHECKING:
    from dcctl.drain.act.going import Going
    from dcctl.drain.work.devices import TaintRule


def keep_back(going: Going) -> tuple[str, ...]:
    """Nobody is given these accelerators any more: each rule is in the journal before it is made.

    Returns those that somebody gave out again meanwhile, which are left so.
    """
    request, backend, steps = going.request, going.world.backend, going.written.steps
    if not request.boards:
        return ()
    rules = going.steadily(lambda: backend.rules(request.boards, going.run, request.reason))
    there = {one.device for one in going.steadily(lambda: backend.kept(going.run))}
    made = {step for step, entry in steps.items() if entry.state == "done"}
    lost = [rule.board for rule in rules if _step(rule) in made and rule.device not in there]
    if lost:
        return tuple(dict.fromkeys(lost))
    new = [rule for rule in rules if _step(rule) not in made]
    going.demand()
    with going.interrupts.step():
        going.written.begin_all({_step(rule): {"board": rule.board} for rule in new})
    for rule in new:
        _make(going, rule)
    return ()


def _make(going: Going, rule: TaintRule) -> None:
    going.demand()
    with going.interrupts.step():
        going.steadily(lambda: going.world.backend.keep_back(rule))
        going.written.done(_step(rule))


def _step(rule: TaintRule) -> str:
    return f"{recall.KEEP_BACK} {rule.name}"


def give_out(going: Going) -> None:
    """All that the run kept back may be given out again."""
    steps = {f"give-back {title}": dict[str, str]() for title in recall.kept(going.written.steps)}
    if not steps:
        return
    going.demand()
    with going.interrupts.step():
        going.written.begin_all(steps)
        for one in going.world.backend.kept(going.run):
            going.world.backend.give_out(one)
        going.written.done_all(steps)
