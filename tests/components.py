"""Real programs that tests start: missing is a skip that says why, and a failure under CI=true."""

import os
import shutil
from pathlib import Path

import pytest

APT_LISTS = Path("/var/lib/apt/lists")


def missing(what: str, why: str) -> None:
    """Skip, or fail where CI=true: there everything must have been installed."""
    reason = f"{what}: {why}"
    if os.environ.get("CI", "").lower() in {"", "0", "false"}:
        pytest.skip(reason)
    pytest.fail(reason)


def need(program: str, package: str) -> str:
    """The path of `program`, which Debian's `package` brings."""
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path is None:
        missing(program, f"not installed (Debian package {package})")
    return str(path)


def without_lists() -> tuple[str, ...]:
    """What to put before a command so that apt knows of no release: to read the lists takes it seconds."""
    if os.geteuid() or not APT_LISTS.is_dir():
        return ()
    return ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {APT_LISTS} && exec "$0" "$@"')
