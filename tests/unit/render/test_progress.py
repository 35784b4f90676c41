"""The bar: silent where nobody watches, drawn on a terminal, erased at the end; and what is imported when."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from dcctl.render import progress as module
from dcctl.render.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def terminal() -> Iterator[tuple[int, io.TextIOWrapper]]:
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="utf-8") as stream:
        yield master, stream
    os.close(master)


def drawn(master: int, stream: io.TextIOWrapper) -> str:
    """Return what has been written to the terminal so far; NUL marks the end."""
    stream.write("\0")
    stream.flush()
    data = b""
    while not data.endswith(b"\0"):
        data += os.read(master, 65536)
    return data.rstrip(b"\0").decode()


def work(stream: io.TextIOWrapper, enabled: bool = True) -> None:
    with Progress(stream, enabled) as bar:
        before = set(threading.enumerate())
        bar.start(3, "asking\x1b[31m")
        for timer in set(threading.enumerate()) - before:
            timer.join()
        for node in ("gpu1", "gpu2\x1b]0;x\x07", "gpu3"):
            bar.advance(node)


def test_the_bar_is_drawn_and_erased(
    terminal: tuple[int, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    work(terminal[1])
    text = drawn(*terminal)
    assert "asking\\x1b[31m" in text
    assert "3/3" in text
    assert "\x1b]0" not in text
    assert text.endswith("\x1b[2K")


@pytest.mark.parametrize("why", ["quiet", "dumb", "short"])
def test_nothing_is_drawn_for_quiet_for_a_dumb_terminal_or_for_short_work(
    terminal: tuple[int, io.TextIOWrapper], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0 if why != "short" else 3600.0)
    monkeypatch.setenv("TERM", "dumb" if why == "dumb" else "xterm-256color")
    if why == "short":
        with Progress(terminal[1]) as bar:
            bar.start(2, "asking")
            bar.advance("gpu1")
    else:
        work(terminal[1], enabled=why != "quiet")
    assert drawn(*terminal) == ""


def test_nothing_is_drawn_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    monkeypatch.setenv("TERM", "xterm-256color")
    out = io.TextIOWrapper(io.BytesIO())
    work(out)
    out.flush()
    assert out.buffer.getvalue() == b""


@pytest.mark.parametrize("output", ["json", "jsonl", "csv", "name", "prom", "table", "wide"])
def test_formats_for_programs_load_neither_rich_nor_yaml_nor_a_folder(output: str) -> None:
    script = (
        "import io, sys\n"
        "from tests.unit.render.samples import report\n"
        "from dcctl.render.dispatch import render\nfrom dcctl.render.style import Style\n"
        "from dcctl.render.progress import Progress\n"
        "with Progress(io.StringIO()) as bar: bar.start(1, 'x')\n"
        f"render(report(), Style({output!r}), io.StringIO())\n"
        "heavy = {'rich', 'yaml', 'html', 'difflib', 'ClusterShell', 'typer', 'hashlib'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
