"""The journal: what was told is there after kill -9 and on a full disk, and two runs do not meet."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from dcctl import journal
from dcctl.errors import OutputError, RefusedError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 6


def header(plan: str = "p", cluster: str = "c", run: str = "r1") -> journal.Header:
    return journal.Header(
        kind="schedule-apply",
        run=run,
        plan=plan,
        who="root@host",
        started_at_s=1,
        cluster=cluster,
        command="dcctl schedule apply",
    )


def test_what_is_told_is_read_again(tmp_path: Path) -> None:
    with journal.create(tmp_path / "new", header(), lambda: 7.9) as made:
        made.begin("create a", kind="Pod")
        made.done("create a", uid="u")
        made.begin("create b")
        made.failed("create b", "403")
        path = made.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    found = journal.read(path)
    assert found.header == structs.replace(header(), number=1)
    assert found.outcome == ""
    assert found.steps["create a"] == journal.Entry("create a", "done", 7, {"kind": "Pod", "uid": "u"})
    assert found.steps["create b"].state == "failed"
    assert found.steps["create b"].data == {"why": "403"}


def test_many_steps_are_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []
    write = journal._write

    def counted(number: int, data: bytes) -> None:
        written.append(data)
        write(number, data)

    with journal.create(tmp_path, header()) as made:
        monkeypatch.setattr(journal, "_write", counted)
        made.begin_all({"evict a": {"node": "n"}, "evict b": {}})
        made.done_all({"evict a": {}, "evict b": {}})
        made.done_all({})
    assert [data.count(b"\n") for data in written] == [2, 2]
    steps = journal.read(made.path).steps
    assert {step: (one.state, one.data) for step, one in steps.items()} == {
        "evict a": ("done", {"node": "n"}),
        "evict b": ("done", {}),
    }
    assert made.steps["evict a"].data == {"node": "n"}


def test_a_torn_last_line_is_passed_over_and_written_over(tmp_path: Path) -> None:
    with journal.create(tmp_path, header()) as made:
        made.begin("a")
    whole = made.path.read_bytes()
    for cut in range(len(whole) - 1, whole.index(b"\n"), -1):
        made.path.write_bytes(whole[:cut])
        assert [one.step for one in journal.read(made.path).entries] == []
    with journal.reopen(made.path) as again:
        again.done("b")
    assert [one.step for one in journal.read(made.path).entries] == ["b"]


def test_a_run_under_way_keeps_others_out(tmp_path: Path) -> None:
    with journal.create(tmp_path, header()) as made:
        assert journal.under_way(made.path)
        with pytest.raises(RefusedError, match="under way"):
            journal.create(tmp_path, header(plan="other", run="r2"))
        with pytest.raises(RefusedError, match="another run is writing it"):
            journal.reopen(made.path)
        journal.create(tmp_path, header(cluster="another", run="r3")).close()
    assert not journal.under_way(made.path)
    with pytest.raises(RefusedError, match="not finished") as refused:
        journal.create(tmp_path, header(run="r4"))
    assert refused.value.hint == "dcctl schedule apply --resume"
    with journal.reopen(made.path) as again:
        again.end("applied")
    assert journal.read(made.path).outcome == "applied"
    journal.create(tmp_path, header()).close()  # the same run name: a file of its own
    assert len(journal.journals(tmp_path, "schedule-apply")) == 3
    assert journal.journals(tmp_path, "drain") == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "no whole line"),
        (b'{"schema":"dcctl/journal/v1"', "no whole line"),
        (b"garbage\n", "not a journal"),
        (b"\xff\xfe\n", "not a journal"),
        (b'{"schema":"dcctl/snapshot/v1"}\n', "not a journal"),
    ],
)
def test_garbage_is_told(tmp_path: Path, text: bytes, why: str) -> None:
    path = tmp_path / "schedule-apply-x.jsonl"
    path.write_bytes(text)
    for ask in (journal.read, journal.reopen):
        with pytest.raises(UsageError, match=why):
            ask(path)
    assert journal.journals(tmp_path, "schedule-apply") == []


def test_a_damaged_journal_is_named_and_keeps_others_from_beginning(tmp_path: Path) -> None:
    with journal.create(tmp_path, header()) as written:
        written.path.write_bytes(written.path.read_bytes() + b"garbage\n")
    ((path, error),) = journal.damaged(tmp_path, "schedule-apply")
    assert (path, journal.journals(tmp_path, "schedule-apply")) == (written.path, [])
    assert "damaged" in error.why
    with pytest.raises(RefusedError, match="nobody can tell what its run did"):
        journal.create(tmp_path, header(run="other"))


def test_a_journal_in_which_nothing_was_written_is_of_no_matter(tmp_path: Path) -> None:
    (tmp_path / "schedule-apply-x.jsonl").write_bytes(b"{")
    assert journal.damaged(tmp_path, "schedule-apply") == []


def test_a_damaged_line_and_a_newer_version_are_told(tmp_path: Path) -> None:
    with journal.create(tmp_path, header()) as made:
        made.begin("a")
    text = made.path.read_bytes()
    made.path.write_bytes(text + b"{torn}\n" + b'{"step":"b","state":"done","at_s":1}\n')
    with pytest.raises(UsageError, match=r":3: the journal is damaged"):
        journal.read(made.path)
    made.path.write_bytes(text.replace(b"journal/v1", b"journal/v2"))
    with pytest.raises(UsageError, match="newer dcctl"):
        journal.read(made.path)
    with pytest.raises(UsageError, match="No such file"):
        journal.reopen(tmp_path / "none.jsonl")


WRITER = """
import os, signal, sys
from pathlib import Path
from dcctl import journal
from tests.unit.test_journal import header
stop, told = int(sys.argv[2]), 0
def boundary():
    global told
    if told == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    told += 1
with journal.create(Path(sys.argv[1]), header()) as made:
    for step in range(6):
        boundary(); made.begin(f"s{step}")
        boundary(); made.done(f"s{step}")
"""


@pytest.mark.parametrize("stop", range(0, 2 * STEPS, 3))
def test_kill_9_at_a_step_loses_nothing(tmp_path: Path, stop: int) -> None:
    done = subprocess.run([sys.executable, "-c", WRITER, str(tmp_path), str(stop)], check=False)
    assert done.returncode == -signal.SIGKILL
    (found,) = journal.journals(tmp_path, "schedule-apply")
    expected = [(f"s{at // 2}", "done" if at % 2 else "intent") for at in range(stop)]
    assert [(one.step, one.state) for one in found.entries] == expected
    with journal.reopen(found.path) as again:
        again.end("applied")


FULL = """
import resource, sys
from pathlib import Path
from dcctl import journal
from dcctl.errors import OutputError
from tests.unit.test_journal import header
made = journal.create(Path(sys.argv[1]), header())
made.begin("a")
size = made.path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20, size + 20))
try:
    made.done("a")
except OutputError as error:
    print(error)
"""


def test_a_full_disk_is_told_and_leaves_whole_lines(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "was not written: File too large" in done.stdout
    (found,) = journal.journals(tmp_path, "schedule-apply")
    assert [(one.step, one.state) for one in found.entries] == [("a", "intent")]
    assert found.path.read_bytes().endswith(b"\n")


def test_every_line_is_on_the_disk_before_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a machine without power forgets is what no fsync followed."""
    lasting: dict[int, int] = {}
    fsync = os.fsync

    def watched(number: int) -> None:
        fsync(number)
        found = os.fstat(number)
        lasting[found.st_ino] = found.st_size

    monkeypatch.setattr(os, "fsync", watched)
    with journal.create(tmp_path, header()) as made:
        assert tmp_path.stat().st_ino in lasting, "the name of the file, too"
        told = [lasting[made.path.stat().st_ino]]
        for tell in (made.begin, made.done, made.end):
            tell("a")
            assert lasting[made.path.stat().st_ino] == made.path.stat().st_size
            told.append(made.path.stat().st_size)
    assert told == sorted(set(told)), "each line by itself"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_closed_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no journal in"):
        journal.create(tmp_path / "new", header())


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="no journal in"):
        journal.create(tmp_path / "file", header())
