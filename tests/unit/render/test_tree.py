"""A tree: on a terminal, in ASCII, cut to its width, and as nested lists."""

from __future__ import annotations

from dcctl.render.report import Branch, Tree
from dcctl.render.style import Style
from dcctl.render.tree import tree_html, tree_lines

TREE = Tree(
    "where",
    (
        Branch(
            "dc1", (Branch("r1", (Branch("gpu1: a"), Branch("gpu2: b"))), Branch("r2", (Branch("gpu3: a"),)))
        ),
        Branch("dc<2>\x1b[31m"),
    ),
)


def test_on_a_terminal() -> None:
    assert tree_lines(TREE, Style(unicode=True), 80) == [
        "where",
        "dc1",
        "├─ r1",
        "│  ├─ gpu1: a",
        "│  └─ gpu2: b",
        "└─ r2",
        "   └─ gpu3: a",
        "dc<2>\\x1b[31m",
    ]


def test_in_ascii_and_cut() -> None:
    shown = tree_lines(TREE, Style(unicode=False), 10)
    assert shown[3:7] == ["|  |- g...", "|  `- g...", "`- r2", "   `- g..."]
    assert all(len(line) <= 10 for line in shown)


def test_as_lists() -> None:
    page = "".join(tree_html(TREE))
    assert page.count("<ul>") == page.count("</ul>") == 4
    assert "dc&lt;2&gt;" in page
