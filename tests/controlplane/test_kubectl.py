"""`kubectl dcctl` through the real kubectl, and requests per node against `kubectl describe node`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.controlplane.workloads import namespace, pod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli
    from tests.controlplane.client import Json
    from tests.controlplane.plane import ControlPlane

PLUGIN = """#!{python}
import sys
from dcctl.__main__ import main
sys.exit(main())
"""
GPU = "nvidia.com/gpu"


class Kubectl:
    """The real kubectl with this checkout as its plugin."""

    def __init__(self, binaries: Path, folder: Path, env: dict[str, str]) -> None:
        self._binary, self._folder = str(binaries / "kubectl"), folder
        plugins = folder / "plugins"
        plugins.mkdir()
        script = plugins / "kubectl-dcctl"
        script.write_text(PLUGIN.format(python=sys.executable))
        script.chmod(0o755)
        self._env = {**env, "PATH": f"{plugins}:{env['PATH']}"}

    def __call__(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._binary, *words],
            env=self._env | (env or {}),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def kubectl(binaries: Path, tmp_path: Path, home: dict[str, str]) -> Kubectl:
    return Kubectl(binaries, tmp_path, home)


@pytest.fixture(scope="module")
def spaces(plane: ControlPlane) -> list[str]:
    """Two namespaces with a pod each on the first of two nodes, which take no other work."""
    names = plane.add_nodes(2, prefix="plugin")
    plane.apply([namespace("plugin-a"), namespace("plugin-b"), *(cordon(name) for name in names)])
    plane.apply(placed(pod("one", space, gpus=2), names[0]) for space in ("plugin-a", "plugin-b"))
    return names


def cordon(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"unschedulable": True}}


def placed(item: Json, node: str) -> Json:
    """The pod on this node, whatever the scheduler thinks."""
    item["spec"]["nodeName"] = node
    return item


def held(done: subprocess.CompletedProcess[str], *spaces: str) -> set[str]:
    """The workloads in these namespaces of an answer by workload."""
    assert (done.returncode, done.stderr) == (0, "")
    found = {row["workload"] for row in json.loads(done.stdout)["items"]}
    return {name for name in found if name.partition("/")[0] in spaces}


def test_kubectl_finds_the_plugin_and_hands_it_the_cluster(
    plane: ControlPlane, kubectl: Kubectl, spaces: list[str]
) -> None:
    config = str(plane.kubeconfig())
    for words, env in (
        (("dcctl", "assess", "--kubeconfig", config), {}),
        (("dcctl", f"--kubeconfig={config}", "assess", "--context=test"), {}),
        (("dcctl", "assess"), {"KUBECONFIG": config}),
    ):
        done = kubectl(*words, "--by", "node", "-w", ",".join(spaces), "-o", "json", env=env)
        assert (done.returncode, done.stderr) == (0, "")
        rows = {row["name"]: row for row in json.loads(done.stdout)["items"]}
        assert {name: row["allocated"] for name, row in rows.items()} == {spaces[0]: 4, spaces[1]: 0}


@pytest.mark.usefixtures("spaces")
def test_a_namespace_limits_the_work_that_is_read(plane: ControlPlane, kubectl: Kubectl) -> None:
    env = {"KUBECONFIG": str(plane.kubeconfig())}
    ask = ("dcctl", "assess", "--by", "workload", "-o", "json")
    both = ("plugin-a", "plugin-b")
    assert held(kubectl(*ask, "-n", "plugin-a", env=env), *both) == {"plugin-a/one"}
    assert held(kubectl(*ask, "--namespace=plugin-b", env=env), *both) == {"plugin-b/one"}
    assert held(kubectl(*ask, "-A", env=env), *both) == {"plugin-a/one", "plugin-b/one"}
    assert held(kubectl(*ask, env=env), *both) == {"plugin-a/one", "plugin-b/one"}


def test_a_diff_of_the_plugin_is_with_the_cluster(
    plane: ControlPlane, kubectl: Kubectl, tmp_path: Path
) -> None:
    env = {"KUBECONFIG": str(plane.kubeconfig())}
    taken = kubectl("dcctl", "inventory", "snapshot", "-o", "table=before.json", env=env)
    assert (taken.returncode, taken.stderr) == (0, "")
    found = kubectl("dcctl", "inventory", "diff", str(tmp_path / "before.json"), "-o", "json", env=env)
    assert not [row for row in json.loads(found.stdout)["items"] if row["change"] != "changed"]


def test_errors_and_codes_pass_through_kubectl(plane: ControlPlane, kubectl: Kubectl) -> None:
    missing = kubectl("dcctl", "assess", "--kubeconfig", "/nowhere/config")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert missing.stderr == (
        "dcctl: KUBECONFIG=/nowhere/config: no such file. Try: unset KUBECONFIG or point it at a file\n"
    )
    config = str(plane.kubeconfig())
    unknown = kubectl("dcctl", "assess", "--kubeconfig", config, "--context", "nosuch")
    assert unknown.returncode == 2
    assert "nosuch" in unknown.stderr
    assert "get-contexts" in unknown.stderr


def asks(name: str, **extra: Any) -> Json:
    """A container; `extra` are amounts of requests, `limits`, and `always` for a sidecar."""
    limits, always = extra.pop("limits", {}), extra.pop("always", False)
    made: Json = {"name": name, "image": "a:1", "resources": {"requests": extra, "limits": limits}}
    return made | ({"restartPolicy": "Always"} if always else {})


SHAPES: dict[str, Json] = {
    "plain": {"containers": [asks("a", cpu="250m", memory="100Mi"), asks("b", cpu="1.5", memory="1G")]},
    "init": {"initContainers": [asks("i", cpu="3", memory="7Gi")], "containers": [asks("a", cpu="1")]},
    "sidecar": {
        "initContainers": [asks("s", always=True, cpu="2", memory="1Gi"), asks("i", cpu="4")],
        "containers": [asks("a", cpu="1", memory="128974848000m")],
    },
    "overhead": {"runtimeClassName": "kata", "containers": [asks("a", cpu="1", memory="1Gi")]},
    "limits": {"containers": [asks("a", cpu="100m", limits={GPU: "2", "memory": "3Gi"})]},
    "tiny": {"containers": [asks("a", cpu="1m", memory="1"), asks("b", cpu="1m", memory="2k")]},
    "pod-level": {
        "containers": [asks("a", cpu="1", limits={GPU: "1"})],
        "resources": {"requests": {"cpu": "3", "memory": "5Gi"}},
    },
}
RUNTIME: Json = {
    "apiVersion": "node.k8s.io/v1",
    "kind": "RuntimeClass",
    "metadata": {"name": "kata"},
    "handler": "kata",
    "overhead": {"podFixed": {"cpu": "250m", "memory": "160Mi"}},
}
ROW = re.compile(r"^  (cpu|memory|nvidia\.com/gpu) +(\S+)", re.MULTILINE)
BINARY = {f"{letter}i": Decimal(1 << 10 * power) for power, letter in enumerate("KMGT", 1)}
DECIMAL = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
}
UNITS = BINARY | DECIMAL


def test_requests_are_what_kubectl_describe_prints(plane: ControlPlane, kubectl: Kubectl, cli: Cli) -> None:
    """One node per shape of pod, and one that carries them all beside one that has finished."""
    names = plane.add_nodes(len(SHAPES) + 1, prefix="described")
    plane.apply([namespace("described"), RUNTIME, *(cordon(name) for name in names)])
    *singles, crowded = names
    for node, (shape, spec) in zip(singles, SHAPES.items(), strict=True):
        plane.apply([shaped(shape, spec, node), shaped(f"{shape}-too", spec, crowded)])
    plane.apply([shaped("over", SHAPES["plain"], crowded, {"dcctl.test/run-for": "10ms"})])
    path = "/api/v1/namespaces/described/pods"
    with plane.client() as admin:
        wanted = ["Running"] * 2 * len(SHAPES) + ["Succeeded"]
        plane.wait_for(lambda: sorted(each["status"]["phase"] for each in admin.get(path)["items"]) == wanted)
    env = {"KUBECONFIG": str(plane.kubeconfig())}
    done = cli("assess", "-i", "kubernetes", "--by", "node", "-w", ",".join(names), "-o", "json", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    ours = {
        row["name"]: (row["cpu_requested_milli"], row["memory_requested_bytes"], row["allocated"])
        for row in json.loads(done.stdout)["items"]
    }
    assert ours == {name: described(kubectl, name, env) for name in names}
    assert len(set(ours.values())) == len(names), "shapes that count alike prove less"


def shaped(name: str, spec: Json, node: str, annotations: dict[str, str] | None = None) -> Json:
    item = pod(name, "described", annotations=annotations)
    item["spec"] = json.loads(json.dumps(spec))
    return placed(item, node)


def described(kubectl: Kubectl, node: str, env: dict[str, str]) -> tuple[int, int, int]:
    """(CPU in milli, memory in bytes, GPUs) that kubectl prints as requested of a node."""
    done = kubectl("describe", "node", node, env=env)
    assert done.returncode == 0, done.stderr
    found = {
        name: amount(text) for name, text in ROW.findall(done.stdout.partition("Allocated resources:")[2])
    }
    return int(found["cpu"] * 1000), -int(-found["memory"] // 1), int(found[GPU])


def amount(text: str) -> Decimal:
    """A quantity as kubectl prints it, in units."""
    match = re.fullmatch(r"(\d+)([a-zA-Z]*)", text)
    assert match is not None, text
    return int(match[1]) * UNITS[match[2]]
