"""The page stands alone, runs no script but its own, and hostile texts stay texts."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.render.dispatch import render
from dcctl.render.report import HeatMap, Note, Report, Tile
from dcctl.render.style import Style
from dcctl.render.text import HOSTILE, visible
from tests.unit.render.samples import fleet_map, hostile, report

VOID = {"meta", "rect", "br"}


class Reader(HTMLParser):
    """Reads a page strictly: every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append((self.open[-1] if self.open else "", data))


def page(of: Report, unicode: bool = True) -> str:
    out = io.StringIO()
    render(of, Style("html", unicode=unicode), out)
    return out.getvalue()


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert not reader.open
    return reader


def test_the_page_needs_nothing_from_outside() -> None:
    reader = read(page(report()))
    assert not [attrs for _, attrs in reader.tags if attrs.keys() & {"src", "href", "style", "action"}]
    assert not [tag for tag, _ in reader.tags if tag in ("link", "iframe", "object", "img", "base", "form")]
    assert "url(" not in page(report())
    assert "@import" not in page(report())


def test_the_policy_allows_exactly_the_script_and_style_of_the_page() -> None:
    text = page(report())
    reader = read(text)
    policy = next(attrs["content"] for tag, attrs in reader.tags if "http-equiv" in attrs) or ""
    for tag in ("script", "style"):
        (body,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


@given(
    st.text(st.characters(), max_size=60)
    | st.sampled_from(["<script>x</script>", "'\"><img onerror=x>", "&lt;"])
)
def test_any_text_stays_text(evil: str) -> None:
    made = replace(
        hostile(),
        headline=evil,
        notes=(Note(evil, evil, command=evil),),
        maps=(HeatMap(evil, evil, ((evil, (Tile(None, evil),)),), ((evil, 1),)),),
        documents=(evil,),
    )
    text = page(made)
    reader = read(text)
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert not [name for _, attrs in reader.tags for name in attrs if name.startswith("on")]
    assert not HOSTILE.search(text.replace("\n", ""))
    if evil.strip():
        assert "".join(data for tag, data in reader.text if tag == "h1") == visible(evil)
    assert page(made, unicode=False).isascii()


def test_the_page_has_tables_that_sort_by_raw_values_pictures_notes_and_gaps() -> None:
    text = page(report())
    reader = read(text)
    tags = [tag for tag, _ in reader.tags]
    assert tags.count("table") == 2
    assert tags.count("figure") == 4
    assert tags.count("rect") >= 64 * 8
    assert 'data-v="870"' in text
    assert "gpu009 #2: fault 50 %" in text
    assert "gpu007 #0: unknown" in text
    assert "<code>dcctl schedule defrag</code>" in text
    assert "gpu[124-126]: permission denied" in text


def test_a_picture_of_a_large_fleet_folds() -> None:
    rows = tuple((f"gpu{number:05d}", (Tile(900),) * 8) for number in range(5000))
    text = page(replace(report(), maps=(replace(fleet_map(), rows=rows, groups=()),)))
    assert "gpu[00000-04999]" in text
    assert text.count("<rect") < 100
