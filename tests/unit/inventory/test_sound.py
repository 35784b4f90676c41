"""What a source told, without what cannot be."""

from __future__ import annotations

from msgspec.structs import replace

from dcctl.inventory.merge import merge
from dcctl.inventory.model import Accelerator, Conflict, Fleet, Node
from dcctl.inventory.sound import sound
from dcctl.inventory.sources.base import run
from tests.unit.inventory.fleets import boards


class Told:
    """A source that says this."""

    kind = name = "kubernetes"

    def __init__(self, *nodes: Node) -> None:
        self.fleet = Fleet(nodes=nodes)

    def collect(self) -> Fleet:
        return self.fleet


def test_an_address_that_cannot_be_one_never_enters_the_fleet() -> None:
    node = Node("gpu1", address="-oProxyCommand=touch PWNED", login_user="x -oProxyCommand=id")
    fleet = run(Told(node, Node("gpu2", address="10.0.0.2", login_user="ops")))
    assert fleet.nodes == (Node("gpu1"), Node("gpu2", address="10.0.0.2", login_user="ops"))
    assert [(gap.source, gap.node, gap.cause) for gap in fleet.gaps] == [
        ("kubernetes", "gpu1", "invalid")
    ] * 2
    assert not fleet.sources[0].ok


def test_boards_of_one_id_stay_as_many_as_they_are_and_are_a_finding() -> None:
    same = tuple(replace(board, id="GPU-same") for board in boards(8))
    piece = Accelerator(index=0, id="MIG-1", kind="mig", parent="GPU-other", profile="1g.10gb")
    fleet = run(Told(Node("n", accelerators=(*same, piece))))
    (node,) = merge([fleet]).nodes
    assert [board.id for board in node.accelerators or ()] == [None] * 8 + ["MIG-1"]
    assert merge([fleet]).conflicts == (
        Conflict("n", "accelerator ids", (("kubernetes", "GPU-same on 8 boards"),)),
    )


def test_what_is_sound_stays_as_it_is() -> None:
    told = Told(Node("n", accelerators=boards(8), address="10.0.0.1"), Node("m"))
    assert run(told).nodes is told.fleet.nodes


def test_a_login_that_cannot_be_is_left_out_where_no_address_is_told() -> None:
    told = sound(Fleet(nodes=(Node("n", login_user="-oProxyCommand=x"),)), "file:f")
    assert (told.nodes[0].login_user, [gap.node for gap in told.gaps]) == (None, ["n"])


def test_two_boards_of_one_id_are_enough() -> None:
    twins = (Accelerator(0, "GPU-a"), Accelerator(1, "GPU-a"), Accelerator(2, "GPU-b"))
    told = sound(Fleet(nodes=(Node("n", accelerators=twins),)), "file:f")
    assert [board.id for board in told.nodes[0].accelerators or ()] == [None, None, "GPU-b"]
    assert len(told.conflicts) == 1
