"""Settings of the real servers as they are in force: by their processes, by the API server, and by --help."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.evaluate import evaluate
from dcctl.audit.facts.parameters import PARAMETERS
from dcctl.audit.facts.settings import Setting, effective, minor_of
from dcctl.audit.scene import Scene
from dcctl.audit.standards import Standard, compliance
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.components import Component
from dcctl.inventory.probes.components import read_components
from dcctl.inventory.sources.catalogue import standards
from dcctl.inventory.sources.components.document import parse as of_node
from dcctl.inventory.sources.http.client import Client, Patience
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.evidence.components import ask, parse
from dcctl.inventory.sources.kubernetes.evidence.source import KubernetesEvidence
from tests.controlplane import build
from tests.controlplane.plane import ControlPlane

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.controlplane.client import Json

KEY = base64.b64encode(b"a key of thirty-two bytes: hush!").decode()
ENCRYPTION = f"""
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: [secrets]
    providers:
      - aescbc: {{keys: [{{name: one, secret: {KEY}}}]}}
      - identity: {{}}
"""
POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"
KUBELET = """
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
readOnlyPort: 10255
"""
VERSION = build.recipe().kubernetes.removeprefix("v")


def told_by(pids: Iterable[int]) -> tuple[Component, ...]:
    """What the probe tells of these processes: other control planes may run on this machine too."""
    wanted = set(pids)
    processes = [one for one in read_components()["processes"] if one["pid"] in wanted]  # type: ignore[attr-defined]
    return of_node({"components": {"processes": processes}}, "cp1")


def named(components: Iterable[Component]) -> dict[str, Component]:
    return {one.name: one for one in components}


def states(evidence: Evidence) -> dict[str, str]:
    scene = Scene(evidence, 1_790_000_000)
    (cis,) = (one for one in standards(Standard) if one.id == "cis-1.12")
    return {one.control.id: one.state for one in compliance(cis, evaluate(scene), scene)}


@pytest.fixture(scope="module")
def hardened(binaries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that encrypts Secrets and keeps an audit log."""
    folder = tmp_path_factory.mktemp("hardened")
    (folder / "encryption.yaml").write_text(ENCRYPTION)
    (folder / "policy.yaml").write_text(POLICY)
    flags = (
        f"--encryption-provider-config={folder / 'encryption.yaml'}",
        f"--audit-policy-file={folder / 'policy.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-maxage=30",
        "--enable-admission-plugins=NodeRestriction",
        "--service-account-extend-token-expiration=false",
        "--tls-min-version=VersionTLS13",
    )
    with ControlPlane(binaries, flags) as running:
        yield running


def test_the_probe_finds_every_server(plane: ControlPlane) -> None:
    found = named(told_by(plane.pids.values()))
    assert set(found) == {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"}
    assert (found["kube-apiserver"].flags or {})["authorization-mode"] == ("RBAC",)
    assert (found["kube-scheduler"].config or {})["enableProfiling"] == "false"


def test_what_the_plane_of_the_tests_leaves_open(plane: ControlPlane) -> None:
    found = states(Evidence(components=told_by(plane.pids.values())))
    passed = (
        "1.2.1",
        "1.2.2",
        "1.2.6",
        "1.2.8",
        "1.2.15",
        "1.2.22",
        "1.3.2",
        "1.3.4",
        "1.3.7",
        "1.4.1",
        "1.4.2",
    )
    failed = ("1.2.7", "1.2.14", "1.2.16", "1.2.27", "1.3.3", "2.1", "2.2", "2.5", "3.2.1")
    assert {name: found[name] for name in (*passed, *failed)} == {
        **dict.fromkeys(passed, "pass"),
        **dict.fromkeys(failed, "fail"),
    }
    assert {found[name] for name in ("1.1.1", "1.1.11", "1.1.21")} == {"unknown"}  # nobody listed the files


def test_what_a_hardened_plane_has_right(hardened: ControlPlane) -> None:
    components = told_by(hardened.pids.values())
    found = states(Evidence(components=components))
    passed = (
        *("1.2.14", "1.2.16", "1.2.17", "1.2.18", "1.2.19", "1.2.27", "1.2.28", "1.2.29", "1.2.30"),
        *("3.2.1", "3.2.2"),
    )
    # The defaults of 1.36 for backups hold where the version is known.
    versioned = [one for one in components if one.name != "kube-apiserver"]
    server = replace(named(components)["kube-apiserver"], version=VERSION)
    found |= states(Evidence(components=(*versioned, server)))
    assert {name: found[name] for name in passed} == dict.fromkeys(passed, "pass")
    assert KEY not in str(components)
    assert KEY not in str(read_components())


def test_a_kubelet_is_judged_by_its_file_and_its_flags(tmp_path: Path) -> None:
    config = tmp_path / "kubelet.yaml"
    config.write_text(KUBELET)
    command = ["kubelet", "-c", "import time; time.sleep(60)", f"--config={config}", "--rotate-certificates"]
    with subprocess.Popen(command, executable=sys.executable) as running:
        try:
            found: tuple[Component, ...] = ()
            while not found and running.poll() is None:
                found = told_by([running.pid])
        finally:
            running.kill()
    told = states(Evidence(components=found))
    assert {name: told[name] for name in ("4.2.1", "4.2.2", "4.2.4", "4.2.10")} == {
        "4.2.1": "pass",
        "4.2.2": "pass",
        "4.2.4": "fail",
        "4.2.10": "pass",
    }


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager", "kube-scheduler"])
def test_defaults_are_those_that_the_binary_tells(binaries: Path, name: str) -> None:
    text = subprocess.run([str(binaries / name), "--help"], capture_output=True, text=True, check=True).stdout
    told = dict(re.findall(r"^ +--(\S+) .*?\(default \"?(.*?)\"?\)$", text, re.MULTILINE))
    flags = set(re.findall(r"^ +--(\S+)", text, re.MULTILINE))
    component = Component(node="n", name=name, version=VERSION, flags={})
    rows = [one for one in {row for rows in PARAMETERS.values() for row in rows} if one.component == name]
    for row in (one for one in rows if ":" not in one.flag):
        assert row.flag in flags
        wanted = told.get(row.flag, "")
        assert effective(component, row).value == wanted or (wanted, row.default) == ("", "false"), row.flag
    assert minor_of(VERSION) is not None


def test_plug_ins_that_are_on_are_those_that_the_binary_tells(binaries: Path) -> None:
    text = subprocess.run(
        [str(binaries / "kube-apiserver"), "--help"], capture_output=True, text=True, check=True
    ).stdout
    (listed,) = re.findall(r"--disable-admission-plugins .*?default enabled plugins list \((.*?)\)", text)
    server = Component(node="n", name="kube-apiserver", flags={})
    for row in PARAMETERS["API-09"] + PARAMETERS["API-14"]:
        if row.flag.startswith("plugin:"):
            is_on = row.where in listed.split(", ")
            assert effective(server, row) == Setting(str(is_on).lower(), "default"), row.where


def static(plane: ControlPlane, name: str, node: str = "static0001") -> Json:
    """A pod as a kubelet shows a static one, with the command line of the process."""
    from pathlib import Path

    argv = Path(f"/proc/{plane.pids[name]}/cmdline").read_text(encoding="utf-8").rstrip("\0").split("\0")
    container = {"name": name, "image": f"registry.k8s.io/{name}:v{VERSION}", "command": [name, *argv[1:]]}
    with plane.client() as admin:
        uid = admin.get(f"/api/v1/nodes/{node}")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid, "controller": True}
    meta = {
        "name": f"{name}-{node}",
        "namespace": "kube-system",
        "labels": {"component": name},
        "ownerReferences": [owner],
    }
    spec = {"nodeName": node, "hostNetwork": True, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def asked(kubeconfig: Path) -> tuple[Component, ...]:
    connection = connect(str(kubeconfig), None, 30.0)
    try:
        return parse(ask(Client(connection, 30.0, Patience())), "prod")
    finally:
        connection.pool.clear()


def test_the_api_server_tells_the_same_flags_as_the_processes(plane: ControlPlane) -> None:
    plane.add_nodes(1, prefix="static")
    plane.apply([static(plane, name) for name in ("kube-apiserver", "kube-scheduler")])
    shown = named(one for one in asked(plane.kubeconfig()) if one.node in ("", "static0001"))
    running = named(told_by(plane.pids.values()))
    for name in ("kube-apiserver", "kube-scheduler"):
        assert shown[name].flags == running[name].flags
        assert (shown[name].node, shown[name].version, shown[name].cluster) == ("static0001", VERSION, "prod")
    assert shown["kube-controller-manager"].silent["flags"].cause == "missing"
    assert shown["kube-apiserver"].certified == ()
    assert any(
        one.name == "kubelet" and one.node == "static0001" and one.version
        for one in asked(plane.kubeconfig())
    )


def test_somebody_who_may_read_nothing_has_no_findings_and_no_passes(plane: ControlPlane) -> None:
    seen = KubernetesEvidence(kubeconfig=str(plane.kubeconfig("nobody", ()))).gather()
    assert seen.components is None
    assert seen.silent["components"].cause == "denied"
    (tally,) = evaluate(Scene(seen, 1_790_000_000), [CATALOGUE["API-03"]])
    assert tally.counts == {"unknown": 1}
