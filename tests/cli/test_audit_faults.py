"""What happens to the history when the machine misbehaves: killed, full, read-only, another clock."""

import json
import os
import resource
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.document import encode
from dcctl.inventory.evidence.rbac import Binding, Bound, Role, Rule
from tests.conftest import Cli

ANYTHING = Rule(verbs=("*",), groups=("*",), resources=("*",))
ONLY = ("--select", "RBAC-0*", "--select", "SLF-04")
NOBODY = 65534


def see(folder: Path, *roles: str) -> str:
    """Write evidence in which somebody has each of these roles, which allow anything."""
    path = folder / "seen.json"
    path.write_bytes(
        encode(
            Evidence(
                roles=tuple(Role(name=name, rules=(ANYTHING,)) for name in roles),
                bindings=tuple(
                    Binding(name=name, role_kind="ClusterRole", role=name, subjects=(Bound("User", "wu"),))
                    for name in roles
                ),
            )
        )
    )
    return str(path)


def whole(cli: Cli) -> int:
    """How many runs the history has; it has no flaw."""
    done = cli("audit", "verify", "-o", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    runs: int = json.loads(done.stdout)["summary"]["runs"]
    return runs


def folder_of(home: dict[str, str]) -> Path:
    return Path(home["XDG_STATE_HOME"]) / "dcctl" / "audit"


# The program, which ends as by kill -9 the Nth time that it calls one of these.
KILLED = """
import os, signal, sqlite3, sys
from dcctl.audit.act import keep
from dcctl.cli.guard import guarded
where, words = sys.argv[1], sys.argv[2:]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if where == "before it is kept":
    keep.record_head = die
    keep.digest = die
elif where == "inside the transaction":
    connect = sqlite3.connect
    class Dying(sqlite3.Connection):
        def executemany(self, sql, rows):
            return die() if "DELETE FROM open" in sql else super().executemany(sql, rows)
    sqlite3.connect = lambda *a, **k: connect(*a, **k, factory=Dying)
elif where == "before the head":
    keep.write_head = die
elif where == "beside the head":
    from dcctl.audit.act import signing
    os.fsync = die
    keep.write_head = signing.write_head
guarded(["audit", *words])
"""


@pytest.mark.parametrize(
    ("where", "kept"),
    [("before it is kept", 1), ("inside the transaction", 1), ("before the head", 2), ("beside the head", 2)],
)
def test_a_run_that_is_killed_is_kept_whole_or_not_at_all(
    cli: Cli, home: dict[str, str], tmp_path: Path, where: str, kept: int
) -> None:
    cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    words = ("-i", see(tmp_path, "a", "b"), *ONLY)
    killed = subprocess.run([sys.executable, "-c", KILLED, where, *words], env=home, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert whole(cli) == kept
    done = cli("audit", *words, "-o", "json")
    assert (done.returncode, json.loads(done.stdout)["summary"]["new"] > 0) == (1, True), "told by nobody yet"
    assert whole(cli) == kept + 1


def test_an_audit_may_be_killed_at_any_moment(cli: Cli, home: dict[str, str], tmp_path: Path) -> None:
    words = [sys.executable, "-m", "dcctl", "audit", "-i", see(tmp_path, "a"), *ONLY]
    begun = time.monotonic()
    subprocess.run(words, env=home, stdout=subprocess.DEVNULL, check=False)
    took_s = time.monotonic() - begun
    for part in range(1, 9):
        with subprocess.Popen(
            words, env=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(took_s * (0.5 + part / 16))
            process.kill()
        assert whole(cli)
    assert cli("audit", "-i", see(tmp_path, "a"), *ONLY).returncode == 0


def test_a_full_disk_loses_nothing(cli: Cli, home: dict[str, str], tmp_path: Path) -> None:
    cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    size = max(one.stat().st_size for one in folder_of(home).iterdir())
    many = see(tmp_path, *(f"role-{number}" for number in range(400)))

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 40_000, size + 40_000))

    done = subprocess.run(
        [sys.executable, "-m", "dcctl", "audit", "-i", many, *ONLY],
        env=home, capture_output=True, text=True, preexec_fn=limited, check=False,
    )  # fmt: skip
    assert (done.returncode, "was not written" in done.stderr) == (3, True), done.stderr
    assert "Traceback" not in done.stderr
    assert "role-399" in done.stdout, "the answer is there"
    assert whole(cli) == 1
    assert cli("audit", "-i", see(tmp_path, "a"), *ONLY).returncode == 0


@pytest.mark.parametrize("junk", [b"", b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_database_of_nonsense_is_told_and_left_alone(
    cli: Cli, home: dict[str, str], tmp_path: Path, junk: bytes
) -> None:
    cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    path = folder_of(home) / "history.db"
    path.write_bytes(junk)
    for one in folder_of(home).glob("history.db-*"):
        one.unlink()
    done = cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    assert (done.returncode, str(path) in done.stderr, "is damaged" in done.stderr) == (3, True, True)
    assert {"RBAC-03", "SLF-04"} <= set(done.stdout.split())
    assert path.read_bytes() == junk
    told = cli("audit", "verify")
    assert (told.returncode, "is damaged" in told.stdout) == (1, True)
    subprocess.run(shlex.split(done.stderr.partition("Try: ")[2]), check=True)  # the hint leads out of it
    begun_anew(cli, tmp_path)
    assert path.with_name("history.db.damaged").read_bytes() == junk


def test_findings_that_were_changed_so_that_they_are_none(
    cli: Cli, home: dict[str, str], tmp_path: Path
) -> None:
    cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    with closing(sqlite3.connect(folder_of(home) / "history.db")) as database, database:
        database.execute("UPDATE open SET body = '{'")
    done = cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    assert (done.returncode, "cannot be compared with" in done.stderr) == (3, True)
    assert {"RBAC-03", "SLF-04"} <= set(done.stdout.split())


def test_a_history_that_is_not_there_any_more_is_missed_and_begun_anew(
    cli: Cli, home: dict[str, str], tmp_path: Path
) -> None:
    cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    (folder_of(home) / "history.db").unlink()
    told = cli("audit", "verify", "--head", "1:" + 64 * "0")
    assert (told.returncode, told.stderr) == (1, "")
    assert "history.db is missing, and the signed head names run 1" in told.stdout
    assert "the head that was kept elsewhere is not in the chain" in told.stdout
    begun_anew(cli, tmp_path)


def begun_anew(cli: Cli, tmp_path: Path) -> None:
    """An audit compares again, and that runs are missing stays to be seen."""
    first = cli("audit", "-i", see(tmp_path, "a"), *ONLY)
    assert (first.returncode, "the head names run 1" in first.stdout) == (1, True)
    assert cli("audit", "-i", see(tmp_path, "a"), *ONLY, "--cron").stdout.count("SLF-04") == 1
    for _ in range(2):
        last = cli("audit", "-i", see(tmp_path, "a"), *ONLY)
        assert (last.returncode, "runs 1 to 1 are missing before it" in last.stdout) == (0, True)
    told = cli("audit", "verify")
    assert (told.returncode, "runs 1 to 1 are missing before it" in told.stdout) == (1, True)


CLOCK = """
import sys, time
from dcctl.cli.guard import guarded
at = time.time() + int(sys.argv[1])
time.time = lambda: at
sys.exit(guarded(sys.argv[2:]))
"""
YEAR_S = 366 * 86400


def test_a_clock_that_jumps_by_years_is_told_and_breaks_nothing(
    cli: Cli, home: dict[str, str], tmp_path: Path
) -> None:
    words = ["audit", "-i", see(tmp_path, "a"), *ONLY, "--cron"]

    def at(offset_s: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", CLOCK, str(offset_s), *words],
            env=home, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr
        return done.stdout

    at(0)
    assert at(9 * YEAR_S) == ""
    assert "the clock jumped" in at(5)
    assert at(10) == "", "it is told once"
    assert "the clock jumped" in at(-9 * YEAR_S)
    assert at(20) == ""
    assert whole(cli) == 6


BARE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown")
"""Root who may not go where others are not let in."""


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv")
@pytest.mark.parametrize("state", ["read-only", "of another", "nowhere"])
def test_a_history_that_cannot_be_written_is_told_of(
    cli: Cli, home: dict[str, str], tmp_path: Path, state: str
) -> None:
    seen = see(tmp_path, "a")
    if state == "nowhere":
        (tmp_path / "state").mkdir(mode=0o555)
    else:
        cli("audit", "-i", seen, *ONLY)
        folder = folder_of(home)
        for one in (*folder.iterdir(), folder):
            one.chmod(one.stat().st_mode & ~0o222)
            if state == "of another":
                os.chown(one, NOBODY, NOBODY)
    words = [*BARE, sys.executable, "-m", "dcctl", "audit", "-i", seen, *ONLY]
    done = subprocess.run(words, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 70, "what dcctl exit-codes calls an answer that could not be written"
    assert done.stderr.startswith("dcctl: ")
    assert str(folder_of(home)) in done.stderr
    assert "Traceback" not in done.stderr
    alone = subprocess.run([*words, "--no-record"], env=home, capture_output=True, check=False)
    assert alone.returncode == 1, "nothing has to be kept"
    if state != "nowhere":
        assert whole(cli) == 1


@pytest.mark.parametrize("reader", ["/dev/full", "gone"])
def test_news_whose_reader_went_is_told_by_the_next_run(
    cli: Cli, home: dict[str, str], tmp_path: Path, reader: str
) -> None:
    words = ("audit", "-i", see(tmp_path, "a"), *ONLY, "--cron")
    pipe = os.pipe()
    os.close(pipe[0])
    with Path("/dev/full").open("wb") as full, os.fdopen(pipe[1], "wb") as gone:
        out = full if reader == "/dev/full" else gone
        lost = subprocess.run([sys.executable, "-m", "dcctl", *words], env=home, stdout=out, check=False)
    assert lost.returncode in (70, 141)
    told, silent = cli(*words), cli(*words)
    assert (told.returncode, "RBAC-03" in told.stdout) == (1, True)
    assert (silent.returncode, silent.stdout) == (0, "")
