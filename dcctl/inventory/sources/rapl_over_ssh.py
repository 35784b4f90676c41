"""RAPL of nodes over SSH: one command each, which looks at the counters twice; nothing is left behind."""

from __future__ import annotations

import re
import shlex
from importlib.resources import files
from typing import TYPE_CHECKING

from msgspec.structs import replace

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.rapl.parse import Zone, parse
from dcctl.inventory.sources.ssh.error import SshError, printable
from dcctl.inventory.sources.ssh.run import Overrides, Script, Session, Target
from dcctl.inventory.sources.ssh.source import ask
from dcctl.inventory.sources.ssh.transport import Deadlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.model import PowerMeter
    from dcctl.inventory.sources.power.many import Asking
    from dcctl.inventory.sources.ssh.run import Answer, Reply

_ROW = re.compile(r"@@rapl (?:(look) ([0-9]{1,12}\.[0-9]{1,9})|(zone) (\S+) (\S+) (\S+) (\S+)|(end))")


class RemoteRaplSource:
    """Processors and memory of many machines, `fanout` at a time."""

    kind = "rapl"

    def __init__(self, targets: Sequence[Target], asking: Asking, overrides: Overrides | None = None) -> None:
        """`overrides` names files other than those of ssh_config(5)."""
        self.name, self._asking = asking.name, asking
        self._targets, self._overrides = tuple(targets), overrides

    def collect(self) -> Fleet:
        """A meter for each node that tells its counters, a gap for each other. SourceError: ssh_config."""
        deadlines = Deadlines().within(self._asking.timeout_s)
        session = Session(self._overrides, deadlines, fanout=self._asking.fanout)
        meters: list[PowerMeter] = []
        gaps: list[Gap] = []
        for answer in ask(session, self._targets, script(), self._asking.stop):
            node = answer.target.name
            try:
                meters.append(replace(_meter(answer, int(self._asking.now())), site=self._asking.site))
            except SshError as fault:
                gaps.append(fault.gap(self.name, node))
            except SourceError as error:
                gaps.append(Gap(self.name, node, error.reason, error.cause, error.hint, node=node))
        return Fleet(meters=tuple(meters), gaps=tuple(gaps))


def script() -> Script:
    """What runs on a node: any sh, and no Python."""
    return Script("sh -s", files("dcctl.inventory.sources.rapl").joinpath("look.sh").read_bytes())


def _meter(answer: Answer, read_at_s: int) -> PowerMeter:
    """The meter that an answer tells. SshError or SourceError: it tells none."""
    if isinstance(answer.result, SshError):
        raise answer.result
    node = answer.target.name
    (began_s, before), (ended_s, after) = _looks(answer.result)
    hint = f"ssh {shlex.quote(f'root@{node}')} cat /sys/class/powercap/intel-rapl:0/energy_uj"
    return parse(node, before, after, ended_s - began_s, read_at_s, hint)


def _looks(reply: Reply) -> list[tuple[float, tuple[Zone, ...]]]:
    """The two looks: seconds since the node was started, and its domains. SshError: it did not answer so.

    What a login shell prints besides is passed over.
    """
    lines = reply.stdout.decode("utf-8", "replace").splitlines()
    rows = [match for line in lines if (match := _ROW.fullmatch(line))]
    looks: list[tuple[float, tuple[Zone, ...]]] = []
    for row in rows:
        if row[1]:
            looks.append((float(row[2]), ()))
        elif row[3] and looks:
            began_s, zones = looks[-1]
            looks[-1] = began_s, (*zones, Zone(row[4], row[5], _count(row[6]), _count(row[7])))
    if len(looks) != 2 or not rows[-1][8]:
        said = printable(reply.stderr) or "nothing"
        raise SshError(f"the look at RAPL ended with status {reply.status} and said {said}", "failed")
    return looks


def _count(word: str) -> int | None:
    return int(word) if word.isdecimal() and len(word) <= 20 else None
