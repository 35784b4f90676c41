"""Widths, cutting, wrapping and what is written out."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from dcctl.render.text import HOSTILE, cut, natural, pad, printable, take, visible, width, wrap

WORDS = st.text(st.characters(), max_size=60)
MIXED = st.text(st.sampled_from("ab 1界评👩👍🏽🇩🇪e\u0301\u0308▒–×한\ufe0f❤"), max_size=60)


def test_every_control_format_surrogate_and_separator_is_hostile() -> None:
    for code in range(sys.maxunicode + 1):
        hostile = unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        if hostile:
            assert HOSTILE.match(chr(code)), hex(code)
    assert not HOSTILE.search("gpu-1_x.y/é界👍e\u0301–▒")


def test_hostile_characters_are_written_out() -> None:
    assert visible("a\x1b[31m\n\t\r\x9b\u202eb\U000e0041\ud800") == (
        "a\\x1b[31m\\n\\t\\r\\x9b\\u202eb\\U000e0041\\ud800"
    )


@given(WORDS)
def test_printable_is_one_harmless_line_that_the_stream_can_carry(text: str) -> None:
    for unicode in (True, False):
        clean = printable(text, unicode)
        assert not HOSTILE.search(clean)
        assert len(clean.splitlines()) <= 1
        assert clean.encode("utf-8" if unicode else "ascii") is not None
        assert printable(clean, unicode) == clean


def test_ascii_keeps_the_sense_of_typography() -> None:
    assert printable("8 × H100 → “ok” … 40 µs", unicode=False) == '8 x H100 -> "ok" ... 40 us'
    assert printable("评", unicode=False) == "\\u8bc4"


@given(WORDS.map(visible) | MIXED.map(visible))
def test_the_fast_width_agrees_with_the_table_of_rich(text: str) -> None:
    assert width(text) == cell_len(text)


@given(MIXED.map(visible) | WORDS.map(visible), st.integers(0, 70), st.booleans())
def test_cut_and_pad_give_exactly_the_cells_asked_for(text: str, cells: int, unicode: bool) -> None:
    short = cut(printable(text, unicode), cells, unicode)
    assert width(short) <= cells
    assert width(pad(short, cells)) == cells
    if width(printable(text, unicode)) <= cells:
        assert short == printable(text, unicode)


@pytest.mark.parametrize(
    ("text", "cells", "head"),
    [
        ("abc", 2, "ab"),
        ("界界", 3, "界"),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301e\u0301"),
        ("👍", 1, ""),
        ("", 3, ""),
    ],
)
def test_take_does_not_split_wide_characters_nor_leave_marks_behind(text: str, cells: int, head: str) -> None:
    assert take(text, cells) == head


@given(MIXED.map(visible), st.integers(6, 40))
def test_wrapped_lines_fit_and_lose_nothing_but_blanks(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_wrap_keeps_a_number_with_its_per_cent() -> None:
    assert wrap("allocated: 87 % of it", 13) == ["allocated:", "  87 % of it"]


def test_natural_order_counts() -> None:
    names = ["gpu10", "gpu9", "GPU1", "node-2-10", "node-2-9", "a" + "9" * 40]
    assert sorted(names, key=natural) == ["a" + "9" * 40, "GPU1", "gpu9", "gpu10", "node-2-9", "node-2-10"]
