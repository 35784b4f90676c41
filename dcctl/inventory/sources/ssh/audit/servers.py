"""Servers of SSH that run with other settings than `sshd -T` tells. Pure."""

from __future__ import annotations

import getopt
import re
from typing import TYPE_CHECKING

from dcctl.inventory.sources.ssh.audit.told import Untold

if TYPE_CHECKING:
    from dcctl.inventory.sources.ssh.audit.told import Reading

_TITLE = re.compile(r"sshd: (/.+?) \[listener\].*")
_OPTIONS = "C:E:b:c:f:g:h:k:o:p:u:46DGQRTVdeiqrt"
_NO_SERVER = {"-G", "-Q", "-R", "-T", "-V", "-i", "-t"}
"""They print something and end, or are about one connection."""
_USUAL_SERVERS = {"/usr/sbin/sshd", "/sbin/sshd", "/usr/bin/sshd"}
_USUAL_FILE = "/etc/ssh/sshd_config"


def check_settings(reading: Reading) -> None:
    """Untold: all servers that run have other settings. Of one of several it is noted."""
    servers = [why for one in reading.host.servers if (why := _started_with(one)) is not None]
    others = [why for why in servers if why]
    if others and len(others) == len(servers):
        raise Untold(f"{others[0]}; sshd -T tells the settings of /etc/ssh/sshd_config", "unsupported")
    if others:
        reading.only("sshd", f"of {len(servers)} servers one is another: {others[0]}", "unsupported")


def _started_with(line: str) -> str | None:
    """Say what makes a server's settings other than those of `sshd -T`; empty: nothing. None: it is none.

    A server has its command line as its title since OpenSSH 8.2: `sshd: /usr/sbin/sshd -D [listener] 0 of …`.
    """
    title = _TITLE.fullmatch(line)
    words = (title[1] if title else line).split()
    if not words or not words[0].endswith("/sshd"):
        return None
    try:
        told, _ = getopt.getopt(words[1:], _OPTIONS)
    except getopt.GetoptError as error:
        return f"sshd runs with options that are not known: {error}"
    if {name for name, _ in told} & _NO_SERVER:
        return None
    if words[0] not in _USUAL_SERVERS:
        return f"the server that runs is {words[0]}"
    other = [f"{name} {value}" for name, value in told if name in {"-f", "-o"} and value != _USUAL_FILE]
    return f"sshd runs with {' '.join(other)}" if other else ""
