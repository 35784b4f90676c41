"""The rules of sudo that an audit's login needs: the fixed commands of the probe, and nothing else. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from dcctl.inventory.probes.audit_parts import AUDIT_PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.probes.audit import Command

_SPECIAL: Final = re.compile(r"[,:=\\]")
_GLOB: Final = re.compile(r"[*?\[\]]")
_LOGIN: Final = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
ALIAS: Final = "DCCTL_AUDIT"


def rules(login: str) -> str:
    """Return a file for /etc/sudoers.d that lets `login` run them as root. ValueError: no name of a login."""
    if not _LOGIN.match(login):
        raise ValueError(f"{login!r} is no name of a login")
    listed = ", \\\n".join(f"    {command}" for command in own_commands())
    return f"Cmnd_Alias {ALIAS} = \\\n{listed}\n{login} ALL = (root) NOPASSWD: {ALIAS}\n"


def own_commands() -> tuple[str, ...]:
    """Return the probe's commands that need root, each once, as sudoers writes them."""
    return tuple(dict.fromkeys(_written(command) for command in _rooted()))


def _rooted() -> Iterator[Command]:
    return (command for part in AUDIT_PARTS for command in part.commands if command.root)


def _written(command: Command) -> str:
    """Escape what means more to sudoers or its patterns; without arguments none may be given."""
    if any("\\" in word for word in command.argv):
        raise ValueError(f"{command.name}: sudo and its patterns would each take a backslash for their own")
    binary, *arguments = command.argv
    words = [_GLOB.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\g<0>", word)) for word in arguments]
    return " ".join([binary, *words]) if words else f'{binary} ""'


def is_own(commands: str) -> bool:
    """True when these commands, parted by commas, are all the probe's own; an alias by its name is none."""
    listed = [word.strip() for word in re.split(r"(?<!\\),", commands)]
    return bool(commands) and {" ".join(word.split()) for word in listed} <= _own_set()


@cache
def _own_set() -> frozenset[str]:
    return frozenset(own_commands())
