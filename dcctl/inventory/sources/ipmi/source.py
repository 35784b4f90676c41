"""One BMC for each node, asked with ipmitool: DCMI first, then the power sensors."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from dcctl.inventory.model import Fleet, PowerMeter
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.ipmi.parse import dcmi, inlets, sensors
from dcctl.inventory.sources.power.command import refused, run
from dcctl.inventory.sources.power.many import ask_all, ask_plants
from dcctl.inventory.sources.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcctl.inventory.evidence.plant import Plant, Temperature
    from dcctl.inventory.model import Cause
    from dcctl.inventory.sources.power.many import Asking

_SAID: tuple[tuple[str, Cause], ...] = (
    ("unable to establish", "unreachable"),
    ("rakp 2", "unauthenticated"),
    ("password", "unauthenticated"),
    ("insufficient privilege", "denied"),
    ("invalid command", "unsupported"),
    ("could not open device", "missing"),
    ("timeout", "timeout"),
)
"""What ipmitool says, in lower case, and what it means."""


class Bmc(NamedTuple):
    """How to reach the BMC of each node."""

    host: str = "{node}"
    """`{node}` stands for the name of the node; empty: the BMC of this machine, over /dev/ipmi0."""
    user: str | None = None
    password: Secret = Secret()
    interface: str = "lanplus"


class IpmiSource:
    """Asks the BMC of every node, `fanout` at a time."""

    kind = "ipmi"

    def __init__(self, nodes: Sequence[str], bmc: Bmc, asking: Asking, *, program: str = "ipmitool") -> None:
        """The password reaches ipmitool in its environment, never on its command line."""
        self.name, self._asking = asking.name, asking
        self._nodes, self._bmc, self._program = tuple(nodes), bmc, program

    def collect(self) -> Fleet:
        """A meter for each BMC that measures, a gap for each other. SourceError: there is no password."""
        secret = self._bmc.password
        password = secret.read("the password of IPMI") if secret else ""

        def ask(node: str) -> Fleet:
            return Fleet(meters=(self._ask(node, password),))

        return ask_all(self._asking, self._nodes, ask)

    def plants(self) -> tuple[Plant, ...]:
        """How warm the air is that each machine takes in; one that tells nothing is silent."""
        secret = self._bmc.password
        password = secret.read("the password of IPMI") if secret else ""

        def ask(node: str) -> tuple[Temperature, ...]:
            until = time.monotonic() + self._asking.timeout_s
            return inlets(self._run(node, password, until, "sdr", "type", "Temperature"))

        return ask_plants(self._asking, self._nodes, ask)

    def _ask(self, node: str, password: str) -> PowerMeter:
        until = time.monotonic() + self._asking.timeout_s
        try:
            power = dcmi(self._run(node, password, until, "dcmi", "power", "reading"))
        except (SourceError, ValueError) as error:
            if isinstance(error, SourceError) and error.cause not in ("unsupported", "failed"):
                raise
            power = None
        if power is None:
            power = sensors(self._run(node, password, until, "sdr", "elist", "full"))
        if power is None:
            hint = f"ipmitool -H {self._bmc.host.replace('{node}', node)} sdr elist"
            raise SourceError(node, "neither DCMI nor a sensor tells its power", "unsupported", hint)
        return PowerMeter(node, "bmc", self._asking.site, node, power, read_at_s=int(self._asking.now()))

    def _run(self, node: str, password: str, until: float, *question: str) -> str:
        words = [self._program]
        if self._bmc.host:
            words += ["-I", self._bmc.interface, "-H", self._bmc.host.replace("{node}", node)]
            words += ["-U", self._bmc.user] if self._bmc.user is not None else []
            words += ["-E", "-N", "2", "-R", "2"]
        left_s = max(0.1, until - time.monotonic())
        done = run([*words, *question], node, "ipmitool", left_s, {"IPMI_PASSWORD": password})
        if done.code:
            raise refused(node, done.reason, _SAID)
        return done.out
