"""Each way that makes work fit has the command that tries it, where there is one."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.drain.campaign import Campaign, Relief, Target, Unit, Wave
from dcctl.drain.told.remedies import remedies

NOW = 1_800_000_000
COMMAND = "dcctl drain @rack1 gpu3 --reason 'PDU swap' --yes"
NODES = ("gpu1", "gpu2", "gpu3")
WAVES = (
    Wave(1, NODES[:1], (Unit("a/x", "Job", ()),)),
    Wave(2, NODES[1:], (Unit("a/y", "Job", ()),), verdict="does not fit"),
)
PLAN = Campaign(
    "@rack1 gpu3", "", tuple(Target(name, 1) for name in NODES), WAVES, "does not fit", made_at_s=NOW
)
STOP = Relief("a/y", "stop b/z", workloads=("b/z", "b/w"))
WAYS: dict[str, tuple[Relief, str, str]] = {
    "leave out": (
        Relief("a/y", "leave out gpu2", nodes=("gpu2",)),
        "leave out gpu2",
        "dcctl drain 'gpu[1,3]' --reason 'PDU swap' --dry-run",
    ),
    "leave out all": (Relief("", "leave out gpu[1-3]", nodes=NODES), "leave out gpu[1-3]", ""),
    "stop": (
        STOP, "stop b/z", "dcctl schedule whatif --remove 'gpu[1-3]' --evict b/z --evict b/w"
    ),
    "stops by itself": (
        replace(STOP, by_itself=True),
        "stop b/z; its scheduler does so unasked, by priority",
        "dcctl schedule whatif --remove 'gpu[1-3]' --evict b/z --evict b/w",
    ),
    "wait": (
        Relief("a/y", "wait for b/z", workloads=("b/z",), at_s=NOW + 7800),
        "wait for b/z, 2 h 10 min more; then plan again",
        "",
    ),
    "more nodes": (
        Relief("a/y", "2 nodes more like gpu2", more=2),
        "2 nodes more like gpu2",
        "dcctl schedule whatif --remove 'gpu[1-3]' --add 2xgpu2",
    ),
    "its own": (Relief("a/y", "do it", command="kubectl x"), "do it", "kubectl x"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAYS)
def test_a_way_and_its_command(name: str) -> None:
    relief, says, command = WAYS[name]
    (told,) = remedies(replace(PLAN, reliefs=(relief,)), COMMAND)
    assert (told.says, told.command) == (says, command)


def test_of_a_rolling_campaign_only_nodes_that_are_out_together_are_taken_away() -> None:
    (told,) = remedies(replace(PLAN, reliefs=(STOP,), max_unavailable=2), COMMAND)
    assert "--remove 'gpu[2-3]'" in told.command
