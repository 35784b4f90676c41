"""Histories that were kept once: each verifies, and is compared with, for ever.

`tests/data/audit-history` is never written anew: who changes how runs are kept adds a folder beside it. In it
GPU-04 looked at two nodes, at one of another site, at the two with one mended and one dark, and at three.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from dcctl.audit.act.keep import before, check, records
from dcctl.audit.act.run import Asked, Book, compared
from dcctl.audit.act.signing import Signer
from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.policy import Policy
from dcctl.audit.record import Scope
from dcctl.inventory.evidence.boards import Board
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.model import Fleet, Node
from dcctl.state import locked, reading

DATA = Path(__file__).parents[2] / "data" / "audit-history"
PUBLIC = (DATA / "key.pub").read_text().strip()
FIRST_S, DAY_S = 1_750_000_000, 86_400
HEAD = "4:855881a27a3eb0db4328911da2dd06ee13d4962d57dc6079d0ca00e1fb1b1b45"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy."""
    place = tmp_path / "audit"
    place.mkdir(mode=0o700)
    for name in ("history.db", "head.json"):
        shutil.copyfile(DATA / name, place / name)
    return place


def test_it_verifies(folder: Path) -> None:
    with reading(folder) as history:
        assert check(history, [PUBLIC]) == ()
        last = history.last()
        assert last
        assert f"{last.seq}:{last.hash}" == HEAD
        assert [(one.seq, one.series, len(one.new), len(one.gone)) for one in records(history)] == [
            (1, "demo", 2, 0),
            (2, "lab", 1, 0),
            (3, "demo", 0, 1),
            (4, "demo", 1, 0),
        ]


def test_it_is_known_what_is_open_since_when_and_what_was_counted(folder: Path) -> None:
    with reading(folder) as history:
        known = before(history, [PUBLIC], "demo", None, FIRST_S + 3 * DAY_S)
        other = before(history, [PUBLIC], "lab", None, FIRST_S + 3 * DAY_S)
    assert {one.object: known.since[key] for key, one in known.open.items()} == {
        "gpu2/A": FIRST_S,
        "gpu3/A": FIRST_S + 2 * DAY_S,
    }
    assert list(other.open) == ["f3e79b15843f0217"]
    assert [known.counters.get(name, "replays") for name in ("gpu1/A", "gpu2/A", "lab1/A")] == [5, 4, None]


def test_the_next_run_is_compared_with_it_and_signed_by_another_key(folder: Path) -> None:
    boards = tuple(
        Board(node=name, uuid="A", ecc_enabled=False, ecc_pending=False) for name in ("gpu1", "gpu2")
    )
    evidence = Evidence(fleet=Fleet(nodes=tuple(map(Node, ("gpu1", "gpu2", "gpu3")))), boards=boards)
    asked = Asked((CATALOGUE["GPU-04"],), Policy(), (), Scope(), "demo", FIRST_S + 3 * DAY_S, 950, DAY_S)
    signer = Signer(folder / "key")
    with locked(folder) as history:
        done = compared(asked, evidence, Book(history, signer, (PUBLIC,), folder / "errors"), kept=True)
        assert check(history, [PUBLIC, signer.public]) == ()
    found = {name: [one.object for one in getattr(done.compared, name)] for name in ("new", "known", "gone")}
    assert found == {"new": ["gpu1/A"], "known": ["gpu2/A"], "gone": ["gpu3/A"]}
    assert (done.seq, json.loads((folder / "head.json").read_text())["seq"]) == (5, 5)
