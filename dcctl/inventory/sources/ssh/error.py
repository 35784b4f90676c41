"""Why a host gave no answer over SSH, each reason named apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.model import Gap

if TYPE_CHECKING:
    from dcctl.inventory.model import Cause


class SshError(Exception):
    """One host failed; the run goes on without it."""

    def __init__(self, reason: str, cause: Cause, hint: str = "") -> None:
        """`reason` is one line, `hint` the next command to type."""
        super().__init__(reason)
        self.reason, self.cause, self.hint = reason, cause, hint

    def gap(self, source: str, node: str) -> Gap:
        """Return the same as data."""
        return Gap(
            source=source, subject=node, reason=self.reason, cause=self.cause, hint=self.hint, node=node
        )

    def through(self, hop: str) -> SshError:
        """Return the same fault, blamed on a jump host."""
        return SshError(f"jump host {hop}: {self.reason}", self.cause, self.hint)


def printable(text: str | bytes, limit: int = 160) -> str:
    """Return one line of at most `limit` characters that is safe on a terminal: a host may say anything."""
    if isinstance(text, bytes):
        text = text[: 4 * limit].decode("utf-8", "replace")
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
