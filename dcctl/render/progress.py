"""A bar on standard error for work that takes longer than a second; silent where nobody watches."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TextIO

from dcctl.render.text import visible

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

PATIENCE_S = 1.0
"""Work that is done sooner is not worth a bar."""


class Progress:
    """Draws `label ━━━━ 17/128 gpu017` once the work has taken PATIENCE_S; rich is imported only then.

    `enabled` is the caller's wish (not --quiet); nothing is drawn unless `stream` is a terminal that can move
    its cursor. `advance` may be called by many threads. On leaving, the bar is erased.
    """

    def __init__(self, stream: TextIO, enabled: bool = True, color: bool = True) -> None:
        self._stream, self._color = stream, color
        self._enabled = enabled and stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb")
        self._lock = threading.Lock()
        self._label, self._total, self._done, self._text = "", 0, 0, ""
        self._bar: tuple[Bar, TaskID] | None = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, total: int, label: str) -> None:
        """Count from 0 to `total` under `label`; what was counted before is forgotten."""
        self.stop()
        with self._lock:
            self._label, self._total, self._done, self._text = visible(label), total, 0, ""
            if self._enabled:
                self._timer = threading.Timer(PATIENCE_S, self._draw)
                self._timer.daemon = True
                self._timer.start()

    def advance(self, text: str = "") -> None:
        """Count one more; `text` says which."""
        with self._lock:
            self._done, self._text = self._done + 1, visible(text)
            self._update()

    def stop(self) -> None:
        """Erase the bar; nothing is drawn until the next `start`."""
        with self._lock:
            timer, self._timer = self._timer, None
            bar, self._bar = self._bar, None
        if timer is not None:
            timer.cancel()
        if bar is not None:
            bar[0].stop()

    def _draw(self) -> None:
        """Put the bar on the screen; called once, when the patience is over."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichBar

        columns = (
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(style="bright_black", complete_style="blue", finished_style="blue"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}", markup=False),
        )
        console = Console(file=self._stream, no_color=not self._color)
        bar = RichBar(*columns, console=console, transient=True, refresh_per_second=5)
        with self._lock:
            if self._timer is not threading.current_thread():
                return  # stopped, or started anew, while rich was being imported
            task = bar.add_task("", total=self._total or None, label=self._label, text=self._text)
            self._bar = (bar, task)
            self._update()
            bar.start()

    def _update(self) -> None:
        """Tell the bar, if there is one, where the work stands."""
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self._done, text=self._text)
