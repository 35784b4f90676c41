"""Every format of `-o`, `--columns` and `--sort`: what a program gets through a pipe."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
import yaml

from tests.cli.fleets import ONE, hostile, write
from tests.conftest import Cli

DEMO = ("-i", "demo")
VERBS = ("assess", "inventory", "inventory sources", "config", "config check")


@pytest.fixture
def lab(tmp_path: Path) -> str:
    """Three nodes in a file, the first two alike."""
    more = ONE.replace("gpu1", "gpu[1-2]") + "  - {name: login1, site: dc2, cpus: 4}\n"
    return write(tmp_path, "lab.yaml", more)


ALL = ("table", "wide", "json", "jsonl", "yaml", "csv", "name", "prom", "html", "nagios")


@pytest.mark.parametrize("question", ["assess", "assess --by node", "inventory", "inventory sources"])
def test_every_format_has_something_to_say(cli: Cli, question: str) -> None:
    for output in ALL:
        done = cli(*question.split(), *DEMO, "-o", output)
        assert done.returncode == 3, (output, done.stderr)
        assert done.stdout.endswith("\n"), output
        assert ("gpu077" in done.stderr) == (output not in {"json", "yaml", "html"}), output


@pytest.mark.parametrize("question", ["inventory diff demo", "config", "config --origin", "config check"])
def test_every_format_of_what_asks_no_source(cli: Cli, tmp_path: Path, question: str) -> None:
    config = write(tmp_path, "c.toml", "fanout = 3\n")
    given = {"inventory diff demo": (write(tmp_path, "one.yaml", ONE),)}.get(question, ("--config", config))
    for output in ALL:
        done = cli(*question.split(), *given, "-o", output)
        assert done.returncode == (3 if "diff" in question else 0), (output, done.stderr)
        assert done.stdout.endswith("\n"), output


OWN = {"inventory snapshot": "json", "inventory export ansible": "yaml", "inventory export csv": "csv"}


@pytest.mark.parametrize("question", OWN)
def test_a_document_has_no_rows(cli: Cli, lab: str, question: str) -> None:
    bare = cli(*question.split(), "-i", lab)
    assert bare.returncode == 0
    for output in ALL:
        done = cli(*question.split(), "-i", lab, "-o", output)
        if output == OWN[question]:
            assert (done.returncode, done.stdout[:40]) == (0, bare.stdout[:40]), "its own format: as it is"
        elif output in {"jsonl", "csv", "name"}:
            assert (done.returncode, done.stdout) == (2, "")
            assert "-o json" in done.stderr
        else:
            assert (done.returncode, done.stderr) == (0, ""), output
            assert done.stdout[:40] == bare.stdout[:40] or output not in {"table", "wide"}


def test_a_piped_table_is_tab_separated_uncoloured_and_whole(cli: Cli) -> None:
    rows = [line.split("\t") for line in cli("inventory", *DEMO).stdout.splitlines()]
    assert rows[0][0] == "NODES"
    assert {len(row) for row in rows} == {len(rows[0])}
    assert not any("\x1b" in cell or "…" in cell or cell != cell.strip() for row in rows for cell in row)


def test_wide_has_the_columns_of_the_table_and_more(cli: Cli) -> None:
    table = cli("inventory", *DEMO).stdout.splitlines()[0].split("\t")
    wide = cli("inventory", *DEMO, "-o", "wide").stdout.splitlines()[0].split("\t")
    assert set(table) < set(wide)


@pytest.mark.parametrize("question", ["assess", "inventory", "assess --by node"])
def test_json_jsonl_yaml_and_csv_tell_the_same_items(cli: Cli, lab: str, question: str) -> None:
    def ask(output: str) -> str:
        done = cli(*question.split(), "-i", lab, "-o", output)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    items = json.loads(ask("json"))["items"]
    assert [json.loads(line) for line in ask("jsonl").splitlines()] == items
    assert yaml.safe_load(ask("yaml"))["items"] == items
    rows = list(csv.DictReader(io.StringIO(ask("csv"))))
    assert [list(row) for row in rows] == [list(item) for item in items]
    for row, item in zip(rows, items, strict=True):
        assert [cell == "" for cell in row.values()] == [value in (None, []) for value in item.values()]


def test_rows_fold_in_a_table_and_not_for_programs(cli: Cli, lab: str) -> None:
    named = json.loads(cli("inventory", "-i", lab, "-o", "json").stdout)["items"]
    assert [item["node"] for item in named] == ["gpu1", "gpu2", "login1"]


def test_name_prints_one_name_a_line(cli: Cli, lab: str) -> None:
    assert cli("inventory", "-i", lab, "-o", "name").stdout == "gpu1\ngpu2\nlogin1\n"


def test_names_flow_through_a_pipe(cli: Cli, lab: str) -> None:
    names = cli("inventory", "-i", lab, "-w", "gpu*", "-o", "name").stdout
    assert cli("inventory", "-i", lab, "-w", "-", "-o", "name", stdin=names).stdout == names
    assert cli("inventory", "-i", lab, "-x", "-", "-o", "name", stdin=names).stdout == "login1\n"


@pytest.mark.parametrize("question", VERBS)
def test_prom_is_what_prometheus_reads(cli: Cli, question: str) -> None:
    given = () if question.startswith("config") else DEMO
    text = cli(*question.split(), *given, "-o", "prom").stdout
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) [a-z_:]+ .+|[a-z_:]+(\{.*\})? [-+0-9.eE]+|# .*", line), line
    samples = [line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    assert len(samples) == len(set(samples))


@pytest.mark.parametrize("question", VERBS)
def test_html_is_one_file_that_fetches_nothing(cli: Cli, question: str) -> None:
    given = () if question.startswith("config") else DEMO
    text = cli(*question.split(), *given, "-o", "html").stdout
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert not re.search(r"\bsrc=|<link|url\(|@import|fetch\(|https?://(?!www.w3.org/)", text)


@pytest.mark.parametrize("output", ["table", "csv", "json", "jsonl", "yaml"])
def test_columns_in_the_order_asked_for(cli: Cli, lab: str, output: str) -> None:
    done = cli("inventory", "-i", lab, "--columns", "accelerators,node", "-o", output)
    assert done.returncode == 0
    first, second = done.stdout.lower().find("accelerators"), done.stdout.lower().find("node")
    assert 0 <= first < second or output in {"json", "yaml"}
    assert "dc2" not in done.stdout


def test_sort_up_and_down(cli: Cli, lab: str) -> None:
    def names(key: str) -> list[str]:
        return cli("inventory", "-i", lab, "--sort", key, "-o", "name").stdout.split()

    assert names("node") == ["gpu1", "gpu2", "login1"]
    assert names("-node") == ["login1", "gpu2", "gpu1"]
    assert names("cpu_milli")[0] == "login1"


@pytest.mark.parametrize("option", ["--columns", "--sort"])
def test_a_wrong_column_names_the_nearest(cli: Cli, lab: str, option: str) -> None:
    done = cli("inventory", "-i", lab, option, "acelerators")
    assert (done.returncode, done.stdout) == (2, "")
    assert "accelerators" in done.stderr


@pytest.mark.parametrize("output", ["table", "wide", "json", "jsonl", "yaml", "csv", "name", "prom", "html"])
@pytest.mark.parametrize("question", ["assess", "inventory"])
def test_hostile_words_reach_no_terminal(cli: Cli, tmp_path: Path, question: str, output: str) -> None:
    done = cli(*question.split(), "-i", hostile(tmp_path), "-o", output)
    assert done.returncode in {0, 1}, done.stderr
    bad = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
    assert not bad.search(done.stdout + done.stderr)


@pytest.mark.parametrize("name", ["gpu\x1b[31m1", "gpu\n1", "-rf", "", " ", "x" * 300])
def test_a_hostile_node_name_is_refused_and_shown_harmlessly(cli: Cli, tmp_path: Path, name: str) -> None:
    path = write(tmp_path, "bad.json", json.dumps({"nodes": [{"name": name}]}))
    done = cli("inventory", "-i", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "$.nodes[0].name" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    "question", ["assess", "inventory", "inventory sources", "inventory export csv", "config"]
)
def test_the_c_locale_gets_ascii_alone(cli: Cli, question: str) -> None:
    given = () if question == "config" else DEMO
    for output in ("table", "json", "html", "yaml"):
        done = cli(*question.split(), *given, "-o", output, env={"LC_ALL": "C"})
        assert done.returncode in {0, 1, 3}
        assert (done.stdout + done.stderr).isascii()


@pytest.mark.parametrize("question", ["assess", "inventory"])
def test_what_sources_say_in_a_conflict_is_a_list(cli: Cli, tmp_path: Path, question: str) -> None:
    files = [
        write(tmp_path, f"{rack}.yaml", f"nodes: [{{name: gpu1, rack: {rack}}}]\n") for rack in ("r1", "r2")
    ]
    words = [word for path in files for word in ("-i", path)]
    (conflict,) = json.loads(cli(question, *words, "-o", "json").stdout)["details"]["conflicts"]
    assert conflict["values"] == [f"file:{files[0]}: r1", f"file:{files[1]}: r2"]
