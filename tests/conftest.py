"""Fixtures for all tests: the command line as a subprocess, with folders of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.warm import Request, Warm

ROOT = Path(__file__).parent.parent

# Under CI the same examples every time; what chance finds on a person's machine becomes a test of its own.
# `make check` tries the first of them, `make check-live` all. No example has a deadline: machines are shared.
settings.register_profile("usual", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, max_examples=30)
settings.register_profile("thorough", deadline=None, derandomize=True)
CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}
settings.load_profile(os.environ.get("EXAMPLES") or ("ci" if CI else "usual"))

# Scenarios assert outside of test modules: without this a failure shows no values.
pytest.register_assert_rewrite("tests.kubeapi")

Cli = Callable[..., subprocess.CompletedProcess[str]]


HERE = "C.UTF-8"


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts background jobs deaf to SIGINT, and their children inherit it: some tests send it."""
    before = signal.getsignal(signal.SIGINT)
    if before == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """What runs of the program are forked from: one for all tests of this process."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    one = Warm({**kept, "LANG": HERE, "PYTHONPATH": str(ROOT)}, str(ROOT))
    yield one
    one.close()


@pytest.fixture
def own_signals() -> Iterator[None]:
    """For tests that signal their own process: what nobody takes fails the test, and does not end the run."""
    strays: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {one: signal.signal(one, lambda number, _frame: strays.append(number)) for one in numbers}
    yield
    for one, handler in before.items():
        signal.signal(one, handler)
    assert strays == []


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which dcctl finds no configuration and writes only below the test's folder."""
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
    return kept | {
        "HOME": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path),
        "LANG": HERE,
        "TZ": "UTC",
        "PYTHONPATH": str(ROOT),
    }


@pytest.fixture
def cli(home: dict[str, str], tmp_path: Path, warm: Warm) -> Cli:
    """Run `dcctl WORDS…` as a user would and return the finished process."""

    def run(
        *words: str, stdin: str | None = None, env: dict[str, str] | None = None, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        whole = home | (env or {})
        if warm.fits(whole):
            return warm.run(Request(words, whole, str(tmp_path)), stdin, timeout_s)
        return subprocess.run(
            [sys.executable, "-m", "dcctl", *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            env=whole,
            cwd=tmp_path,
            timeout=timeout_s,
            check=False,
        )

    return run
