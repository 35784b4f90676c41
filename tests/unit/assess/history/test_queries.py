"""Few questions, that promtool reads; missing metrics and spellings change them, hardly their number."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import yaml

from dcctl.assess.history import signals as s
from dcctl.assess.history.chosen import Nodes
from dcctl.assess.history.probe import count, host_lookups, learned, lookups, with_hosts
from dcctl.assess.history.queries import Rules, parts, queries
from dcctl.assess.history.signals import Found
from dcctl.inventory.timeseries import Series, Window
from tests.components import need

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.assess.history.queries import By

MONTH = Window(0, 30 * 86400, 3600)
ALL = Found(frozenset(s.METRICS), dict.fromkeys(s.BOARDS, 10_000), owned=True)
VARIANTS = {
    "all": ALL,
    "exported": ALL._replace(exported_jobs=("a.b", 'c"d')),
    "both": ALL._replace(exported_jobs=("a",), plain_jobs=("b",)),
    "nobody": ALL._replace(owned=False),
    "util alone": Found(frozenset({s.UTIL.metric}), {s.UTIL.metric: 8}, owned=True),
    "no tensor": ALL._replace(metrics=ALL.metrics - {s.TENSOR.metric}),
    "both hosts": ALL._replace(spellings=("Hostname", "hostname"), sliced=True),
    "mixed": ALL._replace(counts={**ALL.counts, s.TENSOR.metric: 5, s.ENGINE.metric: 7}),
    "shared": ALL._replace(shared=True, sliced=True),
    "nodes": ALL._replace(spellings=("Hostname", "hostname"), nodes=Nodes(("gpu1.dc1", "a-b+c"))),
    "left out": ALL._replace(exported_jobs=("a",), plain_jobs=("b",), nodes=Nodes(("gpu1",), left_out=True)),
    "no owners": ALL._replace(metrics=ALL.metrics - set(s.OWNERS)),
    "some owners": ALL._replace(metrics=ALL.metrics - {s.JOB_OWNER}, exported_jobs=("a",)),
    "labels": ALL._replace(matchers=(("cluster", 'a"\\b'),), pool_label="gpu_pool"),
}


@pytest.mark.parametrize("by", ["pool", "team", "workload"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_promtool_reads_every_question(variant: str, by: By, tmp_path: Path) -> None:
    found = VARIANTS[variant]
    asked = [query.at(MONTH) for query in queries(found, by, 3600, Rules())]
    rules = [
        {"record": f"r{number}", "expr": text}
        for number, text in enumerate([*asked, count(found, s.METRICS)])
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": rules}]}))
    done = subprocess.run(
        [need("promtool", "prometheus"), "check", "rules", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variant", VARIANTS)
def test_ten_thousand_boards_over_a_month_take_at_most_sixty(variant: str) -> None:
    found = VARIANTS[variant]
    asked = queries(found, "workload", 3600, Rules())
    probes = len(host_lookups(found, choosing=True)) + len(lookups(found)) + 2
    assert probes + len(asked) * parts(found, MONTH.steps, len(asked), 60 - probes) <= 60
    assert parts(found, MONTH.steps, len(asked), 54) >= 1


def test_what_is_missing_is_degraded_in_order() -> None:
    everything = next(
        query for query in queries(VARIANTS["mixed"], "pool", 3600, Rules()) if query.key == "busy"
    )
    places = [everything.expression.index(one.metric) for one in s.BUSY]
    assert places == sorted(places)
    less = next(q for q in queries(VARIANTS["no tensor"], "pool", 3600, Rules()) if q.key == "busy")
    assert s.TENSOR.metric not in less.expression


def test_what_cannot_be_told_is_not_asked() -> None:
    keys = {query.key for query in queries(VARIANTS["util alone"], "pool", 3600, Rules())}
    assert keys == {"present", "held", "busy", "idle", "held steps", "idle steps"}
    assert queries(Found(frozenset(), {}), "pool", 3600, Rules()) == ()


def test_what_a_probe_learns() -> None:
    told = {
        "metrics": ("DCGM_FI_DEV_FB_USED",),
        "jobs": ("a", "b"),
        "exported jobs": ("b",),
        "plain jobs": (),
        "slices": ("7",),
    }
    hosts = {"Hostname": ("gpu1",), "hostname": ("gpu2",)}
    bare = with_hosts(Found(frozenset(), {}), hosts, "", "")
    counted = [Series({"__name__": "DCGM_FI_DEV_FB_USED"}, ((0, 12.0),))]
    found = learned(bare, told, (), [*counted, Series({"shared": "yes"}, ((0, 3.0),))])
    assert found.shared
    assert not learned(bare, told, (), counted).shared
    assert found.mixed_jobs == ()
    assert learned(bare, told | {"plain jobs": ("b",)}, (), counted).mixed_jobs == ("b",)
    assert found.exported_jobs == ("b",)
    assert found.plain_jobs == ("a",)
    assert found.owned
    assert found.sliced
    assert found.host == "hostname"
    assert found.everywhere("DCGM_FI_DEV_FB_USED")
    assert found.accelerators == 12
    assert found.present() == "DCGM_FI_DEV_FB_USED"


def test_windows_are_cut_without_overlap() -> None:
    pieces = MONTH.parts(7)
    assert pieces[0].start_s == MONTH.start_s
    assert pieces[-1].end_s == MONTH.end_s
    assert sum(piece.steps for piece in pieces) == MONTH.steps
    assert all(one.end_s == two.start_s for one, two in pairwise(pieces))
    assert len(Window(0, 7200, 3600).parts(99)) == 2


def test_how_slow_a_board_is_is_told_by_the_first_signal_that_it_has() -> None:
    """A node without profiling metrics is found to wait for storage also where others have them."""
    asked = {query.key: query.expression for query in queries(VARIANTS["mixed"], "pool", 3600, Rules())}
    assert f"{s.UTIL.metric}" in asked["I/O-bound steps"]
