"""Node set expressions, groups, and the choice of nodes from a fleet."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dcctl.errors import UsageError
from dcctl.inventory.model import Disruption, Fleet, Member, Node, Pool, PowerMeter, Rack, Template, Workload
from dcctl.inventory.nodeset import expand, fold, groups_of, plain, select, sort_key
from tests.unit.inventory.fleets import small

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GROUPS = {"*": ("a1", "a2", "a3", "b1"), "rack1": ("a1", "a2"), "rack2": ("a3",), "pool:x": ("a2", "b1")}
OPERATORS: dict[str, Callable[[set[str], set[str]], set[str]]] = {
    ",": operator.or_,
    "!": operator.sub,
    "&": operator.and_,
    "^": operator.xor,
}
TERMS = {
    "a1": {"a1"},
    "a[1-3]": {"a1", "a2", "a3"},
    "b[01-05/2]": {"b01", "b03", "b05"},
    "@rack1": {"a1", "a2"},
    "@rack[1-2]": {"a1", "a2", "a3"},
    "@pool:x": {"a2", "b1"},
    "@pool:*": {"a2", "b1"},
    "@*": {"a1", "a2", "a3", "b1"},
    "a*": {"a1", "a2", "a3"},
    "?1": {"a1", "b1"},
    "c1d[1-2]": {"c1d1", "c1d2"},
}


@given(st.lists(st.tuples(st.sampled_from(sorted(OPERATORS)), st.sampled_from(sorted(TERMS))), min_size=1))
def test_the_algebra_is_that_of_sets_from_left_to_right(steps: list[tuple[str, str]]) -> None:
    text, names = steps[0][1], set(TERMS[steps[0][1]])
    for sign, term in steps[1:]:
        text, names = f"{text}{sign}{term}", OPERATORS[sign](names, set(TERMS[term]))
    assert expand(text, GROUPS) == tuple(sorted(names, key=sort_key))


@given(
    st.lists(st.tuples(st.sampled_from(",!&^"), st.sampled_from(["n1", "n[1-9]", "n[02-10/2]x[1-2]", " m "])))
)
def test_clustershell_gives_the_same_answer(steps: list[tuple[str, str]]) -> None:
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

    text = "n[1-5]" + "".join(f"{sign}{term}" for sign, term in steps)
    assert set(expand(text, {})) == set(NodeSet(text, resolver=RESOLVER_NOGROUP))


@given(st.text(max_size=80))
def test_any_text_gives_names_or_a_usage_error(text: str) -> None:
    try:
        names = expand(text, GROUPS)
    except UsageError as error:
        assert error.why  # noqa: PT017  either outcome is right; what must not come is another exception
    else:
        assert all(names)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gpu[1-", "a bracket has no partner"),
        ("gpu1]", "a bracket has no partner"),
        ("a[1[2]]", "is inside others"),
        ("a[1][2]", "illegal reopening bracket"),
        ("a,,b", "missing at position 3"),
        ("a!", "missing at position 3"),
        ("&a", "missing at position 1"),
        ("", "is empty"),
        ("gpu[3-1]", "'3-1' in brackets is not a range"),
        ("gpu[x]", "is not a range"),
        ("gpu[1-2/0]", "'1-2/0' in brackets is not a range"),
        ("n[1-999999999]", "more than 262,144 names"),
        ("n[1-1000]m[1-1000]", "more than 262,144 names"),
        ("n[1-200000],m[1-200000]", "more than 262,144 names"),
        ("n[" + "9" * 100 + "]", "is not a range"),
        ("\x1b[31mgpu1", "control character at position 1"),
        ("gpu1\n", "control character at position 5"),
        ("gpu\u202e1", "control character"),
        ("x" * 10_000_000, "longer than 1,048,576 characters"),
        ("x" * 300, "longer than 253 characters"),
        ("x[1]" * 100_000, "longer than 253 characters"),
        ("n[1-999999999,[1]", "is inside others"),
        ("[" * 1_000_000, "longer than 253 characters"),
        ("@rac1", "did you mean rack1"),
        ("@@rack1", "neither the inventory nor groups.conf"),
        ("n\u0663[1-2]", "digits in a name"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        expand(text, GROUPS)
    assert why in caught.value.why
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_the_inventory_forms_groups() -> None:
    groups = groups_of(small())
    assert groups["rack7"] == groups["rack:rack7"] == ("gpu001", "gpu002")
    assert groups["pool:train"] == groups["train"] == ("gpu001", "gpu002")
    assert groups["site:dc1"] == groups["dc1"] == ("gpu001", "gpu002", "gpu009")
    assert groups["model:H100"] == groups["model:NVIDIA-H100-80GB-HBM3"] == ("gpu001",)
    assert groups["state:cordoned"] == ("gpu002",)
    assert groups["state:ready"] == ("gpu001",)
    assert len(groups["*"]) == len(groups["all"]) == 5


def test_a_name_of_a_rack_and_of_a_pool_is_no_group_without_its_kind() -> None:
    fleet = small()
    nodes = (replace(fleet.nodes[0], pools=("rack8",)), *fleet.nodes[1:])
    groups = groups_of(replace(fleet, nodes=nodes, pools=()))
    assert "rack8" not in groups
    assert groups["pool:rack8"] == ("gpu001",)
    assert groups["rack:rack8"] == ("gpu009",)


def _two_racks_of_one_name() -> Fleet:
    nodes = (Node("a1", site="dc1", rack="r07"), Node("b1", site="dc2", rack="r07"))
    return Fleet(nodes=nodes, racks=(Rack("r07", "dc1"), Rack("r07", "dc2")))


@pytest.mark.parametrize("group", ["@rack:dc1/r07", "@dc1/r07"])
def test_a_rack_is_that_of_its_site(group: str) -> None:
    part = select(_two_racks_of_one_name(), group)
    assert [node.name for node in part.nodes] == ["a1"]
    assert [(rack.site, rack.name) for rack in part.racks] == [("dc1", "r07")]


@pytest.mark.parametrize("group", ["@rack:r07", "@r07"])
def test_a_rack_name_of_two_sites_is_refused_with_those_that_work(group: str) -> None:
    with pytest.raises(UsageError, match="could be any of @rack:dc1/r07, @rack:dc2/r07"):
        select(_two_racks_of_one_name(), group)


def test_a_pool_named_as_racks_of_two_sites_is_not_what_the_bare_name_means() -> None:
    fleet = _two_racks_of_one_name()
    pooled = replace(fleet, nodes=(replace(fleet.nodes[0], pools=("r07",)), fleet.nodes[1]))
    with pytest.raises(UsageError, match="could be any of @pool:r07, @rack:dc1/r07, @rack:dc2/r07"):
        select(pooled, "@r07")


def test_a_rack_has_its_full_name_also_where_no_other_site_has_such_a_rack() -> None:
    fleet = _two_racks_of_one_name()
    one = replace(fleet, nodes=(fleet.nodes[0], Node("a2", rack="r07")), racks=(Rack("r07", "dc1"),))
    groups = groups_of(one)
    assert groups["r07"] == groups["rack:r07"] == groups["rack:dc1/r07"] == ("a1", "a2")


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        ("gpu[001-002]", None, ["gpu001", "gpu002"]),
        ("@rack7!gpu002", None, ["gpu001"]),
        (None, "gpu*", ["cpu1.dc2.example.com", "odd [1],x"]),
        ("@dc1", "@pool:infer", ["gpu001", "gpu002"]),
        ("CPU1", None, ["cpu1.dc2.example.com"]),
        ("10.0.0.9", None, ["gpu009"]),
        ("gpu009.example.com", None, ["gpu009"]),
        ("cpu1!cpu1.dc2.example.com,gpu001", None, ["gpu001"]),
        ("odd [1],x", None, ["odd [1],x"]),
        ("odd*", None, ["odd [1],x"]),
        ("gpu[001-999]&@rack8", None, ["gpu009"]),
    ],
)
def test_select_keeps_the_nodes_meant(include: str | None, exclude: str | None, left: list[str]) -> None:
    assert [node.name for node in select(small(), include, exclude).nodes] == left


@pytest.mark.parametrize("include", ["*", "@p,*", "@pool:p", "x?a?,gpu1"])
def test_a_node_whose_name_no_node_set_can_hold_hides_no_other(include: str) -> None:
    names = ("gpu1", "x[a]")
    left = select(Fleet(nodes=tuple(map(Node, names)), pools=(Pool("p", fold(names)),)), include)
    assert tuple(node.name for node in left.nodes) == names
    assert left.pools[0].nodes == "gpu1,x[a]"


@pytest.mark.parametrize(
    ("include", "exclude", "message"),
    [
        ("gpu010", None, "node 'gpu010': not in the inventory; did you mean gpu009, gpu002, gpu001"),
        ("gpu[001-004]", None, "nodes 'gpu[003-004]': not in the inventory"),
        ("@rack7!gpu0o2", None, "node 'gpu0o2': not in the inventory; did you mean gpu002"),
        (None, "gpu0o2", "node 'gpu0o2': not in the inventory"),
        ("@rack7", "@rack7", "no node is left"),
        ("zzz*", None, "matches no node"),
        ("@rack", None, "did you mean rack"),
        ("cpu1.other.example.com", None, "not in the inventory"),
    ],
)
def test_select_says_what_is_wrong_before_anything_is_contacted(
    include: str | None, exclude: str | None, message: str
) -> None:
    with pytest.raises(UsageError, match=r".") as caught:
        select(small(), include, exclude)
    assert message in str(caught.value)


def test_a_short_name_of_two_nodes_is_refused() -> None:
    fleet = Fleet(nodes=(Node("a.dc1"), Node("a.dc2")))
    with pytest.raises(UsageError, match=r"could be any of a\.dc1, a\.dc2"):
        select(fleet, "a")


def test_a_part_of_a_fleet_keeps_what_concerns_it() -> None:
    part = select(small(), "@rack7")
    assert [pool.nodes for pool in part.pools] == ["gpu[001-002]"]
    assert [work.id for work in part.workloads] == ["nlp/a"]
    assert len(part.workloads[0].members) == 2
    assert [meter.name for meter in part.meters] == ["pdu-7"]
    assert [gap.subject for gap in part.gaps] == ["nodes", "gpu009"]
    assert [link.a_node for link in part.links] == ["gpu001"]
    assert [rack.name for rack in part.racks] == ["rack7"]
    assert [site.name for site in part.sites] == ["dc1"]
    assert part.conflicts == ()


def test_work_that_waits_is_in_the_queue_of_every_part_of_a_fleet() -> None:
    waiting = Workload("ns/waiting", members=(Member("p", phase="pending"),))
    growing = Workload("ns/growing", members=(Member("p", "a2"), Member("q", phase="pending")))
    running = Workload("ns/running", members=(Member("p", "a2"),))
    fleet = Fleet(nodes=(Node("a1"), Node("a2")), workloads=(waiting, growing, running))
    assert select(fleet, "a1").workloads == (waiting, growing)


def test_a_part_of_a_fleet_keeps_the_templates_that_are_in_use_there() -> None:
    one, two = Template("a"), Template("b")
    work = [Workload(f"ns/{node}", members=(Member("p", node, template=node),)) for node in ("a1", "a2")]
    fleet = Fleet(nodes=(Node("a1"), Node("a2")), workloads=tuple(work), templates={"a1": one, "a2": two})
    assert select(fleet, "a1").templates == {"a1": one}


def test_a_part_of_a_fleet_keeps_what_evictions_do_there() -> None:
    work = [Workload(f"ns/{node}", members=(Member("p", node, disruption=node),)) for node in ("a1", "a2")]
    both = {"a1": Disruption("Job"), "a2": Disruption("StatefulSet")}
    fleet = Fleet(nodes=(Node("a1"), Node("a2")), workloads=tuple(work), disruptions=both)
    assert select(fleet, "a1").disruptions == {"a1": Disruption("Job")}


def fed() -> Fleet:
    """Two sites whose PDUs have the same names; leaf switches by two labels."""
    leaf = "network.topology.nvidia.com/leaf"
    return Fleet(
        nodes=(
            Node("a1", site="dc1", rack="rack02", labels={leaf: "l1"}),
            Node("a2", site="dc1", rack="rack10", labels={"topology.dcctl.io/leaf": "l2"}),
            Node("b1", site="dc2", rack="r007", labels={leaf: "l1"}),
            Node("b2", site="dc2", rack="r07"),
        ),
        meters=(
            PowerMeter("pdu-a", "pdu", "dc1", "a1"),
            PowerMeter("pdu-a", "pdu", "dc2", "b[1-2]"),
            PowerMeter("pdu-b", "pdu", "dc1", "a[1-3]"),
            PowerMeter("ups-1", "ups", "dc1"),
            PowerMeter("main", "ups"),
            PowerMeter("a1", "rapl", "dc1", "a1"),
        ),
    )


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@feed:dc1/pdu-a", "a1"),
        ("@feed:dc2/pdu-a", "b1,b2"),
        ("@feed:pdu-b", "a1,a2"),
        ("@feed:ups-1", "a1,a2"),
        ("@feed:main", "a1,a2,b1,b2"),
        ("@leaf:l2", "a2"),
        ("@leaf:dc1/l1", "a1"),
        ("@rack2", "a1"),
        ("@rack:rack2", "a1"),
        ("@rack:dc1/rack002", "a1"),
        ("@rack[2,10]", "a1,a2"),
    ],
)
def test_feeds_and_leaves_are_groups_and_numbers_need_no_zeros(text: str, names: str) -> None:
    assert expand(text, groups_of(fed())) == tuple(names.split(","))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("@feed:pdu-a", "could be any of @feed:dc1/pdu-a, @feed:dc2/pdu-a"),
        ("@feed:a1", "neither"),
        ("@leaf:l1", "could be any of @leaf:dc1/l1, @leaf:dc2/l1"),
        ("@r7", "could be any of @r007, @r07"),
        ("@rack1", "neither"),
        ("@rack20", "neither"),
    ],
)
def test_a_name_that_may_be_several_is_refused(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        expand(text, groups_of(fed()))


def test_a_group_of_the_administrator_comes_before_one_with_zeros(groups_conf: Path) -> None:
    (groups_conf / "rack2").write_text("b1\n")
    assert expand("@rack2", groups_of(fed())) == ("b1",)
    assert expand("@rack02", groups_of(fed())) == ("a1",)


def test_without_a_choice_the_fleet_is_untouched() -> None:
    fleet = small()
    assert select(fleet, None, None) is fleet


@pytest.fixture
def groups_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An administrator's own configuration of ClusterShell."""
    (tmp_path / "groups.conf").write_text(
        f"[Main]\ndefault: site\nautodir: {tmp_path}\n"
        f"[site]\nmap: cat {tmp_path}/$GROUP 2>/dev/null || touch {tmp_path}/ran-$GROUP\n"
        "list: echo old cold loop big\nall: echo gpu[001-002,009] cpu1\n"
    )
    (tmp_path / "old").write_text("@dc1&gpu009,gpu[001-002]\n")
    (tmp_path / "cold").write_text("gpu*!@rack:rack7\n")
    (tmp_path / "loop").write_text("@loop\n")
    (tmp_path / "big").write_text("n[1-999999999]\n")
    (tmp_path / "more.yaml").write_text("lab:\n  bench: gpu001\n  rack7: gpu009\n  none: ''\n")
    monkeypatch.setenv("CLUSTERSHELL_CFGDIR", str(tmp_path))
    return tmp_path


def test_groups_conf_is_honoured_and_the_inventory_comes_first(groups_conf: Path) -> None:
    del groups_conf
    groups = groups_of(small())
    assert expand("@old", groups) == ("gpu001", "gpu002", "gpu009")
    assert expand("@lab:bench", groups) == ("gpu001",)
    assert expand("@rack7", groups) == ("gpu001", "gpu002")
    assert expand("@lab:rack7", groups) == ("gpu009",)
    assert expand("@lab:none", groups) == ()
    assert expand("@lab:*", groups) == ("gpu001", "gpu009")
    assert expand("@cold", groups) == ("gpu009",)


@pytest.mark.parametrize(
    ("text", "why"),
    [("@loop", "recursion"), ("@big", "more than"), ("@lab:nope", "neither"), ("@x:y", "neither")],
)
def test_bad_groups_of_the_administrator_are_named(groups_conf: Path, text: str, why: str) -> None:
    del groups_conf
    with pytest.raises(UsageError, match=why):
        expand(text, GROUPS)


def test_a_broken_groups_conf_is_an_error_not_a_traceback(groups_conf: Path) -> None:
    (groups_conf / "groups.conf").write_text("no section here\n")
    with pytest.raises(UsageError, match=r"groups\.conf"):
        expand("@old", {})


def test_a_command_of_groups_conf_that_hangs_is_given_up(
    groups_conf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dcctl.inventory import groupsconf

    monkeypatch.setattr(groupsconf, "UPCALL_S", 1)
    (groups_conf / "groups.conf").write_text(
        "[Main]\ndefault: slow\n[slow]\nmap: echo gpu001; sleep 3600\nlist: echo old\n"
    )
    with pytest.raises(UsageError, match="for 'old' did not answer within 1 s"):
        expand("@old", {})


def test_stored_node_sets_never_run_the_commands_of_groups_conf(groups_conf: Path) -> None:
    assert plain("gpu[1-2],@evil") == {"gpu1", "gpu2", "@evil"}
    with pytest.raises(UsageError):
        expand("@a;touch x", {})
    assert not list(groups_conf.glob("ran-*"))


def test_folding_and_selection_agree_on_the_demo_of_the_documentation() -> None:
    names = [f"gpu{number:03d}" for number in range(1, 129)]
    text = fold(names)
    assert text == "gpu[001-128]"
    assert expand(f"{text}&@rack7!gpu009", {"rack7": tuple(names[:16])}) == tuple(names[:8] + names[9:16])
