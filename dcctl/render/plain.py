"""The formats for programs: json, jsonl, yaml, csv, tsv (a piped table) and name. None of them folds rows.

Values are raw: integers in SI units, words, true and false, null for unknown. Only tsv has units.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TextIO, TypeAlias

from dcctl.render.nodes import node_set
from dcctl.render.text import HOSTILE, json_safe, printable, visible
from dcctl.render.units import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from msgspec import Struct

    from dcctl.render.report import Cell, Column, Gantt, Plot, Report, Table, Unit

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

_FORMULA = ("=", "+", "-", "@")


def value(cell: Cell) -> Json:
    """Return `cell` as JSON has it. A number that is not finite is unknown: null."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return list(cell) if isinstance(cell, tuple) else cell


def items(table: Table) -> Iterator[dict[str, Json]]:
    """Yield each row as an object with its keys in column order."""
    keys = [column.key for column in table.columns]
    for row in table.rows:
        yield dict(zip(keys, map(value, row), strict=True))


def envelope(report: Report) -> dict[str, Json]:
    """Return the whole report as one JSON value: what `dcctl schema KIND` describes."""
    document: dict[str, Json] = {
        "schema": f"dcctl/{report.kind}/v1",
        "headline": report.headline,
        "items": list(items(report.items)),
        "details": {table.name: list(items(table)) for table in report.details},
        "summary": {key: _summary(entry) for key, entry in report.summary.items()},
        "notes": [
            {"label": note.label, "text": note.text, "severity": note.severity, "command": note.command}
            for note in report.notes
        ],
        "gaps": [
            {key: getattr(gap, key) for key in ("source", "subject", "node", "reason", "cause", "hint")}
            for gap in report.gaps
        ],
    }
    if report.gantts:
        document["gantts"] = {chart.name: _gantt(chart) for chart in report.gantts}
    if report.plots:
        document["plots"] = {plot.name: _plot(plot) for plot in report.plots}
    if report.data is not None:
        document[report.data[0]] = _whole(report.data[1])
    if report.documents:
        document["documents"] = list(report.documents)
    return document


def _whole(data: Struct) -> Json:
    """Return what an answer was made from, as its own encoder writes it."""
    import msgspec  # not for a table

    found: Json = msgspec.to_builtins(data)
    return found


def _gantt(chart: Gantt) -> Json:
    """Return a chart as JSON has it: its times are in the unit that it names."""
    rows: list[Json] = [
        {"name": name, "bars": [{"start": bar.start, "end": bar.end, "word": bar.word} for bar in bars]}
        for name, bars in chart.rows
    ]
    return {"unit": chart.unit, "now": chart.now, "rows": rows}


def _plot(plot: Plot) -> Json:
    """Return a plot as JSON has it: a value for each step from the start."""
    lines: list[Json] = [
        {"name": line.name, "kind": line.kind, "values": [value(one) for one in line.values]}
        for line in plot.lines
    ]
    return {"unit": plot.unit, "start_s": plot.start_s, "step_s": plot.step_s, "lines": lines}


def _summary(entry: Cell | Mapping[str, Cell]) -> Json:
    """Return one entry of the summary as JSON has it."""
    if entry is None or isinstance(entry, str | int | float | tuple):
        return value(entry)
    return {key: value(cell) for key, cell in entry.items()}


def encode(document: Json, unicode: bool) -> str:
    """Return `document` as JSON on one line, safe to print: control and direction characters are escaped."""
    import json  # not for a table: reading this module compiles expressions

    return json_safe(json.dumps(document, ensure_ascii=not unicode, allow_nan=False))


def as_json(report: Report, out: TextIO, unicode: bool = True, one_line: bool = False) -> None:
    """Write one document: a line per item, so that it is read, compared and searched line by line."""
    document = envelope(report)
    if one_line:
        out.write(encode(document, unicode) + "\n")
        return
    out.write(_block(document, unicode, "", deep=2) + "\n")


def _block(entry: Json, unicode: bool, indent: str, deep: int) -> str:
    """Return lists with one element per line, objects with one key per line down to `deep` levels."""
    inner = f"{indent}  "
    if isinstance(entry, list) and entry:
        lines = (encode(each, unicode) for each in entry)
        return "[\n" + ",\n".join(f"{inner}{line}" for line in lines) + f"\n{indent}]"
    if isinstance(entry, dict) and entry and deep:
        pairs = (
            (encode(key, unicode), _block(each, unicode, inner, deep - 1)) for key, each in entry.items()
        )
        return "{\n" + ",\n".join(f"{inner}{key}: {text}" for key, text in pairs) + f"\n{indent}}}"
    return encode(entry, unicode)


def as_jsonl(report: Report, out: TextIO, unicode: bool = True) -> None:
    """Write one item per line and nothing else, so that every line has one form; gaps are told on stderr."""
    for item in items(report.items):
        out.write(encode(item, unicode) + "\n")


def as_yaml(report: Report, out: TextIO, unicode: bool = True) -> None:
    """Write the document of `as_json` as YAML. A hostile character anywhere makes the whole text ASCII."""
    import json

    import yaml

    document = envelope(report)
    hostile = HOSTILE.search(json.dumps(document, ensure_ascii=False)) is not None
    # libyaml is ten times faster but cannot write a lone surrogate
    dumper = yaml.SafeDumper if hostile else getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    yaml.dump(document, out, dumper, sort_keys=False, width=10_000, allow_unicode=unicode and not hostile)


def as_csv(report: Report, out: TextIO, unicode: bool = True) -> None:
    """Write RFC 4180 with a header of keys; unknown is empty, nodes are a node set, a list is joined by `;`.

    Lines end in LF, not CRLF: `cut` and `awk` would carry a CR in the last field. Control characters are
    written out (json keeps them), so a row is a line. A word that a spreadsheet would run as a formula gets a
    leading `'`.
    """
    import csv

    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.key for column in report.items.columns)
    units = [column.unit for column in report.items.columns]
    for row in report.items.rows:
        writer.writerow([_field(_joined(cell, unit), unicode) for cell, unit in zip(row, units, strict=True)])


def _joined(cell: Cell, unit: Unit) -> Cell:
    """Return several nodes as one node set, any other cell as it is."""
    return node_set(cell) if unit == "nodes" and isinstance(cell, tuple) else cell


def _field(cell: Cell, unicode: bool) -> str:
    """Return a cell as CSV has it."""
    raw = value(cell)
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float):
        return repr(raw)
    text = visible(";".join(map(str, raw)) if isinstance(raw, list) else str(raw))
    if not unicode:
        text = printable(text, unicode)
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_tsv(report: Report, out: TextIO, unicode: bool = True) -> None:
    """Write the main table alone as a pipe wants it: headings, then one row per line, cells between tabs.

    Rows are not folded, because `cut`, `awk` and `grep` work on one node per line; a cell of several nodes
    is a node set, as `-w` takes it. Cells read as in the table, but counts have no separators and unknown is
    `-` in every locale. Tabs and newlines in a cell are written out.
    """
    columns = report.items.columns
    out.write("\t".join(printable(column.title, unicode) for column in columns) + "\n")
    for row in report.items.rows:
        cells = (_tsv_cell(cell, column, unicode) for cell, column in zip(row, columns, strict=True))
        out.write("\t".join(cells) + "\n")


def _tsv_cell(cell: Cell, column: Column, unicode: bool) -> str:
    """Return a cell as the table has it, but unknown as `-`, counts as digits alone, and times in full."""
    unit = column.unit
    cell = _joined(cell, unit)
    raw = value(cell)
    if raw is None:
        return "-"
    if unit == "count" and isinstance(raw, int | float) and not isinstance(raw, bool):
        return str(raw)
    return show(cell, unit, unicode, column.zone)


def as_name(report: Report, out: TextIO, unicode: bool = True) -> None:
    """Write the distinct names of the main table's name column, one per line, in order, never folded."""
    index = report.items.column(report.name_key)
    seen: dict[str, None] = {}
    for row in report.items.rows:
        cell = row[index]
        if cell is not None:
            seen.update(dict.fromkeys(map(str, cell) if isinstance(cell, tuple) else (str(cell),)))
    for name in seen:
        out.write(printable(name, unicode) + "\n")
