"""The question before something is changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

from dcctl.errors import RefusedError
from dcctl.streams import tell_aside

if TYPE_CHECKING:
    from collections.abc import Sequence


class Consent(NamedTuple):
    """What the command line says about changes."""

    dry_run: bool = False
    yes: bool = False

    def demand(self, command: str, lines: Sequence[str]) -> None:
        """Return when what `lines` tell may be done; the last of them is the question.

        RefusedError: the answer was no, or there is nobody to ask.
        """
        if self.yes:
            return
        from dcctl.render.text import visible

        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise RefusedError(
                command, "asks before it changes anything, and there is nobody to ask", f"{command} --yes"
            )
        *told, question = (visible(line) for line in lines)
        tell_aside("".join(f"{line}\n" for line in told) + f"{question} [y/N] ")
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise RefusedError(command, "the answer was no; nothing was changed")
