"""The guard: whatever happens below, a person sees one line and a program the right code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dcctl.cli.exits import Exit, Terminated, of_error
from dcctl.errors import DcctlError, OutputError
from dcctl.streams import abandon_stdout, tell_aside

if TYPE_CHECKING:
    from types import FrameType


_YOUNG_OBJECTS = 2_000_000
"""So many new objects between two searches for cycles, not 700: modules and fleets hold next to none, and
on a fleet of 10,000 nodes the searches would be a tenth of the whole run."""


def guarded(arguments: list[str]) -> int:
    """Run dcctl with `arguments` and return the exit code. Never raises."""
    signal.signal(signal.SIGTERM, _terminate)
    gc.set_threshold(_YOUNG_OBJECTS, 20, 100)
    try:
        code = _invoke(arguments)
    except BrokenPipeError as error:
        abandon_stdout()
        code = of_error(error)
    except (KeyboardInterrupt, Terminated) as signalled:
        code = of_error(signalled)
    except DcctlError as error:
        code = _fail(arguments, error, of_error(error))
    except Exception as error:  # noqa: BLE001 - the one place that must catch everything
        code = _fail(arguments, _defect(error), Exit.DEFECT)
    return int(code)


def _invoke(arguments: list[str]) -> Exit:
    """Parse, run, render and flush: an error in the last flush belongs to this run too."""
    from dcctl.cli.program import execute

    try:
        code = execute(_as_plugin(arguments))
        sys.stdout.flush()
    except OSError as error:
        if isinstance(error, BrokenPipeError) or error.filename is not None:
            raise
        abandon_stdout()
        raise OutputError("standard output", error.strerror or str(error)) from error
    return code


def _as_plugin(arguments: list[str]) -> list[str]:
    """The arguments, with kubectl's own options understood when dcctl was started as its plugin."""
    if not Path(sys.argv[0]).name.startswith("kubectl-"):
        return arguments
    from dcctl.cli.plugin import translated

    return translated(arguments, os.environ)


def _terminate(_signal: int, _frame: FrameType | None) -> None:
    raise Terminated


def _fail(arguments: list[str], error: DcctlError, code: Exit) -> Exit:
    """Say what went wrong on stderr: one line, or JSON when JSON was asked for."""
    from dcctl.cli.session import speaks_unicode
    from dcctl.redaction import without_userinfo
    from dcctl.render.text import printable

    unicode = speaks_unicode(os.environ)
    what, why, hint = map(without_userinfo, (error.what, error.why, error.hint))
    if _wants_json(arguments):
        from dcctl.render.plain import Json, encode

        said: dict[str, Json] = {"what": what, "why": why, "hint": hint, "exit_code": int(code)}
        line = encode({"schema": "dcctl/error/v1", "error": said}, unicode)
    else:
        line = f"dcctl: {printable(str(DcctlError(what, why, hint)), unicode)}"
    tell_aside(f"{line}\n")
    return code


def _wants_json(arguments: list[str]) -> bool:
    """Whether -o json was asked for, readable even where the rest of the command line is not."""
    from dcctl.render.dispatch import is_json

    asked = os.environ.get("DCCTL_OUTPUT", "")
    for this, following in zip(arguments, [*arguments[1:], ""], strict=True):
        value = following if this in {"-o", "--output"} else this.removeprefix("--output=").removeprefix("-o")
        if value != this:
            asked = value
    return is_json(asked.partition("=")[0])


def _defect(error: Exception) -> DcctlError:
    """Keep the traceback, without credentials that it may quote, in a private file and say where."""
    import tempfile
    import traceback

    from dcctl.config import state_dir
    from dcctl.redaction import without_credentials

    text = without_credentials("".join(traceback.format_exception(error)))
    try:
        folder = state_dir(os.environ)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, path = tempfile.mkstemp(prefix="traceback-", suffix=".txt", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as why:
        path = f"nowhere: {why}"
    return DcctlError(f"this is a defect of dcctl: {type(error).__name__}", f"the traceback is in {path}")


def leave(code: int) -> None:
    """End the process with what it holds: no thread is waited for, nothing is freed piece by piece.

    What libraries registered to clean up is cleaned: the Kubernetes client keeps private keys in files.
    """
    import atexit

    atexit._run_exitfuncs()  # noqa: SLF001 - os._exit leaves them out
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
