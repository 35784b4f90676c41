"""Settings become sources and facts of the fleet, in the right units and the right order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcctl import app, config
from dcctl.inventory.model import Fleet, Node, Site
from dcctl.inventory.sources.ssh.transport import Deadlines

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
    return app.survey(config.resolve(flags, {"HOME": str(folder)}, file), Quiet(), 0)


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
"""
    (tmp_path / "config.toml").write_text(text)
    fleet = _survey({}, tmp_path, str(tmp_path / "config.toml"))
    assert fleet.sites == (
        Site("dc1", pue_limit_milli=1250, power_limit_mw=2_500_500_000, timezone="Asia/Shanghai"),
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
