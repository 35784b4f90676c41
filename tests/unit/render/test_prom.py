"""Prometheus text: a strict reader of the format takes every line, and so does promtool if installed."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.render.dispatch import render
from dcctl.render.report import Report, Sample
from dcctl.render.style import Style
from tests.unit.render.samples import hostile, report

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
VALUE = r"(?:NaN|[+-]Inf|-?[0-9]+(?:\.[0-9]+)?(?:e[+-][0-9]+)?)"
LINE = re.compile(
    rf"# HELP (?P<help>{NAME}) (?:[^\\\n]|\\\\|\\n)*|# TYPE (?P<type>{NAME}) (?:gauge|counter)"
    rf"|(?P<sample>(?P<name>{NAME})(?:\{{{LABEL}(?:,{LABEL})*\}})?) {VALUE}"
)
TEXT = st.text(st.characters(), max_size=20)
SAMPLE = st.builds(
    Sample,
    st.sampled_from(["dcctl_a", "dcctl_b_bytes", "dcctl_c_total"]),
    st.floats(),
    st.dictionaries(st.sampled_from(["node", "uuid", "model"]), TEXT).map(lambda pairs: tuple(pairs.items())),
    TEXT,
)


def shown(of: Report, unicode: bool = True) -> str:
    out = io.StringIO()
    render(of, Style("prom", unicode=unicode), out)
    return out.getvalue()


def check(text: str) -> None:
    """Fail unless `text` is exposition format 0.0.4: families together, TYPE first, every sample once."""
    assert text.endswith("\n")
    seen: list[str] = []
    samples: set[str] = set()
    for line in text[:-1].split("\n"):
        match = LINE.fullmatch(line)
        assert match, line
        name = match["help"] or match["type"] or match["name"]
        if not seen or seen[-1] != name:
            assert name not in seen, "a family stands in one piece"
            assert not match["sample"], "TYPE comes before the samples"
            seen.append(name)
        if match["sample"]:
            assert match["sample"] not in samples
            samples.add(match["sample"])


@given(st.lists(SAMPLE, max_size=6), st.booleans())
def test_every_line_is_in_the_format(samples: list[Sample], unicode: bool) -> None:
    text = shown(replace(hostile(), samples=tuple(samples)), unicode)
    check(text)
    assert unicode or text.isascii()


def test_samples_are_ordered_and_a_repeated_one_counts_once() -> None:
    twice = (Sample("dcctl_b", 1.0, (("x", "2"), ("a", "1"))), Sample("dcctl_a", 0.5), Sample("dcctl_a", 9.0))
    text = shown(replace(report(), samples=twice))
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "dcctl_a 0.5",
        'dcctl_b{a="1",x="2"} 1',
        'dcctl_report_gaps{kind="assess",source="ssh"} 4',
    ]


def test_no_gap_is_a_zero_and_not_a_missing_metric() -> None:
    assert 'dcctl_report_gaps{kind="assess",source=""} 0' in shown(replace(report(), gaps=()))


@pytest.mark.parametrize("sample", [Sample("gpu-count", 1.0), Sample("ok", 1.0, (("a", "1"), ("a", "2")))])
def test_a_name_that_prometheus_would_refuse_is_a_defect(sample: Sample) -> None:
    with pytest.raises(ValueError, match=r"Prometheus|twice"):
        shown(replace(report(), samples=(sample,)))


@pytest.mark.parametrize("of", [report(), hostile()], ids=["fleet", "hostile"])
def test_promtool_accepts_it(of: Report) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip(
            "promtool is not installed (Debian package prometheus); the grammar above is checked instead"
        )
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=shown(of),
        text=True,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
