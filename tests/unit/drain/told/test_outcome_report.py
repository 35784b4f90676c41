"""What became of a run, as an answer: what is left as it is after an `--undo` is an alarm."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dcctl.drain.outcome import Held, Known, Outcome
from dcctl.drain.told.outcome_report import run_report, status_report
from dcctl.journal import Header
from dcctl.render.alarms import alarm_lines
from dcctl.render.style import Style

LEFT = Held("left", "gpu2", "gpu2", "ops@a took charge of it")


def test_nodes_that_an_undo_leaves_are_told_each_with_its_reason() -> None:
    report = run_report(Outcome("r1", "/j", "undone", ("gpu1",), held=(LEFT,)))
    assert report.headline == "1 node given back; 1 left as it is (run r1)"
    assert report.level == "crit"
    assert alarm_lines(report, Style(output="table")) == [
        report.headline,
        "left: gpu2: ops@a took charge of it",
    ]


def test_an_undo_that_leaves_nothing_says_nothing_aside() -> None:
    assert alarm_lines(run_report(Outcome("r1", "/j", "undone", ("gpu1",))), Style(output="table")) == []


HEADER = Header(
    kind="drain", run="r1", plan="p", who="a@b", started_at_s=0, cluster="c", command="dcctl drain"
)
TWO = ("gpu1", "gpu2")


@pytest.mark.parametrize(
    ("outcome", "returned", "state", "nodes"),
    [
        (Outcome("r1", "/j", "drained", TWO), (), "drained", TWO),
        (Outcome("r1", "/j", "drained", TWO), ("gpu1",), "partly returned", TWO),
        (Outcome("r1", "/j", "drained", TWO), ("gpu2", "gpu1"), "returned", TWO),
        (Outcome("r1", "/j", "drained", boards=("gpu1 GPU 3",)), ("gpu1 GPU 3",), "returned", ()),
        (Outcome("r1", "/j", "unfinished"), (), "unfinished", ("gpu1", "gpu2", "gpu3")),
        (Outcome("r1", "/j", "undone", TWO), (), "undone", TWO),
    ],
)
def test_the_list_of_runs_tells_what_may_be_out_of_service(
    outcome: Outcome, returned: tuple[str, ...], state: str, nodes: tuple[str, ...]
) -> None:
    known = Known(HEADER, "/j", outcome, ("gpu1", "gpu2", "gpu3"), returned, "PDU swap")
    report = status_report((known,))
    (cells,) = report.items.rows
    row = dict(zip((one.key for one in report.items.columns), cells, strict=True))
    assert (row["state"], row["nodes"], row["returned"], row["reason"]) == (
        state,
        nodes,
        returned,
        "PDU swap",
    )
    by_hand = any("uncordoned by hand" in one.text for one in report.notes)
    assert by_hand == (state in ("drained", "partly returned"))


def clusters(*told: tuple[str, str]) -> tuple[list[object], bool]:
    """The column CLUSTER of runs (UID, options), and whether a screen has it."""
    known = [
        Known(
            replace(HEADER, cluster=uid, command=f"dcctl drain{options}"), "/j", Outcome("r1", "/j", "undone")
        )
        for uid, options in told
    ]
    table = status_report(known).items
    at, uid = table.column("cluster"), table.column("cluster_uid")
    assert [row[uid] for row in table.rows] == [one for one, _ in told]
    return [row[at] for row in table.rows], not table.columns[at].wide


PROD, TEST = " -i kubernetes:prod", " --context 'test b' --timeout 5"


def test_runs_of_several_clusters_tell_which() -> None:
    assert clusters(("u1", ""), ("u1", PROD)) == (["kubernetes:prod"] * 2, False)
    assert clusters(("u1", PROD), ("u2", TEST)) == (["kubernetes:prod", "test b"], True)
    assert clusters(("u1", ""), ("u2", TEST), ("u1", PROD))[0] == [
        "kubernetes:prod",
        "test b",
        "kubernetes:prod",
    ]
    assert clusters(("u1", PROD), ("u2", PROD)) == (["u1", "u2"], True)  # one name that meant two clusters
    assert clusters(("u1", ""), ("u2", "")) == (["u1", "u2"], True)
