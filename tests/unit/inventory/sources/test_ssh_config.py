"""ssh_config: what OpenSSH itself makes of a file (`ssh -G`) is what we make of it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dcctl.inventory.sources.ssh.config import HostOptions, SshConfig, load, parse, parse_jump
from dcctl.inventory.sources.ssh.error import SshError
from tests.components import need
from tests.examples import examples

HOSTS = ("gpu1", "gpu12", "login", "GPU1")
PATTERNS = st.sampled_from(["gpu1", "gpu*", "gpu?", "login", "*", "!gpu1", "!login", "GPU1", "g*2", '"gpu1"'])
HEADS = st.one_of(
    st.lists(PATTERNS, min_size=1, max_size=3).map(lambda words: "Host " + " ".join(words)),
    st.sampled_from(
        [
            "Match all",
            "Match host gpu*",
            "Match host 10.0.0.*",
            "Match !host gpu1",
            "Match originalhost gpu1,login",
            "Match user root host gpu*",
            "Match user ops",
            "Match !user ops originalhost gpu*",
            "Match final host gpu*",
            "Match canonical",
            "Host=gpu1",
        ]
    ),
)
LINES = st.one_of(
    st.sampled_from(
        ["HostName 10.0.0.%h", "HostName=10.0.0.1", "HostName Upper.Case", "User ops", "User  root # me"]
    ),
    st.integers(1, 65535).map(lambda port: f"Port {port}"),
    st.sampled_from(
        ["ProxyJump bastion", "ProxyJump none", "proxyjump a,ops@b:2222", "ProxyCommand nc %h %p"]
    ),
    st.sampled_from(
        ["IdentityFile /k/%r", 'IdentityFile "/k/a b"', "IdentityFile /k/%%x", "IdentityFile /k/%n-%p"]
    ),
    st.sampled_from(["IdentitiesOnly yes", "IdentitiesOnly no", "ConnectTimeout 7", "HostKeyAlias fleet"]),
    st.sampled_from(["UserKnownHostsFile /a /b", "UserKnownHostsFile none", "GlobalKnownHostsFile /c/%h"]),
    st.sampled_from(["# a comment", "", "   Compression yes"]),
)
BLOCKS = st.lists(st.tuples(HEADS, st.lists(LINES, max_size=4)), max_size=5)


def _openssh(file: Path, host: str) -> dict[str, list[str]]:
    done = subprocess.run(
        [need("ssh", "openssh-client"), "-G", "-F", str(file), host],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


def _agree(ours: HostOptions, theirs: dict[str, list[str]]) -> None:
    assert ours.host == theirs["hostname"][0]
    assert str(ours.port) == theirs["port"][0]
    assert ours.user == theirs["user"][0]
    assert ours.identities_only == (theirs["identitiesonly"][0] == "yes")
    assert ours.host_key_alias == theirs.get("hostkeyalias", [None])[0]
    assert ours.proxy_jump == theirs.get("proxyjump", [None])[0]
    assert (ours.proxy_command is None) == ("proxycommand" not in theirs)
    assert (ours.connect_timeout_s or "none") == (
        "none" if theirs["connecttimeout"][0] == "none" else float(theirs["connecttimeout"][0])
    )
    stated = [file for file in theirs["identityfile"] if file.startswith("/k/")]
    if stated:
        assert len(ours.identity_files) == len(stated)
        for file, text in zip(ours.identity_files, stated, strict=True):
            assert re.fullmatch(re.sub("%.", ".+", text), file)  # -G leaves the tokens in


@examples(60)
@example([("Match host gpu*", ["HostName 10.0.0.%h"]), ("Match host gpu*", ["Port 1"])], "gpu1")
@given(BLOCKS, st.sampled_from(HOSTS))
def test_it_is_read_as_openssh_reads_it(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[tuple[str, list[str]]], host: str
) -> None:
    file = tmp_path_factory.getbasetemp() / "ssh_config"
    file.write_text("".join(f"{head}\n" + "".join(f"  {line}\n" for line in lines) for head, lines in blocks))
    _agree(load(file).lookup(host), _openssh(file, host))


def _config(text: str, folder: Path = Path("/")) -> SshConfig:
    return SshConfig(parse(text, folder))


def test_tokens_and_home_in_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ops")
    monkeypatch.setenv("SITE", "dc1")
    text = (
        "Host g\n HostName %h.%%x\n User u\n Port 7\n IdentityFile ~/k-%r-%h-%p-%n\n IdentityFile ${SITE}/%d"
    )
    options = _config(text).lookup("g")
    assert options.host == "g.%x"
    assert options.identity_files == ("/home/ops/k-u-g.%x-7-g", "dc1//home/ops".replace("//", "/"))


def test_include_keeps_the_block_it_stands_in(tmp_path: Path) -> None:
    """Checked against OpenSSH as well: folder, glob, nesting, and the condition around it."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.conf").write_text("Port 1001\nHost gpu2\n  User two\n")
    (tmp_path / "d" / "2.conf").write_text("Host gpu1\n  User one\n  ConnectTimeout 9\n")
    file = tmp_path / "config"
    file.write_text(f"Host gpu*\n  Include {tmp_path}/d/*.conf\n  IdentitiesOnly yes\nHost *\n  User last\n")
    for host in ("gpu1", "gpu2", "login"):
        _agree(load(file).lookup(host), _openssh(file, host))
    assert load(file).lookup("gpu2").user == "two"
    assert load(file).lookup("login").user == "last"


def test_include_of_itself_ends(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(f"Include {file}\nPort 7\n")
    assert load(file).lookup("x").port == 7


def test_match_exec_never_runs_and_never_holds(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    options = _config(f'Match exec "touch {mark}"\n  Port 7\nMatch !exec "touch {mark}"\n  Port 8\n').lookup(
        "x"
    )
    assert (options.port, mark.exists()) == (22, False)


@pytest.mark.parametrize(
    "line",
    ["Port many", "Port 99999", "Port 0", "Port -1", "Port ２２", f"Port {'9' * 5000}", "ConnectTimeout -1"],
)
def test_what_is_no_number_is_said_so(line: str) -> None:
    with pytest.raises(SshError, match="not a number in range"):
        _config(line).lookup("x")


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SshError, match="No such file"):
        load(tmp_path / "absent")


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("bastion", [("bastion", None, None)]),
        ("ops@a:22,b", [("a", "ops", 22), ("b", None, None)]),
        ("ssh://ops@a:22", [("a", "ops", 22)]),
        ("[fd00::1]:22", [("fd00::1", None, 22)]),
        ("me@corp@a", [("a", "me@corp", None)]),
    ],
)
def test_forms_of_proxy_jump(text: str, hops: list[tuple[str, str | None, int | None]]) -> None:
    assert [tuple(hop) for hop in parse_jump(text)] == hops


@pytest.mark.parametrize(
    "text", ["", "a,,b", "a:b:c", "a:port", "a:0", "a:65536", "a:２２", f"a:{'9' * 5000}"]
)
def test_what_is_no_proxy_jump(text: str) -> None:
    with pytest.raises(SshError, match="ProxyJump"):
        parse_jump(text)


@given(st.text(max_size=200), st.text(min_size=1, max_size=20))
def test_no_text_breaks_it(text: str, host: str) -> None:
    try:
        options = _config(text.replace("Include", "")).lookup(host)
    except SshError:
        return
    assert 0 <= options.port <= 65535
    assert options.user
    assert options.identity_files
