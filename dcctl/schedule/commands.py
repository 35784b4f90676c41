"""The next command to type, as text for a shell."""

from __future__ import annotations

from shlex import join, quote, split
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def naming(verb: str, name: str, work: str = "") -> str:
    """`dcctl schedule VERB NAME WORK`. `work`: files and options, each option one word, quoted already.

    A name that begins with a dash would be read as an option: it stands behind `--`, and all options before.
    """
    if not name.startswith("-"):
        return " ".join(filter(None, ("dcctl schedule", verb, quote(name), work)))
    words = split(work)
    options = [word for word in words if word.startswith("-") and word != "-"]
    return join(
        ["dcctl", "schedule", verb, *options, "--", name, *(word for word in words if word not in options)]
    )


def files(paths: Iterable[str]) -> list[str]:
    """The paths as they can be typed: one that begins with a dash is no option, and `-` standard input."""
    return [f"./{path}" if path.startswith("-") and path != "-" else path for path in paths]
