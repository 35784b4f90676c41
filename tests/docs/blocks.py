"""The fenced blocks of a document: found, run as a reader would run them, and held against what they show."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RUN = ("console", "sh", "crontab", "toml")
"""Languages of blocks that are run or checked; others (yaml, text) only show something."""
ANSWERS = frozenset({0, 1, 3})
"""Exit codes of an answer."""
COLUMNS, LINES = 100, 40
_FENCE = re.compile(r"^```(\w*)\s*$")
_MARK = re.compile(r"^<!-- (not run|machine): (.+) -->$")
_CRON = re.compile(r"^(?:\S+\s+){5}(?:root|dcctl)\s+")
_END = "\x1e"
_COLOR = re.compile(r"\x1b\[[0-9;]*m")  # jq 1.6 does not know NO_COLOR
_PLACES = ("/var/lib/prometheus/node-exporter", "/etc/bash_completion.d", "/usr/local/share/man/man1")
"""Folders of the system that examples write to: each becomes a folder of the sandbox."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command, and the lines that the document shows below it."""

    command: str
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block. `mark` is the kind of the comment above it, `reason` what that says."""

    document: str
    line: int
    language: str
    text: tuple[str, ...]
    mark: str = ""
    reason: str = ""

    @property
    def id(self) -> str:
        """For pytest: the document and the line."""
        return f"{self.document}:{self.line}"

    def steps(self) -> list[Step]:
        """The commands of the block in order, comments left out."""
        if self.language == "console":
            return _console(self.text)
        lines = [line for line in self.text if line.strip() and not line.startswith(("#", "PATH="))]
        return [Step(_CRON.sub("", line) if self.language == "crontab" else line) for line in lines]


@dataclass(slots=True)
class Result:
    """What one command wrote on the terminal and on standard error, and its exit code."""

    code: int = -1
    lines: list[str] = field(default_factory=list)


def blocks(path: Path) -> Iterator[Block]:
    """Yield the blocks of a document that can be run or checked."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start, language, mark, reason = -1, "", "", ""
    for at, line in enumerate(lines):
        fence = _FENCE.match(line)
        if start < 0 and fence:
            start, language = at, fence[1]
            said = _MARK.match(lines[at - 1]) if at else None
            mark, reason = (said[1], said[2]) if said else ("", "")
        elif start >= 0 and line == "```":
            if language in RUN:
                document = str(path.relative_to(ROOT))
                yield Block(document, start + 1, language, tuple(lines[start + 1 : at]), mark, reason)
            start = -1


def _console(lines: tuple[str, ...]) -> list[Step]:
    commands: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            commands.append((line[2:], []))
        else:
            commands[-1][1].append(line)
    return [Step(command, tuple(shown)) for command, shown in commands]


def run(block: Block, sandbox: Path, before: Callable[[], None] = lambda: None) -> list[Result]:
    """Run the commands of a block in one shell, in an empty folder that has `examples/` in it.

    Standard output is a terminal of 100 columns without colour; standard error is put after it. `before` is
    called when the folder is ready; programs are in `.bin`.
    """
    env = _environment(sandbox)
    before()
    script = "".join(
        f"{_placed(step.command, sandbox)}\n"
        f"rc=$?; printf '{_END}%d{_END}\\n' $rc; printf '{_END}{_END}\\n' >&2; (exit $rc)\n"
        for step in block.steps()
    )
    out, err = _on_terminal(["bash", "-c", script], env, sandbox)
    said = [part.strip("\n") for part in re.split(f"{_END}{_END}\n?", err)]
    pieces = re.split(f"{_END}(\\d+){_END}\n?", out)
    return [
        Result(int(code), [*text.splitlines(), *errors.splitlines()])
        for text, code, errors in zip(pieces[0::2], pieces[1::2], said, strict=False)
    ]


def _environment(sandbox: Path) -> dict[str, str]:
    """A user with nothing but dcctl: no configuration, a terminal without colours."""
    programs = sandbox / ".bin"
    programs.mkdir()
    starter = programs / "dcctl"
    starter.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dcctl "$@"\n')
    starter.chmod(0o755)
    (sandbox / "examples").symlink_to(ROOT / "examples")
    folders = {f"XDG_{name}_HOME": str(sandbox / f".{name.lower()}") for name in ("CONFIG", "STATE", "CACHE")}
    path = f"{programs}:{os.environ.get('PATH', '')}"
    words = {"LANG": "C.UTF-8", "TZ": "UTC", "TERM": "xterm", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
    return {"PATH": path, "HOME": str(sandbox), **folders, **words}


def _placed(command: str, sandbox: Path) -> str:
    for place in _PLACES:
        if place in command:
            folder = sandbox / place.strip("/").replace("/", "-")
            folder.mkdir(exist_ok=True)
            command = command.replace(place, str(folder))
    return command


def _on_terminal(words: list[str], env: dict[str, str], cwd: Path) -> tuple[str, str]:
    """What a command writes on a terminal, and on standard error."""
    terminal, inside = pty.openpty()
    fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    with subprocess.Popen(
        words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=inside, stderr=subprocess.PIPE
    ) as process:
        os.close(inside)
        shown: list[bytes] = []
        reader = threading.Thread(target=_drain, args=(terminal, shown))
        reader.start()
        assert process.stderr is not None
        errors = process.stderr.read()
        reader.join()
    os.close(terminal)
    return _COLOR.sub("", b"".join(shown).decode()).replace("\r\n", "\n"), errors.decode()


def _drain(terminal: int, into: list[bytes]) -> None:
    """Read until the last program that had the terminal is gone, which Linux tells as an error."""
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            return
        if not data:
            return
        into.append(data)


_VARIES = (
    (re.compile(r"(\d+ sources?,(?: \d+ gaps?,)?) \d+\.\d s"), r"\1 T s"),
    (re.compile(r"\d+ ms\b"), "T ms"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?Z?"), "DATE"),
    (re.compile(r'"taken_at_s": ?\d+'), '"taken_at_s":T'),
    (re.compile(r"^dcctl \d+\.\d+\.\d+$"), "dcctl V"),
)
"""What may differ from run to run: durations, dates, the version."""
_NUMBER = re.compile(r"\d[\d,.]*( [KMGT]i?B| %)?")


def differences(shown: tuple[str, ...], actual: list[str], *, machine: bool = False) -> str:
    """Return what does not agree, or an empty text. A line `…` in the document stands for any lines.

    With `machine` only the first line is compared, up to its numbers and to what follows the accelerators.
    """
    if machine:
        want, have = (_NUMBER.sub("N", lines[0]).split("accelerators")[0] for lines in (shown, actual))
        return "" if want == have else f"shown: {want}\nis:    {have}"
    wanted, real = _masked(list(shown)), _masked(actual)
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else re.escape(line) + "\n" for line in wanted)
    text = "".join(f"{line}\n" for line in real)
    if re.fullmatch(pattern, text):
        return ""
    return "\n".join(["the document shows:", *wanted, "", "dcctl says:", *real])


def _masked(lines: list[str]) -> list[str]:
    """The lines with what varies replaced, and without blank lines at the end."""
    masked = []
    for line in lines:
        text = line.rstrip()
        for pattern, stand_in in _VARIES:
            text = pattern.sub(stand_in, text)
        masked.append(text)
    if any("T ms" in line for line in masked):  # the column is as wide as the longest duration
        masked = [re.sub(" {2,}", "  ", line) for line in masked]
    while masked and not masked[-1]:
        masked.pop()
    return masked
