"""`dcctl assess history` without a server: the demo in every form, and what is wrong told in one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.schemas import validate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Cli

DEMO = ("assess", "history", "-i", "demo", "--until", "2025-06-01T00:00Z")


@pytest.mark.parametrize("by", ["pool", "team", "workload"])
def test_the_demo_is_what_its_schema_says(cli: Cli, by: str) -> None:
    done = cli(*DEMO, "--by", by, "-o", "json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    validate(told, "assess-history")
    assert told["summary"]["step_s"] == 3600
    assert set(told["plots"]) == {"use", "queue", "forecast"}
    assert len(told["plots"]["use"]["lines"][0]["values"]) == 720


@pytest.mark.parametrize("form", ["table", "wide", "yaml", "csv", "name", "prom", "html", "jsonl"])
def test_the_demo_in_every_format(cli: Cli, form: str) -> None:
    done = cli(*DEMO, "-o", form)
    assert done.returncode == 0, done.stderr
    assert "H100" in done.stdout or form == "prom"


def test_ascii_alone_where_the_locale_has_no_more(cli: Cli) -> None:
    assert cli(*DEMO, "-o", "wide", env={"LANG": "C", "LC_ALL": "C"}).stdout.isascii()


def test_findings_are_an_exit_code_when_asked_for(cli: Cli) -> None:
    assert cli(*DEMO, "--fail-on", "warn").returncode == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), 'no source of kind "prometheus" is configured'),
        (("--prometheus", "ftp://x"), "is not an http(s) URL"),
        (("--prometheus", "http://u:p@x"), "holds no name and password"),
        (("--prometheus", "http://x/?a=b"), "ends before"),
        (("--prometheus", "http://x:99999"), "out of range"),
        (("--range", "30"), "no length of time"),
        (("--range", "1h"), "steps"),
        (("--range", "900d", "--step", "1m"), "steps"),
        (("--step", "1s"), "at least 60 s"),
        (("--ahead", "99999d"), "ten years"),
        (("--until", "tomorrow"), "is no date and time"),
        (("--until", "2999-01-01T00:00Z"), "not over yet"),
        (("--memory-per-gpu", "16G"), "power of 10"),
        (("--idle-below", "nan"), "must be"),
        (("--idle-share", "nan"), "must be"),
        (("--by", "rack"), "rack"),
        (("-i", "demo", "-w", "gpu001"), "that of all its nodes"),
        (("-i", "fleet.json"), "holds no history"),
        (("-i", "demo", "--prometheus", "http://x"), "asks nobody"),
        (("--queries", "1"), "10"),
        (("-o", "dot"), "format"),
        (("--columns", "nothing"), "nothing"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_asked(cli: Cli, words: tuple[str, ...], said: str) -> None:
    done = cli("assess", "history", *words)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "u:p@" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("", "url"),
        ('url = "http://x"\nlabels = {"a-b" = "c"}', "not the name of a label"),
        ('url = "http://x"\ntoken_file = "a"\ntoken_command = "b"', "one of them"),
        ('url = "http://x"\npassword_file = "a"', "needs a username"),
        ('url = "http://x"\ntenant_header = "a b"', "HTTP header"),
        ('url = "http://x"\nuser = "a"', "username"),
    ],
)
def test_a_source_that_cannot_be_right(cli: Cli, tmp_path: Path, keys: str, said: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(f'[[context.a.source]]\nkind = "prometheus"\n{keys}\n')
    for words in (("config", "check"), ("assess", "history")):
        done = cli(*words, "--config", str(file))
        assert done.returncode == 2, done.stdout
        assert said in done.stderr


def test_a_secret_that_cannot_be_had(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    for keys in ('token_file = "nowhere"', 'token_command = "false"', 'token_command = "no-such-program"'):
        file.write_text(f'[[context.a.source]]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n{keys}\n')
        done = cli("assess", "history", "--config", str(file))
        assert done.returncode == 4, done.stderr
        assert "secret" in done.stderr or "nowhere" in done.stderr


def test_one_of_several_servers_is_named(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    table = '[[context.a.source]]\nkind = "prometheus"\nname = "{0}"\nurl = "http://127.0.0.1:9/{0}"\n'
    file.write_text(table.format("one") + table.format("two"))
    done = cli("assess", "history", "--config", str(file))
    assert done.returncode == 2
    assert "which of one, two?" in done.stderr
    named = cli("assess", "history", "--config", str(file), "--prometheus", "two", "--timeout", "2")
    assert named.returncode == 5
    assert "127.0.0.1:9/two" in named.stderr


def test_a_context_of_series_alone_has_no_nodes(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('[[context.a.source]]\nkind = "prometheus"\nurl = "http://127.0.0.1:9"\n')
    done = cli("assess", "--config", str(file))
    assert done.returncode == 2
    assert "no source that knows nodes" in done.stderr
