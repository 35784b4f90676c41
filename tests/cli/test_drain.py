"""`dcctl drain` as it is typed: recorded screens of the demo, formats, what is refused before it asks.

`DCCTL_RECORD=1` writes the screens anew.
"""

from __future__ import annotations

import json
import os
import shlex
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cli.schemas import validate
from tests.conftest import ROOT, Cli
from tests.docs.blocks import Block, run

if TYPE_CHECKING:
    from pathlib import Path

SCREENS = ROOT / "tests" / "data" / "drain"
DEMO = ("-i", "demo", "--dry-run")
STORIES = {
    "rack2": "@rack2",
    "rack7": "@rack7",
    "rack12": "@rack12 --foreign-cordons",
    "rack14": "@rack14",
    "rack7-wide": "@rack7 -o wide",
}


@pytest.mark.parametrize("name", STORIES)
def test_screens(name: str, tmp_path: Path) -> None:
    command = f"$ dcctl drain {STORIES[name]} --reason 'PDU swap' --dry-run -i demo"
    (result,) = run(Block("drain", 1, "console", (command,)), tmp_path)
    lines = [_dated(line) for line in result.lines] if name.endswith("wide") else result.lines
    text = "".join(f"{line.rstrip()}\n" for line in (command, *lines))
    file = SCREENS / f"{name}.txt"
    if os.environ.get("DCCTL_RECORD"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, "DCCTL_RECORD=1 pytest tests/cli/test_drain.py"


def _dated(line: str) -> str:
    """The line without dates and times, and without the widths that follow from them."""
    import re

    times = r"(?:\d{4}-\d\d-\d\d |\b[A-Z][a-z]{2} )?\b\d\d:\d\d(?::\d\d)?(?:Z|\+\d\d:\d\d)"
    return re.sub(r" {2,}", "  ", re.sub(times, "TIME", line))


def plan(cli: Cli, *words: str, code: int = 3) -> dict[str, Any]:
    done = cli("drain", *words, *DEMO, "-o", "json")
    assert done.returncode == code, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    validate(document, "drain-plan")
    return document


def test_json_has_the_whole_plan(cli: Cli) -> None:
    document = plan(cli, "@rack7", "--reason", "PDU swap")
    campaign = document["campaign"]
    assert (campaign["asked"], campaign["reason"]) == ("@rack7", "PDU swap")
    assert [tuple(wave["nodes"]) for wave in campaign["waves"]] == [
        tuple(item["nodes"]) for item in document["items"]
    ]
    pods = {leave["pod"] for wave in campaign["waves"] for unit in wave["units"] for leave in unit["leaves"]}
    assert document["summary"]["pods"] == len(pods) > 0
    assert document["gantts"]["waves"]["rows"][0]["name"] == "wave 1"


def test_other_formats(cli: Cli) -> None:
    names = cli("drain", "@rack7", *DEMO, "-o", "name").stdout.split()
    assert names == [f"gpu{number:03d}" for number in range(49, 57)]
    csv = cli("drain", "@rack7", *DEMO, "-o", "csv").stdout.splitlines()
    assert csv[0].startswith("wave,nodes,before,to,lost_gpu_ms")
    told = yaml.safe_load(cli("drain", "@rack7", *DEMO, "-o", "yaml").stdout)
    validate(told, "drain-plan")
    piped = cli("drain", "@rack7", *DEMO).stdout
    assert piped.splitlines()[0].split("\t")[0] == "WAVE"
    assert "\x1b" not in piped


@pytest.mark.parametrize("form", [(), ("-o", "csv"), ("-o", "name"), ("-o", "json=plan.json")])
def test_what_blocks_is_seen_where_rows_alone_are_printed(cli: Cli, form: tuple[str, ...]) -> None:
    done = cli("drain", "@rack2", *DEMO, *form)
    told = [line for line in done.stderr.splitlines() if line.startswith("dcctl: ")]
    assert told[0].startswith("dcctl: does not fit: pretrain/llama-70b (256 GPUs) finds no room; blocked: 1")
    assert told[1].startswith("dcctl: blocked until you decide: pretrain/llama-70b on gpu[009-016]: 8 ")
    assert "does not fit:" not in cli("drain", "@rack2", *DEMO, "-o", "json").stderr


def test_a_plan_that_nothing_blocks_says_nothing_aside(cli: Cli) -> None:
    done = cli("drain", "@rack7", *DEMO)
    assert all(line.startswith("dcctl: gap:") for line in done.stderr.splitlines())


def test_html_has_the_picture(cli: Cli) -> None:
    page = cli("drain", "@rack7", *DEMO, "-o", "html").stdout
    assert "<svg" in page
    assert "when each wave runs" in page
    assert "wait: speech/asr-finetune" in page


def test_names_come_on_standard_input(cli: Cli) -> None:
    done = cli("drain", "-", *DEMO, "-o", "name", stdin="gpu049\ngpu050\n")
    assert done.stdout.split() == ["gpu049", "gpu050"]
    refused = cli("drain", "-", "-i", "demo", stdin="gpu049\n")
    assert refused.returncode == 6


def test_nodes_of_findings(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text(cli("audit", "-i", "demo", "-o", "json").stdout)
    found = cli("drain", "@rack7,@rack8", "--for", "audit.json", *DEMO, "-o", "name")
    told = set(cli("audit", "-i", "demo", "--no-record", "-o", "name").stdout.split())
    assert set(found.stdout.split()) == {name for name in told if "gpu049" <= name <= "gpu064"} != set()
    (tmp_path / "other.json").write_text("{}")
    refused = cli("drain", "--for", "other.json", *DEMO)
    assert (refused.returncode, refused.stdout) == (2, "")


def test_nodes_by_label_and_less_some(cli: Cli) -> None:
    done = cli("drain", "@rack7", "-x", "gpu050", *DEMO, "-o", "name")
    assert "gpu050" not in done.stdout.split()
    refused = cli("drain", "-l", "nosuch=label", *DEMO)
    assert refused.returncode == 2
    assert "no node of the inventory has such labels" in refused.stderr


WRONG = {
    "no node": ((), "no node is named"),
    "an unknown node": (("gpu999",), "not in the inventory"),
    "an unknown group": (("@nosuch",), "nosuch"),
    "an empty set": (("gpu001&gpu002",), "node set 'gpu001&gpu002': no node is left"),
    "all left out": (("gpu001", "-x", "gpu001"), "node set 'gpu001, -x gpu001': no node is left"),
    "labels of others": (("gpu001", "-l", "dcctl-demo=none"), "-l dcctl-demo=none: no node"),
    "no window": (("@rack7", "--window", "whenever"), "must read DAYS FROM-TO"),
    "no zone": (("@rack7", "--window", "daily 22:00-23:00 Mars/Olympus"), "no time zone"),
    "no length": (("@rack7", "--grace", "soon"), "no length of time"),
    "no time": (("@rack7", "--deadline", "2026-13-01T00:00Z"), "no date and time"),
    "a date in words": (("@rack7", "--deadline", "tomorrow"), "a date and time reads 2026-11-28T22:00Z"),
    "no file of rules": (("@rack7", "--policy", "nosuch.yaml"), "nosuch.yaml"),
    "two uses": (("--undo", "--resume"), "exclude each other"),
    "nodes that the journal knows": (("gpu001", "--resume"), "the journal knows"),
    "a run of nothing": (("@rack7", "--run", "x"), "means something with"),
    "nodes as an option": (("@rack7", "-w", "gpu001"), "NODES says which"),
    "over before it begins": (("@rack7", "--not-before", "7h", "--deadline", "6h"), "contradict each other"),
    "nothing to return": (("--return",), "dcctl drain -i demo --status"),
    "another tool": (("@rack7", "--compat", "oc"), "known: kubectl"),
    "no part": (("@rack7", "--by", "colour"), "colour"),
    "a part that nobody tells": (("@rack7", "--by", "leaf"), "no leaf is known for gpu[049-056]"),
    "a PDB of no namespace": (("@rack7", "--allow-pdb-violation", "bad"), "must read NAMESPACE/NAME"),
    "a PDB that is none": (
        ("@rack7", "--allow-pdb-violation", "data/pgg"),
        "matches no PDB that covers work",
    ),
    "work that is none": (("@rack7", "--waive-checkpoint", "trian/*"), "matches no work of the inventory"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_words(cli: Cli, name: str) -> None:
    words, says = WRONG[name]
    done = cli("drain", *words, "-i", "demo")
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert says in done.stderr


GATES = {
    "every node": ("@all", "--whole-cluster"),
    "a cordon of nobody": ("gpu091", "--foreign-cordons"),
}


@pytest.mark.parametrize("name", GATES)
def test_a_gate_has_an_option_of_its_own(cli: Cli, name: str) -> None:
    word, option = GATES[name]
    done = cli("drain", word, "--reason", "PDU swap", *DEMO)
    assert done.returncode == 6
    assert f"dcctl drain -i demo {word} --reason 'PDU swap' {option} --dry-run" in done.stderr


def test_a_saved_fleet_is_planned_for_and_not_acted_on(cli: Cli) -> None:
    for words in (("@rack7",), ("--return", "gpu049", "--without-checks"), ("--resume",), ("--undo",)):
        done = cli("drain", *words, "-i", "demo", "--yes")
        told = done.stderr + done.stdout
        assert "not acted on" in told or "it is in service" in told, told
        assert done.returncode in (0, 3, 6)


SITE = """
[[context.a.source]]
kind = "demo"
[context.a.drain]
demand_reason = true
max_unavailable = 2
protected = ["gpu001", "@rack14"]
windows = ["daily 00:00-24:00"]
"""


def test_what_a_site_demands(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(SITE)
    own = ("--config", "c.toml", "--dry-run")
    assert cli("config", "check", "--config", "c.toml").returncode == 0
    missing = cli("drain", "@rack7", *own)
    assert missing.returncode == 2
    assert "this site demands one" in missing.stderr
    protected = cli("drain", "@rack14", "--reason", "x", *own)
    assert protected.returncode == 6
    assert "never drains" in protected.stderr
    told = json.loads(cli("drain", "@rack7", "--reason", "x", *own, "-o", "json").stdout)
    assert told["campaign"]["max_unavailable"] == 2


@pytest.mark.parametrize("line", ["policy = 'nosuch.yaml'", "windows = ['never']", "protectd = ['x']"])
def test_a_wrong_table_of_the_configuration_is_named(cli: Cli, tmp_path: Path, line: str) -> None:
    (tmp_path / "c.toml").write_text(f"[[context.a.source]]\nkind = 'demo'\n[context.a.drain]\n{line}\n")
    done = cli("config", "check", "--config", "c.toml")
    assert done.returncode == 2
    assert "context.a.drain" in done.stderr


def test_a_policy_is_followed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "drain.yaml").write_text("rules:\n- workloads: ['code/*']\n  mode: never\n")
    document = plan(cli, "gpu049", "--policy", "drain.yaml")
    assert [one["why"] for one in document["campaign"]["findings"] if one.get("blocks", True)] == ["never"]


def test_runs_so_far(cli: Cli) -> None:
    done = cli("drain", "--status", "-o", "json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    validate(document, "drain-status")
    assert document["items"] == []


def test_health_keeps_faulty_nodes_out(cli: Cli) -> None:
    done = cli("drain", "--return", "gpu091", "--dry-run", "-i", "demo", "-o", "json")
    document = json.loads(done.stdout)
    validate(document, "drain-return")
    assert document["items"][0]["state"] == "foreign"


def test_moments_are_told_in_one_zone(cli: Cli) -> None:
    """The clocks of the site, where no window names a zone."""
    notes = plan(cli, "@rack7", "--deadline", "1m")["notes"]
    over = next(one["text"] for one in notes if one["text"].startswith("to be over by"))
    assert over.endswith("(Asia/Shanghai)")


@pytest.mark.parametrize(
    ("window", "offset"), [("daily 03:00-05:00", "+08:00"), ("daily 03:00-05:00 America/Phoenix", "-07:00")]
)
def test_when_a_wave_begins_is_told_with_the_offset_of_its_window(
    cli: Cli, tmp_path: Path, window: str, offset: str
) -> None:
    """On a screen, in a pipe; in csv and json as Unix time."""
    words = ("@rack7", "--not-before", "2026-11-28T02:00:00" + offset, "--window", window, *DEMO)
    (screen,) = run(Block("drain", 1, "console", (f"$ dcctl drain {shlex.join(words)}",)), tmp_path)
    assert f"03:00{offset}" in screen.lines[3]
    rows = [line.split("\t") for line in cli("drain", *words).stdout.splitlines()]
    told = dict(zip(rows[0], rows[1], strict=True))["START"]
    assert told == f"2026-11-28 03:00:00{offset}"
    assert plan(cli, *words[:-3])["items"][0]["start_s"] == datetime.fromisoformat(told).timestamp()


def test_a_run_is_resumed_and_undone_by_the_command_of_its_journal(
    cli: Cli, home: dict[str, str], tmp_path: Path
) -> None:
    from dcctl.drain.act.order import typed
    from dcctl.journal import Header, create

    assert typed(tmp_path, "resume") == typed(tmp_path, "undo", "r1") == "dcctl drain --status"
    command = "dcctl drain -i kubernetes:prod"
    header = Header(kind="drain", run="r1", plan="p", who="a@b", started_at_s=1, cluster="c", command=command)
    create(tmp_path, header).close()
    assert typed(tmp_path, "resume") == f"{command} --resume"
    assert typed(tmp_path, "undo", "r1") == f"{command} --undo --run r1"
    create(tmp_path.joinpath(home["XDG_STATE_HOME"], "dcctl", "journals"), header).close()
    done = cli("drain", "--resume")
    assert done.returncode == 2
    assert done.stderr.endswith(f"Try: {command} --resume\n")
