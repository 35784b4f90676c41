"""Manual pages: what is committed is what the tree makes, and roff finds nothing to complain about."""

import subprocess

import pytest

from dcctl.cli.manual import pages
from dcctl.cli.program import tree
from tests.components import need
from tests.conftest import ROOT

PAGES = pages(tree())


def test_committed_pages_are_what_the_tree_makes() -> None:
    committed = {path.name: path.read_text() for path in (ROOT / "man").iterdir() if path.is_file()}
    assert committed == PAGES, "make man"


@pytest.mark.parametrize("name", sorted(PAGES))
def test_roff_has_no_complaint(name: str) -> None:
    done = subprocess.run(
        [need("groff", "groff-base"), "-man", "-ww", "-Kutf8", "-Tutf8", "-z"],
        input=PAGES[name],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_every_option_is_in_the_page() -> None:
    page = PAGES["dcctl-assess.1"].replace("\\-", "-")
    assert all(
        option in page for option in ("--inventory", "--nodes", "--by", "--watch", "--fail-on", "--timeout")
    )
    assert "exit-codes" in page


def test_what_may_be_given_often_has_one_ellipsis() -> None:
    assert "NODES...\n" in PAGES["dcctl-drain.1"]
    assert not [name for name, page in PAGES.items() if "......" in page]
