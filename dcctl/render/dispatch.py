"""`render`: a report and a style in, text on a stream out. Each format is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from msgspec import Struct
from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.render.arrange import narrow, order, pick, unknown_word

if TYPE_CHECKING:
    from dcctl.render.report import Report

FORMATS = ("table", "wide", "json", "jsonl", "yaml", "csv", "name", "prom", "html")
"""What `-o` takes."""


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


def check_format(output: str) -> None:
    """Return when `output` is a format; otherwise UsageError naming those that exist and the nearest."""
    if output not in FORMATS:
        raise unknown_word("output format", output, FORMATS)


def arranged(report: Report, style: Style) -> Report:
    """Return `report` with its main table sorted and reduced to the columns that `style` shows."""
    table = report.items
    if style.sort:
        table = order(table, style.sort)
    if style.columns is not None:
        if style.output == "name":
            pick(table, style.columns)  # a wrong column is an error in every format
        else:
            table = pick(table, style.columns)
    elif style.output in ("table", "html"):
        table = narrow(table)
    return replace(report, items=table)


def render(report: Report, style: Style, out: TextIO) -> None:
    """Write `report` to `out` in the format of `style`. UsageError for an unknown format, column or sort key.

    OSError of `out` (a reader that left, a full disk) is the caller's.
    """
    check_format(style.output)
    shown = arranged(report, style)
    if style.output in ("table", "wide"):
        _table(shown, style, out)
    elif style.output == "prom":
        from dcctl.render.prom import as_prom

        as_prom(shown, out, style.unicode)
    elif style.output == "html":
        from dcctl.render.html import as_html

        as_html(shown, out, style.unicode)
    else:
        _plain(shown, style, out)


def _table(report: Report, style: Style, out: TextIO) -> None:
    """Write documents as they are, else a table: for a person on a terminal, for `cut` elsewhere."""
    if report.documents and not style.terminal:
        out.writelines(report.documents)
    elif style.terminal:
        from dcctl.render.table import as_table

        as_table(report, style, out)
    else:
        from dcctl.render.plain import as_tsv

        as_tsv(report, out, style.unicode)


def _plain(report: Report, style: Style, out: TextIO) -> None:
    """Write one of the formats for programs."""
    from dcctl.render import plain

    if report.documents and style.output in ("jsonl", "csv"):
        raise UsageError(f"{report.kind} is a document and has no rows", hint="-o table, or -o json")
    if style.output == "json":
        plain.as_json(report, out, style.unicode, style.one_line)
    elif style.output == "jsonl":
        plain.as_jsonl(report, out, style.unicode)
    elif style.output == "yaml":
        plain.as_yaml(report, out, style.unicode)
    elif style.output == "csv":
        plain.as_csv(report, out, style.unicode)
    else:
        _name(report, style, out)


def _name(report: Report, style: Style, out: TextIO) -> None:
    """Write the names, or say that this report has none."""
    from dcctl.render.plain import as_name

    keys = [column.key for column in report.items.columns]
    if report.name_key not in keys:
        raise UsageError(f"{report.kind} has no names to print", hint="-o json")
    as_name(report, out, style.unicode)
