"""Many devices asked at once, and what is said of those that nobody waits for any more."""

from __future__ import annotations

from threading import Event

from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.model import Fleet, PowerMeter
from dcctl.inventory.sources.power.many import Asking, ask_all, ask_plants


def test_machines_that_were_not_reached_are_silent_and_the_others_are_kept() -> None:
    asking, deaf = Asking("ipmi", fanout=1, now=lambda: 7.0), Event()

    def ask(node: str) -> tuple[()]:
        if node != "gpu1":
            asking.stop.set()
            deaf.wait(30)
        return ()

    told, hung, later = ask_plants(asking, ["gpu1", "gpu2", "gpu3"], ask)
    deaf.set()
    assert (told.temperatures, told.read_at_s, told.silent) == ((), 7, {})
    for one in (hung, later):
        assert (one.temperatures, one.read_at_s, one.silent) == (None, None, {"temperatures": CUT})


def test_meters_that_were_not_reached_are_one_gap() -> None:
    asking = Asking("ipmi", fanout=1)

    def ask(node: str) -> Fleet:
        asking.stop.set()
        return Fleet(meters=(PowerMeter(node, "bmc"),))

    found = ask_all(asking, ["gpu1", "gpu2", "gpu3"], ask)
    assert [one.name for one in found.meters] == ["gpu1"]
    assert [(gap.source, gap.cause) for gap in found.gaps] == [("ipmi", CUT.cause)]
