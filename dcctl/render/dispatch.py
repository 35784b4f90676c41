"""`render`: a report and a style in, text on a stream out. Each format is imported when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TextIO

from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.render.arrange import narrow, order, pick, unknown_word
from dcctl.render.report import Report, Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.render.report import Shape
    from dcctl.render.style import Style


def check_format(output: str) -> None:
    """Return when `output` is a format; otherwise UsageError naming those that exist and the nearest."""
    if output not in FORMATS:
        raise unknown_word("output format", output, tuple(FORMATS))


def is_json(output: str) -> bool:
    """Whether who asks for this format, which may not exist, reads JSON: errors are told in it too."""
    return output in FORMATS and FORMATS[output].json


def tells_gaps(report: Report, style: Style) -> bool:
    """Whether the text that `render` writes names the gaps of the report."""
    if report.documents and style.output == report.document_format:
        return False
    return draws(style)


def draws(style: Style) -> bool:
    """Whether a chart is drawn or told as numbers: where there is more than the rows of a table."""
    told = FORMATS[style.output].gaps
    return told == "always" or (told == "on a terminal" and style.terminal)


def check_shape(shape: Shape, style: Style) -> None:
    """Return when an answer of that form can be shown in that style, before the answer is there.

    UsageError for a format, a column or a sort key that it does not have.
    """
    if shape.document_format not in ("", style.output):
        _demand_no_rows(shape.kind, style.output)
    if FORMATS[style.output].findings and not shape.findings:
        raise _no_findings(shape.kind, style.output)
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
    if report.documents and style.output == report.document_format:
        out.writelines(report.documents)
        return
    if report.documents:
        _demand_no_rows(report.kind, style.output)
    if FORMATS[style.output].findings:
        if report.findings is None:
            raise _no_findings(report.kind, style.output)
        FORMATS[style.output].write(report, style, out)
        return
    FORMATS[style.output].write(arranged(report, style), style, out)


def _demand_no_rows(kind: str, output: str) -> None:
    """UsageError when a format wants rows: a document has none."""
    if FORMATS[output].rows:
        raise UsageError(f"{kind} is a document and has no rows", hint="-o table, or -o json")


def _no_findings(kind: str, output: str) -> UsageError:
    return UsageError(f"{kind} has no findings to tell as {output}", hint="-o table, or -o json")


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


def _json(report: Report, style: Style, out: TextIO) -> None:
    from dcctl.render.plain import as_json

    as_json(report, out, style.unicode, style.one_line)


def _jsonl(report: Report, style: Style, out: TextIO) -> None:
    from dcctl.render.plain import as_jsonl

    as_jsonl(report, out, style.unicode)


def _yaml(report: Report, style: Style, out: TextIO) -> None:
    from dcctl.render.plain import as_yaml

    as_yaml(report, out, style.unicode)


def _csv(report: Report, style: Style, out: TextIO) -> None:
    from dcctl.render.plain import as_csv

    as_csv(report, out, style.unicode)


def _name(report: Report, style: Style, out: TextIO) -> None:
    """Write the names, or say that this report has none."""
    from dcctl.render.plain import as_name

    keys = [column.key for column in report.items.columns]
    if report.name_key not in keys:
        raise UsageError(f"{report.kind} has no names to print", hint="-o json")
    as_name(report, out, style.unicode)


def _prom(report: Report, style: Style, out: TextIO) -> None:
    from dcctl.render.prom import as_prom

    as_prom(report, out, style.unicode)


def _html(report: Report, style: Style, out: TextIO) -> None:
    from dcctl.render.html import as_html

    as_html(report, out, style.unicode)


def _nagios(report: Report, _style: Style, out: TextIO) -> None:
    from dcctl.render.nagios import as_nagios

    as_nagios(report, out)


def _sarif(report: Report, _style: Style, out: TextIO) -> None:
    from dcctl.render.sarif import as_sarif

    as_sarif(report, out)


def _junit(report: Report, _style: Style, out: TextIO) -> None:
    from dcctl.render.junit import as_junit

    as_junit(report, out)


def _ocsf(report: Report, _style: Style, out: TextIO) -> None:
    from dcctl.render.ocsf import as_ocsf

    as_ocsf(report, out)


def _oscal(report: Report, _style: Style, out: TextIO) -> None:
    from dcctl.render.oscal import as_oscal

    as_oscal(report, out)


class Format(NamedTuple):
    """How one format is written, and what follows from it for the rest of the program."""

    write: Callable[[Report, Style, TextIO], None]
    gaps: Literal["always", "on a terminal", "never"] = "never"
    """Where the text names the gaps; elsewhere they are told on stderr."""
    json: bool = False
    """Whether its readers read JSON."""
    rows: bool = False
    """Whether it is rows alone, which a document has not."""
    findings: bool = False
    """Whether it tells the findings of an audit, and nothing else."""


FORMATS = {
    "table": Format(_table, gaps="on a terminal"),
    "wide": Format(_table, gaps="on a terminal"),
    "json": Format(_json, gaps="always", json=True),
    "jsonl": Format(_jsonl, json=True, rows=True),
    "yaml": Format(_yaml, gaps="always"),
    "csv": Format(_csv, rows=True),
    "name": Format(_name, rows=True),
    "prom": Format(_prom),
    "html": Format(_html, gaps="always"),
    "nagios": Format(_nagios),
    "sarif": Format(_sarif, json=True, findings=True),
    "junit": Format(_junit, findings=True),
    "ocsf": Format(_ocsf, json=True, findings=True),
    "oscal": Format(_oscal, json=True, findings=True),
}
"""What `-o` takes."""
