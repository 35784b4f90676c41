"""The history: kept whole, verified, and refused where it is damaged. Two at once, and what a forger does."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec
import pytest

from dcctl.audit.act.keep import Run, before, check, keep
from dcctl.audit.act.signing import Signer, read_head, write_head
from dcctl.audit.act.verified import anchored
from dcctl.audit.chain import Head, digest
from dcctl.audit.counters import decode
from dcctl.audit.coverage import coverage
from dcctl.audit.judge import Verdict
from dcctl.audit.record import Record, Scope, compare
from dcctl.audit.scene import Scene
from dcctl.errors import OutputError, RefusedError, UsageError
from dcctl.inventory.evidence.boards import Board
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.model import Fleet, Node, Taint
from dcctl.state import locked, reading
from tests.unit.audit.runs import finding

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from dcctl.audit.finding import Finding


def run(
    folder: Path, at_s: int, found: Iterable[Finding], counters: dict[str, dict[str, int]] | None = None
) -> Record:
    """One run with these findings."""
    signer = Signer(folder / "key")
    with locked(folder) as history:
        known = before(history, [signer.public], "demo", None, at_s)
        verdict = Verdict((), tuple(found), {}, coverage(()), frozenset())
        compared = compare(known.open, verdict.findings, lambda _one: True)
        counted = known.counters.after((counters or {}).items())
        return keep(history, signer, Run("demo", Scope(), at_s, (), Evidence(), counted), verdict, compared)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four runs: a comes, b comes, a goes, nothing happens."""
    a, b = finding("RBAC-03", "a"), finding("RBAC-03", "b")
    place = tmp_path / "audit"
    for at, found in enumerate(([a], [a, b], [b], [b])):
        run(place, 1000 + at, found)
    return place


def flaws(folder: Path) -> list[tuple[int, str]]:
    with reading(folder) as history:
        return list(check(history, [Signer(folder / "key").public]))


def sql(folder: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    with closing(sqlite3.connect(folder / "history.db")) as database, database:
        for statement in statements:
            database.execute(statement, values)


def test_runs_are_compared_with_the_one_before(folder: Path) -> None:
    with reading(folder) as history:
        records = [msgspec.json.decode(row.body, type=Record) for row in history.runs()]
        assert [(len(one.new), len(one.gone), one.known) for one in records] == [
            (1, 0, 0),
            (1, 0, 1),
            (0, 1, 1),
            (0, 0, 1),
        ]
        assert [one.since_s for one in history.open("demo").values()] == [1001]
        assert history.open("other") == {}
    assert flaws(folder) == []


def test_counters_are_those_of_the_last_run(tmp_path: Path) -> None:
    run(tmp_path, 1, [], {"gpu1": {"ce": 5, "ue": 0}, "gpu2": {"ce": 1}})
    run(tmp_path, 2, [], {"gpu1": {"ce": 9}})
    with reading(tmp_path) as history:
        kept = decode(history.counters("demo") or b"")
        assert [kept.get(*one) for one in (("gpu1", "ce"), ("gpu1", "ue"), ("gpu2", "ce"))] == [9, None, 1]
        assert history.counters("other") is None


def test_an_edited_record_is_found(folder: Path) -> None:
    sql(folder, "UPDATE runs SET body = replace(body, 'high', 'info') WHERE seq = 2")
    assert (2, "was changed: its hash is another") in flaws(folder)


def test_an_edited_record_with_a_new_hash_is_found(folder: Path) -> None:
    with reading(folder) as history:
        row = history.runs()[1]
    body = row.body.replace(b"high", b"info")
    hashed = digest(msgspec.json.decode(body, type=Record).previous, body)
    sql(folder, "UPDATE runs SET body = ?, hash = ? WHERE seq = 2", values=(body, hashed))
    assert flaws(folder) == [(2, "is not signed by this key"), (3, "does not follow the run before it")]


def test_a_deleted_record_is_found(folder: Path) -> None:
    sql(folder, "DELETE FROM runs WHERE seq = 2")
    assert (3, "runs 2 to 2 are missing before it") in flaws(folder)


def test_reordered_records_are_found(folder: Path) -> None:
    sql(
        folder,
        "UPDATE runs SET seq = 99 WHERE seq = 2",
        "UPDATE runs SET seq = 2 WHERE seq = 3",
        "UPDATE runs SET seq = 3 WHERE seq = 99",
    )
    assert {(2, "stands in the place of run 3"), (3, "stands in the place of run 2")} <= set(flaws(folder))


def test_a_truncated_chain_is_found_and_the_gap_stays(folder: Path) -> None:
    sql(folder, "DELETE FROM runs WHERE seq > 2")
    assert flaws(folder) == [(4, "runs are missing at the end: the head names run 4")]
    assert run(folder, 2000, []).seq == 5
    assert (5, "runs 3 to 4 are missing before it") in flaws(folder)


def test_an_emptied_table_is_found(folder: Path) -> None:
    sql(folder, "DELETE FROM runs")
    assert flaws(folder) == [(4, "runs are missing at the end: the head names run 4")]


def test_a_changed_list_of_what_is_open_is_found(folder: Path) -> None:
    sql(folder, "DELETE FROM open")
    assert flaws(folder) == [(4, "the list of what is open was changed")]


@pytest.mark.parametrize("text", ["", "{}", '{"seq":4,"hash":"x","signature":"zz"}'])
def test_a_head_that_makes_no_sense_is_found(folder: Path, text: str) -> None:
    (folder / "head.json").write_text(text)
    assert flaws(folder) == [(0, "the head is not signed by this key")]


def test_a_missing_head_is_found(folder: Path) -> None:
    (folder / "head.json").unlink()
    assert flaws(folder) == [(0, "the signed head is missing")]


def test_a_run_that_was_kept_just_before_the_power_failed_is_no_flaw(folder: Path) -> None:
    old = read_head(folder)
    run(folder, 3000, [])
    assert old is not None
    write_head(folder, old)
    assert flaws(folder) == []


def test_a_history_written_anew_with_another_key_is_found_with_the_old_public_key(folder: Path) -> None:
    public = Signer(folder / "key").public
    for path in folder.iterdir():
        path.unlink()
    run(folder, 1, [])
    with reading(folder) as history:
        assert check(history, [public]) == (
            (1, "is not signed by this key"),
            (0, "the head is not signed by this key"),
        )


def test_a_history_cut_off_with_its_head_is_found_by_the_head_kept_elsewhere(folder: Path) -> None:
    with reading(folder) as history:
        rows = history.runs()
    sql(folder, "DELETE FROM runs WHERE seq > 3")
    write_head(folder, Head(3, rows[2].hash, rows[2].signature.hex()))
    with reading(folder) as history:
        assert anchored(history.runs(), f"3:{rows[2].hash}") == ()
        assert anchored(history.runs(), f"4:{rows[3].hash}") == (
            (4, "the head that was kept elsewhere is not in the chain"),
        )
    assert (3, "the list of what is open was changed") not in flaws(folder)


def test_two_audits_at_once(folder: Path) -> None:
    with locked(folder), pytest.raises(RefusedError, match="another audit"), locked(folder):
        pass


def test_a_newer_version_is_left_alone(folder: Path) -> None:
    sql(folder, "PRAGMA user_version = 2")
    data = (folder / "history.db").read_bytes()
    with pytest.raises(UsageError, match="newer dcctl \\(v2\\)"), locked(folder):
        pass
    assert (folder / "history.db").read_bytes() == data


@pytest.mark.parametrize("size", [0, 1, 100, 5000])
def test_a_truncated_file_is_left_alone(folder: Path, size: int) -> None:
    with (folder / "history.db").open("r+b") as file:
        file.truncate(size)
    with pytest.raises(UsageError, match=r"is damaged|not of dcctl"), locked(folder):
        pass
    assert (folder / "history.db").stat().st_size == size


def test_a_database_of_another_program(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "history.db")) as database, database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(UsageError, match="not of dcctl"), locked(tmp_path):
        pass


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit"
    public = Signer(path).public
    assert path.stat().st_mode & 0o777 == 0o600
    assert Signer(path).public == public
    path.chmod(0o640)
    with pytest.raises(UsageError, match="may be read by others"):
        Signer(path)


def test_the_history_is_its_owners_alone(tmp_path: Path) -> None:
    """Whatever the umask says: what is wrong with a site is told to nobody else."""
    old = os.umask(0)
    try:
        with locked(tmp_path / "state"):
            Signer(tmp_path / "keys" / "key")
    finally:
        os.umask(old)
    modes = {str(path.relative_to(tmp_path)): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes == {
        "state": 0o700,
        "state/history.db": 0o600,
        "state/lock": 0o600,
        "keys": 0o700,
        "keys/key": 0o600,
    }


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError), locked(tmp_path / "file"):
        pass


def test_what_modules_count_is_kept_beside_the_evidence() -> None:
    """A taint is remembered from the run in which it was first seen."""
    node = Node("n1", taints=(Taint("dcctl.io/maintenance", "NoSchedule"),))
    board = Board(node="n1", uuid="A", pcie_replays=7)
    first = Scene(Evidence(fleet=Fleet(nodes=(node,)), boards=(board,)), 1000)
    kept = first.counted()
    assert (kept.get("n1/A", "replays"), kept.get("n1 taint", "dcctl.io/maintenance")) == (7, 1000)
    second = Scene(first.evidence, 2000, counters=decode(kept.encode())).counted()
    assert second.get("n1 taint", "dcctl.io/maintenance") == 1000


def test_an_old_record_that_is_none_any_more_is_a_flaw_and_the_last_run_is_compared_with(
    folder: Path,
) -> None:
    sql(folder, "UPDATE runs SET body = 'x' WHERE seq = 2")
    with locked(folder) as history:
        known = before(history, [Signer(folder / "key").public], "demo", None, 9)
    assert known.chain.flaws
    assert (known.last and known.last.seq, len(known.open)) == (4, 1)
