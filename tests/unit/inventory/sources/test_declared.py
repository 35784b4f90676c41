"""What a site declares, and what is no declaration."""

from __future__ import annotations

import pytest

from dcctl.errors import UsageError
from dcctl.inventory.evidence.models import DataSet
from dcctl.inventory.evidence.plant import Plant
from dcctl.inventory.evidence.storage import Backup, Bucket, Copy, Filesystem, StorePool
from dcctl.inventory.sources.declared import parse

WHOLE = b"""
schema: dcctl/declared/v1
datasets:
  - {name: calls, owner: speech, personal: true, retention_days: 180, regions: [eu], buckets: [raw]}
buckets:
  - {name: raw, region: eu, replicas: [], encryption: "aws:kms"}
backups:
  - {name: slurmdb, rpo_hours: 4, last_at_s: 1749999999, drilled_at_s: 0, off_site: true}
  - {name: etcd prod, tool: etcd, last_at_s: 0}
filesystems:
  - {name: "nfs01:/ckpt", copies: {raid6: 3}}
feeds:
  - {name: pdu-r07a, kind: pdu, nominal_w: 17000, rack: r07}
"""


def test_a_declaration_becomes_evidence() -> None:
    found = parse(WHOLE, "x.yaml")
    assert found.datasets == (
        DataSet(
            name="calls",
            owner="speech",
            personal=True,
            retention_s=180 * 86_400,
            regions=("eu",),
            buckets=("raw",),
        ),
    )
    assert found.buckets == (Bucket(name="raw", region="eu", replicas=(), encryption="aws:kms"),)
    assert found.backups == (
        Backup(name="slurmdb", rpo_s=14_400, copies=(Copy(1_749_999_999),), drilled_at_s=0, off_site=True),
        Backup(name="etcd prod", tool="etcd", copies=()),
    )
    assert found.filesystems == (Filesystem(name="nfs01:/ckpt", pools=(StorePool("raid6", 3),)),)
    assert found.plants == (Plant(name="pdu-r07a", kind="pdu", rack="r07", nominal_mw=17_000_000),)


def test_what_is_left_out_is_not_told_and_an_empty_list_is() -> None:
    found = parse(b"schema: dcctl/declared/v1\nbackups: []", "x.yaml")
    assert (found.backups, found.datasets, found.plants) == ((), None, None)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"schema: dcctl/declared/v2", "is understood"),
        (b"schema: dcctl/declared/v1\ndatasets: [{name: a, ownr: b}]", "ownr"),
        (b"schema: dcctl/declared/v1\nbackups: [{name: a, rpo_hours: -1}]", "rpo_hours"),
        (b"schema: dcctl/declared/v1\nbuckets: [{name: a}, {name: a}]", "twice"),
        (b"schema: !!python/object/apply:os.system [id]", "is no YAML"),
        (b"{", "is no YAML"),
        (b"", "object"),
        (b"\xff\xfe\xff", "is no YAML"),
        (b"#" * (5 << 20), "larger"),
    ],
)
def test_what_is_no_declaration_says_why(text: bytes, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse(text, "x.yaml")
