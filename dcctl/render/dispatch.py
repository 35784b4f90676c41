"""`render`: a report and a style in, text on a stream out. Each format is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.render.arrange import narrow, order, pick
from dcctl.render.report import Report, Table
from dcctl.render.style import check_format

if TYPE_CHECKING:
    from dcctl.render.report import Shape
    from dcctl.render.style import Style


def check_shape(shape: Shape, style: Style) -> None:
    """Return when an answer of that form can be shown in that style, before the answer is there.

    UsageError for a format, a column or a sort key that it does not have.
    """
    if shape.document_format not in ("", style.output):
        _demand_rows(shape.kind, style.output)
    arranged(Report(shape.kind, "", Table("items", shape.items, ())), style)


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
    if report.documents and style.output == report.document_format:
        out.writelines(report.documents)
    elif style.output in ("table", "wide"):
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

    if report.documents:
        _demand_rows(report.kind, style.output)
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


def _demand_rows(kind: str, output: str) -> None:
    """UsageError when a format wants rows: a document has none."""
    if output in ("jsonl", "csv", "name"):
        raise UsageError(f"{kind} is a document and has no rows", hint="-o table, or -o json")
