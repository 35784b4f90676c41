"""The outputs of `dcctl audit` as it is typed: valid, whole, and of one mind."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from dcctl.audit.check import SEVERITIES
from dcctl.render.dispatch import FORMATS
from dcctl.render.text import natural
from tests.cli.terminal import on_terminal, plain
from tests.components import need
from tests.conftest import Cli
from tests.unit.render.schemas import VALID

STANDARDS = ("800-53", "cis-1.12", "iso", "mlps", "nsa", "soc2")
ALONE = ("audit", "-i", "demo", "--no-record")
WAIVER = """\
waivers:
- id: "RBAC-08"
  object: "User/*"
  owner: "wu"
  ticket: "T-1"
  reason: "]]> é < & \\""
  created: "{created}"
  expires: "{expires}"
"""


@pytest.fixture
def history(cli: Cli, tmp_path: Path) -> tuple[str, ...]:
    """An audit that finds new, known, waived and unsure findings, and misses some of the run before."""
    seen = tmp_path / "seen.json"
    assert cli("audit", "-i", "demo", "--save", str(seen)).returncode == 3
    assert cli("audit", "-i", str(seen), "--select", "[GRK]*").returncode == 3
    evidence = json.loads(seen.read_text())
    evidence["bindings"] = [one for one in evidence["bindings"] if "jupyter" not in json.dumps(one)]
    evidence["components"] = [one for one in evidence["components"] if one.get("node") != "gpu014"]
    seen.write_text(json.dumps(evidence, separators=(",", ":")))
    waivers = tmp_path / "w.yaml"
    today = evidence["taken_at_s"]
    created, expires = (time.strftime("%F", time.gmtime(today + 86400 * days)) for days in (0, 90))
    waivers.write_text(WAIVER.format(created=created, expires=expires))
    return "audit", "-i", str(seen), "--waivers", str(waivers), "--select", "[RKPS]*"


def read(cli: Cli, *words: str) -> dict[str, object]:
    document = json.loads(cli(*words, "-o", "json").stdout)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize("output", VALID)
def test_outputs_of_the_demo_are_valid(cli: Cli, output: str) -> None:
    VALID[output](cli(*ALONE, "-o", output).stdout)


@pytest.mark.parametrize("output", VALID)
def test_outputs_of_a_later_run_are_valid(cli: Cli, history: tuple[str, ...], output: str) -> None:
    done = cli(*history, "-o", output)
    assert done.returncode == 3, done.stderr
    VALID[output](done.stdout)
    words = {"sarif": '"absent"', "junit": "waived by wu", "ocsf": '"Resolved"', "oscal": "borne by wu"}
    assert words[output] in done.stdout
    counts = json.loads(cli("audit", "diff", "-o", "json").stdout)["summary"]
    assert all(counts[name] for name in ("new", "gone", "unchanged", "not_comparable"))


def test_exit_codes_are_the_same_in_all_outputs(cli: Cli, history: tuple[str, ...]) -> None:
    """A node is silent, so that all of them are 3; where nothing is silent, see test_audit.py."""
    assert {
        output: cli(*history, "--no-record", "-o", output).returncode for output in FORMATS
    } == dict.fromkeys(FORMATS, 3)


def test_promtool_reads_the_textfile(cli: Cli, tmp_path: Path) -> None:
    promtool, path = need("promtool", "prometheus"), tmp_path / "dcctl.prom"
    cli(*ALONE, "-o", f"prom={path}")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=path.read_bytes(), capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [(), ("--user",)])
def test_systemd_takes_the_units_that_are_installed(cli: Cli, tmp_path: Path, words: tuple[str, ...]) -> None:
    need("systemd-analyze", "systemd")
    text = cli("audit", "install-timer", "--dry-run", *words, "--options", "-i demo").stdout
    units = re.split(r"^# (\S+/dcctl-audit\.\w+)$", text, flags=re.MULTILINE)[1:]
    assert len(units) == 4
    paths = [tmp_path / Path(name).name for name in units[::2]]
    for path, content in zip(paths, units[1::2], strict=True):
        path.write_text(content)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if "dcctl" in line]) == (0, [])


def test_nagios_is_one_line_with_its_numbers_behind_a_bar(cli: Cli) -> None:
    (line,) = cli(*ALONE, "-o", "nagios").stdout.splitlines()
    says, _, data = line.partition(" | ")
    assert re.match(r"DCCTL AUDIT (OK|WARNING|CRITICAL|UNKNOWN): ", says)
    assert all(re.fullmatch(r"[a-z_]+=-?[0-9.]+", each) for each in data.split(" "))


def test_each_line_of_jsonl_is_a_finding(cli: Cli) -> None:
    words = (*ALONE, "--columns", "check,object,says,where,id,nodes")
    rows = [json.loads(line) for line in cli(*words, "-o", "jsonl").stdout.splitlines()]
    assert rows == read(cli, *words)["items"]


@pytest.mark.parametrize("standard", STANDARDS)
def test_controls_have_titles_checks_states_and_evidence(cli: Cli, standard: str) -> None:
    words = (*ALONE, "--standard", standard)
    items = json.loads(cli(*words, "-o", "json").stdout)["items"]
    assert items
    assert all(one["title"] and one["state"] and one["evidence"] for one in items)
    assert all(one["checks"] or one["state"] == "manual" for one in items)
    assert items == sorted(items, key=lambda one: natural(one["control"]))
    oscal = cli(*words, "-o", "oscal").stdout
    VALID["oscal"](oscal)
    (result,) = json.loads(oscal)["assessment-results"]["results"]
    told = [(one["title"].partition(" ")[0], one["props"][0]["value"]) for one in result["findings"]]
    assert told == [(one["control"], one["state"]) for one in items]
    page = cli(*words, "-o", "html").stdout
    assert all(f">{one['control']}<" in page for one in items)


def test_what_an_audit_knows_of_itself_decides_controls(cli: Cli) -> None:
    items = json.loads(cli("audit", "-i", "demo", "--standard", "800-53", "-o", "json").stdout)["items"]
    told = {one["control"]: (one["checks"], one["state"], one["evidence"]) for one in items}
    assert told["CA-7"] == (["SLF-02"], "fail", "Audit/coverage: 1 node gave no answer: gpu077")
    assert told["AU-10"] == (["SLF-04"], "na", "this is the first run")


@pytest.mark.parametrize(("name", "meant"), [("cis", "cis-1.12"), ("iso-27001", "iso"), ("mlsp", "mlps")])
def test_the_standard_that_is_meant(cli: Cli, name: str, meant: str) -> None:
    done = cli(*ALONE, "--standard", name)
    assert (done.returncode, f"did you mean {meant}?" in done.stderr) == (2, True)


def test_names_are_those_that_may_be_drained(cli: Cli) -> None:
    """Not those of findings that this run did not look at."""
    assert cli("audit", "-i", "demo", "--select", "GPU-*", "-o", "name").stdout.split()
    assert cli("audit", "-i", "demo", "--select", "RBAC-*", "-o", "name").stdout == ""
    rows = read(cli, "audit", "-i", "demo", "--select", "RBAC-*")["items"]
    assert isinstance(rows, list)
    assert {one["check"][:4] for one in rows} == {"RBAC"}


def test_names_leave_out_what_no_draining_mends(cli: Cli) -> None:
    """Neither the rules of sudo on gpu118, nor a control plane, nor a store that is no node."""
    done = cli(*ALONE, "-o", "name")
    assert {"gpu017", "gpu052"} <= set(done.stdout.split())
    assert not {"gpu118", "cp3", "nfs01", "gpu081"} & set(done.stdout.split())
    assert re.search(r"^dcctl: left out: \d+ findings that no draining mends", done.stderr, re.MULTILINE)
    assert "left out" not in cli(*ALONE, "-o", "name", "-q").stderr


def test_what_somebody_bears_is_not_drained(cli: Cli, tmp_path: Path) -> None:
    terms = ("--owner", "wu", "--ticket", "T-1", "--reason", "spare parts")
    path = str(tmp_path / "w.yaml")
    words = (*ALONE, "--select", "GPU-14", "--waivers", path)
    assert cli("audit", "waive", "GPU-14", "gpu017", *terms, "--waivers", path, "--yes").returncode == 0
    assert cli(*words, "-o", "name").stdout.split() == [f"gpu{number:03}" for number in range(18, 25)]


def test_coverage_is_one_figure(cli: Cli) -> None:
    told = read(cli, *ALONE, "--select", "NOD-*", "--select", "SLF-*", "-w", "gpu[076-077]")
    summary, items = told["summary"], told["items"]
    assert isinstance(summary, dict)
    assert isinstance(items, list)
    (says,) = (one["says"] for one in items if one["check"] == "SLF-02" and one["where"] == "share")
    assert f"{(1000 - summary['coverage_milli']) / 10:g} % of what was asked is not known" in says
    assert f"coverage {summary['coverage_milli'] / 10:.1f} %" in str(told["headline"])


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_the_critical_ones_and_the_next_command_are_on_one_screen(home: dict[str, str], columns: int) -> None:
    code, text = on_terminal(ALONE, home, columns)
    lines = plain(text).splitlines()
    critical = [line for line in lines if re.match(r"(new +)?critical ", line)]
    assert code == 3
    assert len(lines) < 50
    assert [line for line in critical if "gpu[017-024]" in line]
    assert len({tuple(line.split()) for line in critical}) == len(critical) > 15
    assert [line for line in lines if re.match(r"… \d+ more: -o wide", line)]
    assert [line for line in lines if line.startswith("  gpu077  timed out")]
    assert [line for line in lines if "dcctl audit explain" in line]


def test_a_timeline_folds_what_happened_at_once(cli: Cli, home: dict[str, str]) -> None:
    cli("audit", "-i", "demo", "--select", "GPU-*")
    _, text = on_terminal(("audit", "--since", "24h"), home, 140)
    rows = [line.split() for line in plain(text).splitlines() if " GPU-" in line]
    assert [row for row in rows if "gpu[017-024]" in row]
    graves = [word for row in rows for word in row if word in SEVERITIES]
    assert len(graves) == len(rows)
    assert graves == sorted(graves, key=SEVERITIES.index)


@pytest.mark.parametrize(
    ("words", "columns", "heading"),
    [
        (ALONE, 40, "SEVERITY CHECK OBJECT"),
        (ALONE, 100, "SEVERITY CHECK OBJECT WHAT IS WRONG"),
        (ALONE, 600, "STATUS SEVERITY CHECK OBJECT WHAT IS WRONG"),
        ((*ALONE, "--by", "object"), 40, "OBJECT WORST FINDINGS"),
        ((*ALONE, "--by", "object"), 80, "OBJECT WORST FINDINGS NEW CHECKS"),
        (("audit", "--since", "24h"), 80, "WHEN( SEVERITY)? CHECK OBJECT WHAT"),
    ],
)
def test_what_is_wrong_and_where_is_on_every_screen(
    cli: Cli, home: dict[str, str], words: tuple[str, ...], columns: int, heading: str
) -> None:
    """What all rows repeat makes room; rows of one kind fold, and those of two do not."""
    if "--since" in words:
        cli("audit", "-i", "demo", "--select", "GPU-*")
    lines = plain(on_terminal(words, home, columns)[1]).splitlines()
    assert [line for line in lines if re.fullmatch(heading, " ".join(line.split()))]
    assert not [line for line in lines if "Bucket/" in line and "User/" in line]
    assert len([line for line in lines if "gpu[017-024]" in line]) == 1


def test_a_diff_counts_what_has_not_changed(cli: Cli, home: dict[str, str]) -> None:
    for pattern in ("GPU-*", "[GN]*"):
        cli("audit", "-i", "demo", "--select", pattern)
    text = plain(on_terminal(("audit", "diff"), home, 100)[1])
    assert re.search(r"^… \d+ more: -o wide$", text, re.MULTILINE)
    assert "NOD-07" in text
    assert "\nunchanged" not in text
    assert "\nunchanged" in plain(on_terminal(("audit", "diff", "-o", "wide"), home, 100)[1])


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_a_check_is_explained_in_lines_of_the_terminal(home: dict[str, str], columns: int) -> None:
    text = plain(on_terminal(("audit", "explain", "API-12"), home, columns)[1])
    assert max(map(len, text.splitlines())) <= min(columns, 88)
    assert "dcctl audit waive API-12" in text


def test_wide_lines_are_of_a_length_that_can_be_read(home: dict[str, str]) -> None:
    lines = plain(on_terminal((*ALONE, "-o", "wide"), home, 200)[1]).splitlines()
    assert max(map(len, lines)) <= 240
    assert [line for line in lines if re.search(r"gpu\[\S+/GPU-\* \(\d", line)]
