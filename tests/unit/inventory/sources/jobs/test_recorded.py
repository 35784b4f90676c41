"""Manifests as people write them: what they ask for, held against what was recorded and read by a person.

`DCCTL_RECORD=1` writes the records anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pytest

from dcctl.inventory.folding import fold
from dcctl.inventory.placement import key_of
from dcctl.inventory.sources.jobs.source import read
from dcctl.inventory.sources.kubernetes.budgets import Budgets
from dcctl.inventory.sources.kubernetes.pods import Pods
from dcctl.inventory.sources.kubernetes.templates import Templates
from dcctl.inventory.sources.kubernetes.types import Page, Pod
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcctl.inventory.asked import Asked
    from dcctl.inventory.model import Member, Workload

DATA = ROOT / "tests" / "data" / "jobs"
CASES = sorted(path.name for path in DATA.iterdir() if path.is_dir())


def _files(case: str) -> list[str]:
    return sorted(str(path) for path in (DATA / case).iterdir() if path.suffix in {".yaml", ".json"})


def _lines(asked: Asked) -> Iterator[str]:
    for work in asked.workloads:
        yield f"{work.id}: {_about(work)}"
        groups: dict[str, list[Member]] = {}
        for member in work.members:
            groups.setdefault(_asks(member, asked), []).append(member)
        yield from (f"  {fold(each.name for each in members)}: {asks}" for asks, members in groups.items())
    for gap in asked.gaps:
        yield f"gap: {gap.subject}: {gap.reason.partition(' (')[0]}: {gap.cause}"


def _about(work: Workload) -> str:
    fields = ("kind", "owner", "queue", "priority", "gang_min", "duration_s", "within")
    told = {name: getattr(work, name) for name in fields}
    return " ".join(f"{name}={value}" for name, value in told.items() if value is not None)


def _asks(member: Member, asked: Asked) -> str:
    template = asked.templates[member.template] if member.template else None
    assert member.phase == "pending"
    assert member.uid is None
    assert member.node is None
    return f"{_json(member.requests)}\n    {_json(template)}"


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()


@pytest.mark.parametrize("case", CASES)
def test_manifests_ask_for_what_was_recorded(case: str) -> None:
    asked = read(_files(case))
    text = "".join(f"{line}\n" for line in _lines(asked)).replace(f"{DATA}/", "")
    record = DATA / case / "asked.txt"
    if os.environ.get("DCCTL_RECORD"):
        record.write_text(text, encoding="utf-8")
    assert text == record.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES)
def test_every_template_has_its_key_and_is_used(case: str) -> None:
    asked = read(_files(case))
    used = {member.template for work in asked.workloads for member in work.members if member.template}
    assert used == set(asked.templates)
    assert all(key == key_of(template) for key, template in asked.templates.items())


def test_the_order_of_files_changes_nothing_but_which_gap_comes_first() -> None:
    files = _files("core")
    one, other = read(files), read(files[::-1])
    assert (one.workloads, one.templates) == (other.workloads, other.templates)
    assert set(one.gaps) == set(other.gaps)


def test_examples_are_read_without_a_gap() -> None:
    folder = ROOT / "examples" / "jobs"
    assert not read(sorted(str(path) for path in (folder / "manifests").iterdir())).gaps
    for path in folder.glob("*.yaml"):
        asked = read([str(path)])
        assert asked.workloads or asked.elastic


def test_waiting_pods_of_a_cluster_ask_for_the_same_as_in_a_file() -> None:
    """A list as the API server sends it: its entries do not say what they are."""
    path = ROOT / "tests" / "data" / "kubernetes" / "templates" / "pods.json"
    listed = msgspec.json.decode(path.read_bytes(), type=Page[Pod]).items
    assert isinstance(listed, list)
    alone = [pod for pod in listed if not pod.spec.node_name]
    templates = Templates()
    live = Pods(Budgets(), templates)
    live.add(alone)
    told = {row.name: row for group in live.groups.values() for row in group.members}
    asked = read([str(path)])
    members = [member for work in asked.workloads for member in work.members]
    assert {member.name for member in members} == told.keys()
    for member in members:
        assert member.requests == told[member.name].requests
        assert member.template == told[member.name].template
