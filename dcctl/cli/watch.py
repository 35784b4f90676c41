"""--watch: the same question again and again, in place on a terminal, as JSON lines elsewhere."""

from __future__ import annotations

import os
import shutil
import sys
from io import StringIO
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.cli.session import speaks_unicode
from dcctl.errors import DeniedError, UnreachableError
from dcctl.render.text import printable
from dcctl.streams import tell_aside
from dcctl.units import plural

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TextIO

    from dcctl.cli.command import Answer
    from dcctl.cli.exits import Exit

_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
"""The alternate screen without a cursor, on which a line that is too long does not take two."""
_CLEAR, _CLEAR_LINE = "\x1b[H\x1b[2J", "\x1b[K"


def watch(
    first: Answer, show: Callable[[Answer, TextIO, TextIO], Exit], sleep: Callable[[float], None]
) -> NoReturn:
    """Show `first`, then a new answer every `watch_s` seconds, until Ctrl-C, which is left to the guard.

    On a terminal as much of each answer as fits takes the place of the last one on the alternate screen;
    elsewhere each is one JSON document on a line of its own, unless another format or a file was asked for.
    """
    screen = sys.stdout.isatty() and not first.session.file
    pause_s = first.session.watch_s or 1.0
    answer = first
    try:
        sys.stdout.write(_ENTER if screen else "")
        while True:
            if screen:
                _on_screen(answer, show)
            else:
                show(_as_line(answer), sys.stdout, sys.stderr)
            sys.stdout.flush()
            answer.session.was_shown()
            answer.session.remember_names()
            sleep(pause_s)
            answer = _next(answer.again, sleep, pause_s, screen)
    finally:
        sys.stdout.write(_LEAVE if screen else "")
        sys.stdout.flush()


def _on_screen(answer: Answer, show: Callable[[Answer, TextIO, TextIO], Exit]) -> None:
    """Put the answer in place of the last one; the lowest line of the screen stays free for errors."""
    text = StringIO()
    show(answer, text, text)
    rows = shutil.get_terminal_size().lines - 1
    lines = fitting(text.getvalue().splitlines(), rows, answer.session.style().unicode)
    sys.stdout.write(_CLEAR + "".join(f"{line}\n" for line in lines))


def fitting(lines: list[str], rows: int, unicode: bool) -> list[str]:
    """The lines that fit into so many rows from the top; where there are more, the last row counts them."""
    if len(lines) <= rows:
        return lines
    kept = lines[: max(rows - 1, 0)]
    more = plural(len(lines) - len(kept), "more line")
    return [*kept, f"{'…' if unicode else '...'} {more} (a taller terminal, or without --watch)"]


def _next(ask: Callable[[], Answer], sleep: Callable[[float], None], pause_s: float, screen: bool) -> Answer:
    """The next answer; a fleet that is silent for a while is one line on stderr, and is asked again."""
    form = f"{_CLEAR_LINE}dcctl: {{}}\r" if screen and sys.stderr.isatty() else "dcctl: {}\n"
    while True:
        try:
            return ask()
        except (DeniedError, UnreachableError) as error:
            tell_aside(form.format(printable(str(error), unicode=speaks_unicode(os.environ))))
        sleep(pause_s)


def _as_line(answer: Answer) -> Answer:
    """The same answer as JSON, where a table was all that was asked for."""
    session = answer.session
    if session.file or session.format not in {"table", "wide"}:
        return answer
    settings = session.settings.having("output", "json", "--watch")
    return answer._replace(session=replace(session, settings=settings))
