"""Options that are wrong by themselves are refused before anything is contacted."""

import shlex
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dcctl.cli.generate.tree import read
from dcctl.cli.program import tree
from tests.cli.fleets import write
from tests.cli.test_exit_codes import cluster
from tests.conftest import ROOT, Cli
from tests.kubeapi import ApiServer

JOBS = str(ROOT / "examples/jobs/evening.yaml")
ARGUMENTS = {
    "diff": ["live"],
    "export": ["csv"],
    "dag": [str(ROOT / "examples/dag/topcuoglu.yaml")],
    "plan": [JOBS],
    "demand": ["llama-3-8b"],
    "explain": ["eval", JOBS],
    "whatif": ["--every-single"],
    "share": [JOBS],
}
ASKING = [
    [*command.path[1:], *ARGUMENTS.get(command.name, [])]
    for command in read(tree()).walk()
    if not command.verbs and any("--timeout" in option.names for option in command.options)
]
"""Every command that asks sources."""


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """An API server that would take a connection, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def refused(cli: Cli, server: socket.socket, folder: Path, words: list[str]) -> str:
    """What is said of a command that ends with 2 and contacts nobody."""
    config = write(folder, "k.toml", '[[context.a.source]]\nkind = "kubernetes"\n')
    env = cluster(folder, server.getsockname()[1]) | {"DCCTL_CONFIG": config}
    done = cli(*words, "--timeout", "2", env=env)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.count("\n") == 1
    with pytest.raises(BlockingIOError):
        server.accept()
    return done.stderr


@pytest.mark.parametrize("option", ["--columns=nosuch", "--sort=nosuch", "-ojsn", "-ojson=/nosuch/file"])
@pytest.mark.parametrize("words", ASKING, ids=" ".join)
def test_every_command_that_asks(
    cli: Cli, server: socket.socket, tmp_path: Path, words: list[str], option: str
) -> None:
    assert "nosuch" in refused(cli, server, tmp_path, [*words, option]) or option == "-ojsn"


@pytest.mark.parametrize(
    "words",
    [
        "assess --by workload --columns free",
        "assess --by node --sort workload",
        "assess --sort free:up",
        "assess --job-size 4 --columns '8-GPU JOBS'",
        "assess --idle-below nan",
        "assess --idle-after inf",
        "assess -o csv=/dev/null/x",
        "inventory snapshot -o name",
        "inventory export ansible -o csv",
        "inventory diff live -o jsonl --columns changed",
    ],
)
def test_what_one_command_does_not_have(cli: Cli, server: socket.socket, tmp_path: Path, words: str) -> None:
    refused(cli, server, tmp_path, shlex.split(words))


@pytest.mark.parametrize("heading", ["pool", "GPUS", "npus", "8-GPU JOBS", "8-MLU jobs", "cpu_free_milli"])
def test_a_heading_that_some_fleet_has_is_asked_for(cli: Cli, tmp_path: Path, heading: str) -> None:
    with ApiServer(users={"t0ken": "admin"}, kubelet=False) as server:
        env = {"KUBECONFIG": str(server.kubeconfig(tmp_path / "kubeconfig"))}
        cli("assess", "-i", "kubernetes", "--columns", heading, env=env)
    assert any(one.path == "/api/v1/nodes" for one in server.requests)


@pytest.mark.parametrize("option", ["-w", "--exclude"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("gpu001 gpu002", "separated by commas: 'gpu001,gpu002'"),
        ("@rack:r7 ! gpu[001-002]  gpu[003]", "separated by commas: '@rack:r7 ! gpu[001-002],gpu[003]'"),
    ],
)
@pytest.mark.parametrize("inventory", ["demo", "live"])
def test_a_node_set_that_says_nothing_or_has_blanks_for_commas(
    cli: Cli, inventory: str, option: str, text: str, said: str
) -> None:
    done = cli("inventory", "-i", inventory, option, text)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
