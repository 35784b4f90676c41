"""Real programs that tests start: missing is a skip that says why, and a failure under CI=true."""

import os
import shutil

import pytest


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
