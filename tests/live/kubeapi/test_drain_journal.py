"""What a journal of `dcctl drain` is good for: what goes on, what is taken back, and a disk that is full."""

from __future__ import annotations

import errno
import re
import time
from typing import TYPE_CHECKING

import pytest

from dcctl import journal
from dcctl.drain.act import agreed, order
from dcctl.drain.act.back import give_back
from dcctl.drain.outcome import NotDrainedError
from dcctl.drain.told.returning import Back
from dcctl.errors import RefusedError, UsageError
from tests.kubeapi import ApiServer
from tests.live.kubeapi.draining import Bench, Watched, maker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FREE: tuple[bool, None, list[str]] = (True, None, [])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ApiServer(users={"admin-token": "admin"}, makers=True, clock_speed=20) as server:
        yield Bench(server, tmp_path)


def one(bench: Bench, node: str, later_s: int = 0) -> str:
    """A drain of one node; its run."""
    world = bench.world(now_s=int(time.time()) + later_s)
    return order.drain(world, bench.request(node)).run


def test_undo_names_the_run_its_reason_and_its_nodes(bench: Bench) -> None:
    run = one(bench, "gpu0")
    order.take_back(bench.world())
    *_, told, asked = bench.asked[-1]
    assert re.fullmatch(rf"run {run} of \S+@\S+, begun .* UTC: PDU swap", told)
    assert asked == "Give back gpu0?"


@pytest.mark.parametrize("later_s", [5, -86400])
def test_undo_takes_back_the_last_run_and_never_an_older_one(bench: Bench, later_s: int) -> None:
    """Whatever the clock said meanwhile."""
    first = one(bench, "gpu0")
    one(bench, "gpu1", later_s)
    order.take_back(bench.world())
    assert (bench.node("gpu1"), bench.node("gpu0")[0]) == (FREE, False)
    with pytest.raises(UsageError, match="the last run is undone already; --run RUN names") as caught:
        order.take_back(bench.world())
    assert caught.value.hint == "dcctl drain --status"
    assert not bench.node("gpu0")[0]
    order.take_back(bench.world(), first)
    assert bench.node("gpu0") == FREE


def stopped(bench: Bench) -> Path:
    """A run that did not finish; its plan."""
    bench.server.load([maker("Job", "gang", 4, **{"dcctl.io/checkpoint": "exec save"})])
    bench.hooks.refuses = ("ml/gang",)
    with pytest.raises(NotDrainedError) as caught:
        order.drain(bench.world(), bench.request())
    return agreed.path_of(bench.folder / "journals", caught.value.outcome.run)


@pytest.mark.parametrize("changed", [True, False])
def test_a_plan_that_is_not_the_one_agreed_to_is_not_carried_out(bench: Bench, *, changed: bool) -> None:
    path = stopped(bench)
    if changed:
        path.write_bytes(
            path.read_bytes().replace(b'"force":false', b'"force":true').replace(b"gpu1", b"gpu2")
        )
    else:
        path.unlink()
    with pytest.raises(RefusedError) as caught:
        order.resume(bench.world())
    assert re.fullmatch(r"dcctl drain --undo --run \S+", caught.value.hint)
    order.take_back(bench.world())
    assert (bench.node("gpu0"), bench.node("gpu1")) == (FREE, FREE)


@pytest.mark.parametrize("says", [b'"outcome":"drained"', b'"wave 1","state":"done"', b'"step":"evict'])
def test_a_full_disk_ends_the_run_with_the_command_that_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    bench.server.load([maker("Deployment", "web", 4)])
    with monkeypatch.context() as patch:
        full(patch, says)
        with pytest.raises(NotDrainedError, match="No space left") as caught:
            order.drain(bench.world(), bench.request())
    assert caught.value.hint == "dcctl drain --resume"
    assert order.resume(bench.world()).state == "drained"
    assert set(bench.evictions().values()) == {1}


@pytest.mark.parametrize("says", [b'"kind":"drain"', b'"step":"lease","state":"intent"'])
def test_a_full_disk_before_the_first_change_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    full(monkeypatch, says)
    with pytest.raises(RefusedError, match=r"No space left.*nothing was"):
        order.drain(bench.world(), bench.request())
    assert bench.node("gpu0") == FREE


def test_what_another_tool_works_on_is_left_by_undo(bench: Bench) -> None:
    one(bench, "gpu0")
    marks = bench.server.get("nodes", "gpu0")["metadata"]["annotations"]
    reboots = {**marks, "weave.works/kured-reboot-in-progress": "2026-11-22"}
    bench.server.change("nodes", "gpu0", metadata={"annotations": reboots})
    (left,) = order.take_back(bench.world()).held
    assert (left.subject, left.says) == ("gpu0", "kured works on it now")
    assert not bench.node("gpu0")[0]


def test_a_node_that_is_being_drained_is_not_returned_and_one_that_is_drained_is(bench: Bench) -> None:
    """By another person, while the run waits for budgets or for nodes."""
    bench.server.load([maker("Deployment", "web", 4)])
    refused: list[str] = []
    folder = bench.folder / "journals"

    def back(name: str) -> None:
        (run,) = [one.header.run for one in journal.journals(folder, "drain")]
        backend = bench.backend(sleep=time.sleep)
        give_back(backend, folder, "dcctl drain --return", [Back(name, "returned", run=run)], 1)

    def early() -> None:
        with pytest.raises(RefusedError, match="another drain of this cluster: is under way") as caught:
            back("gpu0")
        refused.append(caught.value.hint)

    def tell(line: str) -> None:
        if line.startswith("waits until nodes are given back"):
            back("gpu0")

    world = bench.world(lease_s=3, tell=tell, progress=Watched(1, early))
    assert order.drain(world, bench.request(max_unavailable=1)).state == "drained"
    assert refused == ["dcctl drain --status"]
    assert bench.node("gpu0") == FREE


def full(patch: pytest.MonkeyPatch, says: bytes) -> None:
    """No line that says this fits on the disk any more."""
    write = journal._write

    def written(number: int, data: bytes) -> None:
        if says in data:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(number, data)

    patch.setattr(journal, "_write", written)
