"""docs/audit-checks.md is made from the catalogue: DCCTL_RECORD=1 writes it anew."""

from __future__ import annotations

import os

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.listing import markdown
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "audit-checks.md"


def test_the_page_lists_every_check() -> None:
    text = markdown(CATALOGUE.values())
    if os.environ.get("DCCTL_RECORD"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "DCCTL_RECORD=1 pytest tests/docs/test_audit_checks.py"
