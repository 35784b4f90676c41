"""Completions as real shells give them, and the pledge that TAB starts no Python."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dcctl.cli.completion import FILES, text
from tests.components import need
from tests.conftest import ROOT

Complete = Callable[[str, dict[str, str]], set[str]]

NODES = "gpu001\ngpu002\ngpu010\nlogin1\n@rack7\n@pool:train\n"


@pytest.fixture
def shell_home(home: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment with a cache of names, and no python on the PATH."""
    cache = tmp_path / "cache" / "dcctl"
    cache.mkdir(parents=True)
    (cache / "nodes").write_text(NODES)
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    for program in ("grep", "tr", "id", "cat"):
        (bin_ / program).symlink_to(need(program, "coreutils"))
    return home | {"PATH": str(bin_)}


def bash(line: str, env: dict[str, str]) -> set[str]:
    """What bash offers at the end of `line`."""
    script = f"""source {ROOT}/completions/dcctl.bash
      COMP_WORDS=({line}{" ''" if line.endswith(" ") else ""})
      COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
      compopt() {{ :; }}; _dcctl; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(
        [need("bash", "bash"), "-c", script], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def zsh(line: str, env: dict[str, str]) -> set[str]:
    """What zsh's function would hand to compadd at the end of `line`."""
    script = f"""compdef() {{ :; }}
      compadd() {{ shift; for c in "$@"; do case $c in "$PREFIX"*) print -- $c;; esac; done }}
      _files() {{ print FILES }}; source {ROOT}/completions/_dcctl
      words=({line}{" ''" if line.endswith(" ") else ""})
      CURRENT=${{#words}}; PREFIX=${{words[CURRENT]}}; _dcctl"""
    done = subprocess.run(
        [need("zsh", "zsh"), "-fc", script], env=env, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return set(done.stdout.split())


def fish(line: str, env: dict[str, str]) -> set[str]:
    """What fish offers at the end of `line`."""
    script = f"source {ROOT}/completions/dcctl.fish; complete -C '{line}'"
    done = subprocess.run(
        [need("fish", "fish"), "--no-config", "-c", script],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return {row.split("\t")[0] for row in done.stdout.splitlines()}


@pytest.mark.parametrize("complete", [bash, zsh, fish])
class TestEveryShell:
    def test_commands_and_verbs(self, complete: Complete, shell_home: dict[str, str]) -> None:
        assert {"assess", "inventory", "config"} <= complete("dcctl ", shell_home)
        assert complete("dcctl inventory s", shell_home) == {"show", "snapshot", "sources"}

    def test_options_and_their_values(self, complete: Complete, shell_home: dict[str, str]) -> None:
        assert "--fail-on" in complete("dcctl assess --fa", shell_home)
        assert {"json", "jsonl"} == complete("dcctl assess -o js", shell_home)
        assert {"pool", "model", "workload"} <= complete("dcctl assess --by ", shell_home)

    def test_node_names_come_from_the_cache(self, complete: Complete, shell_home: dict[str, str]) -> None:
        assert complete("dcctl assess -w gpu00", shell_home) == {"gpu001", "gpu002"}
        assert complete("dcctl assess -w @", shell_home) == {"@rack7", "@pool:train"}
        assert complete("dcctl assess -w gpu001,gpu01", shell_home) == {"gpu001,gpu010"}

    def test_without_a_cache_nothing_is_offered(
        self, complete: Complete, shell_home: dict[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "cache" / "dcctl" / "nodes").unlink()
        assert complete("dcctl assess -w gpu00", shell_home) == set()


@pytest.mark.parametrize("shell", FILES)
def test_committed_files_are_what_the_tree_makes(shell: str) -> None:
    committed = (ROOT / "completions" / FILES[shell]).read_text()
    assert committed == text(shell), "make completions"
