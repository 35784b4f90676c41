"""Files of `kind: Dag`: what they ask for, and every mistake with its line and what may be meant."""

from __future__ import annotations

import pytest

from dcctl.errors import UsageError
from dcctl.inventory.sources.workflows.parse import HINT, parse
from dcctl.inventory.workflow import Crew, Wait, Workflow


def read(text: str, crew: Crew | None = None) -> Workflow:
    return parse(text, "f.yaml", lambda _each: crew or Crew())


ONE, TWO = "kind: Dag\nworkers: [p1]\n", "kind: Dag\nworkers: [p1, p2]\n"
TASKS = "tasks: {a: {time: 1}}\n"
HEAD = TWO + "links: [{rate: 8Gb/s}]\ntasks:\n"
A_B = HEAD + "  a: {time: 1}\n  b: {time: 1, after: "


def test_times_and_what_is_waited_for() -> None:
    found = read(
        "kind: Dag\nname: x\nworkers: [p1, p2]\nlinks: [{rate: 1Gb/s}, {between: [p2, p1], rate: 8Gb/s}]\n"
        "tasks:\n  a: {time: {p1: 1.5, p2: 2min}}\n  b: {time: 3s, after: {a: 18s}}\n"
        "  c: {time: 250ms, on: [p2], after: {a: 40GB, b: 2 Ti}}\n  d: {time: 1h, after: [a, c]}\n"
    )
    assert (found.name, found.workers) == ("x", ("p1", "p2"))
    assert found.rates_bps == ((None, 8 * 10**9), (8 * 10**9, None))
    assert [step.times_ms for step in found.steps] == [
        {"p1": 1500, "p2": 120_000},
        {"p1": 3000, "p2": 3000},
        {"p2": 250},
        {"p1": 3_600_000, "p2": 3_600_000},
    ]
    assert found.steps[1].after == (Wait("a", delay_ms=18_000),)
    assert found.steps[2].after == (Wait("a", size_bytes=40 * 10**9), Wait("b", size_bytes=2 * 2**40))
    assert found.steps[3].after == (Wait("a"), Wait("c"))


def test_work_over_speed_is_rounded_up() -> None:
    found = read("kind: Dag\nworkers: [p1, p2]\nspeed: {p2: 3}\ntasks:\n  a: {work: 10}\n")
    assert found.steps[0].times_ms == {"p1": 10_000, "p2": 3334}


def test_workers_of_the_inventory_and_their_groups() -> None:
    crew = Crew(("n1", "n2", "n3"), {"@pool:fast": ("n2", "n3")})
    text = "kind: Dag\nworkers: each node\nspeed: {'@pool:fast': 2, n3: 4}\ntasks:\n  a: {work: 8}\n"
    assert read(text, crew).steps[0].times_ms == {"n1": 8000, "n2": 4000, "n3": 2000}
    only = read(text + "  b: {time: 1, on: ['@pool:fast']}\n", crew)
    assert only.steps[1].times_ms == {"n2": 1000, "n3": 1000}


def test_the_inventory_is_asked_only_when_it_is_named() -> None:
    asked: list[str] = []

    def crew(each: str) -> Crew:
        asked.append(each)
        return Crew(("n1",))

    parse("kind: Dag\nworkers: [p1]\ntasks: {a: {time: 1}}", "f", crew)
    assert asked == []
    parse("kind: Dag\nworkers: each pool\ntasks: {a: {time: 1}}", "f", crew)
    assert asked == ["pool"]


BAD = {
    "": "f.yaml: is empty",
    "kind: Dag\n---\nkind: Dag\n": "holds 2 documents; a workflow is one, with `kind: Dag`",
    "kind: Jobs\n": "f.yaml:1: kind Jobs is not a workflow, which begins with `kind: Dag`",
    "a: b\n": "f.yaml:1: this is not a workflow, which begins with `kind: Dag`",
    "kind: Dag\nworkers: [p1\n": "f.yaml:",
    ONE: "the key `tasks` is missing",
    ONE + "task: {}\n": "f.yaml:3: task: the key is not known; did you mean tasks?",
    ONE + "tasks: {}\n": "there is no task",
    "kind: Dag\nworkers: [p1, p1]\n" + TASKS: "p1 is there twice",
    "kind: Dag\nworkers: []\n" + TASKS: "f.yaml:2: workers: there is no worker",
    "kind: Dag\nworkers: each nodes\n" + TASKS: "did you mean each node?",
    "kind: Dag\nworkers: each node\n" + TASKS: "there is no worker",
    ONE + "speed: {p1: 0}\n" + TASKS: "f.yaml:3: speed.p1",
    ONE + "speed: {p7: 2}\n" + TASKS: "no worker is called p7; known are p1",
    TWO + "links: [{between: [p1], rate: 1Gb/s}]\n" + TASKS: "at least two",
    TWO + "links: [{rate: 1GB/s}]\n" + TASKS: "a network counts bits",
    TWO + "tasks:\n  a: {time: 1}\n  b: {time: 1, after: {a: 1GB}}\n": "f.yaml:5: task b.after.a: "
    "bytes are to be sent, and `links` tells no rate between p1 and p2",
    HEAD + "  a: {time: 0}\n": "f.yaml:5: task a.time: a task takes more than no time",
    HEAD + "  a: {time: -3}\n": "'-3' is negative",
    HEAD + "  a: {time: {p1: 0s}}\n": "f.yaml:5: task a.time.p1: a task takes more than no time",
    HEAD + "  a: {time: soon}\n": "'soon' is no time; write it as 90, 90s, 15min or 1.5h",
    HEAD + "  a: {time: 3 fortnights}\n": "is no unit that is known here; write it as 90, 90s, 15min or 1.5h",
    HEAD + "  a: {time: 0.0001}\n": "finer than a millisecond",
    HEAD + "  a: {time: 99999d}\n": "more than ten years",
    HEAD + "  a: {work: 99999999999}\n": "more than ten years",
    HEAD + "  a: {time: 1, work: 1}\n": "task a: needs either `time`, or `work`",
    HEAD + "  a: {after: [b]}\n": "task a: needs either `time`, or `work`",
    HEAD + "  a:\n": "f.yaml:5: tasks.a: has no value",
    HEAD + "  a: {time: 1}\n  a: {time: 2}\n": "the key 'a' is there twice",
    HEAD + "  ' ': {time: 1}\n": "is no name of a task",
    HEAD + "  a: {time: {p1: 1}, on: [p2]}\n": "`time` names the workers already",
    HEAD + "  a: {time: 1, on: []}\n": "no worker can run the task",
    HEAD + "  a: {time: {}}\n": "no worker can run the task",
    HEAD + "  a: {time: {p9: 1}}\n": "no worker is called p9; known are p1, p2",
    HEAD + "  tokenize: {time: 1}\n  b: {time: 1, after: {tokenise: 1s}}\n": "f.yaml:6: task "
    "b.after.tokenise: no task is called tokenise; did you mean tokenize?",
    A_B + "[a, a]}\n": "a is there twice",
    A_B + "{a: }}\n": "f.yaml:6: task b.after.a: has no value",
    A_B + "{a: 18}}\n": "'18' has no unit",
    A_B + "{a: 8Gb}}\n": "Gb is gigabits; did you mean 8GB or 8Gi?",
    A_B + "{a: -1s}}\n": "is negative",
    HEAD + "  a: {time: 1, after: [a]}\n": "each is before the next: a -> a",
    HEAD + "  a: {time: 1, after: [c]}\n  b: {time: 1, after: [a]}\n  c: {time: 1, after: [b]}\n": "next: "
    "a -> b -> c -> a",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_told_with_its_place(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert BAD[text] in str(caught.value)
    assert caught.value.hint == HINT
    assert "\n" not in str(caught.value)


def test_too_many_workers() -> None:
    crew = Crew(tuple(f"n{at}" for at in range(1001)))
    with pytest.raises(UsageError, match="1,001 workers are more than 1,000"):
        read("kind: Dag\nworkers: each node\ntasks: {a: {time: 1}}\n", crew)
