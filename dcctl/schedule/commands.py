"""The next command to type, as text for a shell."""

from __future__ import annotations

from shlex import join, quote, split
from typing import TYPE_CHECKING, NamedTuple

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


class Typed(NamedTuple):
    """What a run was asked, as it was typed, each option one word: to be repeated in what it suggests."""

    work: str = ""
    """The files, and whether what waits counts too; empty: what waits."""
    choice: str = ""
    """Options of every verb that places work: policy and seed."""
    other: str = ""
    """All other options of a plan."""

    def naming(self, verb: str, name: str, *more: str) -> str:
        """The command that asks about a workload under the same options, and `more` of them."""
        return naming(verb, name, " ".join(filter(None, (*self, *more))))

    def asking(self, verb: str, *more: str) -> str:
        """The command that asks about all of the work under the same options, and `more` of them."""
        words = ("dcctl schedule", verb, self.work or "--pending", self.choice, self.other, *more)
        return " ".join(filter(None, words))


def files(paths: Iterable[str]) -> list[str]:
    """The paths as they can be typed: one that begins with a dash is no option, and `-` standard input."""
    return [f"./{path}" if path.startswith("-") and path != "-" else path for path in paths]
