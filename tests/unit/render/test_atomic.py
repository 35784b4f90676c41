"""A file is the old one or the whole new one: under a limit of the disk, a kill, a link, a pipe."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TextIO

import pytest

from dcctl.errors import UsageError
from dcctl.render.atomic import write_atomic


def hello(out: TextIO) -> None:
    out.write("hello 世界\n")


def test_a_new_file_has_mode_0644_less_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a.prom", hello)
    finally:
        os.umask(old)
    assert (tmp_path / "a.prom").read_text(encoding="utf-8") == "hello 世界\n"
    assert stat.S_IMODE((tmp_path / "a.prom").stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["a.prom"]


def test_an_old_file_keeps_its_mode_and_a_link_keeps_pointing(tmp_path: Path) -> None:
    target, link = tmp_path / "real", tmp_path / "link"
    target.write_text("old")
    target.chmod(0o600)
    link.symlink_to(target)
    write_atomic(link, hello)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == "hello 世界\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_failure_half_way_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    def broken(out: TextIO) -> None:
        out.write("x" * 100_000)
        raise KeyError("defect")

    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyError):
        write_atomic(tmp_path / "a", broken)
    assert (tmp_path / "a").read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    script = (
        "import resource, sys\n"
        "from dcctl.render.atomic import write_atomic\n"
        "from dcctl.errors import DcctlError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: write_atomic(sys.argv[1], lambda out: out.write('x' * 100_000))\n"
        "except DcctlError as error: print(type(error).__name__, error)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("DcctlError ")
    assert "was not written: File too large; the old file is untouched" in done.stdout
    assert (tmp_path / "a").read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("place", ["missing/a", ".", "file/a"])
def test_a_place_that_cannot_be_written_is_a_usage_error(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write"):
        write_atomic(tmp_path / place, hello)


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write_atomic, args=(pipe, hello))
    writer.start()
    assert pipe.read_text(encoding="utf-8") == "hello 世界\n"
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_dev_stdout_that_is_a_pipe_is_written_to() -> None:
    script = (
        "from dcctl.render.atomic import write_atomic; write_atomic('/dev/stdout', lambda o: o.write('x'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "x"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_root_leaves_a_file_to_its_owner(tmp_path: Path) -> None:
    target = tmp_path / "a.prom"
    target.write_text("old")
    os.chown(target, 1234, 2345)
    target.chmod(0o640)
    write_atomic(target, hello)
    found = target.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 2345, 0o640)
    assert target.read_text(encoding="utf-8") == "hello 世界\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_one_who_may_not_keep_the_owner_still_writes() -> None:
    script = (
        "import os, sys; from dcctl.render.atomic import write_atomic\n"
        "os.setgroups([]); os.setgid(2345); os.setuid(1234)\n"
        "write_atomic(sys.argv[1], lambda out: out.write('new'))"
    )
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are closed to others
        target = Path(folder) / "a"
        target.parent.chmod(0o777)
        target.write_text("")
        target.chmod(0o604)
        subprocess.run([sys.executable, "-c", script, str(target)], check=True, timeout=60)
        found = target.stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode), found.st_size) == (1234, 0o604, 3)


def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from dcctl.render.atomic import write_atomic\n"
        "write_atomic(sys.argv[1], lambda out: os.kill(os.getpid(), signal.SIGKILL))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a")]
    killed = subprocess.run(command, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    others = {f".a.{os.getppid()}.tmp", ".b.4194303.tmp", ".a.x.tmp", "xa.4194303.tmp"}
    for name in others:
        (tmp_path / name).write_text("")
    elsewhere = tmp_path / ".a.4194304.tmp"  # no process has such a number here; in a container one may
    with elsewhere.open("w") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        write_atomic(tmp_path / "a", hello)
    assert {each.name for each in tmp_path.iterdir()} == others | {"a", elsewhere.name}
    assert not left.exists()
    write_atomic(tmp_path / "a", hello)
    assert not elsewhere.exists()
