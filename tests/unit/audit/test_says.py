"""What checks of hardware say, and how grave they call it: recorded from their fixtures.

`make catalogue` records it anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from tests.unit.audit.cases import FOLDER, cases

if TYPE_CHECKING:
    from collections.abc import Iterator

SAYS = FOLDER.parent / "audit-says"


def _said(topics: tuple[str, ...]) -> Iterator[str]:
    for name, one in CATALOGUE.items():
        if not name.startswith(topics):
            continue
        for case in cases(name):
            for found in case.tally(one).outcomes:
                about = f"{found.subject} on {','.join(found.nodes)} [{found.where}]"
                yield f"{name} {found.state} {found.severity} {about}: {found.says}"


@pytest.mark.parametrize(("name", "topics"), [("boards", ("GPU-", "FAB-", "DRF-")), ("nodes", ("NOD-",))])
def test_faults_say_what_is_wrong_and_doubts_why(name: str, topics: tuple[str, ...]) -> None:
    said = "".join(f"{line}\n" for line in _said(topics))
    path = SAYS / f"{name}.txt"
    if os.environ.get("DCCTL_RECORD"):
        path.write_text(said)
    assert said == path.read_text(), "make catalogue"
