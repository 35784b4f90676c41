"""Whatever is changed in a kept history, `audit verify` finds it and names the first record that is bad."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dcctl.audit.act.keep import check
from dcctl.audit.act.signing import Signer
from dcctl.audit.act.verified import verify_report
from dcctl.state import reading
from tests.unit.audit.runs import finding
from tests.unit.audit.test_history import run

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 8
FEW = settings(max_examples=40)
numbers = st.integers(1, RUNS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight runs, in which findings come, go and come back."""
    folder = tmp_path_factory.mktemp("whole") / "audit"
    a, b, c = (finding("RBAC-03", name) for name in "abc")
    for at, found in enumerate(([a], [a, b], [b], [a, b], [], [c], [a, c], [a, c])):
        run(folder, 1000 + at, found)
    return folder


@contextmanager
def copied(folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(shutil.copytree(folder, f"{place}/audit"))


def flaws(folder: Path) -> tuple[tuple[int, str], ...]:
    with reading(folder) as history:
        public = Signer(folder / "key").public
        found = check(history, [public])
        told = verify_report(found, history.runs(), public)
    first = next((f"the first at run {number}" for number, _ in found if number), "")
    assert (told.level == "crit", first in told.headline) == (bool(found), True)
    return found


def change(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "history.db")) as database, database:
        database.execute(statement, values)


def stored(folder: Path, column: str, seq: int) -> bytes:
    with closing(sqlite3.connect(folder / "history.db")) as database:
        (value,) = database.execute(f"SELECT {column} FROM runs WHERE seq = ?", (seq,)).fetchone()
    return value if isinstance(value, bytes) else str(value).encode()


def test_a_history_that_nobody_touched_is_whole(whole: Path) -> None:
    assert flaws(whole) == ()


@given(seq=numbers, column=st.sampled_from(("body", "hash", "signature")), data=st.data())
@FEW
def test_one_bit_of_a_record_is_enough(whole: Path, seq: int, column: str, data: st.DataObject) -> None:
    old = stored(whole, column, seq)
    at, bit = data.draw(st.integers(0, len(old) - 1)), data.draw(st.integers(0, 7))
    new = old[:at] + bytes([old[at] ^ (1 << bit)]) + old[at + 1 :]
    with copied(whole) as folder:
        change(folder, f"UPDATE runs SET {column} = ? WHERE seq = ?", new, seq)
        assert flaws(folder)[0][0] == seq


@given(
    seq=numbers,
    column=st.sampled_from(("body", "hash", "signature", "series", "at_s")),
    value=st.one_of(st.none(), st.integers(-9, 9), st.text(max_size=9), st.binary(max_size=9)),
)
@FEW
def test_any_other_value_is_found(whole: Path, seq: int, column: str, value: object) -> None:
    with copied(whole) as folder:
        try:
            change(folder, f"UPDATE runs SET {column} = ? WHERE seq = ?", value, seq)
        except (sqlite3.IntegrityError, UnicodeEncodeError):
            return  # the file itself forbids it
        assert flaws(folder)[0][0] == seq


@given(gone=st.sets(numbers, min_size=1))
@FEW
def test_runs_that_were_deleted_are_missed(whole: Path, gone: set[int]) -> None:
    with copied(whole) as folder:
        for seq in gone:
            change(folder, "DELETE FROM runs WHERE seq = ?", seq)
        left = [seq for seq in range(min(gone), RUNS + 1) if seq not in gone]
        assert flaws(folder)[0][0] == (left[0] if left else RUNS)


@given(order=st.permutations(range(1, RUNS + 1)))
@FEW
def test_another_order_is_found(whole: Path, order: list[int]) -> None:
    moved = [new for old, new in enumerate(order, 1) if old != new]
    with copied(whole) as folder:
        change(folder, "UPDATE runs SET seq = seq + 1000")
        for old, new in enumerate(order, 1):
            change(folder, "UPDATE runs SET seq = ? WHERE seq = ?", new, old + 1000)
        assert [number for number, _ in flaws(folder)[:1]] == ([min(moved)] if moved else [])


@given(data=st.data())
@FEW
def test_a_head_that_was_changed_is_found(whole: Path, data: st.DataObject) -> None:
    with copied(whole) as folder:
        path = folder / "head.json"
        old = path.read_bytes().rstrip()
        at, byte = data.draw(st.integers(0, len(old) - 1)), data.draw(st.integers(33, 126))
        if bytes([byte]).lower() == old[at : at + 1].lower():
            return  # hexadecimal digits mean the same in either case
        path.write_bytes(old[:at] + bytes([byte]) + old[at + 1 :])
        assert flaws(folder)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM open WHERE rowid_ = 0",
        "UPDATE open SET since_s = since_s - 1",
        "UPDATE open SET body = replace(body, 'high', 'critical')",
        "UPDATE open SET body = CAST(body AS TEXT) || ' '",
        "DELETE FROM open",
        "INSERT INTO open VALUES ('demo', 'f00', 1, '{}')",
    ],
)
def test_what_is_kept_as_open_is_what_the_records_leave(whole: Path, statement: str) -> None:
    with copied(whole) as folder:
        change(folder, statement.replace("rowid_ = 0", "id = (SELECT min(id) FROM open)"))
        assert flaws(folder) == ((RUNS, "the list of what is open was changed"),)


def test_a_lost_key_is_one_flaw_and_a_former_one_is_none(whole: Path) -> None:
    with copied(whole) as folder:
        former = Signer(folder / "key").public
        (folder / "key").unlink()
        run(folder, 2000, [])
        public = Signer(folder / "key").public
        with reading(folder) as history:
            assert check(history, [public]) == (
                (1, f"is not signed by this key, nor is any run up to {RUNS}"),
            )
            assert check(history, [public, former]) == ()
