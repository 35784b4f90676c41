"""Machines from `terraform show -json`."""

from __future__ import annotations

from pathlib import Path

import pytest

from dcctl.errors import UsageError
from dcctl.inventory import snapshot
from dcctl.inventory.model import Node
from dcctl.inventory.sources.files.terraform import TerraformSource, parse

DATA = Path(__file__).parents[2] / "data" / "terraform"


def test_a_state_with_modules_of_several_providers() -> None:
    fleet = TerraformSource(str(DATA / "state" / "show.json")).collect()
    assert [(n.name, n.address, n.provider_id, n.system_uuid) for n in fleet.nodes] == [
        ("aws_instance.gpu[0]", "10.0.1.10", "aws:///eu-central-1a/i-0aa", None),
        ("aws_instance.gpu[1]", None, "aws:///eu-central-1a/i-0bb", None),
        (
            "n1",
            "192.0.2.5",
            "openstack:///8f3c9b0e-1f5c-4f3e-9f6e-2f4a5b6c7d8e",
            "8f3c9b0e-1f5c-4f3e-9f6e-2f4a5b6c7d8e",
        ),
        ("g1", "10.9.0.2", "gce://p/europe-west4-a/g1", None),
        ("v1", "192.168.122.5", None, "4c4c4544-0035-3010-8056-b7c04f4b5931"),
    ]
    assert fleet.nodes[0].labels == {
        "node.kubernetes.io/instance-type": "p5.48xlarge",
        "topology.kubernetes.io/zone": "eu-central-1a",
    }
    assert fleet.nodes[2].aliases == ("module.dc.openstack_compute_instance_v2.n",)
    assert "hunter2" not in snapshot.encode(fleet).decode()


def test_a_plan_tells_what_does_not_exist_yet() -> None:
    (node,) = TerraformSource(str(DATA / "plan" / "show.json")).collect().nodes
    assert (node.name, node.state, node.provider_id) == ("nd1", "planned", None)
    assert "hunter2" not in snapshot.encode(parse((DATA / "plan" / "show.json").read_bytes(), "p")).decode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"{", "is not the JSON of Terraform"),
        (b"[]", "is not the JSON of Terraform"),
        (b'{"version":4,"resources":[]}', "is not what `terraform show -json` prints"),
        (b'{"format_version":"1.0"}', "is not what `terraform show -json` prints"),
        (b'{"format_version":"1.0","values":{"root_module":{}}}', "has no machine of a known type"),
        (b'{"format_version":"1.0","values":{"root_module":{"resources":[{"address":7}]}}}', "address"),
        (b'{"format_version":"1.0","values":{"root_module":' + b'{"child_modules":[' * 5000, "Terraform"),
    ],
)
def test_what_is_no_terraform_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(data, "t.json")
    assert message in str(caught.value)


def test_a_name_with_control_characters_is_refused() -> None:
    data = (DATA / "plan" / "show.json").read_bytes().replace(b'"nd1"', b'"nd1\\u001b"')
    with pytest.raises(UsageError, match="control characters"):
        parse(data, "t.json")


def test_the_name_of_a_node_is_text() -> None:
    assert isinstance(TerraformSource(str(DATA / "plan" / "show.json")).collect().nodes[0], Node)
