"""--watch: the same question again and again, in place on a terminal, as JSON lines elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.cli.session import speaks_unicode
from dcctl.errors import DeniedError, UnreachableError
from dcctl.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.cli.command import Answer
    from dcctl.cli.exits import Exit

_ENTER, _LEAVE, _CLEAR = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l", "\x1b[H\x1b[2J"


def watch(
    first: Answer,
    ask: Callable[[], Answer | None],
    show: Callable[[Answer], Exit],
    sleep: Callable[[float], None],
) -> Exit:
    """Show `first`, then a new answer every `watch_s` seconds, until Ctrl-C, which is left to the guard.

    On a terminal each answer takes the place of the last one on the alternate screen; elsewhere each is one
    JSON document on a line of its own, unless another format or a file was asked for.
    """
    screen = sys.stdout.isatty() and not first.session.file
    answer: Answer | None = first
    pause_s = first.session.watch_s or 1.0
    try:
        sys.stdout.write(_ENTER if screen else "")
        while answer is not None:
            sys.stdout.write(_CLEAR if screen else "")
            code = show(answer if screen else _as_line(answer))
            sys.stdout.flush()
            sleep(pause_s)
            answer = _next(ask, sleep, pause_s)
    finally:
        sys.stdout.write(_LEAVE if screen else "")
        sys.stdout.flush()
    return code


def _next(ask: Callable[[], Answer | None], sleep: Callable[[float], None], pause_s: float) -> Answer | None:
    """The next answer; a fleet that is silent for a while is one line on stderr, and is asked again."""
    while True:
        try:
            return ask()
        except (DeniedError, UnreachableError) as error:
            sys.stderr.write(f"dcctl: {printable(str(error), unicode=speaks_unicode(os.environ))}\n")
            sys.stderr.flush()
        sleep(pause_s)


def _as_line(answer: Answer) -> Answer:
    """The same answer as JSON, where a table was all that was asked for."""
    session = answer.session
    if session.file or session.format not in {"table", "wide"}:
        return answer
    settings = session.settings.having("output", "json", "--watch")
    return answer._replace(session=replace(session, settings=settings))
