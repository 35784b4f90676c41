"""Pages that are made from the code of audit: DCCTL_RECORD=1 writes them anew."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.check import CATALOGUE as ENTERED
from dcctl.audit.listing import markdown
from dcctl.audit.scene import Scene
from dcctl.cli.generate.fields import policy_fields
from dcctl.cli.generate.pages import evidence_page, policy_page
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.rbac import Role
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("audit-checks.md", lambda: markdown(CATALOGUE.values())),
        ("audit-policy.md", policy_page),
        ("audit-evidence.md", evidence_page),
    ],
)
def test_a_page_is_what_the_code_says(name: str, made: Callable[[], str]) -> None:
    page, text = ROOT / "docs" / name, made()
    if os.environ.get("DCCTL_RECORD"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text, "DCCTL_RECORD=1 pytest tests/docs/test_audit_checks.py"


def test_every_key_of_the_policy_is_told() -> None:
    assert [one.path for one in policy_fields() if not one.about] == []


def test_the_check_of_a_plug_in_can_be_pasted() -> None:
    text = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    try:
        exec(compile(code, "docs/audit.md", "exec"), {"__name__": "acme"})
        (fault,) = ENTERED["ACME-01"].run(Role(name="r"), Scene(Evidence(), 0))
    finally:
        ENTERED.pop("ACME-01", None)
    assert fault.says == "has no label team"
