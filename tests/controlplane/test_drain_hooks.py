"""Checkpoints and single GPUs on a real API server, which takes commands on to the kubelet of a node."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from dcctl.drain.act.hooks.kubernetes import KubernetesHooks
from dcctl.drain.act.kubernetes.devices import DeviceTaints
from dcctl.drain.backends import NoProof
from dcctl.drain.campaign import Leave, Unit
from dcctl.drain.work.devices import board_of, holders_of
from dcctl.inventory.sources.http.client import Client
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.objects import Objects
from dcctl.inventory.sources.kubernetes.source import KubernetesSource
from tests.asked import hook_of
from tests.controlplane.components import HERE
from tests.controlplane.drained import Shell
from tests.controlplane.plane import ControlPlane
from tests.controlplane.process import Component, free_ports
from tests.controlplane.workloads import namespace, pod
from tests.kubeapi.kubeconfig import Authority
from tests.kubeapi.kubelet import Container, Kubelets, Port, Said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dcctl.drain.request import Hook
    from tests.controlplane.client import Json

SPACE = "hooks"
NODE = "hooks"
STRATEGIC = "application/strategic-merge-patch+json"
FILE = "/ckpt/latest"
DRIVER = "gpu.nvidia.com"
RULES = "/apis/resource.k8s.io/v1beta2/devicetaintrules"
CLAIMS = "/apis/resource.k8s.io/v1/namespaces/hooks/resourceclaims"


@pytest.fixture(scope="module")
def hooked(binaries: Path) -> Iterator[ControlPlane]:
    """A plane that keeps single devices back."""
    served = ["--runtime-config=resource.k8s.io/v1beta2=true"]
    with ControlPlane(binaries, served, feature_gates="DRADeviceTaintRules=true") as plane:
        plane.apply([namespace(SPACE)])
        yield plane


@pytest.fixture(scope="module")
def kubelets(hooked: ControlPlane) -> Iterator[Kubelets]:
    """The containers of a node of their own, of which kwok knows nothing."""
    found = Kubelets()
    with Port(found, Authority.make()) as port:
        hooked.apply([node_at(NODE, port.port, "ExtendWebSocketsToKubelet")])
        yield found


def node_at(name: str, port: int, *features: str) -> Json:
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "declaredFeatures": list(features),
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


@pytest.fixture(scope="module")
def older(hooked: ControlPlane, binaries: Path) -> Iterator[str]:
    """A node whose kubelet speaks SPDY, as all did before 1.36: kwok runs each command here.

    The commands of these tests read a clock and a file, and write one: none is sent to a process.
    """
    (port,) = free_ports(1)
    config = hooked.folder / "exec.yaml"
    stages = (HERE / "stages.yaml").read_text(encoding="utf-8")
    local = f"spec: {{execs: [{{local: {{workDir: '{hooked.folder}'}}}}]}}"
    config.write_text(
        stages.replace("options:\n", "options:\n  enableDebuggingHandlers: true\n", 1)
        + "---\napiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterExec\nmetadata: {name: all}\n"
        + f"{local}\n",
        encoding="utf-8",
    )
    command = [
        str(binaries / "kwok"),
        f"--config={config}",
        f"--kubeconfig={hooked.kubeconfig()}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=dcctl.test/nobody=yes",
        f"--server-address=127.0.0.1:{port}",
    ]
    kwok = Component("kwok-exec", command, hooked.folder / "kwok-exec.log")
    try:
        kwok.wait_healthy(lambda: listens(port), 60)
        hooked.apply([node_at("older", port)])
        yield "older"
    finally:
        kwok.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def train(hooked: ControlPlane, kubelets: Kubelets) -> Iterator[Container]:
    with running(hooked, NODE):
        yield kubelets.containers[SPACE, "train-0", "main"]
        kubelets.containers.clear()


@contextmanager
def running(plane: ControlPlane, node: str) -> Iterator[None]:
    """The pod train-0 runs there, as far as anybody is told."""
    body = pod("train-0", SPACE)
    body["spec"] |= {"nodeName": node, "tolerations": [{"operator": "Exists"}]}
    path = f"/api/v1/namespaces/{SPACE}/pods/train-0"
    state = {"name": "main", "image": "x", "imageID": "", "ready": True, "restartCount": 0,
               "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}  # fmt: skip
    with plane.client() as admin:
        plane.apply([body])
        status = {"status": {"phase": "Running", "podIP": "127.0.0.1", "containerStatuses": [state]}}
        assert admin.request("PATCH", f"{path}/status", status, STRATEGIC)[0] == 200
        yield
        admin.request("DELETE", f"{path}?gracePeriodSeconds=0")


def ask(plane: ControlPlane, hook: Hook, user: str = "admin") -> str:
    connection = connect(str(plane.kubeconfig(user)), None, 10)
    unit = Unit("hooks/train", "Job", (Leave(f"{SPACE}/train-0", NODE),), hook=hook)
    return KubernetesHooks(connection).checkpoint(unit)


def test_a_command_and_its_exit_code(hooked: ControlPlane, kubelets: Kubelets, train: Container) -> None:
    train.programs["save"] = lambda _words: Said(out="saved\n")
    assert ask(hooked, hook_of("exec save 'a b' $HOME")) == "hooks/train-0: save ended with exit code 0"
    assert train.ran == [["save", "a b", "$HOME"]]
    assert kubelets.protocols[-1] == "v5.channel.k8s.io"
    train.programs["save"] = lambda _words: Said(7, err="no space left\n")
    with pytest.raises(NoProof, match="save ended with exit code 7: no space left"):
        ask(hooked, hook_of("exec save"))
    with pytest.raises(NoProof, match="distroless"):
        ask(hooked, hook_of("exec no-such-tool"))


def test_a_signal_and_a_file(hooked: ControlPlane, train: Container) -> None:
    def shell(_words: list[str]) -> Said:
        train.write(FILE)
        return Said()

    train.ahead_s, train.programs["sh"] = -500, shell
    said = ask(hooked, hook_of("signal USR1", proof=f"file {FILE}", timeout_s=60))
    assert "/ckpt/latest (4096 bytes) was written" in said
    assert ["sh", "-c", "kill -USR1 1"] in train.ran


def test_an_annotation_and_its_answer(hooked: ControlPlane, train: Container) -> None:
    path = f"/api/v1/namespaces/{SPACE}/pods/train-0"
    hook = hook_of("annotation test/save=", proof="annotation test/saved", timeout_s=3)
    with pytest.raises(NoProof, match="no proof within 3 s: the annotation test/saved did not change"):
        ask(hooked, hook)
    with hooked.client() as admin:
        assert admin.get(path)["metadata"]["annotations"]["test/save"].endswith("Z")
    assert train.ran == []


def test_half_an_answer_and_a_hang(hooked: ControlPlane, train: Container) -> None:
    for fault in ("half", "reset"):
        train.faults = [fault]
        with pytest.raises(NoProof, match="may have been asked"):
            ask(hooked, hook_of("exec save"))
    train.faults = ["hang"]
    with pytest.raises(NoProof, match="did not end in time, and may run still"):
        ask(hooked, hook_of("exec save", timeout_s=2))
    assert len(train.ran) == 3


def test_the_right_that_is_lacking(hooked: ControlPlane, train: Container) -> None:
    """A GET on pods/exec is not enough for a websocket since 1.35."""
    for verbs, resource in ((["get"], "pods"), (["get"], "pods/exec")):
        name = f"hooks-{resource.replace('/', '-')}"
        hooked.apply(
            [
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
                 "metadata": {"name": name},
                 "rules": [{"apiGroups": [""], "resources": [resource], "verbs": verbs}]},
                {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
                 "metadata": {"name": name},
                 "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
                 "subjects": [{"kind": "User", "name": "hooks-reader",
                               "apiGroup": "rbac.authorization.k8s.io"}]},
            ]
        )  # fmt: skip
    with hooked.client("hooks-reader") as reader:
        hooked.wait_for(lambda: reader.request("GET", f"/api/v1/namespaces/{SPACE}/pods/train-0")[0] == 200)
    with pytest.raises(NoProof, match="the right to get and create pods/exec is needed"):
        ask(hooked, hook_of("exec save"), "hooks-reader")
    with pytest.raises(NoProof, match="the right to patch pods is needed"):
        ask(hooked, hook_of("annotation a=", proof="annotation b"), "hooks-reader")
    with pytest.raises(NoProof, match="create pods/proxy"):
        ask(hooked, hook_of("http POST :8080/save"), "hooks-reader")
    assert train.ran == []


def test_a_kubelet_that_does_not_answer(hooked: ControlPlane, train: Container) -> None:
    other = {"daemonEndpoints": {"kubeletEndpoint": {"Port": 1}}}
    path = f"/api/v1/nodes/{NODE}/status"
    with hooked.client() as admin:
        before = admin.get(f"/api/v1/nodes/{NODE}")["status"]["daemonEndpoints"]
        admin.request("PATCH", path, {"status": other}, STRATEGIC)
        try:
            with pytest.raises(NoProof, match="refused"):
                ask(hooked, hook_of("exec save", timeout_s=5))
        finally:
            admin.request("PATCH", path, {"status": {"daemonEndpoints": before}}, STRATEGIC)
    assert train.ran == []


def test_a_kubelet_that_speaks_spdy(hooked: ControlPlane, older: str) -> None:
    """The clock and the files are those of this machine. kwok tells no exit code but 0."""
    file = hooked.folder / "latest"
    file.write_text("old", encoding="utf-8")
    os.utime(file, (1, 1))
    with running(hooked, older):
        assert ask(hooked, hook_of("exec true")) == "hooks/train-0: true ended with exit code 0"
        write = hook_of(f"exec sh -c 'printf saved > {file}'", proof=f"file {file}", timeout_s=60)
        assert f"{file} (5 bytes) was written" in ask(hooked, write)
        idle = hook_of("exec true", proof=f"file {file}", timeout_s=5)
        with pytest.raises(NoProof, match="latest was not written since it was asked"):
            ask(hooked, idle)
        with pytest.raises(NoProof, match="exit status 3"):
            ask(hooked, hook_of("exec sh -c 'exit 3'"))
        with pytest.raises(NoProof, match="is a directory: name a file"):
            ask(hooked, hook_of("exec true", proof=f"file {hooked.folder}", timeout_s=60))


def claim(name: str) -> Json:
    request = {"name": "gpu", "exactly": {"deviceClassName": "gpu"}}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"devices": {"requests": [request]}},
    }


def holder(name: str) -> Json:
    """A pod with a claim of its own, which a container of it uses."""
    made = pod(name, SPACE)
    made["spec"]["resourceClaims"] = [{"name": "gpu", "resourceClaimName": name}]
    made["spec"]["containers"][0]["resources"] = {"claims": [{"name": "gpu"}]}
    return made


def gpus(node: str) -> list[Json]:
    devices: list[Json] = [
        {"name": f"gpu-{index}", "attributes": {"type": {"string": "gpu"}, "uuid": {"string": f"GPU-{index}"},
                                                "index": {"int": index}}}
        for index in range(2)
    ]  # fmt: skip
    where = {"name": node, "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": DRIVER, "nodeName": node, "pool": where, "devices": devices}
    select = [{"cel": {"expression": f"device.driver == '{DRIVER}'"}}]
    return [
        {"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "gpu"},
         "spec": {"selectors": select}},
        {"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": f"{node}-gpus"},
         "spec": spec},
    ]  # fmt: skip


def test_one_gpu_is_kept_back_and_its_holder_alone_leaves(hooked: ControlPlane) -> None:
    (node,) = hooked.add_nodes(1, gpus=0, prefix="dra")
    hooked.apply([*gpus(node), claim("a"), holder("a")])
    base = f"/api/v1/namespaces/{SPACE}/pods"
    with hooked.client() as admin:

        def runs(name: str) -> bool:
            return bool(admin.get(f"{base}/{name}")["status"].get("phase") == "Running")

        def given(name: str) -> str:
            found: dict[str, Any] = admin.get(f"{CLAIMS}/{name}")["status"]
            return str(found["allocation"]["devices"]["results"][0]["device"])

        hooked.wait_for(lambda: runs("a"), 60, "the first pod has its GPU")
        kubeconfig = str(hooked.kubeconfig())
        fleet = KubernetesSource("kubernetes:test", kubeconfig).collect()
        free = "1" if given("a") == "gpu-0" else "0"
        board, other = board_of(fleet, node, given("a")[-1]), board_of(fleet, node, free)
        assert (holders_of(fleet, board).pods, holders_of(fleet, other).pods) == ((f"{SPACE}/a",), ())

        taints = DeviceTaints(Objects(Client(connect(kubeconfig, None, 10), 120)))
        for rule in taints.rules([other], "run-1"):
            taints.make(rule)
        made = taints.made("run-1")
        assert len(made) == 1
        hooked.apply([claim("b"), holder("b")])
        hooked.wait_for(lambda: waits(admin.get(f"{base}/b")), 60, "the second pod finds no GPU")
        assert runs("a"), "who held another one stays"

        for kept in made:
            taints.lift(kept)
        hooked.wait_for(lambda: runs("b"), 60, "the GPU is given out again")
        assert given("b") == f"gpu-{free}"


def test_one_gpu_is_drained_and_returned_by_the_command(hooked: ControlPlane, tmp_path: Path) -> None:
    (node,) = hooked.add_nodes(1, gpus=0, prefix="cli")
    hooked.apply([*gpus(node), claim("c"), holder("c"), claim("d"), holder("d")])
    shell = Shell(hooked, tmp_path, tmp_path)
    base = f"/api/v1/namespaces/{SPACE}/pods"
    with hooked.client() as admin:

        def runs(name: str) -> bool:
            status, found = admin.request("GET", f"{base}/{name}")
            return status == 200 and found["spec"].get("nodeName") == node

        hooked.wait_for(lambda: runs("c") and runs("d"), 60, "both pods have a GPU")
        found = admin.get(f"{CLAIMS}/c")["status"]["allocation"]["devices"]["results"][0]["device"]
        index = str(found)[-1]
        words = ("drain", node, "--gpu", index, "--force", "--without-fit", "--reason", "fan", "--yes")
        done = shell.dcctl(*words, "-i", "kubernetes")
        assert done.returncode == 0, done.stderr
        assert f"1\t{node}\t1\t" in done.stdout
        assert (runs("c"), runs("d")) == (False, True)
        (rule,) = admin.get(RULES)["items"]
        assert rule["spec"]["deviceSelector"] == {"driver": DRIVER, "pool": node, "device": found}
        assert not admin.get(f"/api/v1/nodes/{node}")["spec"].get("unschedulable")
        admin.request("DELETE", f"{CLAIMS}/c")
        hooked.apply([claim("e"), holder("e")])
        hooked.wait_for(lambda: waits(admin.get(f"{base}/e")), 60, "nobody is given it")

        again = ("drain", "--return", node, "--gpu", index, "--without-checks", "--yes")
        back = shell.dcctl(*again, "-i", "kubernetes")
        assert back.returncode == 3, "who waits for a class of an unknown driver is a gap"
        hooked.wait_for(lambda: runs("e"), 60, "it is given out again")
        assert admin.get(RULES)["items"] == []


def waits(found: Json) -> bool:
    conditions = found["status"].get("conditions", [])
    return any(one.get("reason") == "Unschedulable" and "claim" in one["message"] for one in conditions)
