"""Whatever is in a file: what it asks for, or a UsageError. Never another exception."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from dcctl.errors import UsageError
from dcctl.inventory.asked import Asked
from dcctl.inventory.sources.jobs import form, job, models
from dcctl.inventory.sources.jobs.kubernetes.kinds import MAKERS, POD_GROUPS, SKIPPED
from dcctl.inventory.sources.jobs.parse import parse
from dcctl.inventory.sources.jobs.resources import KINDS
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

Tree = Any

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["8Gb", "1Ti", "0.25", "400Gb/s", "6kW", "3d12h", "2026-11-24T08:00Z", "rack", "10"]),
    st.dates().map(str),
)
EXAMPLES = [
    *sorted((ROOT / "examples" / "jobs").rglob("*.yaml")),
    *sorted((ROOT / "tests" / "data" / "jobs").rglob("*.yaml")),
]
TEXTS = [path.read_text(encoding="utf-8") for path in EXAMPLES]


def _trees(keys: Iterable[str]) -> st.SearchStrategy[Tree]:
    names = st.one_of(st.sampled_from(sorted(keys)), st.text(max_size=5))
    return st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=6),
        max_leaves=25,
    )


OWN = _trees({*job.KEYS, *models.MODEL_KEYS, *models.SUPPLY_KEYS, *models.NODE_KEYS, *KINDS, "amd.com/gpu"})
API_KEYS = {
    *(
        "replicas",
        "template",
        "spec",
        "containers",
        "initContainers",
        "resources",
        "requests",
        "limits",
        "cpu",
    ),
    *("metadata", "name", "labels", "annotations", "parallelism", "completions", "replicatedJobs", "tasks"),
    *("pytorchReplicaSpecs", "mpiReplicaSpecs", "Worker", "headGroupSpec", "workerGroupSpecs", "cpu"),
    *("leaderWorkerTemplate", "workerTemplate", "size", "minMember", "value", "items", "gpu-fraction"),
    *(
        "affinity",
        "tolerations",
        "topologySpreadConstraints",
        "nodeSelector",
        "resourceClaims",
        "priorityClassName",
    ),
}
API = _trees(API_KEYS)
GROUPS = [
    *MAKERS,
    *SKIPPED,
    *((group, "PodGroup") for group in sorted(POD_GROUPS)),
    ("", "Pod"),
    ("", "List"),
]


def _read(text: str) -> None:
    said = _answer(text)
    assert "\n" not in said
    assert said.startswith("f.yaml")


def _answer(text: str) -> str:
    """What is wrong, or the name of the file for what can be read."""
    try:
        assert isinstance(parse([("f.yaml", text)]), Asked)
    except UsageError as error:
        return str(error)
    return "f.yaml"


def _both(tree: Tree) -> None:
    """As YAML and as JSON."""
    _read(yaml.safe_dump(tree))
    _read(json.dumps(tree))


@given(st.text())
def test_any_text(text: str) -> None:
    _read(text)


@given(_trees(form.KEYS))
def test_any_tree(tree: Tree) -> None:
    _both(tree)


@given(OWN, OWN, OWN)
def test_any_job_model_and_supply(one: Tree, model: Tree, supply: Tree) -> None:
    _both({"kind": "Jobs", "jobs": [one]})
    _both({"kind": "Jobs", "models": [model]})
    _both({"kind": "Jobs", "supply": supply, "quotas": supply})


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(job.KEYS, SCALARS)))
def test_a_job_with_any_values(values: dict[str, Tree]) -> None:
    _both({"kind": "Jobs", "jobs": [{"name": "a", "each": {"cpu": 1}, **values}]})


@given(st.sampled_from(GROUPS), API, API)
def test_any_manifest(kind: tuple[str, str], spec: Tree, metadata: Tree) -> None:
    head = {"apiVersion": f"{kind[0]}/v1".lstrip("/"), "kind": kind[1]}
    _both({**head, "metadata": {"name": "a"}, "spec": spec})
    _both({**head, "metadata": metadata, "items": spec, "value": spec})


@given(st.sampled_from(TEXTS), st.data())
def test_a_file_with_one_value_replaced(text: str, data: st.DataObject) -> None:
    trees = list(yaml.safe_load_all(text))
    tree = data.draw(st.sampled_from(trees))
    here = tree
    while isinstance(here, dict | list) and here:
        key = data.draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
        if not isinstance(here[key], dict | list) or data.draw(st.integers(0, 3)) == 0:
            here[key] = data.draw(SCALARS | API)
            break
        here = here[key]
    _read("---\n".join(yaml.safe_dump(each) for each in trees))


@given(st.sampled_from(TEXTS), st.integers(0, 4000), st.text(max_size=3))
def test_a_file_that_was_cut_or_mistyped(text: str, at: int, typed: str) -> None:
    _read(text[:at])
    _read(text[:at] + typed + text[at:])
