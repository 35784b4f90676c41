"""known_hosts: the index gives the verdicts that reading all lines gives, and its price does not grow."""

from __future__ import annotations

import base64
import hmac
import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcctl.inventory.sources.ssh import hostkeys as ssh_hostkeys
from dcctl.inventory.sources.ssh.hostkeys import KnownHosts, Verdict, lookup_names
from tests.components import need

if TYPE_CHECKING:
    from pathlib import Path

ED, RSA = "ssh-ed25519", "ssh-rsa"


def _key(number: int, kind: str = ED) -> str:
    """A key of the right outer form, told apart by its number."""
    name, body = kind.encode(), number.to_bytes(32, "big")
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in (name, body))).decode()


def _hashed(name: str) -> str:
    salt = os.urandom(20)
    digest = hmac.digest(salt, name.encode(), "sha1")
    return "|1|" + "|".join(base64.b64encode(part).decode() for part in (salt, digest))


@pytest.mark.parametrize(
    ("line", "name", "verdict"),
    [
        (f"gpu1,10.0.0.1 {ED} {_key(1)} ops@site", "10.0.0.1", Verdict.KNOWN),
        (f"GPU1 {ED} {_key(1)}", "gpu1", Verdict.KNOWN),
        (f"gpu1 {ED} {_key(2)}", "gpu1", Verdict.CHANGED),
        (f"gpu1 {RSA} {_key(2, RSA)}", "gpu1", Verdict.UNKNOWN),
        (f"{_hashed('gpu1')} {ED} {_key(1)}", "gpu1", Verdict.KNOWN),
        (f"{_hashed('gpu1')} {ED} {_key(2)}", "gpu1", Verdict.CHANGED),
        (f"{_hashed('gpu2')} {ED} {_key(1)}", "gpu1", Verdict.UNKNOWN),
        (f"gpu*,!gpu1 {ED} {_key(1)}", "gpu1", Verdict.UNKNOWN),
        (f"gpu?,!gpu2 {ED} {_key(1)}", "gpu1", Verdict.KNOWN),
        (f"gpu[12] {ED} {_key(1)}", "gpu1", Verdict.UNKNOWN),
        (f"@revoked * {ED} {_key(1)}\ngpu1 {ED} {_key(1)}", "gpu1", Verdict.REVOKED),
        (f"@revoked gpu2 {ED} {_key(1)}\ngpu1 {ED} {_key(1)}", "gpu1", Verdict.KNOWN),
        (f"@cert-authority * {ED} {_key(1)}", "gpu1", Verdict.UNKNOWN),
        (f"@new-marker gpu1 {ED} {_key(1)}", "gpu1", Verdict.UNKNOWN),
        (f"# gpu1 {ED} {_key(1)}", "gpu1", Verdict.UNKNOWN),
        (f"gpu1 {ED}", "gpu1", Verdict.UNKNOWN),
        ("|1|not|base64 x y", "gpu1", Verdict.UNKNOWN),
    ],
)
def test_one_line(line: str, name: str, verdict: Verdict) -> None:
    assert KnownHosts([line]).check((name,), ED, _key(1)) is verdict


def test_a_port_of_its_own_is_looked_up_first_and_a_change_under_the_plain_name_does_not_count() -> None:
    names = lookup_names("GPU1", 2222)
    assert names == ("[gpu1]:2222", "gpu1")
    assert lookup_names("gpu1", 22) == ("gpu1",)
    assert lookup_names("gpu1", 2222, "Alias") == ("alias",)
    assert KnownHosts([f"gpu1 {ED} {_key(1)}"]).check(names, ED, _key(1)) is Verdict.KNOWN
    assert KnownHosts([f"gpu1 {ED} {_key(2)}"]).check(names, ED, _key(1)) is Verdict.UNKNOWN
    assert KnownHosts([f"[gpu1]:2222 {ED} {_key(2)}"]).check(names, ED, _key(1)) is Verdict.CHANGED


NAMES = st.sampled_from(["gpu1", "gpu2", "gpu11", "10.0.0.1", "[gpu1]:2222", "login", "a.b"])
PATTERN = st.text("gpu12.*?a", min_size=1, max_size=5).filter(lambda text: not text.startswith("."))
FIELD = st.one_of(
    NAMES, PATTERN, st.tuples(NAMES, PATTERN).map(lambda pair: f"{pair[0]},!{pair[1]}"), NAMES.map(_hashed)
)


@given(st.lists(st.tuples(FIELD, st.integers(0, 3)), max_size=6), NAMES, st.integers(0, 3))
def test_it_finds_what_ssh_keygen_finds(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[str, int]], name: str, number: int
) -> None:
    file: Path = tmp_path_factory.getbasetemp() / "known_hosts"
    text = "".join(f"{field} {ED} {_key(key)}\n" for field, key in lines)
    file.write_text(text)
    command = [need("ssh-keygen", "openssh-client"), "-F", name, "-f", str(file)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    keys = {line.split()[-1] for line in found.stdout.splitlines() if not line.startswith("#")}
    expected = Verdict.KNOWN if _key(number) in keys else Verdict.CHANGED if keys else Verdict.UNKNOWN
    assert KnownHosts([text]).check((name,), ED, _key(number)) is expected


def test_ten_thousand_hashed_lines_cost_a_host_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "".join(f"{_hashed(f'gpu{number}')} {ED} {_key(number)}\n" for number in range(10_000))
    known, hashes = KnownHosts([text]), 0

    def counted(names: str, name: str) -> bool:
        nonlocal hashes
        hashes += 1
        return original(names, name)

    original = ssh_hostkeys._hash_matches
    monkeypatch.setattr(ssh_hostkeys, "_hash_matches", counted)
    for number in range(200):
        known.preference((f"gpu{number}",))
        assert known.check((f"gpu{number}",), ED, _key(number)) is Verdict.KNOWN
    assert hashes == 200


def test_the_kind_that_is_known_is_asked_for_first() -> None:
    assert KnownHosts([f"gpu1 {RSA} {_key(1, RSA)}"]).preference(("gpu1",)) == (RSA,)
    mostly = [f"{_hashed(str(number))} {RSA} {_key(number, RSA)}" for number in range(3)]
    assert KnownHosts([*mostly, f"{_hashed('x')} {ED} {_key(9)}"]).preference(("gpu1",))[0] == RSA
    assert KnownHosts([mostly[0], f"{_hashed('x')} {ED} {_key(9)}"]).preference(("gpu1",)) == ()
