"""--watch: the same question again and again, in place on a terminal, as JSON lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcctl.cli.exits import Exit
    from dcctl.cli.options import Answer
    from dcctl.cli.session import Session

_ENTER, _LEAVE, _CLEAR = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H\x1b[2J"


def watch(
    first: Answer,
    ask: Callable[[], Answer | None],
    show: Callable[[Answer], Exit],
    sleep: Callable[[float], None],
) -> Exit:
    """Show `first`, then a new answer every `watch_s` seconds, until Ctrl-C (which the guard turns into 130)."""
    screen = sys.stdout.isatty() and not first.session.file
    answer: Answer | None = first
    pause_s = first.session.watch_s or 1.0
    try:
        if screen:
            sys.stdout.write(_ENTER)
        while answer is not None:
            if screen:
                sys.stdout.write(_CLEAR)
            code = show(answer if screen else _as_lines(answer))
            sys.stdout.flush()
            sleep(pause_s)
            answer = ask()
    finally:
        if screen:
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()
    return code


def _as_lines(answer: Answer) -> Answer:
    """The same answer, to be shown as one JSON document on one line unless a file is written."""
    return replace(answer, session=_lined(answer.session))


def _lined(session: Session) -> Session:
    from dcctl.config import Setting, Settings

    if session.file or session.format == "prom":
        return session
    values = {**session.settings.values, "output": Setting("jsonl-report", "--watch")}
    return replace(session, settings=Settings(values, session.settings.contexts))
