"""The wiring of an audit: a source that does not answer is silent of all that it tells, and a gap."""

from __future__ import annotations

import socket
from threading import Event
from typing import TYPE_CHECKING, Final

import pytest

from dcctl import collectors, meter_specs, specs
from dcctl.inventory.evidence import document
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.storage import Bucket
from dcctl.inventory.evidence.unreached import CUT
from dcctl.inventory.model import Fleet, Gap, Node
from dcctl.settings import Settings
from tests.kubeapi import ApiServer

if TYPE_CHECKING:
    from pathlib import Path

    from dcctl.specs import AnySpec

FLEET = Fleet(nodes=(Node("gpu1", sources=("local",)),))
CLUSTER: Final = {
    *(
        "accounts",
        "admission_policies",
        "attachments",
        "backups",
        "bindings",
        "buckets",
        "certificates",
        "claims",
    ),
    *("clusters", "components", "configs", "ingresses", "namespaces", "network_policies", "roles"),
    *("secrets", "services", "storage_classes", "volumes", "webhooks", "workloads"),
}
NODES: Final = {
    *("hosts", "boards", "gpu_nodes", "ports", "components"),
    *("exports", "filesystems", "backups", "scratches"),
}
KINDS: Final[dict[str, set[str]]] = {
    "kubernetes": CLUSTER,
    "ssh": NODES,
    "models": {"model_files", "model_folders"},
    "s3": {"buckets"},
    "nut": {"plants"},
    "redfish": {"plants"},
    "ipmi": {"plants"},
}
"""By kind of source, what is unknown without it."""


@pytest.fixture
def port() -> int:
    """Nobody listens there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    return number


@pytest.fixture
def refusing(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, AnySpec]:
    """A source of each kind that does not answer."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    with ApiServer() as server:
        config = str(server.kubeconfig(tmp_path / "config"))
    none, user = str(tmp_path / "none"), "root"
    return {
        "kubernetes": specs.KubernetesSpec(name="kubernetes", kubeconfig=config),
        "ssh": specs.SshSpec(name="ssh"),
        "models": specs.ModelsSpec(path=none),
        "s3": specs.S3Spec(name="s3", endpoint=f"http://127.0.0.1:{port}"),
        "nut": meter_specs.NutSpec(name="nut", host="127.0.0.1", port=port),
        "redfish": meter_specs.RedfishSpec(
            name="redfish", nodes="gpu1", url=f"http://127.0.0.1:{port}", user=user, password_file=none
        ),
        "ipmi": meter_specs.IpmiSpec(name="ipmi", nodes="gpu1", user=user, password_file=none),
    }


def gathered(
    monkeypatch: pytest.MonkeyPatch, *plan: AnySpec, fleet: Fleet = FLEET, stop: Event | None = None
) -> Evidence:
    monkeypatch.setattr("dcctl.app.plan_of", lambda _settings: plan)
    return collectors.Collection(Settings(timeout=3.0)).gather(fleet, 0, stop)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_does_not_answer_is_silent_and_a_gap(
    refusing: dict[str, AnySpec], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    found = gathered(monkeypatch, refusing[kind])
    assert set(found.silent) == KINDS[kind]
    assert all(why.reason and why.cause != CUT.cause for why in found.silent.values())
    assert [gap.source for gap in found.fleet.gaps] == [kind]
    assert all(getattr(found, name) in (None, ()) for name in KINDS[kind] - {"boards", "gpu_nodes"})


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_that_is_not_asked_any_more_is_silent(
    refusing: dict[str, AnySpec], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    stop = Event()
    stop.set()
    found = gathered(monkeypatch, refusing[kind], stop=stop)
    assert found.silent == dict.fromkeys(KINDS[kind], CUT)
    assert [gap.cause for gap in found.fleet.gaps] == [CUT.cause]


def test_what_the_survey_met_is_told_once(
    refusing: dict[str, AnySpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    met = Gap("kubernetes", "the API server", "connection refused", "unreachable")
    found = gathered(monkeypatch, refusing["kubernetes"], fleet=Fleet(gaps=(met,)))
    assert found.fleet.gaps == (met,)
    assert set(found.silent) >= CLUSTER


def test_a_machine_that_cannot_be_probed_is_silent_and_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_any: object) -> None:
        raise OSError(12, "no memory")

    monkeypatch.setattr("dcctl.inventory.sources.local.probe.run_here", fails)
    found = gathered(monkeypatch, specs.LocalSpec())
    assert [one.silent["sysctls"].reason for one in found.hosts or ()] == [
        "no process can be started: no memory"
    ]
    assert [(gap.source, gap.node) for gap in found.fleet.gaps] == [("local", "gpu1")]


def test_a_folder_of_records_that_is_not_there_is_a_gap(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = gathered(monkeypatch, specs.DiagnosticsSpec(path=str(tmp_path / "none")))
    assert [(gap.source, gap.cause) for gap in found.fleet.gaps] == [("diagnostics", "missing")]


def test_the_demo_tells_nothing_that_is_not_silent_when_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, whole = Event(), gathered(monkeypatch, specs.DemoSpec())
    stop.set()
    told = {name for name in whole.__struct_fields__ if isinstance(getattr(whole, name), tuple)}
    assert told
    assert set(gathered(monkeypatch, specs.DemoSpec(), stop=stop).silent) >= told


class Store:
    """An object store that answers."""

    name, kinds = "s3", ("buckets",)

    def gather(self, _stop: Event) -> Evidence:
        return Evidence(buckets=(Bucket(name="raw", region="read"),))


def test_of_what_is_declared_and_read_that_which_was_read_comes_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = tmp_path / "site.yaml"
    place.write_text("schema: dcctl/declared/v1\nbuckets: [{name: raw, region: declared}]")
    monkeypatch.setattr(collectors, "COLLECTORS", {specs.S3Spec: lambda _spec, _around: Store()})
    plan = (specs.DeclaredSpec(path=str(place)), specs.S3Spec(name="s3", endpoint="https://s3"))
    found = gathered(monkeypatch, *plan)
    assert [one.region for one in found.buckets or ()] == ["read", "declared"]


def test_every_kind_of_source_that_an_audit_asks_alone_is_wired() -> None:
    alone = {spec for spec in specs.KINDS.values() if issubclass(spec, specs.EvidenceSpec)}
    assert alone - set(collectors.COLLECTORS) == {specs.DeclaredSpec, specs.DiagnosticsSpec}


def test_what_comes_after_the_asking_cuts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, merged = Event(), document.merged

    def late(parts: tuple[Evidence, ...]) -> Evidence:
        stop.set()
        return merged(parts)

    monkeypatch.setattr(document, "merged", late)
    assert gathered(monkeypatch, stop=stop).fleet.gaps == ()


def test_a_run_that_was_not_cut_has_no_gap_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gathered(monkeypatch).fleet.gaps == ()
