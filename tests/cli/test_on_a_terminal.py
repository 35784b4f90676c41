"""What a person sees on a terminal: widths, colour, wide characters, hostile words."""

import re
import unicodedata
from pathlib import Path

import pytest

from tests.cli.fleets import CHINESE, hostile, write
from tests.cli.terminal import ESCAPE, on_terminal, plain
from tests.conftest import Cli

SGR = re.compile(r"\x1b\[[0-9;]*m")


def cells(line: str) -> int:
    """Width of a line by Unicode's own tables (UAX 11), not by dcctl's."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return wide + sum(not unicodedata.combining(c) for c in line)


@pytest.mark.parametrize("columns", [40, 60, 80, 100, 200])
@pytest.mark.parametrize(
    "question", ["assess -i demo", "assess -i demo --map", "inventory -i demo", "inventory sources -i demo"]
)
def test_no_line_is_wider_than_the_terminal(home: dict[str, str], columns: int, question: str) -> None:
    code, text = on_terminal(question.split(), home, columns)
    assert code in {0, 1, 3}
    lines = plain(text).split("\n")
    assert len(lines) > 3
    assert [line for line in lines if cells(line) > columns] == []


@pytest.mark.parametrize(
    "question", ["config --origin", "config check", "assess", "inventory diff demo demo"]
)
def test_narrow_terminals(home: dict[str, str], question: str) -> None:
    for columns in (40, 80):
        _, text = on_terminal(question.split(), home, columns)
        assert [line for line in plain(text).split("\n") if cells(line) > columns] == []


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_chinese_names_stay_in_their_columns(home: dict[str, str], tmp_path: Path, columns: int) -> None:
    path = write(tmp_path, "上海.yaml", CHINESE)
    for question in ("assess", "inventory", "assess --by node"):
        code, text = on_terminal([*question.split(), "-i", path], home, columns)
        assert code in {0, 1}
        assert "训练" in text
        assert [line for line in plain(text).split("\n") if cells(line) > columns] == []


@pytest.mark.parametrize(
    "question", ["assess", "inventory", "inventory -o wide", "assess --by node", "inventory snapshot"]
)
def test_hostile_words_move_no_cursor(home: dict[str, str], tmp_path: Path, question: str) -> None:
    _, text = on_terminal([*question.split(), "-i", hostile(tmp_path), "--color", "always"], home)
    rest = SGR.sub("", text).replace("\r\n", "\n")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", rest)
    assert "\x1b[31m" not in text.replace("\x1b[31m\\x1b", "")


@pytest.mark.parametrize(
    ("words", "environ", "colored"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, True),
        ((), {"TERM": "dumb"}, False),
        ((), {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ((), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        ((), {"DCCTL_COLOR": "never"}, False),
    ],
)
def test_colour_on_a_terminal(
    home: dict[str, str], words: tuple[str, ...], environ: dict[str, str], colored: bool
) -> None:
    _, text = on_terminal(["assess", "-i", "demo", *words], home | environ)
    assert bool(SGR.search(text)) == colored
    if environ.get("TERM") == "dumb":
        assert SGR.sub("", text) == ESCAPE.sub("", text)


@pytest.mark.parametrize(
    ("words", "environ", "colored"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"CLICOLOR_FORCE": "1"}, True),
        ((), {"CLICOLOR_FORCE": "0"}, False),
        (("--color", "always"), {}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_in_a_pipe(cli: Cli, words: tuple[str, ...], environ: dict[str, str], colored: bool) -> None:
    done = cli("assess", "-i", "demo", *words, env=environ)
    assert "\x1b" not in done.stdout, "a piped table is uncoloured, whatever is wished: cut and awk read it"
    assert colored or "\x1b" not in done.stderr


def test_the_answer_comes_first_and_state_is_a_word(home: dict[str, str]) -> None:
    _, text = on_terminal(["assess", "-i", "demo", "--color", "never"], home)
    assert "128 nodes" in text.split("\r\n")[0]
    assert "stranded" in text.lower()
    assert not SGR.search(text)


def test_quiet_prints_nothing_on_success_and_the_answer_otherwise(cli: Cli) -> None:
    done = cli("config", "-q")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    partial = cli("inventory", "-i", "demo", "-q")
    assert partial.returncode == 3
    assert "gpu001" in partial.stdout
    assert "gap" in partial.stderr
