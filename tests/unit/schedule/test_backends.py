"""A plan carried out on a scheduler that is no Kubernetes: what acts knows the protocol alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl import journal
from dcctl.errors import DcctlError, RefusedError, UnfinishedError
from dcctl.inventory.model import Fleet, Node
from dcctl.schedule.act import order
from dcctl.schedule.act.undo import made
from dcctl.schedule.backends import Left, Step
from tests import plans
from tests.unit.assess.fleet.build import size

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from dcctl.journal import Entry
    from dcctl.packing.plan import Assignment
    from dcctl.render.report import Note
    from dcctl.schedule.backends import Loaded, Run

JOBS = "kind: Jobs\njobs:\n- {name: a, each: {cpu: 1}}\n- {name: b, each: {cpu: 1}}\n"
FLEET = Fleet(nodes=(Node("n1", capacity=size(), allocatable=size(), ready=True, schedulable=True),))
COMMAND = "dcctl schedule apply --to toy"


class Toy:
    """A scheduler in memory: each assignment is one object."""

    tells_cluster = "toy name"

    def __init__(self, fails_at: int = -1, name: str = "toy") -> None:
        self.made: dict[str, str] = {}
        self.fails_at, self.name = fails_at, name

    def intended(self, loaded: Loaded, now_s: int) -> Wanted:
        return Wanted(self, loaded.plan.assignments, now_s)

    def cluster(self) -> str:
        return self.name

    def is_cluster(self, ids: Collection[str]) -> bool:
        return self.name in ids

    def lasting(self, steps: Mapping[str, Entry]) -> tuple[Left, ...]:
        return ()

    def undo(self, made: Entry, run: str) -> None:
        del self.made[made.data["name"]]


class Wanted:
    def __init__(self, toy: Toy, places: tuple[Assignment, ...], now_s: int) -> None:
        self.toy, self.new, self.now_s = toy, places, now_s
        self.there: tuple[Assignment, ...] = ()
        self.left: tuple[Left, ...] = ()

    def render(self) -> tuple[str, tuple[Left, ...]]:
        return "", ()

    def look_up(self, run: str, steps: Mapping[str, Entry]) -> Wanted:
        return self

    def caveats(self) -> tuple[Note, ...]:
        return ()

    def try_on_server(self) -> tuple[Step, ...]:
        return tuple(Step("create", one.member, (one,)) for one in self.new)

    def carry_out(self, run: Run) -> tuple[Step, ...]:
        for at, one in enumerate(self.new):
            step = f"create {one.member}"
            known = run.journal.steps.get(step)
            if known is None or known.state != "done":
                with run.interrupts.step():
                    run.journal.begin(step, name=one.member)
                    if at == self.toy.fails_at:
                        run.journal.failed(step, "no")
                        raise DcctlError("no")
                    self.toy.made[one.member] = one.node
                    run.journal.done(step)
            run.stands[one.member] = one.node
        return tuple(step._replace(stands=1) for step in self.try_on_server())


class Silence:
    def start(self, total: int, label: str) -> None:
        """Nothing is drawn."""

    def advance(self, text: str = "") -> None:
        """Nothing is drawn."""


def world(toy: Toy, folder: Path) -> order.World:
    return order.World(
        backend=toy,
        fleet=lambda: FLEET,
        progress=Silence(),
        consent=lambda lines: None,
        folder=folder / "journals",
        now_s=1_800_000_000,
        command=COMMAND,
    )


@pytest.fixture
def files(tmp_path: Path) -> Sequence[str]:
    work = tmp_path / "jobs.yaml"
    work.write_text(JOBS)
    plan = plans.of_files(FLEET, [work])
    assert len(plan.assignments) == 2
    return [str(plans.write(tmp_path / "plan.json", plan)), str(work)]


def test_a_plan_is_carried_out_and_taken_back(files: Sequence[str], tmp_path: Path) -> None:
    toy = Toy()
    told = order.apply(world(toy, tmp_path), files)
    assert told.summary["placed"] == len(toy.made) == 2
    told = order.take_back(world(toy, tmp_path))
    assert toy.made == {}
    assert [row[0] for row in told.items.rows] == ["delete", "delete"]


def test_what_fails_half_way_is_resumed(files: Sequence[str], tmp_path: Path) -> None:
    toy = Toy(fails_at=1)
    with pytest.raises(UnfinishedError, match="1 of 2 pods stand: no") as told:
        order.apply(world(toy, tmp_path), files)
    assert told.value.hint == f"{COMMAND} --resume"
    toy.fails_at = -1
    assert order.resume(world(toy, tmp_path)).summary["placed"] == 2
    (record,) = journal.journals(tmp_path / "journals", order.KIND)
    assert record.outcome == "applied"


def test_what_fails_at_once_changed_nothing(files: Sequence[str], tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no; nothing was changed"):
        order.apply(world(Toy(fails_at=0), tmp_path), files)


def test_another_cluster_is_neither_resumed_nor_undone(files: Sequence[str], tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError):
        order.apply(world(Toy(fails_at=1), tmp_path), files)
    other = Toy(name="other")
    for go_on in (order.resume, order.take_back):
        with pytest.raises(RefusedError, match="it ran on another cluster than the one that is asked now"):
            go_on(world(other, tmp_path))
    assert other.made == {}


def test_what_was_there_before_is_not_asked_about_when_a_run_is_undone() -> None:
    steps = {
        "create a": journal.Entry("create a", "done", 1, {"kept": "1"}),
        "create b": journal.Entry("create b", "done", 1, {"uid": "u"}),
        "create c": journal.Entry("create c", "intent", 1),
        "create d": journal.Entry("create d", "failed", 1),
        "place e": journal.Entry("place e", "done", 1),
    }
    assert [title for title, _ in made(steps)] == ["c", "b"]
