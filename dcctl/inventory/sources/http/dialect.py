"""How one kind of server is spoken to: what its refusals mean, and what to do about what goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dcctl.inventory.sources.http.failure import Failure, of_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcctl.inventory.sources.http.failure import Trouble


class Dialect:
    """What holds for any server; a kind of server says what differs."""

    hints: ClassVar[Mapping[Trouble, str]] = {}
    """The next command, by what went wrong on the way."""

    def asked(self, target: str) -> None:
        """Hear of each try before it is sent. Failure forbids it."""

    def answered(self, body: bytes) -> None:
        """Hear of an answer that says yes. Failure: it says no all the same."""

    def refused(self, code: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """What an answer means that says no."""
        return of_status(code, headers)

    def meant(self, failure: Failure) -> Failure:
        """The failure of a try as it is meant for this kind of server."""
        if failure.trouble is not None:
            failure.hint = self.hints.get(failure.trouble, failure.hint)
        return failure
