"""Which words can be a host or a login: none that ssh or a shell takes for an option or a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from dcctl.inventory.model import Gap
from dcctl.inventory.nodeexpr import MAX_NAME, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcctl.inventory.model import Fleet

# Narrower than OpenSSH since 9.6 (ssh.c: valid_hostname, valid_ruser): older ones are handed these too.
_HOST = re.compile(r"(?!-)[\w.:%\[\]-]+")
_LOGIN = re.compile(r"(?!-)[\w.@+\\-]+(?<!\\)")


def is_host(text: str) -> bool:
    """Tell whether this can be a host name or an IP address, with a zone or in brackets too."""
    return len(text) <= MAX_NAME and _HOST.fullmatch(text) is not None


def is_login(text: str) -> bool:
    r"""Tell whether this can be a user to log in as: `ops`, `ops@example.com`, `EXAMPLE\ops`."""
    return len(text) <= MAX_NAME and _LOGIN.fullmatch(text) is not None


_WAYS_IN: Final[dict[str, Callable[[str], bool]]] = {"address": is_host, "login_user": is_login}


def reachable(fleet: Fleet, source: str) -> Fleet:
    """Return the fleet without the addresses and logins that cannot be; each is a gap of the source."""
    nodes, gaps = list(fleet.nodes), list[Gap]()
    for at, node in enumerate(fleet.nodes):
        said = {fact: getattr(node, fact) for fact in _WAYS_IN}
        wrong = [fact for fact, word in said.items() if word is not None and not _WAYS_IN[fact](word)]
        for fact in wrong:
            why = f"{fact} {shown(said[fact])} cannot be one: not used"
            gaps.append(Gap(source, node.name, why, "invalid", node=node.name))
        if wrong:
            nodes[at] = replace(node, **dict.fromkeys(wrong))
    return replace(fleet, nodes=tuple(nodes), gaps=(*fleet.gaps, *gaps)) if gaps else fleet
