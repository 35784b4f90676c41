"""Groups of the administrator's groups.conf. Importing this loads ClusterShell: do it late."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import time
from typing import TYPE_CHECKING

from ClusterShell import NodeUtils
from ClusterShell.Defaults import config_paths
from ClusterShell.NodeSet import ILLEGAL_GROUP_CHARS, NodeSet, NodeSetException

from dcctl.errors import UsageError
from dcctl.inventory.folding import fold
from dcctl.inventory.nodeexpr import check_size, terms, unknown_group

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

UPCALL_S = 10
"""Seconds that one command of groups.conf may take. ClusterShell itself would wait for ever."""
# A group's name reaches the shell as $GROUP of a command of groups.conf.
_GROUP_NAME = re.compile(r"[\w.+/=:-]{1,253}")
_BROKEN = (NodeSetException, NodeUtils.GroupResolverError, NodeUtils.GroupSourceError, configparser.Error)


class Resolver(NodeUtils.GroupResolverConfig):  # type: ignore[misc]  # ClusterShell has no types
    """Resolves groups in the inventory first, then in groups.conf where ClusterShell looks for it."""

    def __init__(self, inventory: Mapping[str, Collection[str]]) -> None:
        """Nothing is read before the first question."""
        super().__init__(config_paths("groups.conf"), ILLEGAL_GROUP_CHARS)
        self.inventory = inventory

    def members(self, name: str) -> set[str]:
        """Return the nodes of `group` or `source:group`; UsageError for an unknown group or a broken file."""
        try:
            return set(NodeSet("@" + name, resolver=self))
        except NodeUtils.GroupResolverSourceError as error:
            raise unknown_group(name, self.inventory) from error
        except (*_BROKEN, OSError, ValueError) as error:
            raise UsageError("groups.conf of ClusterShell", str(error), "nodeset -LL") from error

    def add_source(self, group_source: NodeUtils.GroupSource) -> None:
        """Take a source in, its commands under a deadline where the system has timeout(1)."""
        if isinstance(group_source, NodeUtils.UpcallGroupSource) and shutil.which("timeout"):
            for kind, command in group_source.upcalls.items():
                group_source.upcalls[kind] = f"timeout -k 1 {UPCALL_S} sh -c {shlex.quote(command)}"
        super().add_source(group_source)

    def group_nodes(self, group: str, namespace: str | None = None) -> list[str]:
        """Return the node sets of one group, their size checked: ClusterShell expands them next."""
        name = f"{namespace}:{group}" if namespace else group
        if name in self.inventory:
            return [fold(self.inventory[name])]
        started_s = time.monotonic()
        try:
            found = super().group_nodes(group, namespace) if _GROUP_NAME.fullmatch(group) else []
            if not found and group not in self.grouplist(namespace):
                raise unknown_group(name, self.inventory)
        except NodeUtils.GroupSourceError as error:
            if time.monotonic() - started_s < UPCALL_S:
                raise unknown_group(name, self.inventory) from error
            why = f"the command for {name!r} did not answer within {UPCALL_S} s"
            raise UsageError("groups.conf of ClusterShell", why, "nodeset -LL") from error
        for text in found:
            for _, term in terms(text):
                check_size(term)
        return found
