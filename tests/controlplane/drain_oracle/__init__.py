"""The filters of the real `kubectl drain` as a program of their own: thousands of pod sets in a second."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.controlplane import build

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.controlplane.client import Json

HERE = Path(__file__).resolve().parent
BUILD_DEADLINE_S = 600


def program() -> Path:
    """The program, built first where the cache has none of these sources and modules. BuildError."""
    wanted = build.recipe()
    shape = wanted.key.encode() + (HERE / "main.go").read_bytes()
    root = build.cache_root()
    path = root / f"drain-oracle-{hashlib.sha256(shape).hexdigest()[:16]}"
    with (root / "drain-oracle.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not path.is_file():
            _build(build.find_go(wanted), path)
    return path


def _build(go: Path, path: Path) -> None:
    environment = dict(
        os.environ, CGO_ENABLED="0", GOTOOLCHAIN="local", GOWORK="off", GOFLAGS="-mod=readonly"
    )
    half = path.with_suffix(".half")
    command = [str(go), "build", "-trimpath", "-p", "2", "-o", str(half), "./drain_oracle"]
    done = subprocess.run(
        command, cwd=HERE.parent, env=environment, capture_output=True, text=True, timeout=BUILD_DEADLINE_S,
        check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise build.BuildError(done.stderr)
    half.rename(path)


def asked(questions: Iterable[Json]) -> list[Json]:
    """What the filters say of each pod set."""
    lines = "".join(f"{json.dumps(each)}\n" for each in questions)
    done = subprocess.run([program()], input=lines, capture_output=True, text=True, timeout=300, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
