"""Names as evidence has them: anybody who uploads a file chooses one, and not each of them is UTF-8."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import asdict, replace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.evidence.models import Import, Payload

_Found = TypeVar("_Found", "Import", "Payload")


def spelled(name: str) -> str:
    r"""Return the name of a file in UTF-8: other bytes as `\xff`, a backslash twice, so that two stay two."""
    return readable(name.replace("\\", "\\\\"))


def readable(text: str) -> str:
    """Return a text in UTF-8; what is none in it is spelled, bytes of names as bytes."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # halves of letters, which no name of a file has
        return text.encode("utf-8", "backslashreplace").decode()


def told(found: Iterable[_Found]) -> tuple[_Found, ...]:
    """Return what a file has, with all its texts in UTF-8."""
    return tuple(
        replace(one, **{name: readable(text) for name, text in asdict(one).items()}) for one in found
    )
