"""Settings as a user gives them: files, variables and flags, where each came from, and wrong ones."""

import json
import shlex
from contextlib import nullcontext
from pathlib import Path
from zoneinfo import available_timezones

import pytest

from dcctl.cli.checks import check_context
from dcctl.errors import UsageError
from dcctl.settings import Context
from tests.cli.fleets import ONE, write
from tests.conftest import Cli

VARIABLES = {
    "DCCTL_COLOR": "never",
    "DCCTL_COLUMNS": "",
    "DCCTL_FANOUT": "7",
    "DCCTL_FAIL_ON": "warn",
    "DCCTL_INVENTORY": "demo",
    "DCCTL_NODES": "gpu[001-004]",
    "DCCTL_EXCLUDE": "gpu003",
    "DCCTL_NAMESPACE": "nlp",
    "DCCTL_QUIET": "no",
    "DCCTL_SORT": "-node",
    "DCCTL_TIMEOUT": "2.5",
    "DCCTL_OUTPUT": "name",
}


def configured(tmp_path: Path, text: str) -> Path:
    """The user's own configuration file."""
    path = tmp_path / "config" / "dcctl" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_every_variable_is_heard(cli: Cli) -> None:
    assert cli("inventory", env=VARIABLES).stdout == "gpu004\ngpu002\ngpu001\n"
    shown = json.loads(cli("config", "-o", "json", "--sort", "key", env=VARIABLES).stdout)
    told = {item["key"]: item["origin"] for item in shown["items"]}
    heard = {f"DCCTL_{key.upper()}" for key, origin in told.items() if origin == f"DCCTL_{key.upper()}"}
    assert heard == {name for name, value in VARIABLES.items() if value} - {"DCCTL_OUTPUT", "DCCTL_SORT"}


def test_a_flag_beats_a_variable_beats_a_file(cli: Cli, tmp_path: Path) -> None:
    path = configured(tmp_path, "fanout = 3\ntimeout = 4\nsort = 'key'\n")
    env = {"DCCTL_FANOUT": "5", "DCCTL_TIMEOUT": "6"}
    done = cli("config", "show", "--sort", "key", "-o", "json", env=env)
    rows = {row["key"]: [row["value"], row["origin"]] for row in json.loads(done.stdout)["items"]}
    assert rows["fanout"] == [5, "DCCTL_FANOUT"]
    assert rows["sort"] == ["key", "--sort"]
    assert rows["color"] == ["auto", "default"]
    other = cli("config", "--origin", "-o", "csv").stdout
    assert f"fanout,3,{path}" in other


def test_origin_is_a_column_of_the_table_only_when_asked_for(cli: Cli) -> None:
    assert cli("config").stdout.splitlines()[0] == "KEY\tVALUE"
    assert cli("config", "--origin").stdout.splitlines()[0] == "KEY\tVALUE\tORIGIN"


def test_contexts(cli: Cli, tmp_path: Path) -> None:
    lab, lone = write(tmp_path, "lab.yaml", ONE), write(tmp_path, "lone.yaml", "nodes: [login1]\n")
    source = '[[context.{}.source]]\nkind = "file"\npath = "{}"\n'
    configured(tmp_path, 'default_context = "a"\n' + source.format("a", lab) + source.format("b", lone))
    assert cli("inventory", "-o", "name").stdout == "gpu1\n"
    assert cli("inventory", "-o", "name", "--context", "b").stdout == "login1\n"
    assert cli("inventory", "-o", "name", env={"DCCTL_CONTEXT": "b"}).stdout == "login1\n"
    wrong = cli("inventory", "--context", "c")
    assert wrong.returncode == 2
    assert "known: a, b" in wrong.stderr


def test_of_several_contexts_one_must_be_chosen_before_anything_live_is_asked(
    cli: Cli, tmp_path: Path
) -> None:
    configured(tmp_path, "[[context.a.source]]\nkind = 'local'\n[[context.b.source]]\nkind = 'local'\n")
    for words in ([], ["-i", "live"], ["-w", "gpu1"], ["-i", "demo", "-i", "live"]):
        done = cli("assess", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "a, b are configured; --context NAME or default_context says which" in done.stderr
    assert cli("inventory", "--context", "b", "-o", "name").stdout.count("\n") == 1
    assert cli("inventory", "-i", "demo", "-o", "name", "-w", "gpu001").stdout == "gpu001\n"
    assert "no context is chosen; configured: a, b" in cli("config", "-o", "json").stdout
    assert cli("config", "check").returncode == 0


def test_the_only_context_needs_no_choice(cli: Cli, tmp_path: Path) -> None:
    lab = write(tmp_path, "lab.yaml", ONE)
    configured(tmp_path, f'[[context.a.source]]\nkind = "file"\npath = "{lab}"\n')
    for words in ([], ["-i", "live"], ["-w", "gpu1"]):
        assert cli("inventory", "-o", "name", *words).stdout == "gpu1\n"


def test_check_reads_every_context_and_contacts_nothing(cli: Cli, tmp_path: Path) -> None:
    path = configured(tmp_path, '[[context.a.source]]\nkind = "ssh"\nnodes = "gpu[1-9]"\n')
    done = cli("config", "check", "-o", "json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["items"] == [{"file": str(path), "contexts": 1, "sources": 1}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fanout = ", "not valid TOML"),
        ("fanuot = 3", "did you mean 'fanout'?"),
        ("timeout = 'soon'", "timeout must be a positive number"),
        ("[[context.a.source]]\nkind = 'shh'", "unknown kind 'shh'"),
        ("[[context.a.source]]\nkind = 'ssh'\nnods = 'x'", "did you mean 'nodes'?"),
        ("[context.a.site.dc1]\npue = 1.3", "unknown key 'pue'"),
        ("[context.a.site.dc1]\npue_limit = 'low'", "pue_limit"),
        ("default_context = 'b'\n[context.a]\nsource = []", "there is no such context; known: a"),
        ("color = 'red'", "color must be one of"),
        ("\x00", "not valid TOML"),
        ("[[context.a.source]]\nkind = 'ssh'\nnodes = 'gpu[001-'", "context.a.source[0].nodes: node set"),
        ("[[context.a.source]]\nkind = 'ssh'\nnodes = 'gpu1 gpu2'", "commas: 'gpu1,gpu2'"),
        ("[[context.a.source]]\nkind = 'ssh'\nnodes = 'g'\nport = 65536", "`int` <= 65535 - at `$.port`"),
        ("[[context.a.source]]\nkind = 'ssh'\nnodes = 'g'\nport = 0", "`int` >= 1 - at `$.port`"),
        (
            "[[context.a.source]]\nkind = 'demo'\nname = 'x'\n[[context.a.source]]\nkind = 'demo'\nname='x'",
            "context.a.source[1].name: another source has the name 'x'",
        ),
        ("[[context.a.source]]\nkind = 'demo'\n[context.a.site.dc1]\npue_limit = nan", "$.pue_limit"),
        (
            "[[context.a.source]]\nkind = 'demo'\n[context.a.site.dc1]\npower_limit_kw = inf",
            "$.power_limit_kw",
        ),
    ],
)
@pytest.mark.parametrize("command", ["config check", "assess"])
def test_a_wrong_file_is_one_line_and_code_2(
    cli: Cli, tmp_path: Path, text: str, said: str, command: str
) -> None:
    path = configured(tmp_path, text)
    done = cli(*command.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[[context.a.source]]\nkind = 'file'\npath = 'no.yaml'",
            "context.a.source[0].path: there is no file no.yaml",
        ),
        (
            "[[context.a.source]]\nkind = 'ansible'\npath = '/'",
            "context.a.source[0].path: there is no file /",
        ),
        (
            "[[context.a.source]]\nkind = 'ssh'\nidentity_file = '~/no'",
            "source[0].identity_file: there is no file ~/no",
        ),
        (
            "[[context.b.source]]\nkind = 'kubernetes'\nkubeconfig = 'k'",
            "context.b.source[0].kubeconfig: there is no",
        ),
        ("nodes = 'gpu[1-'", "config.toml: nodes: node set"),
        ("exclude = 'a b'", "commas: 'a,b'"),
        ("inventory = ['demo', 'no.json']", "config.toml: inventory: there is no file no.json"),
    ],
)
def test_check_finds_what_would_fail_without_contacting_anything(
    cli: Cli, tmp_path: Path, text: str, said: str
) -> None:
    configured(tmp_path, text)
    done = cli("config", "check")
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "config check" not in done.stderr, "it was asked, and would say the same again"
    assert done.stderr.count("\n") == 1


def test_a_time_zone_is_checked_where_they_are_known(tmp_path: Path) -> None:
    context = Context("a", "c.toml", sites={"dc1": {"timezone": "Asia/Shanghia"}})
    known = bool(available_timezones())
    with pytest.raises(UsageError, match="Shanghia") if known else nullcontext():
        check_context(context)


def test_a_context_without_sources_is_not_an_empty_fleet(cli: Cli, tmp_path: Path) -> None:
    configured(tmp_path, "[context.a.site.dc1]\npue_limit = 1.3\n")
    done = cli("assess")
    assert (done.returncode, done.stdout) == (2, "")
    assert "context.a: has no source that could be asked" in done.stderr


def test_a_file_that_is_no_text_or_no_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "latin1.toml").write_bytes(b"color = '\xe9'\n")
    for path in (tmp_path / "latin1.toml", tmp_path, tmp_path / "nosuch.toml"):
        done = cli("config", "check", "--config", str(path))
        assert (done.returncode, done.stdout) == (2, "")
        assert str(path) in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DCCTL_FANOUT", "many"),
        ("DCCTL_FANOUT", "-1"),
        ("DCCTL_TIMEOUT", "nan"),
        ("DCCTL_QUIET", "perhaps"),
        ("DCCTL_COLOR", "red"),
        ("DCCTL_FAIL_ON", "awful"),
        ("DCCTL_OUTPUT", "jsn"),
        ("DCCTL_CONTEXT", "nosuch"),
        ("DCCTL_CONFIG", "/nosuch.toml"),
        ("DCCTL_NODES", "gpu[1-"),
        ("DCCTL_INVENTORY", "/nosuch.json"),
    ],
)
def test_a_wrong_variable_is_code_2_and_named_where_it_can_be(cli: Cli, name: str, value: str) -> None:
    done = cli("assess", env={name: value})
    assert (done.returncode, done.stdout) == (2, "")
    assert name in done.stderr or value in done.stderr
    assert done.stderr.count("\n") == 1


def test_two_files_of_inventory_are_merged_in_the_order_given(cli: Cli, tmp_path: Path) -> None:
    lab, lone = write(tmp_path, "lab.yaml", ONE), write(tmp_path, "lone.yaml", "nodes: [login1]\n")
    assert cli("inventory", "-i", lab, "-i", lone, "-o", "name").stdout == "gpu1\nlogin1\n"
    assert cli("inventory", "-o", "name", env={"DCCTL_INVENTORY": f"{lab},{lone}"}).stdout == "gpu1\nlogin1\n"


def test_the_next_command_works_as_it_is_printed(cli: Cli, tmp_path: Path) -> None:
    """What it needs to ask the same fleet is in it: pasted into a shell it is about the same nodes."""
    source = "[[context.{}.source]]\nkind = '{}'\n"
    config = write(tmp_path, "my fleets.toml", source.format("a", "demo") + source.format("b", "local"))
    given = ["--config", config, "--context", "a", "-w", "@mig"]
    told = json.loads(cli("assess", *given, "-o", "json").stdout)
    commands = [note["command"] for note in told["notes"] if note.get("command")]
    assert commands
    for command in commands:
        done = cli(*shlex.split(command)[1:], "-o", "json")
        assert done.returncode in {0, 1, 3}, done.stderr
        assert "sources" in command or json.loads(done.stdout)["summary"]["nodes"] == told["summary"]["nodes"]
    wrong = cli("assess", "--config", config, "--context", "c")
    assert cli(*shlex.split(wrong.stderr.partition("Try: dcctl ")[2])).returncode == 0
