"""Ctrl-C and SIGTERM while sources are slow: what is known is printed, nothing is left behind."""

import base64
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.fleets import write
from tests.cli.terminal import start as on_terminal_start
from tests.components import need

SOON_S = 10.0
"""Ctrl-C is answered within about two seconds; a loaded machine may take longer, but not a minute."""


Ready = Callable[[], bool]


@pytest.fixture
def silence() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(20)
        yield server


@pytest.fixture
def silent(silence: socket.socket) -> int:
    """Its port."""
    port: int = silence.getsockname()[1]
    return port


@pytest.fixture
def connected(silence: socket.socket) -> Ready:
    """Whether a connection waits there."""
    return lambda: bool(select.select([silence], [], [], 0)[0])


@pytest.fixture
def slow_context(tmp_path: Path, silent: int) -> str:
    """A configuration: the demo fleet, and one more node over SSH that never answers."""
    return write(
        tmp_path,
        "slow.toml",
        '[[context.a.source]]\nkind = "demo"\n[[context.a.source]]\nkind = "ssh"\n'
        f'nodes = "127.0.0.1"\nport = {silent}\nconfig_file = "/dev/null"\n',
    )


def start(words: Sequence[str], env: dict[str, str], ready: Ready) -> subprocess.Popen[str]:
    """Start dcctl and wait until it is `ready`: at work on what is slow."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dcctl", *words],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.5)  # the other sources, which take no time, hand in what they have
    return process


def end(process: subprocess.Popen[str], number: signal.Signals, times: int = 1) -> tuple[int, str, str]:
    """Send the signal; the exit code, stdout and stderr, which must come soon."""
    began = time.monotonic()
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.1)
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < SOON_S
    assert "Traceback" not in errors
    return process.returncode, out, errors


def test_ctrl_c_prints_what_is_known(home: dict[str, str], slow_context: str, connected: Ready) -> None:
    process = start(["inventory", "-o", "json", "--config", slow_context, "--timeout", "60"], home, connected)
    code, out, _ = end(process, signal.SIGINT)
    assert code == 130
    document = json.loads(out)
    assert len(document["items"]) == 129
    assert any(gap["cause"] == "interrupted" for gap in document["gaps"])


def test_a_bar_shows_on_a_terminal_and_is_erased(home: dict[str, str], slow_context: str) -> None:
    words = ["inventory", "--config", slow_context, "--timeout", "60", "--columns", "node"]
    terminal = on_terminal_start(words, home)
    terminal.read_until("asking")
    terminal.send(signal.SIGINT)
    code, text = terminal.finish(10)
    assert code == 130
    assert "asking" not in text[text.index("129 nodes") :]
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is shown again"


def test_ctrl_c_twice_ends_at_once(home: dict[str, str], slow_context: str, connected: Ready) -> None:
    process = start(["inventory", "--config", slow_context, "--timeout", "60"], home, connected)
    assert end(process, signal.SIGINT, times=2)[0] == 130


def test_sigterm_ends_at_once_without_an_answer(
    home: dict[str, str], slow_context: str, connected: Ready
) -> None:
    process = start(["inventory", "--config", slow_context, "--timeout", "60"], home, connected)
    assert end(process, signal.SIGTERM) == (143, "", "")


def test_nothing_known_is_nothing_printed(
    home: dict[str, str], tmp_path: Path, silent: int, connected: Ready
) -> None:
    ssh = f'kind = "ssh"\nnodes = "127.0.0.1"\nport = {silent}\nconfig_file = "/dev/null"\n'
    alone = write(tmp_path, "alone.toml", f"[[context.a.source]]\n{ssh}")
    process = start(["inventory", "-o", "name", "--config", alone, "--timeout", "60"], home, connected)
    code, out, _ = end(process, signal.SIGINT)
    assert (code, out) == (130, "")


def slow_script(tmp_path: Path) -> str:
    """An inventory script that never ends, and tells its number."""
    path = tmp_path / "hosts.sh"
    path.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/script.pid\nsleep 600\n")
    path.chmod(0o755)
    return str(path)


def test_ctrl_c_ends_a_slow_inventory_script_and_keeps_the_rest(home: dict[str, str], tmp_path: Path) -> None:
    words = ["inventory", "-i", "demo", "-i", slow_script(tmp_path), "-o", "name", "--timeout", "60"]
    code, out, errors = end(start(words, home, (tmp_path / "script.pid").exists), signal.SIGINT)
    assert code == 130
    assert out.count("\n") == 128
    assert "interrupted" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "script.pid").read_text()), 0)


def test_a_script_has_the_deadline_of_a_source(home: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dcctl", "inventory", "-i", slow_script(tmp_path), "--timeout", "0.5"],
        env=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "no answer within 0.5 s" in done.stderr


def test_ctrl_c_leaves_no_private_key_behind(home: dict[str, str], tmp_path: Path, silent: int) -> None:
    """The Kubernetes client writes the keys of a kubeconfig to temporary files."""
    key, cert = tmp_path / "k.pem", tmp_path / "c.pem"
    command = f"req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {cert} -subj /CN=x -days 2"
    subprocess.run([need("openssl", "openssl"), *command.split()], check=True, capture_output=True)
    certificate, private = (base64.b64encode(path.read_bytes()).decode() for path in (cert, key))
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [
            {
                "name": "a",
                "cluster": {"server": f"https://127.0.0.1:{silent}", "insecure-skip-tls-verify": True},
            }
        ],
        "users": [
            {"name": "a", "user": {"client-certificate-data": certificate, "client-key-data": private}}
        ],
    }
    folder = tmp_path / "temporary"
    folder.mkdir()
    env = home | {"KUBECONFIG": write(tmp_path, "kubeconfig", json.dumps(kubeconfig)), "TMPDIR": str(folder)}
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = start(
            ["inventory", "-i", "kubernetes", "--timeout", "60"], env, lambda: any(folder.iterdir())
        )
        assert end(process, number)[0] == code
        assert list(folder.iterdir()) == []
