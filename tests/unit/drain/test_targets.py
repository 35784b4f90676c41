"""Which nodes are meant, and what is refused before anything is contacted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.drain.labels import meets, selector
from dcctl.drain.request import Gates, Request
from dcctl.drain.targets import Begun, check, chosen, control_plane, named_by
from dcctl.errors import DcctlError, RefusedError, UsageError
from dcctl.inventory.disruption import Cordon, Disruption
from tests.examples import examples
from tests.unit.drain.standing import fleet, node, pod, work

if TYPE_CHECKING:
    from dcctl.inventory.model import Fleet

_SIX = fleet(
    nodes=(
        node("n1", rack="r1", labels={"pool": "train", "disk": "ssd"}),
        node("n2", rack="r1", labels={"pool": "train"}),
        node("n3", rack="r2", labels={"pool": "serve", "spare": ""}),
        node("n10", rack="r2"),
        node("c1", labels={"node-role.kubernetes.io/control-plane": ""}),
        node("c2"),
    )
)


@pytest.mark.parametrize(
    ("words", "rest", "names"),
    [
        ("n[1-3]", {}, ("n1", "n2", "n3")),
        ("n10,n3,n1", {}, ("n1", "n3", "n10")),
        ("@r1", {}, ("n1", "n2")),
        ("@r1", {"exclude": "n2"}, ("n1",)),
        (None, {"labels": "pool=train"}, ("n1", "n2")),
        ("n[1,3]", {"labels": "pool"}, ("n1", "n3")),
        ("@r1", {"found": ("n2", "n3")}, ("n2",)),
        (None, {"found": ("n3",), "labels": "spare"}, ("n3",)),
    ],
)
def test_nodes_meet_all_that_is_named(
    words: str | None, rest: dict[str, Any], names: tuple[str, ...]
) -> None:
    assert chosen(_SIX, words, **rest) == names


@pytest.mark.parametrize(
    ("words", "rest", "says"),
    [
        (None, {}, "dcctl drain: no node is named. Try: dcctl drain @rack7 --dry-run"),
        ("n99", {}, "node 'n99': not in the inventory"),
        ("@r9", {}, "@r9"),
        ("n1!n1", {}, "no node is left"),
        (None, {"labels": "pool=none"}, "-l pool=none: no node of the inventory has such labels"),
        ("@r2", {"labels": "pool=train"}, "no node is left: all that is named must be met at once"),
        (None, {"labels": "pool=="}, ""),
        (None, {"labels": "pool in train"}, "-l 'pool in train': is none of key=value"),
        (None, {"labels": "a b"}, "-l 'a b': is none of key=value"),
        (None, {"labels": "pool=train,"}, "is none of key=value"),
    ],
)
def test_sets_that_are_unknown_or_empty(words: str | None, rest: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(_SIX, words, **rest)
    assert says in str(caught.value)


_LABELS = {"a": "x", "example.com/b": "", "n": "7"}


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("a=x", True),
        ("a == x", True),
        ("a=y", False),
        ("a!=y", True),
        ("a!=x", False),
        ("missing!=x", True),
        ("missing=x", False),
        ("a in (x,y)", True),
        ("a in ( y , z )", False),
        ("a notin (y)", True),
        ("missing notin (y)", True),
        ("a", True),
        ("!a", False),
        ("! missing", True),
        ("example.com/b", True),
        ("example.com/b=", True),
        ("a=x,n=7", True),
        ("a in (x,y),n=8", False),
    ],
)
def test_labels_are_read_as_kubectl_reads_them(text: str, met: bool) -> None:
    assert meets(_LABELS, selector(text)) is met


@examples(100)
@given(st.text(alphabet="ab=!,() in", max_size=12))
def test_any_text_is_a_selector_or_says_why_not(text: str) -> None:
    with suppress(UsageError):
        assert selector(text).expressions


def _found(
    check: str = "GPU-01", status: str = "new", nodes: object = ("n1",), **rest: object
) -> dict[str, object]:
    told = list(nodes) if isinstance(nodes, tuple) else nodes
    return {"check": check, "status": status, "nodes": told, "waiver": None} | rest


@pytest.mark.parametrize(
    ("findings", "names"),
    [
        ([_found()], ("n1",)),
        ([_found(status="known", nodes=("n10", "n2"))], ("n2", "n10")),
        ([_found(), _found("NET-01", nodes=("n2",))], ("n1",)),
        ([_found(), _found(status="unsure", nodes=("n2",)), _found(status="gone", nodes=("n3",))], ("n1",)),
        ([_found(), _found(nodes=("n2",), waiver="borne by ada")], ("n1",)),
        ([_found(nodes=("n1", "stranger"))], ("n1",)),
        ([_found(), {}, {"check": "GPU-01", "status": "new", "nodes": "n2"}], ("n1",)),
    ],
)
def test_findings_that_draining_meets_name_their_nodes(
    findings: list[dict[str, object]], names: tuple[str, ...]
) -> None:
    assert named_by(findings, {"GPU-01"}, _SIX, "audit.json") == names


@pytest.mark.parametrize(
    ("findings", "says"),
    [
        ([], "audit.json: no finding there is met by draining"),
        ([_found("NET-01")], "audit.json: no finding there is met by draining"),
        (
            [_found(nodes=("x1", "x2"))],
            "audit.json: its findings are about x[1-2], none of them in the inventory",
        ),
    ],
)
def test_findings_that_name_no_node_of_the_inventory(findings: list[dict[str, object]], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        named_by(findings, {"GPU-01"}, _SIX, "audit.json")
    assert says in str(caught.value)


def _check(one: Fleet, *nodes: str, gates: Gates = Gates(), reason: str = "PDU swap", **rest: Any) -> None:  # noqa: B008
    check(one, Request(nodes, asked="@r1", gates=gates, reason=reason), **rest)


def _held(**told: Any) -> Fleet:
    return fleet(nodes=(node("n1", schedulable=False, cordon=Cordon(**told)), node("n2"), node("n3")))


_SERVERS = fleet(
    work("kube-system/etcd-c2", pod("etcd-c2", "c2", "mirror"), kind="Pod"),
    work("kube-system/proxy", pod("kube-proxy-n1", "n1", "mirror"), kind="Pod"),
    work("ns/etcd", pod("etcd-0", "n2"), kind="StatefulSet"),
    nodes=_SIX.nodes,
    disruptions={"mirror": Disruption(mirror=True)},
)


@pytest.mark.parametrize(
    ("one", "nodes", "gates", "says"),
    [
        (
            _SIX,
            ("n1", "c1"),
            Gates(control_plane=True),
            (
                "c1: 1 node of the control plane: the cluster itself runs there. "
                "Try: dcctl drain @r1 --control-plane"
            ),
        ),
        (_SERVERS, ("c2",), Gates(control_plane=True), "c2: 1 node of the control plane"),
        (
            _SIX,
            ("n1", "n2", "n3", "n10", "c2"),
            Gates(whole_cluster=True),
            (
                "c2,n[1-3,10]: is every node of kubernetes: nothing that is moved finds a place. "
                "Try: dcctl drain @r1 --whole-cluster"
            ),
        ),
        (
            _held(by="karpenter.sh", reason="spot"),
            ("n1",),
            Gates(foreign_cordons=True),
            "n1: karpenter.sh took it out of service: spot. Try: dcctl drain @r1 --foreign-cordons",
        ),
        (
            fleet(nodes=(node("n1", schedulable=False), node("n2"))),
            ("n1",),
            Gates(foreign_cordons=True),
            "n1: is out of service already, and it does not tell who did that.",
        ),
    ],
)
def test_what_a_gate_is_shut_before(one: Fleet, nodes: tuple[str, ...], gates: Gates, says: str) -> None:
    with pytest.raises(RefusedError) as caught:
        _check(one, *nodes)
    assert says in str(caught.value)
    _check(one, *nodes, gates=gates)


def test_a_node_that_another_run_holds_is_refused_whatever_the_gates() -> None:
    every = Gates(whole_cluster=True, control_plane=True, foreign_cordons=True)
    one = _held(by="dcctl", run="r7", who="ada", reason="PDU swap")
    with pytest.raises(RefusedError) as caught:
        _check(one, "n1", "n2", gates=every)
    assert str(caught.value).startswith("n1: held by run r7 of ada (PDU swap), of another machine: ")
    assert str(caught.value).endswith("Try: dcctl drain --return n1")
    _check(one, "n1", run="r7")
    _check(one, "n1", finished=("r6", "r7"))


@pytest.mark.parametrize(
    ("under_way", "says"),
    [
        (False, "which did not finish; to take it back: dcctl drain --undo. Try: dcctl drain --resume"),
        (True, "which is under way. Try: dcctl drain --status"),
    ],
)
def test_a_run_of_this_machine_is_told_with_what_goes_on(under_way: bool, says: str) -> None:
    begun = {"r7": Begun("dcctl drain --resume", "dcctl drain --undo", under_way)}
    one = _held(by="dcctl", run="r7", who="ada", at_s=1_800_000_000)
    with pytest.raises(RefusedError) as caught:
        _check(one, "n1", begun=begun)
    assert str(caught.value) == f"n1: held by run r7 of ada since Fri 15 Jan 08:00 UTC, {says}"


@pytest.mark.parametrize(
    ("nodes", "reason", "says"),
    [
        ((), "x", "dcctl drain: no node is named"),
        (("n1", "zz"), "x", "zz: not in the inventory"),
        (("n1",), "  ", "--reason: this site demands one"),
    ],
)
def test_what_is_typed_wrong(nodes: tuple[str, ...], reason: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        _check(_SIX, *nodes, reason=reason, reason_needed=True)
    assert says in str(caught.value)


def test_no_reason_is_needed_where_the_site_demands_none() -> None:
    _check(_SIX, "n1", reason="")


def test_every_node_of_one_cluster_among_several_is_refused() -> None:
    nodes = (
        *(node(f"a{at}", sources=("kubernetes:a", "ssh")) for at in (1, 2)),
        node("b1", sources=("kubernetes:b", "ssh")),
    )
    one = fleet(nodes=nodes)
    with pytest.raises(RefusedError, match="every node of kubernetes:b"):
        _check(one, "b1")
    _check(one, "a1")


def test_every_node_of_an_inventory_without_a_scheduler_is_refused() -> None:
    with pytest.raises(RefusedError, match="every node of the inventory"):
        _check(fleet(nodes=(node("n1", sources=("ssh",)),)), "n1")


def test_who_runs_the_cluster() -> None:
    assert control_plane(_SERVERS) == {"c1", "c2"}


@examples(100)
@given(st.sets(st.sampled_from([one.name for one in _SIX.nodes]), min_size=1), st.booleans(), st.booleans())
def test_gates_that_are_open_refuse_nothing(names: set[str], whole: bool, control: bool) -> None:
    shut = _refused(names, Gates())
    opened = _refused(names, Gates(whole_cluster=whole, control_plane=control))
    assert not opened or shut
    assert not _refused(names, Gates(whole_cluster=True, control_plane=True))


def _refused(names: set[str], gates: Gates) -> bool:
    try:
        _check(_SIX, *sorted(names), gates=gates)
    except DcctlError:
        return True
    return False
