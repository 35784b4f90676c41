"""One GPU out of service: which it is, who holds it, and why it may not be kept back."""

from __future__ import annotations

import pytest

from dcctl.drain.request import Board
from dcctl.drain.work.devices import Holders, board_of, holders_of, rule_name, rules_of
from dcctl.errors import RefusedError, UsageError
from dcctl.inventory.devices import Accelerator, DeviceName
from dcctl.inventory.model import Fleet, Member, Node, Workload

DRIVER = "gpu.nvidia.com"


def name(device: str) -> DeviceName:
    return DeviceName(DRIVER, "g1", device)


def gpu(index: int, **more: object) -> Accelerator:
    told = {"id": f"GPU-{index}", "resource": DRIVER, "dra": name(f"gpu-{index}"), **more}
    return Accelerator(index, **told)  # type: ignore[arg-type]


def part(index: int, of: str) -> Accelerator:
    profile = "1g.10gb"
    return Accelerator(
        index, f"MIG-{index}", resource=f"{DRIVER}/mig-{profile}", kind="mig", parent=of, profile=profile,
        dra=name(f"mig-{index}"),
    )  # fmt: skip


def fleet(*accelerators: Accelerator, work: tuple[Workload, ...] = ()) -> Fleet:
    return Fleet(nodes=(Node("g1", accelerators=accelerators),), workloads=work)


def work(id_: str, *members: Member, kind: str = "Job") -> Workload:
    return Workload(id_, kind=kind, members=members)


@pytest.mark.parametrize("word", ["3", "GPU-3"])
def test_a_board_by_index_or_uuid(word: str) -> None:
    found = board_of(fleet(gpu(0), gpu(3)), "g1", word)
    assert found == Board("g1", f"g1 GPU {word}", "GPU-3", (name("gpu-3"),))


@pytest.mark.parametrize("word", ["GPU-3", "MIG-0"])
def test_a_board_that_is_cut_goes_with_all_its_slices(word: str) -> None:
    found = board_of(fleet(gpu(0), part(0, "GPU-3"), part(1, "GPU-3"), part(2, "GPU-4")), "g1", word)
    assert (found.id, found.devices) == ("GPU-3", (name("mig-0"), name("mig-1")))


@pytest.mark.parametrize("word", ["4", "GPU-9", "", "-1", "٣", "99999999999999999999"])
def test_what_it_does_not_have(word: str) -> None:
    with pytest.raises(UsageError, match=r"it has no GPU .*: 0, 3"):
        board_of(fleet(gpu(0), gpu(3)), "g1", word)


def test_a_cut_board_has_no_index() -> None:
    with pytest.raises(UsageError, match=r"no GPU 3: 0; name a board that is cut by its UUID"):
        board_of(fleet(gpu(0), part(0, "GPU-3")), "g1", "3")


def test_an_unknown_node() -> None:
    with pytest.raises(UsageError, match="no such node"):
        board_of(fleet(gpu(0)), "g2", "0")


@pytest.mark.parametrize(
    ("board", "why"),
    [
        (gpu(3, dra=None, resource="nvidia.com/gpu"), "a device plugin hands it out as nvidia.com/gpu: "),
        (gpu(3, resource="nvidia.com/gpu"), "a device plugin hands it out as nvidia.com/gpu too"),
        (gpu(3, id=None), "publishes no UUID"),
    ],
)
def test_what_no_taint_keeps_back(board: Accelerator, why: str) -> None:
    with pytest.raises(RefusedError, match=why) as told:
        board_of(fleet(board), "g1", "3")
    assert told.value.hint == "drain the whole node: dcctl drain g1"


def test_nobody_looked() -> None:
    with pytest.raises(RefusedError, match="nobody looked"):
        board_of(Fleet(nodes=(Node("g1"),)), "g1", "3")


def test_who_holds_it() -> None:
    on = {"node": "g1", "phase": "running", "uid": "u"}
    known = fleet(
        gpu(0), gpu(3), part(5, "GPU-3"),
        work=(
            work("ml/train", Member("train-10", devices=("GPU-3", "GPU-0"), **on),  # type: ignore[arg-type]
                 Member("train-2", devices=("MIG-5",), **on),  # type: ignore[arg-type]
                 Member("train-3", devices=("GPU-0",), **on)),  # type: ignore[arg-type]
            work("ml/old", Member("old", "g1", "succeeded", devices=("GPU-3",), uid="u")),
            work("ml/away", Member("away", "g2", "running", devices=("GPU-3",), uid="u")),
            work("ml/resourceclaim/kept", Member("kept", "g1", "running", devices=("GPU-3",)),
                 kind="ResourceClaim"),
        ),
    )  # fmt: skip
    held = holders_of(known, board_of(known, "g1", "3"))
    assert held == Holders(("ml/train-2", "ml/train-10"), ("ml/kept",))


def test_rules_are_named_alike_each_time() -> None:
    one, two = rules_of("20260301T080000-ab12", {name("gpu-3"), name("gpu-1")})
    assert (
        one.name == rule_name("20260301T080000-ab12", name("gpu-1")) == "dcctl-20260301t080000-ab12-d5598fc9"
    )
    assert two.body("v1beta2") == {
        "apiVersion": "resource.k8s.io/v1beta2",
        "kind": "DeviceTaintRule",
        "metadata": {"name": two.name, "labels": {"dcctl.io/run": "20260301T080000-ab12"}},
        "spec": {
            "deviceSelector": {"driver": DRIVER, "pool": "g1", "device": "gpu-3"},
            "taint": {"key": "dcctl.io/drain", "value": "20260301T080000-ab12", "effect": "NoSchedule"},
        },
    }
    assert len(rule_name("r" * 100, name("gpu-1"))) == 63
