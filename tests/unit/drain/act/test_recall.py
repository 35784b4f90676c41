"""What a journal tells the planner, and whoever asks how a run stands."""

from __future__ import annotations

from dcctl.drain.act import recall
from dcctl.drain.request import Done
from dcctl.drain.work.checkpoints import PROOF_LASTS_S
from dcctl.journal import Entry, State


def steps(*rows: tuple[str, State, dict[str, str]]) -> dict[str, Entry]:
    return {step: Entry(step, state, 7, data) for step, state, data in rows}


GANG = {"work": "nlp/gang", "wave": "2"}
FOUND = steps(
    ("cordon gpu1", "done", {"was": "1"}),
    ("cordon gpu2", "intent", {}),
    ("cordon gpu3", "failed", {"why": "it has the mark of another run"}),
    ("taint gpu4", "done", {}),
    ("checkpoint nlp/old", "done", {"wave": "1", "proof": "file"}),
    ("wave 1", "done", {"nodes": "gpu1,gpu5", "evicted": "3", "waiting": "nlp/web", "at": "9"}),
    ("checkpoint nlp/gang", "done", {"wave": "2", "proof": "file"}),
    ("checkpoint nlp/other", "intent", {"wave": "2"}),
    ("evict nlp/web-1 u1", "done", {"work": "nlp/web", "wave": "1"}),
    ("evict nlp/gang-1 u2", "intent", GANG),
    ("evict nlp/free-1 u3", "failed", {"work": "nlp/free", "wave": "1"}),
)


def test_the_planner_is_told_what_is_done() -> None:
    assert recall.done(FOUND, ["gpu9"], ["gpu1", "gpu2", "gpu4", "gpu9"], 5, 7 + PROOF_LASTS_S) == Done(
        nodes=("gpu1", "gpu5", "gpu9"),
        proved=("nlp/gang",),
        waves=1,
        out=("gpu1", "gpu2", "gpu9"),
        begun_s=5,
    )


def test_an_old_proof_proves_nothing_any_more() -> None:
    assert recall.done(FOUND, [], [], 5, 8 + PROOF_LASTS_S).proved == ()
    told = {"wave": "1", "proof": "file", "at": "9"}
    now = {"checkpoint nlp/gang": Entry("checkpoint nlp/gang", "done", 0, told)}
    assert recall.done(now, [], [], 5, 10).proved == ("nlp/gang",)


def test_how_a_run_stands() -> None:
    found = recall.outcome("r", "j", FOUND, "unfinished")
    assert (found.nodes, found.evicted, found.lasting) == (("gpu1", "gpu5"), 1, ("nlp/web-1",))
    (wave,) = found.waves
    assert (wave.number, wave.nodes, wave.evicted, wave.waiting) == (1, ("gpu1", "gpu5"), 3, ("nlp/web",))


def test_what_may_have_been_touched_is_given_back() -> None:
    assert recall.touched(FOUND) == ("gpu1", "gpu2", "gpu4")
