"""The parts of the audit's probe: a module of this folder and a row here is all that one takes."""

import json
import os
import sys

from dcctl.inventory.probes.audit import audit_document
from dcctl.inventory.probes.audit_boards import BOARDS
from dcctl.inventory.probes.audit_host import HOST
from dcctl.inventory.probes.audit_sshd import SSHD
from dcctl.inventory.probes.audit_stores import STORES
from dcctl.inventory.probes.components import COMPONENTS
from dcctl.inventory.probes.node import facts, without_none

AUDIT_PARTS = (HOST, SSHD, BOARDS, COMPONENTS, STORES)


def audit_main() -> None:
    """Print the facts of the node, with what the parts tell under `audit`, between the lines that mark it."""
    document = facts()
    os.nice(19)  # the work of the node comes first
    document["audit"] = audit_document(AUDIT_PARTS)
    sys.stdout.write("@@dcctl python\n" + json.dumps(without_none(document)) + "\n@@dcctl end\n")


if __name__ == "__main__":
    audit_main()
