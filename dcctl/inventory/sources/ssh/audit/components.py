"""The part of a node's answer that tells of Kubernetes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dcctl.errors import UsageError
from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import Component
from dcctl.inventory.sources.components.document import parse
from dcctl.inventory.sources.ssh.error import printable

if TYPE_CHECKING:
    from dcctl.inventory.sources.ssh.audit.gather import NodeAnswer


def component_evidence(answer: NodeAnswer) -> Evidence:
    """Return the components on a node; none where it told nothing: nobody knows whether it has any."""
    told = answer.parts.get("components")
    if told is None:
        return Evidence()
    commands = msgspec.to_builtins(answer.commands)
    try:
        found = parse({"components": msgspec.json.decode(told), "commands": commands}, answer.node)
    except (UsageError, msgspec.DecodeError) as error:
        silence = Silence(printable(str(error)), "invalid")
        silent = dict.fromkeys(("flags", "config", "files"), silence)
        return Evidence(components=(Component(node=answer.node, name="kubelet", silent=silent),))
    return Evidence(components=found)
