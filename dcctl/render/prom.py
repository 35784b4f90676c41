"""Prometheus text exposition, version 0.0.4: the samples of a report, and how many gaps each source left."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, TextIO

from msgspec.structs import replace

from dcctl.render.report import Sample
from dcctl.render.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.render.report import Report

_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]*")
_GAPS = "dcctl_report_gaps"


def as_prom(report: Report, out: TextIO, unicode: bool = True) -> None:
    """Write every sample once, ordered by name and labels, HELP and TYPE once per name.

    Of two samples with the same name and labels the first counts: node_exporter refuses a file that has both.
    ValueError when a sample's name or label is not one that Prometheus reads: a defect of the command.
    """
    families: dict[str, dict[str, Sample]] = {}
    for sample in (*report.samples, *_gaps(report)):
        clean = _printable(sample, unicode)
        families.setdefault(_checked(_METRIC, sample.name), {}).setdefault(_labels(clean), clean)
    for name in sorted(families):
        _family(name, families[name], out)


def _gaps(report: Report) -> Iterable[Sample]:
    """Yield the number of gaps by source; one 0 when there are none, so that the metric always exists."""
    counts = Counter(gap.source for gap in report.gaps)
    text = "Questions that gave no answer, by source."
    for source, number in counts.items():
        yield Sample(_GAPS, float(number), (("kind", report.kind), ("source", source)), text)
    if not counts:
        yield Sample(_GAPS, 0.0, (("kind", report.kind), ("source", "")), text)


def _family(name: str, samples: dict[str, Sample], out: TextIO) -> None:
    """Write all samples of one name. The first that has a help text gives it."""
    first = next(iter(samples.values()))
    text = next((sample.help for sample in samples.values() if sample.help), "")
    if text:
        out.write(f"# HELP {name} {_escape(text)}\n")
    out.write(f"# TYPE {name} {first.type}\n")
    for labels in sorted(samples):
        out.write(f"{name}{labels} {_number(samples[labels].value)}\n")


def _labels(sample: Sample) -> str:
    """Return the labels in braces, ordered by name; nothing when there are none."""
    pairs = (f'{_checked(_LABEL, key)}="{_value(text)}"' for key, text in sorted(sample.labels))
    inner = ",".join(pairs)
    return f"{{{inner}}}" if inner else ""


def _value(text: str) -> str:
    """Return a label's value as it stands between quotes."""
    return _escape(text).replace('"', '\\"')


def _escape(text: str) -> str:
    """Return printable text with its backslashes doubled; it has no line breaks left."""
    return text.replace("\\", "\\\\")


def _printable(sample: Sample, unicode: bool) -> Sample:
    """Return the sample with texts harmless to a terminal. ValueError for two labels of one name."""
    labels = tuple((key, printable(text, unicode)) for key, text in sample.labels)
    if len(dict(labels)) < len(labels):
        raise ValueError(f"{sample.name} has a label twice: {labels}")
    return replace(sample, labels=labels, help=printable(sample.help, unicode))


def _number(value: float) -> str:
    """Return a value as Prometheus reads it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(value)


def _checked(pattern: re.Pattern[str], name: str) -> str:
    """Return `name` if it has the form that Prometheus asks for."""
    if not pattern.fullmatch(name):
        raise ValueError(f"not a Prometheus name: {name!r}")
    return name
