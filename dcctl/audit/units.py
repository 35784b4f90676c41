"""A systemd service and timer for an audit: it may read, and write its own state and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "dcctl-audit"
_END_S: Final = 60
"""After its deadline an audit has that long to judge and tell."""
_SAFE: Final = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")

MARK: Final = "# Written by `dcctl audit install-timer`: "
"""How a unit of ours begins; no other is written over."""
_HEADER: Final = f"{MARK}run that again to change it, or `systemctl edit` to add to it.\n"
_SERVICE: Final = """\
[Unit]
Description=Audit of the data centre by dcctl
Documentation=man:dcctl-audit(1)
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={command}
# 1: new findings, 3: not everything answered. Both are answers; what is new is in the journal.
SuccessExitStatus=1 3
TimeoutStartSec={deadline}
{account}
UMask=0022
Nice=10
IOSchedulingClass=idle
NoNewPrivileges=yes
{rights}ProtectSystem=strict
PrivateTmp=yes
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=default
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""
_TIMER: Final = """\
[Unit]
Description=When dcctl audits the data centre
Documentation=man:dcctl-audit(1)

[Timer]
OnCalendar={calendar}
RandomizedDelaySec={jitter}
FixedRandomDelay=yes
Persistent=yes

[Install]
WantedBy=timers.target
"""
_RIGHTS: Final = """\
# To read keys and configuration of other users, and to write to folders of theirs (-o FORMAT=FILE).
CapabilityBoundingSet=CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_CHOWN CAP_FOWNER
ProtectHome=read-only
"""
_ROOT: Final = "StateDirectory=dcctl\nStateDirectoryMode=0700\nCacheDirectory=dcctl"
_USER: Final = "ReadWritePaths=-%S/dcctl -%C/dcctl"


class Plan(NamedTuple):
    """When an audit runs, and how."""

    words: Sequence[str]
    """The command."""
    calendar: str = "daily"
    jitter_s: int = 900
    deadline_s: float = 3600
    """After that long nothing more is asked; 0: for ever."""
    wait_s: float = 0
    """It waits at most that long before it begins."""
    for_user: bool = False
    writes: tuple[str, ...] = ()
    """Folders that its options write to."""


def service(plan: Plan) -> str:
    """Return the text of the service."""
    command = " ".join(map(quoted, plan.words))
    places = "".join(f"\nReadWritePaths=-{quoted(path)}" for path in plan.writes)
    account = (_USER if plan.for_user else _ROOT) + places
    rights = "" if plan.for_user else _RIGHTS
    limit = f"{plan.wait_s + plan.deadline_s + _END_S:.0f}" if plan.deadline_s else "infinity"
    text = _SERVICE.format(command=command, deadline=limit, account=account, rights=rights)
    return _HEADER + text


def timer(plan: Plan) -> str:
    """Return the text of the timer."""
    return _HEADER + _TIMER.format(calendar=plan.calendar, jitter=plan.jitter_s)


def quoted(word: str) -> str:
    """Return a word as ExecStart takes it: no specifier, variable or quote in it means anything."""
    text = word.replace("%", "%%").replace("$", "$$")
    if _SAFE.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
