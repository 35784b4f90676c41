"""Which words can be a host or a login: none that ssh or a shell takes for an option or a command."""

from __future__ import annotations

import re

from dcctl.inventory.nodeexpr import MAX_NAME

# Narrower than OpenSSH since 9.6 (ssh.c: valid_hostname, valid_ruser): older ones are handed these too.
_HOST = re.compile(r"(?!-)[\w.:%\[\]-]+")
_LOGIN = re.compile(r"(?!-)[\w.@+\\-]+(?<!\\)")


def is_host(text: str) -> bool:
    """Tell whether this can be a host name or an IP address, with a zone or in brackets too."""
    return len(text) <= MAX_NAME and _HOST.fullmatch(text) is not None


def is_login(text: str) -> bool:
    r"""Tell whether this can be a user to log in as: `ops`, `ops@example.com`, `EXAMPLE\ops`."""
    return len(text) <= MAX_NAME and _LOGIN.fullmatch(text) is not None
