"""Single GPUs kept back by DeviceTaintRules, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl.drain.act.kubernetes.devices import DeviceTaints
from dcctl.drain.work.devices import board_of, holders_of
from dcctl.errors import RefusedError
from dcctl.inventory.sources.http.client import Client
from dcctl.inventory.sources.http.failure import Failure
from dcctl.inventory.sources.kubernetes.auth import connect
from dcctl.inventory.sources.kubernetes.objects import Objects
from tests.kubeapi import ApiServer, objects, shapes
from tests.kubeapi.faults import Reset, match
from tests.kubeapi.kinds import Kind
from tests.live.kubeapi.source import source

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kubeapi.status import Obj

RUN = "run-1"
DRIVER = "gpu.nvidia.com"


def taint_rules(version: str) -> Kind:
    return Kind("resource.k8s.io", version, "devicetaintrules", "DeviceTaintRule", namespaced=False)


def device(index: int, **attributes: str) -> Obj:
    told = {"type": "gpu", "uuid": f"GPU-{index}", **attributes}
    return {"name": f"gpu-{index}", "attributes": {key: {"string": value} for key, value in told.items()}}


def cluster() -> list[Obj]:
    """A node with GPUs 0 to 3, of which ml/a-0 holds 2, and GPU 3 could be cut in two."""
    slices = [
        {**device(10 + index, type="mig", uuid=f"MIG-{index}", parentUUID="GPU-3", profile="1g.10gb"),
         "consumesCounters": [{"counterSet": "gpu-3"}]}
        for index in range(2)
    ]  # fmt: skip
    claim = shapes.resource_claim("a", "ml", "gpu", 1, [(DRIVER, "g1", "gpu-2")])
    user = {"resource": "pods", "name": "a-0", "uid": objects.uid("Pod", "ml", "a-0")}
    claim["status"]["reservedFor"] = [user]
    devices = [*(device(index) for index in range(4)), *slices]
    pods = [objects.pod("a-0", "ml", "g1"), objects.pod("b-0", "ml", "g1")]
    return [objects.node("g1"), shapes.resource_slice("s1", "g1", DRIVER, devices), claim, *pods]


def taints(server: ApiServer, folder: Path) -> DeviceTaints:
    return DeviceTaints(Objects(Client(connect(str(server.kubeconfig(folder / "k")), None, 5), 30)))


@pytest.mark.parametrize("version", ["v1", "v1beta2", "v1alpha3"])
def test_one_gpu_is_kept_back_and_given_back(tmp_path: Path, version: str) -> None:
    with ApiServer(custom=[taint_rules(version)]) as server:
        server.load(cluster())
        fleet = source(server, tmp_path).collect()
        board = board_of(fleet, "g1", "2")
        assert holders_of(fleet, board).pods == ("ml/a-0",)
        acted = taints(server, tmp_path)
        for rule in (*acted.rules([board], RUN, "bad fan"), *acted.rules([board], RUN, "bad fan")):
            acted.make(rule)  # made again, it is the same
        made = acted.made(RUN)
        (there,) = server.objects("devicetaintrules.resource.k8s.io")
        assert there["metadata"]["name"] == acted.rules([board], RUN)[0].name
        assert there["spec"]["deviceSelector"] == {"driver": DRIVER, "pool": "g1", "device": "gpu-2"}
        assert taints(server, tmp_path).made() == taints(server, tmp_path).made(RUN, board) == made
        assert [(one.run, one.reason) for one in made] == [(RUN, "bad fan")]
        assert acted.made("run-2") == ()
        for kept in made:
            acted.lift(kept)
            acted.lift(kept)
        assert server.objects("devicetaintrules.resource.k8s.io") == []


def test_a_board_is_kept_back_in_every_way_it_could_be_cut(tmp_path: Path) -> None:
    with ApiServer(custom=[taint_rules("v1beta2")]) as server:
        server.load(cluster())
        board = board_of(source(server, tmp_path).collect(), "g1", "3")
        assert [one.device for one in board.devices] == ["gpu-3"], "what is not cut yet is not in the fleet"
        rules = taints(server, tmp_path).rules([board], RUN, effect="NoExecute")
        assert [rule.device.device for rule in rules] == ["gpu-10", "gpu-11", "gpu-3"]
        assert {rule.effect for rule in rules} == {"NoExecute"}


def test_a_cluster_without_the_api_is_refused_before_anything(tmp_path: Path) -> None:
    with ApiServer() as server:
        server.load(cluster())
        board = board_of(source(server, tmp_path).collect(), "g1", "2")
        with pytest.raises(RefusedError, match="has no DeviceTaintRules") as told:
            taints(server, tmp_path).rules([board], RUN)
        assert "drain the whole node" in told.value.hint
        assert taints(server, tmp_path).made(RUN) == ()
        assert server.seen("POST", "/apis/resource.k8s.io") == []


def test_another_rule_of_its_name_stays(tmp_path: Path) -> None:
    with ApiServer(custom=[taint_rules("v1beta2")]) as server:
        server.load(cluster())
        board = board_of(source(server, tmp_path).collect(), "g1", "2")
        acted = taints(server, tmp_path)
        (rule,) = acted.rules([board], RUN)
        acted.make(rule)
        (made,) = acted.made(RUN)
        server.change("DeviceTaintRule", rule.name, spec={"taint": {"key": "other", "effect": "NoSchedule"}})
        with pytest.raises(RefusedError, match="another of this name is there"):
            acted.make(rule)
        server.remove("DeviceTaintRule", rule.name)
        acted.make(rule)
        acted.lift(made._replace(uid="before"))
        assert len(acted.made(RUN)) == 1


def test_an_answer_that_is_lost_makes_no_second_one(tmp_path: Path) -> None:
    with ApiServer(custom=[taint_rules("v1beta2")]) as server:
        server.load(cluster())
        board = board_of(source(server, tmp_path).collect(), "g1", "2")
        server.faults.add(match("POST", "devicetaintrules", first=1), Reset(applied=True))
        acted = taints(server, tmp_path)
        (rule,) = acted.rules([board], RUN)
        acted.make(rule)
        assert [one.device for one in acted.made(RUN)] == [rule.device]
        assert server.faults.fired == 1


def test_who_may_not_is_refused(tmp_path: Path) -> None:
    with ApiServer(custom=[taint_rules("v1beta2")]) as server:
        server.load(cluster())
        board = board_of(source(server, tmp_path).collect(), "g1", "2")
        server.deny("admin", "create", "devicetaintrules.resource.k8s.io")
        acted = taints(server, tmp_path)
        with pytest.raises(Failure) as told:
            acted.make(acted.rules([board], RUN)[0])
        assert told.value.status == 403
