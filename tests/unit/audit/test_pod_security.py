"""What checks of pods say of the manifests with which Kubernetes tests its own Pod Security Standards.

The manifests are those of k8s.io/pod-security-admission, test/testdata, v1.37 (Apache License 2.0, by The
Kubernetes Authors), each with the level, the verdict and the control in its name.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate, failures
from dcctl.audit.scene import Scene
from tests.unit.audit.manifests import evidence
from tests.unit.audit.variants import NAMES

CHECKS: Final = tuple(CATALOGUE[name] for name in sorted(NAMES))
FILE: Final = Path(__file__).parents[2] / "data" / "audit-manifests" / "pod-security.jsonl"
MANIFESTS: Final[dict[str, dict[str, Any]]] = {
    row["name"]: row["pod"] for row in map(json.loads, FILE.read_text().splitlines())
}
_BASELINE: Final = ("01", "02", "03", "04", "08", "09", "10", "13", "15", "16", "19")
BASELINE: Final = frozenset(f"POD-{number}" for number in _BASELINE)
LEVELS: Final = {"baseline": BASELINE, "restricted": BASELINE | {"POD-05", "POD-06", "POD-07", "POD-11"}}
"""Checks that decide what a level asks for; what no level asks for, others decide."""
CONTROLS: Final = {
    "allowprivilegeescalation": {"POD-05"},
    "capabilities_baseline": {"POD-08"},
    "hostnamespaces": {"POD-02", "POD-03", "POD-04"},
    "hostpathvolumes": {"POD-09"},
    "hostports": {"POD-10"},
    "privileged": {"POD-01"},
    "procmount": {"POD-16"},
    "procmount_restricted": {"POD-16"},
    "runasnonroot": {"POD-06"},
    "runasuser": {"POD-06"},
    "seccompprofile_baseline": {"POD-11"},
    "seccompprofile_restricted": {"POD-11"},
    "sysctls": {"POD-16"},
    "windowshostprocess": {"POD-19"},
}
"""A control, with the checks of which one has to fail where it does; others are not of the catalogue."""
OTHERWISE: Final = {
    **dict.fromkeys(
        ("capabilities_baseline2", "capabilities_baseline3"), ""
    ),  # `chown`, `CAP_CHOWN`: harmless
    **dict.fromkeys(("capabilities_restricted0", "capabilities_restricted1"), "POD-07"),
    **dict.fromkeys(("capabilities_restricted2", "capabilities_restricted3"), ""),  # NET_RAW is dropped
    "restrictedvolumes19": "POD-09",
}
FOLLOWS: Final = {
    "POD-01": {"POD-05", "POD-07"},
    "POD-05": {"POD-07"},
    "POD-08": {"POD-07"},
    "POD-19": {"POD-04"},
}
"""What else is true of the manifests of a control."""


def wanted(name: str) -> set[str]:
    _, verdict, file = name.split("/")
    if verdict == "pass":
        return set()
    if file in OTHERWISE:
        return {OTHERWISE[file]} - {""}
    return CONTROLS.get(re.sub(r"\d+$", "", file), set())


@pytest.mark.parametrize("name", MANIFESTS)
def test_checks_agree_with_the_pod_security_standards(name: str) -> None:
    tallies = evaluate(Scene(evidence(MANIFESTS[name]), 0), CHECKS)
    needed = wanted(name)
    asked = LEVELS[name.partition("/")[0]] | needed
    strict = name.startswith("restricted")
    found = {one.check.id for one in failures(tallies) if strict or one.severity != "info"} & asked
    assert bool(found & needed) == bool(needed)
    assert found <= needed.union(*(FOLLOWS.get(one, ()) for one in needed))
