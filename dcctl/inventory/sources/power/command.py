"""A program of the system (ipmitool, snmpget) run until a deadline, its failure told as a gap."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.sources.base import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcctl.inventory.model import Cause


class Output(NamedTuple):
    """What a program said, and how it ended."""

    code: int
    out: str
    error: str

    @property
    def reason(self) -> str:
        """The last thing that it complained of, on one line."""
        lines = (self.error.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"ended with {self.code}"


def run(
    words: Sequence[str], subject: str, package: str, timeout_s: float, environ: Mapping[str, str]
) -> Output:
    """Run a program and return what it said. SourceError where there is none, or it does not end in time.

    `environ` is added to the environment; words of other languages are kept out of the output.
    """
    try:
        child = subprocess.Popen(  # noqa: S603  # words of this program and the user's configuration
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C", **environ},
        )
    except OSError as error:
        why = f"{words[0]} cannot be run: {(error.strerror or str(error)).lower()}"
        raise SourceError(subject, why, "missing", f"apt-get install {package}") from error
    try:
        out, said = child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        why = f"no answer within {timeout_s:g} s"
        raise SourceError(subject, why, "timeout", "a longer --timeout") from error
    return Output(child.returncode, out.decode(errors="replace"), said.decode(errors="replace"))


def refused(subject: str, said: str, meanings: Sequence[tuple[str, Cause]], hint: str = "") -> SourceError:
    """Return the error of a program that gave up. `meanings`: words in lower case; the first counts."""
    cause = next((cause for word, cause in meanings if word in said.lower()), None)
    return SourceError(subject, said, cause or "failed", hint)
