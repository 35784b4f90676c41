"""The builder with a toolchain that fails, is too old, is missing, is killed, or is asked twice at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.controlplane import build
from tests.controlplane.process import wait_until

# Stands for `go`: says its version, and "builds" by writing the package's name, as told by the environment.
FAKE_GO = """#!/bin/sh
if [ "$1" = env ]; then echo "${FAKE_VERSION:-go1.26.8}"; exit; fi
while [ "$1" != -o ]; do shift; done
echo "$3" >>"$FAKE_LOG"
case "$3" in *"${FAKE_BROKEN:-none}") echo "cannot find package" >&2; exit 1;; esac
case "$3" in *"${FAKE_SLOW:-none}") sleep 60;; esac
mkdir -p "$(dirname "$2")" && echo "$3" >"$2"
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the file that names what the fake `go` on PATH was asked to build; the cache is empty."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "go").write_text(FAKE_GO)
    (tools / "go").chmod(0o755)
    log = tmp_path / "log"
    log.touch()
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("FAKE_LOG", str(log))
    monkeypatch.setenv("DCCTL_TEST_CACHE", str(tmp_path / "cache"))
    return log


def test_a_build_is_done_once_and_then_found(log: Path) -> None:
    assert build.cached() is None
    folder = build.build()
    assert {path.name for path in folder.iterdir()} == set(build.TOOLS)
    assert build.build() == folder
    assert log.read_text().split() == list(build.TOOLS.values())


def test_a_failed_build_says_why_and_leaves_nothing_half(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_BROKEN", "cmd/kubectl")
    with pytest.raises(build.BuildError, match="cannot find package"):
        build.build()
    assert build.cached() is None
    assert [path.name for path in build.cache_root().iterdir()] == ["lock"]
    monkeypatch.delenv("FAKE_BROKEN")
    assert build.build() == build.cached()


def test_a_killed_build_leaves_nothing_that_counts(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_SLOW", "cmd/kwok")
    killed = start()
    wait_until(lambda: "cmd/kwok" in log.read_text(), 30, "the last tool is being built")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert build.cached() is None
    assert list(build.cache_root().glob("tmp-*"))
    monkeypatch.delenv("FAKE_SLOW")
    assert build.build() == build.cached()
    assert not list(build.cache_root().glob("tmp-*"))


def test_two_builds_at_once_build_once(log: Path) -> None:
    both = [start(), start()]
    assert [each.wait(60) for each in both] == [0, 0]
    assert sorted(log.read_text().split()) == sorted(build.TOOLS.values())


def test_a_changed_pin_is_another_cache(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build.build()
    copy = tmp_path / "module"
    copy.mkdir()
    for name in ("go.mod", "go.sum"):
        text = (build.HERE / name).read_text()
        (copy / name).write_text(text.replace("k8s.io/kubernetes v1.36", "k8s.io/kubernetes v1.35"))
    monkeypatch.setattr(build, "HERE", copy)
    assert build.cached() is None
    assert build.build() != before
    assert len(log.read_text().split()) == 2 * len(build.TOOLS)


@pytest.mark.parametrize("version", ["go1.22.5", "not a version", "devel"])
def test_an_old_go_and_no_pip_is_a_missing_toolchain(
    log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setenv("FAKE_VERSION", version)
    no_pip = tmp_path / "python"
    no_pip.write_text("#!/bin/sh\necho No module named pip >&2\nexit 1\n")
    no_pip.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(no_pip))
    monkeypatch.setattr(sys, "_base_executable", str(no_pip))
    with pytest.raises(build.ToolchainMissingError, match="No module named pip"):
        build.build()
    assert log.read_text() == ""
    assert build.cached() is None


def start() -> subprocess.Popen[bytes]:
    """Returns a builder in a process group of its own."""
    script = Path(build.__file__)
    return subprocess.Popen([sys.executable, str(script)], start_new_session=True, stdout=subprocess.DEVNULL)
