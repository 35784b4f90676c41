"""How an answer is to be shown."""

from __future__ import annotations

from msgspec import Struct


class Style(Struct, frozen=True):
    """How an answer is to be shown; settled once from the options, the environment and the stream."""

    output: str = "table"
    columns: tuple[str, ...] | None = None
    """Keys or headings, in the order wanted; None: those the report shows by default."""
    sort: str | None = None
    """`key`, `-key` or `key:desc`; several with commas; None: the report's own order."""
    width: int = 100
    """Cells in a line of the terminal."""
    terminal: bool = False
    """Whether a person's terminal reads it; otherwise a table becomes tab-separated."""
    color: bool = False
    unicode: bool = True
    """Whether the stream can carry more than ASCII."""
    one_line: bool = False
    """JSON without line breaks: one document per tick of --watch."""
