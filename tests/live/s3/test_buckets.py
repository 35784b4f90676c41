"""`dcctl audit` on a server of S3 (moto): buckets that are sound, open to everybody, and not there."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.components import need
from tests.live.power.servers import answers, free_port, started

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Cli

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Everybody",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::open/*",
        }
    ],
}
ENCRYPTED = """<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>
<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault>
</Rule></ServerSideEncryptionConfiguration>"""
VERSIONED = """<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status>
</VersioningConfiguration>"""
LOCKED = """<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>30</Days>
</DefaultRetention></Rule></ObjectLockConfiguration>"""
BLOCKED = """<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>
<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>
</PublicAccessBlockConfiguration>"""
SECRET = "wJalrXUtnFEMI-not-a-real-secret"


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The URL of a server with one bucket as it should be and one that is open to everybody."""
    own = Path(sys.prefix) / "moto" / "bin" / "moto_server"
    program = str(own) if own.exists() else need("moto_server", "none; make test installs it")
    port = free_port()
    with started([program, "-H", "127.0.0.1", "-p", str(port)], lambda: answers(port), _QUIET):
        url = f"http://127.0.0.1:{port}"
        _put(f"{url}/sound", "", **{"x-amz-bucket-object-lock-enabled": "true"})
        parts = {"encryption": ENCRYPTED, "versioning": VERSIONED, "object-lock": LOCKED}
        for part, text in {**parts, "publicAccessBlock": BLOCKED}.items():
            _put(f"{url}/sound?{part}", text)
        _put(f"{url}/open", "")
        _put(f"{url}/open?policy", json.dumps(POLICY))
        yield url


_QUIET = {"MOTO_S3_DEFAULT_MAX_KEYS": "1000"}


def _put(url: str, text: str, **headers: str) -> None:
    headers |= {"Content-Type": "application/xml"}
    request = urllib.request.Request(url, text.encode(), headers, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}


def _audit(cli: Cli, folder: Path, store: str, more: str = "") -> tuple[int, dict[str, Any], str]:
    (folder / "secret").write_text(f"{SECRET}\n")
    config = folder / "config.toml"
    config.write_text(
        f"""
[[context.x.source]]
kind = "demo"

[[context.x.source]]
kind = "s3"
name = "minio"
endpoint = "{store}"
access_key = "AKIAAUDITOR"
secret_file = "{folder}/secret"
{more}
"""
    )
    saved = folder / "seen.json"
    words = ("--config", str(config), "--select", "MOD-07", "--select", "STO-0[34]", "--save", str(saved))
    done = cli("audit", *words, "--no-record", "-o", "json")
    text = saved.read_text() if saved.exists() else ""
    assert SECRET not in done.stdout + done.stderr + text
    return done.returncode, json.loads(done.stdout), text


def test_buckets_are_listed_and_judged(cli: Cli, tmp_path: Path, store: str) -> None:
    _, told, text = _audit(cli, tmp_path, store)
    seen = {one["name"]: one for one in json.loads(text)["buckets"]}
    sound, public = seen["sound"], seen["open"]
    assert (sound["encryption"], sound["versioned"], sound["lock"]) == ("aws:kms", True, "COMPLIANCE")
    assert (sound["anonymous"], sound["region"], sound["copied_to"]) == ([], "us-east-1", [])
    assert public["anonymous"] == ["policy Everybody"]
    open_to_all = [item for item in told["items"] if item["object"] == "Bucket/open"]
    assert {(item["check"], item["severity"]) for item in open_to_all} >= {("MOD-07", "critical")}


def test_a_bucket_that_is_not_there_is_unknown_and_a_gap(cli: Cli, tmp_path: Path, store: str) -> None:
    code, told, text = _audit(cli, tmp_path, store, 'buckets = ["sound", "away"]')
    gap = next(gap for gap in told["gaps"] if gap["source"] == "minio")
    assert (code, gap["subject"]) == (3, "Bucket/away")
    assert "NoSuchBucket" in gap["reason"]
    away = next(one for one in json.loads(text)["buckets"] if one["name"] == "away")
    assert "anonymous" not in away or away["anonymous"] is None


def test_a_store_that_does_not_answer_is_a_gap(cli: Cli, tmp_path: Path) -> None:
    code, told, _ = _audit(cli, tmp_path, f"http://127.0.0.1:{free_port()}")
    gap = next(gap for gap in told["gaps"] if gap["source"] == "minio")
    assert (code, gap["cause"]) == (3, "unreachable")


def test_without_anybody_who_asks_the_store_is_not_asked(cli: Cli, tmp_path: Path, store: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[[context.x.source]]\nkind = "demo"\n[[context.x.source]]\nkind = "s3"\nendpoint = "{store}"\n'
    )
    done = cli("audit", "--config", str(config), "--select", "MOD-07", "--no-record", "-o", "json")
    gap = next(gap for gap in json.loads(done.stdout)["gaps"] if gap["source"] == "s3")
    assert (done.returncode, gap["cause"], gap["hint"]) == (3, "unauthenticated", "aws configure")
    assert os.environ.get("AWS_ACCESS_KEY_ID") is None
