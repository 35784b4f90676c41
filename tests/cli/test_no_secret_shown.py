"""Credentials that are malformed, through the whole command line: used where they can be, never shown."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_kubeconfig import credential, error, plugin, rewrite
from tests.conftest import Cli
from tests.kubeapi import ApiServer, objects

TOKEN = "hunter2-of-the-admin"


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[Path]:
    with ApiServer(users={TOKEN: "admin"}) as running:
        running.load([objects.node("gpu0", 8)])
        yield running.kubeconfig(tmp_path / "kubeconfig")


@pytest.mark.parametrize("way", ["tokenFile", "token", "exec"])
def test_a_token_that_ends_in_a_newline_is_used_without_it(
    cli: Cli, kubeconfig: Path, tmp_path: Path, way: str
) -> None:
    (tmp_path / "token").write_text(f" {TOKEN}\r\n")
    script = f"cat {tmp_path}/credential"
    (tmp_path / "credential").write_text(credential(f"{TOKEN}\n"))
    user = {
        "tokenFile": str(tmp_path / "token"),
        "token": f"{TOKEN}\n",
        "exec": plugin(tmp_path, script),
    }[way]
    rewrite(kubeconfig, "user", **{way: user})
    done = cli("assess", "-i", "kubernetes", "-o", "name", env={"KUBECONFIG": str(kubeconfig)})
    assert (done.returncode, done.stdout, done.stderr) == (0, "gpu0\n", "")


@pytest.mark.parametrize("token", [f"{TOKEN}\nX", f"{TOKEN}\u4e2d", f"{TOKEN}\x00", f"{TOKEN}\x85"])
def test_a_token_that_no_header_may_hold_is_refused_and_kept_secret(
    cli: Cli, kubeconfig: Path, tmp_path: Path, token: str
) -> None:
    rewrite(kubeconfig, "user", token=f"a{token}b")
    found = error(cli, 4, KUBECONFIG=str(kubeconfig))
    assert "no HTTP header may hold" in found["why"]
    assert "hunter2" not in str(found)
    assert not list(tmp_path.glob("state/dcctl/traceback-*"))


@pytest.mark.parametrize(
    ("server", "code"), [("http://root:hunter2@127.0.0.1:1", 5), ("http://root:hunter2@[broken", 2)]
)
def test_a_password_in_the_address_of_the_server_is_not_shown(
    cli: Cli, kubeconfig: Path, server: str, code: int
) -> None:
    rewrite(kubeconfig, "cluster", server=server)
    found = error(cli, code, KUBECONFIG=str(kubeconfig))
    assert "hunter2" not in str(found)
    assert found["why"]


def test_what_a_plugin_says_of_its_password_is_not_shown(cli: Cli, kubeconfig: Path, tmp_path: Path) -> None:
    rewrite(kubeconfig, "user", exec=plugin(tmp_path, "echo 'bad password: hunter2' >&2; exit 7"))
    found = error(cli, 4, KUBECONFIG=str(kubeconfig))
    assert found["why"] == "process returned 7. bad password: …"


def test_the_traceback_of_a_defect_holds_no_credentials(home: dict[str, str], tmp_path: Path) -> None:
    program = (
        "import sys; from dcctl.cli import program, guard\n"
        "def broken(arguments): raise ZeroDivisionError(sys.argv[1])\n"
        "program.execute = broken\nsys.exit(guard.guarded(['assess']))"
    )
    secret = "b'Bearer hunter2\\n' to https://root:hunter2@host, \u4e2d\udc80"
    done = subprocess.run(
        [sys.executable, "-c", program, secret.encode("utf-8", "surrogateescape")],
        env=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 70
    (trace,) = tmp_path.glob("state/dcctl/traceback-*")
    assert "ZeroDivisionError" in trace.read_text(encoding="utf-8")
    assert "hunter2" not in trace.read_text(encoding="utf-8") + done.stderr
