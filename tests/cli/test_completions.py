"""Completions as real shells give them, and the pledge that TAB starts no Python."""

import contextlib
import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dcctl.cli.completion import FILES, text
from dcctl.cli.names import remember
from dcctl.cli.program import tree
from dcctl.inventory.model import Fleet, Node
from tests.components import need
from tests.conftest import ROOT, Cli

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
        history = complete("dcctl assess history --by ", shell_home)
        assert {"pool", "team", "workload"} <= history
        assert "model" not in history

    def test_node_names_come_from_the_cache(self, complete: Complete, shell_home: dict[str, str]) -> None:
        assert complete("dcctl assess -w gpu00", shell_home) == {"gpu001", "gpu002"}
        assert complete("dcctl assess -w @", shell_home) == {"@rack7", "@pool:train"}
        assert complete("dcctl assess -w gpu001,gpu01", shell_home) == {"gpu001,gpu010"}

    def test_without_a_cache_nothing_is_offered(
        self, complete: Complete, shell_home: dict[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "cache" / "dcctl" / "nodes").unlink()
        assert complete("dcctl assess -w gpu00", shell_home) == set()

    def test_a_name_that_a_shell_would_run_is_not_offered(
        self, complete: Complete, shell_home: dict[str, str], tmp_path: Path
    ) -> None:
        hostile = [f"gz{sign}x" for sign in "!\"#$%&'()*,;<>?[\\]^`{|}~\t \x1b\x7f"]
        safe = {"gz.1", "gz_2", "gz-3", "gz:4", "gz/5", "gz=6", "gz+7", "gz@8"}
        names = [*hostile, "gz;touch${IFS}/tmp/pwned;", "gz$(id)", "gz`id`", "-gz", "=gz", *safe]
        (tmp_path / "cache" / "dcctl" / "nodes").write_text("".join(f"{name}\n" for name in names))
        assert complete("dcctl assess -w gz", shell_home) == safe
        assert complete("dcctl assess -w gpu1,gz", shell_home) == {f"gpu1,{name}" for name in safe}
        assert not any("gz" in name for name in complete("dcctl assess -w -", shell_home))


def test_the_cache_keeps_plain_words_alone(tmp_path: Path) -> None:
    plain = ("gpu001", "节点7", "nœud-2", "a.b:c@d+e=f/g", "_x")
    hostile = (
        "gz;touch${IFS}/tmp/pwned;",
        "a b",
        "a\nb",
        "$(id)",
        "`id`",
        "-o",
        "=ls",
        "~",
        "a*",
        "a\u202eb",
    )
    nodes = tuple(Node(name, pools=("train", "p;id")) for name in plain + hostile)
    remember(Fleet(nodes=nodes), tmp_path)
    kept = (tmp_path / "nodes").read_text(encoding="utf-8").splitlines()
    assert {name for name in kept if not name.startswith("@")} == set(plain)
    assert "@pool:train" in kept
    assert ";" not in "".join(kept)


def test_tab_and_enter_in_bash_run_nothing(shell_home: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache" / "dcctl" / "nodes").write_text("gz;echo${IFS}>pwned;\nhz1\n")
    shell = need("bash", "bash")
    main, terminal = pty.openpty()
    command = [shell, "--norc", "--noprofile", "-i"]
    with subprocess.Popen(
        command, env=shell_home, cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal
    ) as process:
        os.close(terminal)
        ran = 'dcctl() { echo "$@" >> ran; }'
        os.write(main, f"source {ROOT}/completions/dcctl.bash; {ran}\n".encode())
        os.write(main, b"dcctl assess -w hz\t\ndcctl assess -w gz\t\nexit\n")
        with contextlib.suppress(OSError):  # the terminal ends with the shell
            while os.read(main, 4096):
                pass
        process.wait(60)
    os.close(main)
    assert (tmp_path / "ran").read_text() == "assess -w hz1\nassess -w gz\n"
    assert not (tmp_path / "pwned").exists()


def test_a_folder_that_cannot_be_written_is_the_users_error(cli: Cli) -> None:
    for command in ("completion", "man"):
        done = cli(command, "--directory", "/dev/null/x")
        assert (done.returncode, done.stdout) == (2, "")
        assert "/dev/null/x: Not a directory" in done.stderr


@pytest.mark.parametrize("shell", FILES)
def test_committed_files_are_what_the_tree_makes(shell: str) -> None:
    committed = (ROOT / "completions" / FILES[shell]).read_text()
    assert committed == text(shell, tree()), "make completions"
