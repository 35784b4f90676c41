"""Nodes go back into service: each is in the journal before it is touched."""

from __future__ import annotations

import getpass
import hashlib
import socket
from typing import TYPE_CHECKING, Final, NamedTuple

from dcctl import journal
from dcctl.errors import DcctlError, UnfinishedError
from dcctl.interrupts import Interrupts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcctl.drain.backends import Backend
    from dcctl.drain.told.returning import Back

KIND: Final = "return"


class Given(NamedTuple):
    """What became of it."""

    run: str
    journal: str
    left: dict[str, str]
    """Why nodes were not given back, by name: they are gone, or somebody changed them since."""


def give_back(backend: Backend, folder: Path, command: str, going: Sequence[Back], now_s: int) -> Given:
    """Each node is as it was before its run, if it is still as that run left it.

    UnfinishedError: the cluster does not answer any more; typed again, the command goes on.
    """
    names = "\n".join(one.node for one in going)
    digest = hashlib.sha256(names.encode()).hexdigest()
    header = journal.Header(
        kind=KIND,
        run=f"{digest[:8]}-{now_s}",
        plan=f"{digest}-{now_s}",
        who=f"{getpass.getuser()}@{socket.gethostname()}",
        started_at_s=now_s,
        cluster=backend.cluster(),
        command=command,
    )
    left: dict[str, str] = {}
    with journal.create(folder, header) as written, Interrupts() as interrupts:
        for one in going:
            with interrupts.step():
                left[one.node] = _given(backend, written, one, f"{command} {one.words}")
        written.end("returned")
        return Given(header.run, str(written.path), left)


def _given(backend: Backend, written: journal.Journal, one: Back, again: str) -> str:
    step = f"return {one.node}"
    written.begin(step, run=one.run)
    try:
        for device in one.kept:
            backend.give_out(device)
        why = "" if one.kept else backend.give_back(one.node, one.run)
    except DcctlError as error:
        raise UnfinishedError(one.node, f"{error.what}: {error.why}", again) from error
    if why:
        written.failed(step, why)
    else:
        written.done(step)
    return why
