"""What a short run loads, and what it costs beside an empty interpreter of the same machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dcctl.cli.generate.tree import read
from dcctl.cli.program import tree
from tests.bench.cpu import alternating, python
from tests.conftest import ROOT

HEAVY = {
    "ClusterShell",
    "boto3",
    "cryptography",
    "kubernetes",
    "msgspec",
    "numpy",
    "paramiko",
    "psutil",
    "pynvml",
    "rich",
    "yaml",
}
ROUNDS = 8
"""Of three runs each, while the cheapest are over budget: what else the machine does is no reason to fail."""
COMMANDS = [" ".join(command.path[1:]) for command in read(tree()).walk()]


def loaded(words: str, env: dict[str, str], *, whole: bool = False) -> set[str]:
    """The packages in sys.modules when `dcctl words` has ended, or the `whole` names of modules."""
    program = (
        "import atexit, json, os, sys\n"
        "atexit.register(lambda: os.write(3, json.dumps(list(sys.modules)).encode()))\n"
        f"sys.argv = ['dcctl', *{words.split()!r}]\n"
        "from dcctl.__main__ import main\nsys.exit(main())"
    )
    reader, writer = os.pipe()
    script = f'exec "{sys.executable}" -c "$0" 3>&{writer} {writer}>&-'
    with os.fdopen(reader) as pipe:
        process = subprocess.Popen(
            ["bash", "-c", script, program], env=env, pass_fds=(writer,), stdout=subprocess.DEVNULL
        )
        os.close(writer)
        modules: list[str] = json.loads(pipe.read())
    assert process.wait(60) in {0, 1, 3}
    return set(modules) if whole else {name.partition(".")[0] for name in modules}


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy(home: dict[str, str], command: str) -> None:
    packages = loaded(f"{command} --help", home)
    assert "typer" in packages
    assert packages & HEAVY == set()


def test_help_of_the_program_loads_no_command(home: dict[str, str]) -> None:
    modules = loaded("--help", home, whole=True)
    assert not {
        name
        for name in modules
        if name.startswith(("dcctl.cli.assess", "dcctl.cli.schedule", "dcctl.cli.audit"))
    }


def test_the_summaries_are_those_of_the_commands() -> None:
    named, whole = read(tree("")), read(tree())
    assert [c.name for c in named.verbs] == [c.name for c in whole.verbs]
    assert [c.summary for c in named.verbs] == [c.summary for c in whole.verbs]


def test_the_version_needs_no_parser(home: dict[str, str]) -> None:
    assert loaded("--version", home) & {"typer", "msgspec", "signal", "re"} <= {"re"}


def test_the_local_answer_loads_no_client_of_anything_else(home: dict[str, str]) -> None:
    packages = loaded("assess", home)
    assert "psutil" in packages
    assert packages & (HEAVY - {"psutil", "msgspec"}) == set()


def test_the_demo_loads_no_client_at_all(home: dict[str, str]) -> None:
    """ClusterShell reads the node sets of its pools."""
    assert loaded("assess -i demo", home) & (HEAVY - {"msgspec", "ClusterShell"}) == set()


@pytest.mark.parametrize(
    ("words", "budget"), [("--version", 2), ("--help", 8), ("assess --help", 8), ("assess", 15)]
)
def test_cpu_against_an_empty_interpreter(
    home: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: str, budget: float
) -> None:
    """Compiled modules are kept in the test's own folder: the first run writes them, the others count."""
    for name, value in (home | {"PYTHONPYCACHEPREFIX": str(tmp_path / "pyc")}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    floors, costs = [], []
    for _ in range(ROUNDS):
        floor, cost = alternating(python("-c", "pass"), python("-m", "dcctl", *words.split()), runs=3)
        assert cost.returncode in {0, 1, 3}
        floors.append(floor.cpu_s)
        costs.append(cost.cpu_s)
        if min(costs) <= budget * min(floors):
            return
    pytest.fail(f"{min(costs) / min(floors):.1f} times an empty interpreter, more than {budget}")
