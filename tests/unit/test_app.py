"""Settings become sources and facts of the fleet, in the right units and the right order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from dcctl import app, config, specs
from dcctl.cli.session import Session
from dcctl.inventory import snapshot
from dcctl.inventory.model import Fleet, Node, Site
from dcctl.inventory.sources.ssh.transport import Deadlines
from dcctl.inventory.views import NODES

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.settings import Value


class Quiet:
    """Progress that nobody watches, but that can be asked afterwards."""

    def __init__(self) -> None:
        """Nothing was done yet."""
        self.total = self.done = 0

    def start(self, total: int, label: str) -> None:
        """Keep how much there is to do."""
        self.total, self.done = total, 0

    def advance(self, text: str = "") -> None:
        """Count."""
        self.done += 1


def _survey(flags: dict[str, Value | None], folder: Path, file: str | None = None) -> Fleet:
    return app.survey(config.resolve(flags, {"HOME": str(folder)}, file), Quiet(), 0).fleet


def test_the_limits_of_a_site_are_in_the_units_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("nodes:\n  - {name: gpu1, site: dc1}\n")
    text = f"""
[[context.lab.source]]
kind = "file"
path = "{tmp_path}/lab.yaml"
[context.lab.site.dc1]
pue_limit = 1.25
power_limit_kw = 2500.5
timezone = "Asia/Shanghai"
energy_price = 0.62
carbon = 570.5
currency = "CNY"
"""
    (tmp_path / "config.toml").write_text(text)
    fleet = _survey({}, tmp_path, str(tmp_path / "config.toml"))
    assert fleet.sites == (
        Site(
            "dc1",
            pue_limit_milli=1250,
            power_limit_mw=2_500_500_000,
            timezone="Asia/Shanghai",
            energy_price_milli_per_mwh=620_000,
            carbon_mg_per_kwh=570_500,
            currency="CNY",
        ),
    )


class Asked:
    """Stands where the SSH source stands and keeps how it was made."""

    deadlines = Deadlines()
    kind = name = "ssh"

    def __init__(self, _targets: object, *, deadlines: Deadlines, **_rest: object) -> None:
        Asked.deadlines = deadlines

    def collect(self) -> Fleet:
        """One node answers."""
        return Fleet(nodes=(Node("gpu1", sources=("ssh",)),))


@pytest.mark.parametrize(
    ("timeout_s", "phases"),
    [
        (4.0, (4.0, 4.0, 4.0, 4.0)),
        (12.0, (10.0, 12.0, 12.0, 12.0)),
        (300.0, (10.0, 15.0, 15.0, 300.0)),
    ],
)
def test_each_phase_of_ssh_gets_its_own_deadline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, timeout_s: float, phases: tuple[float, ...]
) -> None:
    monkeypatch.setattr("dcctl.inventory.sources.ssh.source.SshSource", Asked)
    _survey({"nodes": "gpu1", "timeout": timeout_s}, tmp_path)
    given = Asked.deadlines
    assert (given.connect_s, given.banner_s, given.auth_s, given.command_s) == phases


def test_progress_over_ssh_counts_hosts_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dcctl.inventory.sources.ssh.source.SshSource", Asked)
    progress = Quiet()
    app.survey(config.resolve({"nodes": "gpu[1-5]"}, {"HOME": str(tmp_path)}, None), progress, 0)
    assert (progress.total, progress.done) == (5, 0), "the source tells of each host by itself"


def test_nodes_that_are_named_for_ssh_are_told_by_ssh_and_so_are_their_conflicts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def answers(asked: Asked) -> Fleet:
        nodes = (Node("gpu1", sources=(asked.name,)), Node("gpu2", ("gpu1",), sources=(asked.name,)))
        return Fleet(nodes=nodes)

    monkeypatch.setattr("dcctl.inventory.sources.ssh.source.SshSource", Asked)
    monkeypatch.setattr(Asked, "collect", answers)
    fleet = _survey({"nodes": "gpu[1-3]"}, tmp_path)
    assert [node.sources for node in fleet.nodes] == [("ssh",)] * 3
    assert [conflict.values for conflict in fleet.conflicts] == [
        (("ssh", "a name of gpu1"), ("ssh", "a name of gpu2"))
    ]


def test_several_saved_fleets_are_as_old_as_the_newest_whenever_they_are_read(tmp_path: Path) -> None:
    for name, taken_at_s in (("a", 100), ("b", 200)):
        fleet = Fleet(taken_at_s=taken_at_s, nodes=(Node(name),))
        (tmp_path / f"{name}.json").write_bytes(snapshot.encode(fleet))
    (tmp_path / "c.yaml").write_text("nodes: [c]\n")
    flags = {"inventory": tuple(str(tmp_path / name) for name in ("a.json", "b.json", "c.yaml"))}
    settings = config.resolve(flags, {"HOME": str(tmp_path)}, None)
    first, later = (app.survey(settings, Quiet(), now_s).fleet for now_s in (1000, 2000))
    assert replace(first, sources=()) == replace(later, sources=()), "reading files took its time"
    assert first.taken_at_s == 200


def test_what_is_asked_live_is_of_now(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("dcctl.inventory.sources.ssh.source.SshSource", Asked)
    (tmp_path / "a.json").write_bytes(snapshot.encode(Fleet(taken_at_s=100, nodes=(Node("gpu1"),))))
    flags = {"nodes": "gpu1", "inventory": ("live", str(tmp_path / "a.json"))}
    assert (
        app.survey(config.resolve(flags, {"HOME": str(tmp_path)}, None), Quiet(), 1000).fleet.taken_at_s
        == 1000
    )


def test_the_clock_is_read_once_in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100, 200))
    monkeypatch.setattr("time.time", lambda: next(ticks))
    session = Session.open({"inventory": ("demo",)}, None, None, first=True)
    assert session.survey(NODES).fleet.taken_at_s == session.now_s == session.now_s


def test_the_choice_of_nodes_leaves_the_whole_fleet_to_judge_by(tmp_path: Path) -> None:
    flags: dict[str, Value | None] = {"inventory": ("demo",), "nodes": "gpu[001-002]"}
    found = app.survey(config.resolve(flags, {"HOME": str(tmp_path)}, None), Quiet(), 0)
    everything = app.survey(
        config.resolve({"inventory": ("demo",)}, {"HOME": str(tmp_path)}, None), Quiet(), 0
    )
    assert [node.name for node in found.fleet.nodes] == ["gpu001", "gpu002"]
    assert replace(found.whole, sources=()) == replace(everything.whole, sources=()), (
        "building it took its time"
    )
    assert everything.whole == everything.fleet


CLUSTER = """
[[context.a.source]]
kind = "kubernetes"
[[context.a.source]]
kind = "ssh"
nodes = "gpu1"
[[context.a.source]]
kind = "kubernetes"
kubeconfig_context = "prod"
[[context.a.source]]
kind = "ssh"
nodes = "gpu2"
[[context.a.source]]
kind = "ssh"
name = "ssh-2"
nodes = "gpu3"
[[context.a.source]]
kind = "local"
[[context.a.source]]
kind = "local"
"""


def test_live_sources_have_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CLUSTER)
    flags: dict[str, Value | None] = {"inventory": ("live", "kubernetes", "kubernetes:prod", "demo")}
    plan = app.plan_of(config.resolve(flags, {"HOME": str(tmp_path)}, str(tmp_path / "c.toml")))
    assert sorted(spec.name for spec in plan if spec.name) == [
        "kubernetes:current",
        "kubernetes:current-2",
        "kubernetes:prod",
        "kubernetes:prod-2",
        "ssh",
        "ssh-2",
        "ssh-3",
    ]
    assert [type(spec) for spec in plan].count(specs.LocalSpec) == 1
    assert [spec.nodes for spec in plan if isinstance(spec, specs.SshSpec) and spec.name == "ssh-2"] == [
        "gpu3"
    ]


def test_nodes_of_every_kind_of_source_stand_at_its_site(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text("nodes:\n  - gpu1\n  - {name: gpu2, site: dc9}\n")
    (tmp_path / "hosts.ini").write_text("[all]\ngpu3\n")
    (tmp_path / "c.toml").write_text(
        '[[context.a.source]]\nkind = "file"\npath = "~/lab.yaml"\nsite = "dc1"\n'
        '[[context.a.source]]\nkind = "ansible"\npath = "~/hosts.ini"\nsite = "dc2"\n'
        '[[context.a.source]]\nkind = "local"\nsite = "dc3"\n'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        fleet = _survey({}, tmp_path, str(tmp_path / "c.toml"))
    sites = {node.name: node.site for node in fleet.nodes}
    assert (sites.pop("gpu1"), sites.pop("gpu2"), sites.pop("gpu3")) == ("dc1", "dc9", "dc2")
    assert list(sites.values()) == ["dc3"]
