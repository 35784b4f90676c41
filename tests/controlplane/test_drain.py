"""`dcctl drain` on a real control plane: planned, refused, carried out, killed, resumed, undone, returned."""

from __future__ import annotations

import json
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.controlplane import drained
from tests.controlplane.client import MERGE_PATCH
from tests.controlplane.drained import RACK, Shell, cordoned, marked, standing
from tests.controlplane.plane import ControlPlane

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

NODES = "gpu[0001-0004]"
ASK = ("drain", NODES, "--reason", "PDU swap", "-i", "kubernetes")
OPEN = "--allow-pdb-violation=data/pg"


@pytest.fixture
def rack(binaries: Path) -> Iterator[ControlPlane]:
    """A plane of its own: what is drained would be in the way of others."""
    with ControlPlane(binaries) as plane:
        drained.fill(plane)
        yield plane


@pytest.fixture
def shell(rack: ControlPlane, binaries: Path, tmp_path: Path) -> Shell:
    return Shell(rack, tmp_path, binaries / "kubectl")


def told(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def slowly(plane: ControlPlane, seconds: int) -> None:
    """Every pod of the gang takes so long to end."""
    with plane.client() as admin:
        for each in drained.pods(plane):
            meta = each["metadata"]
            if meta["namespace"] == drained.TRAIN:
                path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
                body = {"metadata": {"annotations": {"dcctl.test/stop-after": f"{seconds}s"}}}
                admin.request("PATCH", path, body, MERGE_PATCH)


def going(plane: ControlPlane) -> int:
    """Pods that are being deleted."""
    return sum("deletionTimestamp" in each["metadata"] for each in drained.pods(plane))


def stands_elsewhere(plane: ControlPlane) -> bool:
    found = standing(plane)
    return len(found) == drained.GANG + 4 and not set(found.values()) & set(RACK)


def test_what_stands_in_the_way_is_told_and_nothing_is_touched(rack: ControlPlane, shell: Shell) -> None:
    before = standing(rack)
    plan = told(shell.dcctl(*ASK, "--dry-run", "-o", "json"), 1)
    assert "data/pg" in json.dumps(plan)
    refused = shell.dcctl(*ASK, "--yes")
    assert (refused.returncode, refused.stdout) == (6, "")
    assert "data/pg" in refused.stderr
    assert OPEN.replace("=", " ") in refused.stderr
    assert (standing(rack), cordoned(rack), marked(rack)) == (before, set(), set())
    with rack.client() as admin:
        status, _ = admin.request(
            "GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/dcctl-drain"
        )
    assert status == 404


def test_a_campaign_that_is_killed_is_resumed_and_undone(rack: ControlPlane, shell: Shell) -> None:
    slowly(rack, 6)
    running = shell.start(*ASK, OPEN, "--yes")
    rack.wait_for(partial(going, rack), 60, "the first pod is being deleted")
    second = Shell(rack, shell.folder / "second", shell.kubectl_file).dcctl(*ASK, OPEN, "--yes")
    assert second.returncode == 6, second.stderr
    running.kill()
    running.communicate()
    assert cordoned(rack) == marked(rack) == set(RACK)
    again = shell.dcctl(*ASK, OPEN, "--yes")
    assert (again.returncode, "--resume" in again.stderr) == (6, True), again.stderr
    told(shell.dcctl("drain", "--resume", "-i", "kubernetes", "--yes", "-o", "json"))
    rack.wait_for(partial(stands_elsewhere, rack), 60, "all work stands elsewhere")
    assert cordoned(rack) == marked(rack) == set(RACK)
    told(shell.dcctl("drain", "--undo", "-i", "kubernetes", "--yes", "-o", "json"))
    assert (cordoned(rack), marked(rack)) == (set(), set())


def test_nodes_return_once_they_are_ready(rack: ControlPlane, shell: Shell) -> None:
    told(shell.dcctl(*ASK, OPEN, "--yes", "-o", "json"))
    rack.wait_for(partial(stands_elsewhere, rack), 60, "all work stands elsewhere")
    unready(rack, RACK[0])
    kept = shell.dcctl("drain", "--return", NODES, "-i", "kubernetes", "--yes", "--without-checks")
    assert kept.returncode == 1, kept.stdout + kept.stderr
    assert cordoned(rack) == marked(rack) == {RACK[0]}


def unready(plane: ControlPlane, name: str) -> None:
    """The kubelet of the node is heard no more."""
    body = {"metadata": {"annotations": {"dcctl.test/hands-off": "yes"}}}
    with plane.client() as admin:
        admin.request("PATCH", f"/api/v1/nodes/{name}", body, MERGE_PATCH)
        conditions = drained.nodes(plane)[name]["status"]["conditions"]
        for each in conditions:
            each["status"] = "False" if each["type"] == "Ready" else each["status"]
        status = {"status": {"conditions": conditions}}
        admin.request("PATCH", f"/api/v1/nodes/{name}/status", status, MERGE_PATCH)


def test_the_printed_role_is_enough(rack: ControlPlane, shell: Shell) -> None:
    text = shell.dcctl("drain", "--rbac").stdout
    whole = re.sub(r"(?m)^#(- apiGroups|  resources|  verbs)", r"\1", text)  # with what options alone need
    role = list(yaml.safe_load_all(whole))
    user = rack.kubeconfig("drainer", groups=())
    refused = shell.dcctl(*ASK, OPEN, "--yes", kubeconfig=user)
    assert refused.returncode in {4, 5}, refused.stderr
    bound = [binding(each, "drainer") for each in role if each["kind"] in {"ClusterRole", "Role"}]
    rack.apply([each for each in (*role, *bound) if each])
    deadline = time.monotonic() + 30
    while (done := shell.dcctl(*ASK, OPEN, "--dry-run", "-o", "json", kubeconfig=user)).returncode not in {
        0,
        1,
    }:
        assert time.monotonic() < deadline, done.stderr
    assert told(shell.dcctl(*ASK, OPEN, "--yes", "-o", "json", kubeconfig=user))
    told(shell.dcctl("drain", "--undo", "-i", "kubernetes", "--yes", "-o", "json", kubeconfig=user))
    assert (cordoned(rack), marked(rack)) == (set(), set())


def binding(role: dict[str, Any], user: str) -> dict[str, Any]:
    """The binding of a role to a user."""
    api, kind = "rbac.authorization.k8s.io", role["kind"]
    meta = {"name": f"{role['metadata']['name']}-{user}"}
    if kind == "Role":
        meta["namespace"] = role["metadata"]["namespace"]
    return {
        "apiVersion": f"{api}/v1",
        "kind": f"{kind}Binding",
        "metadata": meta,
        "roleRef": {"apiGroup": api, "kind": kind, "name": role["metadata"]["name"]},
        "subjects": [{"kind": "User", "name": user, "apiGroup": api}],
    }
