"""PDUs asked with snmpget and snmpbulkwalk: sysObjectID tells the family, its columns tell the power.

net-snmp is what administrators have and what speaks every form of SNMP v3; a library would bring its own MIB
compiler and cryptography for two numbers of each device.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, NamedTuple

from msgspec.structs import replace

from dcctl.inventory.model import Fleet, Gap
from dcctl.inventory.sources.base import SourceError
from dcctl.inventory.sources.power.command import refused, run
from dcctl.inventory.sources.power.many import ask_all
from dcctl.inventory.sources.secret import Secret
from dcctl.inventory.sources.snmp.parse import columns, parse, values
from dcctl.inventory.sources.snmp.vendors import FAMILIES, SYS_OBJECT_ID, family_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dcctl.inventory.model import Cause
    from dcctl.inventory.sources.power.many import Asking

_PACKAGE = "snmp"
_SAID: tuple[tuple[str, Cause], ...] = (
    ("no response from", "timeout"),
    ("timeout", "timeout"),
    ("unknown host", "unreachable"),
    ("authentication failure", "unauthenticated"),
    ("unknown user name", "unauthenticated"),
    ("decryption error", "unauthenticated"),
    ("authorizationerror", "denied"),
)


class Access(NamedTuple):
    """How to ask the devices: v2c with a community, or v3 with a user."""

    version: Literal["2c", "3"] = "2c"
    community: Secret = Secret()
    user: str | None = None
    password: Secret = Secret()
    privacy: Secret = Secret()
    """The password of encryption; none: authenticated and not encrypted."""
    auth_protocol: str = "SHA"
    privacy_protocol: str = "AES"


class SnmpSource:
    """Asks every PDU, `fanout` at a time."""

    kind = "snmp"

    def __init__(
        self,
        hosts: Sequence[str],
        access: Access,
        asking: Asking,
        *,
        feeds: Mapping[str, str] | None = None,
        port: int = 161,
    ) -> None:
        """`feeds` tells by PDU which nodes (a node set) hang on it; without a word it feeds the site."""
        self.name, self._asking = asking.name, asking
        self._hosts, self._access = tuple(hosts), access
        self._feeds, self._port = dict(feeds or {}), port

    def collect(self) -> Fleet:
        """A meter for each PDU that tells power, a gap for each other. SourceError: a secret is missing."""
        with _configured(self._access) as environ:

            def ask(host: str) -> Fleet:
                return self._ask(host, environ)

            return ask_all(self._asking, self._hosts, ask)

    def _ask(self, host: str, environ: Mapping[str, str]) -> Fleet:
        until = time.monotonic() + self._asking.timeout_s
        object_id = self._values("snmpget", host, (SYS_OBJECT_ID,), until, environ).get(SYS_OBJECT_ID, "")
        family = family_of(object_id)
        if family is None:
            known = ", ".join(one.name for one in FAMILIES)
            raise SourceError(host, f"is no PDU of a family that is known here ({known})", "unsupported")
        told: dict[str, str] = {}
        for column in columns(family):
            told |= self._values("snmpbulkwalk", host, (column,), until, environ)
        meter = parse(host, family, told, int(self._asking.now()))
        meter = replace(meter, site=self._asking.site, nodes=self._feeds.get(host, ""))
        if meter.power_mw is None:
            gap = Gap(self.name, host, f"{family.name}: tells no power", "unsupported")
            return Fleet(meters=(meter,) if meter.energy_mj is not None else (), gaps=(gap,))
        return Fleet(meters=(meter,))

    def _values(
        self, program: str, host: str, oids: Sequence[str], until: float, environ: Mapping[str, str]
    ) -> dict[str, str]:
        left_s = max(1.0, until - time.monotonic())
        patience = ["-t", f"{left_s / 3:.1f}", "-r", "2"]
        words = [program, "-Onq", *patience, f"udp:{host}:{self._port}", *oids]
        done = run(words, host, _PACKAGE, left_s + 1.0, environ)
        if done.code:
            raise refused(host, done.reason, _SAID, f"snmpget {host} sysObjectID.0")
        try:
            return values(done.out)
        except ValueError as error:
            raise SourceError(host, f"{program}: {error}", "invalid") from error


@contextmanager
def _configured(access: Access) -> Iterator[Mapping[str, str]]:
    """An environment in which net-snmp finds who asks, in a private file that is gone afterwards."""
    lines = _lines(access)
    with TemporaryDirectory(prefix="dcctl-snmp-") as folder:
        path = Path(folder) / "snmp.conf"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("".join(f"{line}\n" for line in lines))
        yield {"SNMPCONFPATH": folder, "SNMP_PERSISTENT_DIR": folder, "MIBS": ""}


def _lines(access: Access) -> list[str]:
    if access.version == "2c":
        community = access.community.read("the community of SNMP") if access.community else "public"
        return ["defVersion 2c", f"defCommunity {_quoted(community)}"]
    lines = ["defVersion 3", f"defSecurityName {_quoted(access.user or '')}"]
    level = "noAuthNoPriv"
    if access.password:
        level = "authNoPriv"
        secret = access.password.read("the password of SNMP")
        lines += [f"defAuthType {access.auth_protocol}", f"defAuthPassphrase {_quoted(secret)}"]
    if access.privacy:
        level = "authPriv"
        secret = access.privacy.read("the privacy password of SNMP")
        lines += [f"defPrivType {access.privacy_protocol}", f"defPrivPassphrase {_quoted(secret)}"]
    return [*lines, f"defSecurityLevel {level}"]


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
