"""Checks of several parts: what is told of those that are not known."""

from __future__ import annotations

import pytest

from dcctl.audit.check import CATALOGUE, Unattested, Unsure
from dcctl.audit.parts import PARTS, Part, in_parts
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.collected import Evidence

PASSES, DARK, DARKER = Part("a", "pass"), Part("b", "unknown", "no b"), Part("c", "unknown", "no c")
ASKED, ASKED_TOO, FAILS = (
    Part("d", "manual", "look"),
    Part("e", "manual", "look too"),
    Part("f", "fail", "bad"),
)


def faults(monkeypatch: pytest.MonkeyPatch, *parts: Part) -> list[str]:
    """What a check of these parts finds."""
    with monkeypatch.context() as patch:
        patch.setitem(CATALOGUE, "TST-01", None)
        patch.setitem(PARTS, "TST-01", None)
        del CATALOGUE["TST-01"]
        words = {"tier": "L", "over": "chains", "why": "", "fix": "", "refs": ("dcctl:test",)}
        in_parts("TST-01", "Test", "low", **words)(lambda _subject, _scene: parts)  # type: ignore[arg-type]
        return [one.says for one in CATALOGUE["TST-01"].run(Subject(), Scene(Evidence(), 0))]


@pytest.mark.parametrize(
    ("parts", "doubt", "told"),
    [
        ((PASSES, DARK, DARKER), Unsure, "no b"),
        ((PASSES, DARKER, DARK), Unsure, "no c"),
        ((ASKED, DARK), Unsure, "no b"),
        ((PASSES, ASKED, ASKED_TOO), Unattested, "look"),
    ],
    ids=["the first", "in the order of the parts", "unknown before manual", "the first to attest"],
)
def test_of_several_parts_that_are_not_known_the_first_is_told(
    monkeypatch: pytest.MonkeyPatch, parts: tuple[Part, ...], doubt: type[Unsure], told: str
) -> None:
    with pytest.raises(Unsure) as found:
        faults(monkeypatch, *parts)
    assert (type(found.value), found.value.reason) == (doubt, told)


def test_a_fault_is_told_whatever_else_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults(monkeypatch, DARK, FAILS, ASKED) == ["bad"]
