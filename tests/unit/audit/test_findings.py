"""What a finding is the same by, how runs are compared, and what coverage is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import pytest
from msgspec.structs import fields

from dcctl.audit.catalogue import CATALOGUE
from dcctl.audit.coverage import coverage
from dcctl.audit.evaluate import Outcome, Tally, evaluate
from dcctl.audit.finding import findings, identity
from dcctl.audit.record import Judged, Record, compare, open_head, replayed
from dcctl.audit.scene import Scene
from dcctl.inventory.evidence.base import Subject
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.rbac import Binding, Bound, Role, Rule
from tests.unit.audit.runs import finding, tally

if TYPE_CHECKING:
    from dcctl.audit.check import State


def test_the_id_of_a_finding_never_changes() -> None:
    assert identity("GPU-14", "gpu017", "fabric manager") == "75ad46aefc561f8d"
    assert identity("GPU-14", "gpu017", "") == identity("GPU-14", "gpu017", "")
    assert len({identity("A", "b", "c"), identity("Ab", "", "c"), identity("A", "bc", "")}) == 3


def test_the_words_and_the_nodes_are_no_part_of_the_id() -> None:
    one = CATALOGUE["RBAC-03"]
    first = Outcome(one, "fail", "nlp/Role/dev", "97 days", "verbs", "low", ("gpu1",))
    second = Outcome(one, "fail", "nlp/Role/dev", "98 days", "verbs", "high", ("gpu2", "gpu1"))
    (found,) = findings([Tally(one, {"fail": 1}, (first, second))])
    assert (found.severity, found.says, found.nodes) == ("high", "98 days", ("gpu1", "gpu2"))


def test_what_has_one_name_in_two_clusters_is_two_findings() -> None:
    """Mended in one of them, it is still there in the other."""
    every = Rule(verbs=("*",), groups=("",), resources=("pods",))
    roles = tuple(Role(cluster=name, name="dev", rules=(every,)) for name in ("prod", "lab"))
    bound = (Bound("User", "wu"),)
    bindings = tuple(
        Binding(cluster=name, name="b", role_kind="ClusterRole", role="dev", subjects=bound)
        for name in ("prod", "lab")
    )
    scene = Scene(Evidence(roles=roles, bindings=bindings), 0)
    found = findings(evaluate(scene, [CATALOGUE["RBAC-03"]]))
    assert [one.object for one in found] == ["prod:ClusterRole/dev", "lab:ClusterRole/dev"]


def test_what_is_new_known_and_gone() -> None:
    before = {one.id: one for one in (finding("RBAC-03", "a"), finding("RBAC-03", "b"))}
    found = compare(before, [finding("RBAC-03", "b"), finding("RBAC-03", "c")], lambda _one: True)
    assert [one.object for one in found.new] == ["c"]
    assert [one.object for one in found.known] == ["b"]
    assert [one.object for one in found.gone] == ["a"]


def test_a_finding_that_became_graver_is_news() -> None:
    before = {one.id: one for one in (finding("RBAC-03", "a", "low"), finding("RBAC-03", "b", "high"))}
    found = compare(
        before, [finding("RBAC-03", "a", "high"), finding("RBAC-03", "b", "low")], lambda _one: True
    )
    assert [one.object for one in found.new] == ["a"]
    assert [one.object for one in found.known] == ["b"]


@pytest.mark.parametrize(
    ("now", "there"),
    [
        (tally("RBAC-03", ("unknown", "a")), True),
        (tally("RBAC-03", ("error", "a")), True),
        (tally("RBAC-03", ("manual", "a")), True),
        (tally("RBAC-03", ("unknown", "")), True),
        (tally("RBAC-02"), True),
        (tally("RBAC-03"), False),
    ],
    ids=["unknown", "broke", "nobody attested it", "list refused", "not selected", "node not looked at"],
)
def test_what_nobody_looked_at_is_never_gone(now: Tally, there: bool) -> None:
    before = finding("RBAC-03", "a", nodes=("gpu1",))
    found = compare({before.id: before}, [], Judged([now], lambda _check, _one: there))
    assert (found.gone, found.unsure, found.open) == ((), (before,), (before,))


def test_what_passed_or_is_not_there_any_more_is_gone() -> None:
    before = finding("RBAC-03", "a", nodes=("gpu1",))
    judged = Judged([tally("RBAC-03", ("unknown", "b"), **{"pass": 3})], lambda _check, _one: True)
    assert compare({before.id: before}, [], judged).gone == (before,)


def test_a_finding_that_was_dark_for_a_night_is_not_new_again() -> None:
    one = finding("RBAC-03", "a")
    dark = compare({one.id: one}, [], Judged([tally("RBAC-03", ("unknown", ""))], lambda _check, _one: True))
    after = compare({each.id: each for each in dark.open}, [one], lambda _one: True)
    assert (after.new, after.known) == ((), (one,))


def test_records_told_again_leave_what_is_open() -> None:
    a, b, c = (finding("RBAC-03", name) for name in "abc")
    first = Record(1, 100, "demo", "", new=(a, b))
    second = Record(2, 200, "demo", "", new=(c,), gone=(a.id,))
    assert list(replayed([first, second])) == [b.id, c.id]
    assert open_head([b, c]) == open_head([c, b]) != open_head([a, b])


def test_every_check_weighs_the_same_in_coverage() -> None:
    told = [tally("RBAC-03", **{"pass": 9999}), tally("RBAC-02", ("unknown", "")), tally("RBAC-01", na=1)]
    assert coverage(told).milli == 500
    assert coverage(told).checks["na"] == 1
    assert coverage([tally("RBAC-01", na=1)]).milli is None


@pytest.mark.parametrize(
    ("state", "milli"), [("pass", 1000), ("fail", 1000), ("manual", 1000), ("unknown", 500), ("error", 500)]
)
def test_what_is_not_known_or_broke_was_not_told(state: State, milli: int) -> None:
    assert coverage([tally("RBAC-03", **{state: 1}), tally("RBAC-02", **{"pass": 1})]).milli == milli


def test_coverage_is_never_rounded_up_to_all() -> None:
    assert coverage([tally("RBAC-03", ("error", "x"), **{"pass": 5000})]).milli == 999


def test_no_two_clusters_share_a_finding() -> None:
    """Each kind of object has its cluster's name before it, where there is one."""
    kinds = {one.name: held(one.type) for one in fields(Evidence)}
    there = [kind for kind in kinds.values() if kind is not None and "cluster" in kind.__struct_fields__]
    assert len(there) > 20
    for kind in there:
        told = {name: "x" for name in kind.__struct_fields__ if name in NAMED}
        objects = [kind(cluster=each, **told).object for each in ("", "east", "west")]
        assert objects[1:] == [f"east:{objects[0]}", f"west:{objects[0]}"]


NAMED = ("name", "namespace", "node", "path", "kind", "role", "role_kind", "account", "configuration")


def held(kind: Any) -> Any:
    """The class of subjects in a field of Evidence; None: it holds others."""
    found = next(iter(get_args(next(iter(get_args(kind)), None))), None)
    return found if isinstance(found, type) and issubclass(found, Subject) else None
