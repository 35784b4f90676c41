"""What the checks of boards, ports and pools say, and how grave they call it, recorded from their fixtures.

DCCTL_RECORD=1 records it anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dcctl.audit.catalogue import CATALOGUE
from tests.unit.audit.cases import FOLDER, cases

if TYPE_CHECKING:
    from collections.abc import Iterator

SAYS = FOLDER.parent / "audit-says" / "boards.txt"


def _said() -> Iterator[str]:
    for name, one in CATALOGUE.items():
        if not name.startswith(("GPU-", "FAB-", "DRF-")):
            continue
        for case in cases(name):
            for found in case.tally(one).outcomes:
                about = f"{found.subject} on {','.join(found.nodes)} [{found.where}]"
                yield f"{name} {found.state} {found.severity} {about}: {found.says}"


def test_faults_say_what_is_wrong_and_doubts_why() -> None:
    said = "".join(f"{line}\n" for line in _said())
    if os.environ.get("DCCTL_RECORD"):
        SAYS.parent.mkdir(exist_ok=True)
        SAYS.write_text(said)
    assert said == SAYS.read_text()
