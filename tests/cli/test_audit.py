"""`dcctl audit` as it is typed and as cron runs it, over evidence in a file."""

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import yaml

from dcctl.inventory.evidence.base import Silence
from dcctl.inventory.evidence.collected import Evidence
from dcctl.inventory.evidence.document import encode
from dcctl.inventory.evidence.rbac import Binding, Bound, Role, Rule
from dcctl.inventory.model import Fleet, Gap, Node
from dcctl.render.dispatch import FORMATS
from tests.conftest import Cli

ONLY = ("--select", "RBAC-03", "--select", "SLF-0*")
ANYTHING = Rule(verbs=("*",), groups=("apps",), resources=("deployments",))
NARROW = Rule(verbs=("get",), groups=("apps",), resources=("deployments",))

See = Callable[..., str]


@pytest.fixture
def see(tmp_path: Path) -> See:
    """Write evidence: roles by name, `True` for one that allows anything; None: the list was refused."""

    def seen(roles: dict[str, bool] | None, *gaps: Gap) -> str:
        made = tuple(
            Role(name=name, rules=(ANYTHING if wild else NARROW,)) for name, wild in (roles or {}).items()
        )
        bound = tuple(
            Binding(
                name=one.name,
                role_kind="ClusterRole",
                role=one.name,
                subjects=(Bound(kind="User", name="wu"),),
            )
            for one in made
        )
        fleet = Fleet(nodes=(Node(name="gpu1"),), gaps=gaps)
        told = Evidence(fleet=fleet, roles=made, bindings=bound)
        dark = Evidence(fleet=fleet, silent={"roles": Silence("403: may not list roles", "denied")})
        path = tmp_path / "seen.json"
        path.write_bytes(encode(dark if roles is None else told))
        return str(path)

    return seen


def summary(cli: Cli, *words: str) -> tuple[int, dict[str, object]]:
    done = cli("audit", *words, *ONLY, "-o", "json")
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)["summary"]


def counts(cli: Cli, *words: str) -> tuple[int, ...]:
    code, told = summary(cli, *words)
    return (code, *(int(str(told[name])) for name in ("new", "known", "gone", "unsure")))


def test_only_what_is_new_counts(cli: Cli, see: See) -> None:
    assert counts(cli, "-i", see({"dev": True})) == (1, 1, 0, 0, 0)
    assert counts(cli, "-i", see({"dev": True})) == (0, 0, 1, 0, 0)
    assert counts(cli, "-i", see({"dev": True, "ops": True})) == (1, 1, 1, 0, 0)
    assert counts(cli, "-i", see({"dev": False, "ops": True})) == (0, 0, 1, 1, 0)
    assert counts(cli, "-i", see({"dev": False, "ops": True}), "--no-record")[:2] == (1, 1)


def test_what_is_refused_is_unknown_and_never_gone(cli: Cli, see: See) -> None:
    cli("audit", "-i", see({"dev": True}), *ONLY)
    code, told = summary(cli, "-i", see(None))
    assert (code, told["gone"], told["unsure"]) == (3, 0, 1)
    assert counts(cli, "-i", see({"dev": True})) == (0, 0, 1, 1, 0)  # gone: the coverage's own finding
    done = cli("audit", "diff", "1", "2", "-o", "json")
    changes = {each["check"]: each["change"] for each in json.loads(done.stdout)["items"]}
    assert changes["RBAC-03"] == "not comparable"


def test_checks_that_were_not_selected_are_not_comparable(cli: Cli, see: See) -> None:
    cli("audit", "-i", see({"dev": True}), *ONLY)
    cli("audit", "-i", see({"dev": True}), "--select", "SLF-04")
    done = cli("audit", "diff", "-o", "json")
    assert [each["change"] for each in json.loads(done.stdout)["items"]] == ["not comparable"]
    assert done.returncode == 0


def test_a_look_at_a_few_nodes_takes_nothing_back_and_is_no_news_the_next_night(cli: Cli) -> None:
    cli("audit", "-i", "demo")
    for words in (("-w", "gpu[001-010]"), ("-x", "gpu077")):
        done = cli("audit", "-i", "demo", *words, "-o", "json")
        told = json.loads(done.stdout)["summary"]
        assert (told["gone"], told["unsure"] > 0) == (0, True)
        night = cli("audit", "-i", "demo", "--cron")
        assert (night.stdout, night.stderr) == ("", "")


def test_every_format_has_the_same_exit_code(cli: Cli, see: See) -> None:
    for roles, code in (({"dev": True}, 1), ({"dev": False}, 0), (None, 3)):
        path = see(roles)
        for output in FORMATS:
            done = cli("audit", "-i", path, "--no-record", *ONLY, "-o", output)
            assert (output, done.returncode) == (output, code), done.stderr


@pytest.mark.parametrize(("level", "code"), [("crit", 1), ("info", 1), ("never", 0)])
def test_fail_on(cli: Cli, see: See, level: str, code: int) -> None:
    assert cli("audit", "-i", see({"dev": True}), "--no-record", *ONLY, "--fail-on", level).returncode == code


def test_coverage_has_a_gate(cli: Cli, see: See) -> None:
    words = ("-i", see(None), "--no-record", *ONLY)
    assert cli("audit", *words).returncode == 3
    done = cli("audit", *words, "--min-coverage", "0", "--fail-on", "never")
    assert (done.returncode, done.stderr) == (0, "")


def test_cron_says_nothing_when_nothing_is_new(cli: Cli, see: See) -> None:
    gap = Gap("ssh", "gpu2", "timed out", "timeout", node="gpu2")
    first = cli("audit", "-i", see({"dev": True}, gap), *ONLY, "--cron")
    assert first.returncode == 3
    assert re.search(r"^HIGH +RBAC-03 +ClusterRole/dev", first.stdout, re.MULTILINE)
    for _ in range(5):
        again = cli("audit", "-i", see({"dev": True}, gap), *ONLY, "--cron")
        assert (again.returncode, again.stdout, again.stderr) == (3, "", "")
    news = cli("audit", "-i", see({"dev": True, "ops": True}, gap), *ONLY, "--cron")
    assert [line.split()[2] for line in news.stdout.splitlines() if line.startswith("HIGH")] == [
        "ClusterRole/ops"
    ]
    other = Gap("ssh", "gpu3", "refused", "denied", node="gpu3")
    dark = cli("audit", "-i", see({"dev": True, "ops": True}, gap, other), *ONLY, "--cron")
    assert "gap: gpu3: refused" in dark.stdout


def test_on_the_day_of_the_digest_cron_tells_how_things_stand_once(
    cli: Cli, see: See, tmp_path: Path
) -> None:
    today = time.strftime("%a", time.localtime()).lower()
    words = ("-i", see({"dev": True}), "--select", "RBAC-03", "--cron")
    assert cli("audit", *words).returncode == 1
    history = tmp_path / "state" / "dcctl" / "audit"
    config = configured(tmp_path, f'digest = "{today}"')
    cli("audit", *words[:-1], *config)
    assert "still open" in cli("audit", *words, "--digest", today).stdout, "no run before told it"
    assert cli("audit", *words, "--digest", today).stdout == "", "it was told today"
    shutil.rmtree(history)
    assert cli("audit", "-i", see({}), *words[2:], "--digest", today).stdout.startswith("0 new; ")
    shutil.rmtree(history)
    assert cli("audit", "-i", see({}), *words[2:], *config).stdout.startswith("0 new; ")
    assert cli("audit", "-i", see({}), *configured(tmp_path, 'digest = "monday"')).returncode == 2


def test_cron_still_writes_its_file(cli: Cli, see: See, tmp_path: Path) -> None:
    gap = Gap("ssh", "gpu2", "timed out", "timeout", node="gpu2")
    words = (*ONLY, "--cron", "-o", f"prom={tmp_path / 'a.prom'}")
    first = cli("audit", "-i", see({"dev": True}, gap), *words)
    assert "RBAC-03  ClusterRole/dev" in first.stdout
    assert (first.stdout.count("gpu2: timed out"), first.stderr) == (1, "")
    for _ in range(2):
        done = cli("audit", "-i", see({"dev": True}), *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert 'dcctl_audit_findings{severity="high",status="known"} 1' in (tmp_path / "a.prom").read_text()


def test_a_waiver_changes_the_exit_code_and_hides_nothing(cli: Cli, see: See, tmp_path: Path) -> None:
    terms = ("--owner", "wu", "--ticket", "T-1", "--reason", "migration")
    path = tmp_path / "config" / "dcctl" / "waivers.yaml"
    dry = cli("audit", "waive", "RBAC-03", "ClusterRole/d*", *terms, "--dry-run")
    assert (dry.returncode, path.exists()) == (0, False)
    assert cli("audit", "waive", "RBAC-03", "ClusterRole/d*", *terms).returncode == 6
    assert cli("audit", "waive", "RBAC-03", "ClusterRole/d*", *terms, "--yes").returncode == 0
    done = cli("audit", "-i", see({"dev": True}), *ONLY, "-o", "json")
    (row,) = json.loads(done.stdout)["items"]
    assert (done.returncode, row["status"], row["waiver"]) == (0, "waived", "wu: migration (T-1)")


def test_waive_takes_what_tables_print_and_says_how_much_it_covers(cli: Cli) -> None:
    cli("audit", "-i", "demo")
    terms = ("--owner", "wu", "--ticket", "T-1", "--reason", "r", "--dry-run")
    rows = json.loads(cli("audit", "-i", "demo", "-o", "json").stdout)["items"]
    nodes = [row["object"] for row in rows if row["check"] == "GPU-14"]
    assert len(nodes) > 1
    table = cli("audit", "-i", "demo", "--select", "GPU-14", "--columns", "object").stdout.split()
    many = cli("audit", "waive", "GPU-14", ",".join(table[1:]), *terms)
    assert (many.returncode, many.stderr) == (0, "")
    assert f"it covers {len(nodes)} of {len(nodes)} open findings of GPU-14" in many.stdout
    none = cli("audit", "waive", "GPU-14", "gpu999", *terms)
    says = f"dcctl: warning: it covers 0 of {len(nodes)} open findings of GPU-14"
    assert (none.returncode, none.stderr.startswith(says)) == (0, True)


def test_nobody_is_told_to_bear_what_cannot_be_waived(cli: Cli) -> None:
    assert "audit waive" in cli("audit", "explain", "GPU-14").stdout
    assert "audit waive" not in cli("audit", "explain", "SLF-02").stdout
    terms = ("--owner", "wu", "--ticket", "T-1", "--reason", "r", "--yes")
    for name, why in (("SLF-02", "cannot be waived"), ("GPU-99", "there is no check")):
        done = cli("audit", "waive", name, "x", *terms)
        assert (done.returncode, why in done.stderr, "waivers.yaml" in done.stderr) == (2, True, False)


def test_waive_adds_to_a_file_that_a_person_wrote(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(
        "# ours\nwaivers:\n  - id: RBAC-03  # for now\n    object: x\n"
        "    created: 2026-01-01\n    expires: 2026-02-01\n"
    )
    terms = ("--owner", 'w"u', "--ticket", "T: 1", "--reason", "é #", "--yes", "--waivers", str(path))
    assert cli("audit", "waive", "RBAC-03", "y", *terms).returncode == 0
    assert "# for now" in path.read_text()
    assert '    owner: "w\\"u"' in path.read_text()
    assert cli("audit", "waive", "RBAC-03", "y", *terms).returncode == 2


def test_two_who_waive_at_once_lose_no_waiver(home: dict[str, str], tmp_path: Path) -> None:
    """The one waits for the other, and reads what it wrote."""
    path = tmp_path / "site" / "waivers.yaml"
    path.parent.mkdir()
    terms = ("--owner", "wu", "--ticket", "T", "--reason", "r", "--yes", "--waivers", str(path))
    words = [sys.executable, "-m", "dcctl", "audit", "waive", "RBAC-03", "mine", *terms]
    lock = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with subprocess.Popen(words, env=home, stdout=subprocess.DEVNULL) as waits:
        with pytest.raises(subprocess.TimeoutExpired):
            waits.wait(4)
        dates = "created: 2026-03-01, expires: 2026-05-01"
        path.write_text(
            f"waivers:\n- {{id: RBAC-03, object: other, owner: wu, ticket: T, reason: r, {dates}}}\n"
        )
        os.close(lock)
        assert waits.wait() == 0
    assert [one["object"] for one in yaml.safe_load(path.read_text())["waivers"]] == ["other", "mine"]


def test_a_run_of_a_store_of_models_is_a_series_of_its_own(cli: Cli, see: See, tmp_path: Path) -> None:
    """A run without the store takes back nothing that was found in it."""
    (tmp_path / "mm").mkdir()
    (tmp_path / "mm" / "x.pkl").write_bytes(b"cposix\nsystem\n(S'id'\ntR.")
    store = ("audit", "-i", "demo", "--select", "MOD-01", "--models", str(tmp_path / "mm"), "-o", "json")
    assert json.loads(cli(*store).stdout)["summary"]["new"]
    cli("audit", "-i", "demo", "--select", "MOD-01")
    assert json.loads(cli(*store).stdout)["summary"]["gone"] == 0
    (tmp_path / "mm" / "x.pkl").unlink()
    away = cli(*store)
    assert (away.returncode, json.loads(away.stdout)["summary"]["gone"]) == (3, 0)


def test_waive_leaves_attestations_alone(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "w.yaml"
    dated = "  created: 2026-01-01\n  expires: 2026-02-01\n"
    attested = f"attestations:\n- id: API-15\n{dated}"
    waived = f"waivers:\n  - id: RBAC-03\n    object: x\n{dated.replace('  ', '    ')}"
    terms = ("--owner", "wu", "--ticket", "T", "--reason", "r", "--yes", "--waivers", str(path))
    for text in (
        attested,
        f"{attested}{waived}",
        f"{waived}{attested}",
        f"{waived}\n# looked at\n\n{attested}",
    ):
        path.write_text(text)
        done = cli("audit", "waive", "RBAC-03", "y", *terms)
        assert done.returncode == 0, done.stderr
        told = yaml.safe_load(path.read_text())
        assert [one["id"] for one in told["attestations"]] == ["API-15"]
        assert told["waivers"][-1]["object"] == "y"


@pytest.mark.parametrize(
    "text", ["", "waivers:\n", "waivers: []", "# ours\nwaivers: [ ]\n", "waivers:\r\n# none yet\r\n"]
)
def test_waive_adds_to_a_file_with_nothing_in_it(cli: Cli, tmp_path: Path, text: str) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(text)
    terms = (
        "--owner",
        "wu",
        "--ticket",
        "T",
        "--reason",
        "r",
        "--days",
        "1",
        "--yes",
        "--waivers",
        str(path),
    )
    done = cli("audit", "waive", "rbac-03", "y", *terms, "--finding", "0" * 16)
    assert done.returncode == 0, done.stderr
    assert 'id: "RBAC-03"' in path.read_text()
    assert ("# ours" in text) == ("# ours" in path.read_text())
    assert cli("audit", "waive", "RBAC-03", "z", *terms, "--finding", "x").returncode == 2


@pytest.mark.parametrize("words", [("--owner", ""), ("--ticket", " "), ("--reason", "")])
def test_a_waiver_needs_somebody_and_a_reason(cli: Cli, words: tuple[str, str]) -> None:
    terms = {"--owner": "wu", "--ticket": "T-1", "--reason": "r", words[0]: words[1]}
    done = cli("audit", "waive", "RBAC-03", "x", *(part for pair in terms.items() for part in pair), "--yes")
    assert (done.returncode, words[0] in done.stderr) == (2, True)


def test_broken_files_are_told_with_file_and_line(cli: Cli, see: See, tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("waivers:\n- id: POD-99\n")
    for option in ("--waivers", "--checks"):
        done = cli("audit", "-i", see({}), option, str(path))
        assert done.returncode == 2
        assert re.search(r"broken\.yaml:[12]: ", done.stderr), done.stderr


def test_a_site_has_its_own_checks(cli: Cli, see: See, tmp_path: Path) -> None:
    path = tmp_path / "checks.yaml"
    path.write_text(
        "checks:\n- id: SITE-01\n  kind: roles\n  path: name\n  op: matches\n  value: '^nlp-'\n"
        "  severity: medium\n  message: has no name of a team\n"
    )
    done = cli("audit", "-i", see({"dev": False}), "--checks", str(path), "--select", "SITE-*", "-o", "json")
    assert [(each["check"], each["object"]) for each in json.loads(done.stdout)["items"]] == [
        ("SITE-01", "ClusterRole/dev")
    ]
    assert "has no name of a team" in cli("audit", "explain", "SITE-01", "--checks", str(path)).stdout


PLUGIN = '''
from dcctl.audit.check import Fault, check

@check("ACME-01", "A role of ACME", "low", tier="A", over="roles", why="It is.", fix="Do.", refs=("acme:1",))
def acme(role, scene):
    """There is none."""
    yield Fault("is there")
'''


def plugin(tmp_path: Path, code: str) -> dict[str, str]:
    """Install a package with this module as pip does it with --target: its metadata beside it."""
    (tmp_path / "acme_checks.py").write_text(code)
    info = tmp_path / "acme-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[dcctl.checks]\nacme = acme_checks\n")
    return {"PYTHONPATH": f"{Path(__file__).parents[2]}:{tmp_path}"}


def test_a_package_brings_checks(cli: Cli, see: See, tmp_path: Path) -> None:
    env = plugin(tmp_path, PLUGIN)
    done = cli("audit", "-i", see({"dev": False}), "--select", "ACME-*", "-o", "csv", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ACME-01" in done.stdout
    assert "A role of ACME" in cli("audit", "list", env=env).stdout
    assert "acme: 1" in cli("audit", "explain", "ACME-01", env=env).stdout


def test_a_package_of_which_there_is_no_module_is_named(cli: Cli, see: See, tmp_path: Path) -> None:
    env = plugin(tmp_path, "")
    (tmp_path / "acme_checks.py").unlink()
    done = cli("audit", "-i", see({"dev": False}), env=env)
    assert done.returncode == 2
    assert "acme_checks (entry point acme of dcctl.checks): ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize(
    ("code", "where", "why"),
    [
        ("import dcctl\n1 / 0\n", "acme_checks.py:2", "ZeroDivisionError"),
        ("import nowhere\n", "acme_checks.py:1", "No module named 'nowhere'"),
        (PLUGIN.replace("ACME-01", "RBAC-01"), "acme_checks.py:4", "two checks have the id RBAC-01"),
        (PLUGIN.replace('tier="A", ', ""), "acme_checks.py:4", "'tier'"),
        ("x = (\n", "acme_checks.py:1", "was never closed"),
    ],
)
def test_a_package_whose_checks_are_broken_is_named(
    cli: Cli, see: See, tmp_path: Path, code: str, where: str, why: str
) -> None:
    done = cli("audit", "-i", see({"dev": False}), "--select", "ACME-*", env=plugin(tmp_path, code))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{where} (entry point acme of dcctl.checks)" in done.stderr
    assert why in done.stderr, done.stderr


HOLDS = "import fcntl,sys;f=open(sys.argv[1]);fcntl.flock(f,2);print(1,flush=True);input()"


def test_a_watched_audit_is_kept_once_and_compared_each_time(
    home: dict[str, str], cli: Cli, see: See
) -> None:
    words = [
        sys.executable,
        "-m",
        "dcctl",
        "audit",
        "-i",
        see({"dev": True}),
        *ONLY,
        "--watch",
        "0.1",
        "-o",
        "json",
    ]
    with subprocess.Popen(words, env=home, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        rounds = [json.loads(process.stdout.readline())["summary"] for _ in range(3)]
        process.terminate()
    assert [(each["new"], each["known"]) for each in rounds] == [(1, 0), (0, 1), (0, 1)]
    assert json.loads(cli("audit", "verify", "-o", "json").stdout)["summary"]["runs"] == 1


def test_the_rights_that_it_needs(cli: Cli) -> None:
    assert "NOPASSWD: DCCTL_AUDIT" in cli("audit", "--sudoers").stdout
    assert "kind: ClusterRole" in cli("audit", "--rbac").stdout


def test_a_check_that_breaks_makes_the_run_incomplete(cli: Cli, see: See, tmp_path: Path) -> None:
    broken = PLUGIN.replace('yield Fault("is there")', "yield 1 / 0")
    done = cli(
        "audit", "-i", see({"dev": False}), "--select", "*-0[1-3]", "-o", "json", env=plugin(tmp_path, broken)
    )
    assert done.returncode == 3
    gaps = [(each["subject"], each["reason"]) for each in json.loads(done.stdout)["gaps"]]
    assert ("ACME-01", "the check broke: ZeroDivisionError: division by zero") in gaps
    told = (tmp_path / "state" / "dcctl" / "audit" / "broken-checks.txt").read_text()
    assert "acme_checks.py" in told


def test_two_audits_at_once(cli: Cli, see: See, tmp_path: Path, home: dict[str, str]) -> None:
    cli("audit", "-i", see({}))
    lock = tmp_path / "state" / "dcctl" / "audit" / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, lock],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=home,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        done = cli("audit", "-i", see({}))
        holder.communicate(b"\n")
    assert (done.returncode, "another audit" in done.stderr) == (6, True)


def test_a_history_that_was_changed_is_found(cli: Cli, see: See, tmp_path: Path) -> None:
    for _ in range(2):
        cli("audit", "-i", see({"dev": True}), *ONLY)
    whole = cli("audit", "verify", "-o", "json")
    told = json.loads(whole.stdout)["summary"]
    assert (whole.returncode, told["runs"]) == (0, 2)
    given = ("--public-key", told["public_key"], "--head", told["head"])
    assert cli("audit", "verify", *given).returncode == 0
    shutil.rmtree(tmp_path / "state")
    cli("audit", "-i", see({}), *ONLY)
    assert cli("audit", "verify").returncode == 0, "what a local chain cannot prove"
    assert cli("audit", "verify", *given).returncode == 1
    assert cli("audit", "verify", "--head", "1").returncode == 2


def test_since_tells_what_came_and_went(cli: Cli, see: See) -> None:
    for roles in ({"dev": True}, {"dev": False}, None):
        cli("audit", "-i", see(roles), *ONLY)
    rows = json.loads(cli("audit", "--since", "24h", "-o", "json").stdout)["items"]
    told = [(each["change"], each["check"]) for each in rows if each["check"] in (None, "RBAC-03")]
    assert told[:2] == [("new", "RBAC-03"), ("gone", "RBAC-03")]
    assert ("coverage", None) in told
    assert cli("audit", "--since", "yesterday").returncode == 2
    assert json.loads(cli("audit", "--since", "2w", "-o", "json").stdout)["items"] == rows


def test_evidence_is_saved_and_looked_at_again(cli: Cli, tmp_path: Path) -> None:
    path, told = (
        str(tmp_path / "e.json"),
        ("--no-record", "--columns", "check,object,says,where,id", "-o", "csv"),
    )
    first = cli("audit", "-i", "demo", "--save", path, *told)
    assert cli("audit", "-i", path, *told).stdout == first.stdout
    (tmp_path / "jq.json").write_text(json.dumps(json.loads((tmp_path / "e.json").read_text()), indent=2))
    assert cli("audit", "-i", str(tmp_path / "jq.json"), *told).stdout == first.stdout
    assert cli("audit", "-i", path, "-i", "demo").returncode == 2
    (tmp_path / "e.json").write_text((tmp_path / "e.json").read_text()[:999])
    assert cli("audit", "-i", path).returncode == 2


def test_names_feed_a_drain(cli: Cli) -> None:
    done = cli("audit", "-i", "demo", "--select", "NOD-*", "--severity", "crit", "-o", "name")
    assert done.stdout.split()
    assert all(re.fullmatch(r"[a-z]+\d+", name) for name in done.stdout.split())


def test_by_object_and_by_standard(cli: Cli) -> None:
    rows = json.loads(cli("audit", "-i", "demo", "--no-record", "--by", "object", "-o", "json").stdout)[
        "items"
    ]
    assert sum(each["findings"] for each in rows) > len(rows)
    done = cli("audit", "-i", "demo", "--no-record", "--standard", "cis-1.12", "-o", "json")
    assert {"5.1.1", "5.1.3"} <= {each["control"] for each in json.loads(done.stdout)["items"]}
    assert cli("audit", "-i", "demo", "--standard", "cis").returncode == 2


def test_nothing_is_selected(cli: Cli, see: See) -> None:
    done = cli("audit", "-i", see({}), "--select", "GPUS-*")
    assert (done.returncode, "names no check" in done.stderr) == (2, True)


class Watchman(BaseHTTPRequestHandler):
    """A server that is told of runs."""

    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heard.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def watchman() -> Iterator[str]:
    Watchman.heard.clear()
    with HTTPServer(("127.0.0.1", 0), Watchman) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/ping/x"
        server.shutdown()


def configured(tmp_path: Path, line: str) -> tuple[str, str]:
    path = tmp_path / "c.toml"
    path.write_text(f'[[context.lab.source]]\nkind = "local"\n[context.lab.audit]\n{line}\n')
    return "--config", str(path)


def test_a_watchman_hears_of_start_and_end(cli: Cli, see: See, tmp_path: Path, watchman: str) -> None:
    config = configured(tmp_path, f'ping = "{watchman}"')
    assert cli("audit", "-i", see({"dev": True}), *ONLY, *config).returncode == 1
    assert Watchman.heard == ["/ping/x/start", "/ping/x/1"]
    assert cli("audit", "-i", "/nowhere", *ONLY, *config).returncode == 2
    assert Watchman.heard[2:] == ["/ping/x/start", "/ping/x/2"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_watchman_hears_of_a_signal(
    home: dict[str, str], tmp_path: Path, watchman: str, number: signal.Signals, code: int
) -> None:
    """As the process ends, so he hears of it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    config = configured(tmp_path, f'ping = "{watchman}"')
    command = [sys.executable, "-m", "dcctl", "audit", "-i", str(pipe), *ONLY, *config]
    with subprocess.Popen(command, env=home, stderr=subprocess.DEVNULL) as process, pipe.open("w"):
        process.send_signal(number)  # it reads by then, and waits for what never comes
        assert process.wait(60) == code
    assert Watchman.heard == ["/ping/x/start", f"/ping/x/{code}"]


def test_no_stranger_hears_of_it(cli: Cli, see: See, tmp_path: Path) -> None:
    done = cli("audit", "-i", see({}), *configured(tmp_path, 'ping = "http://8.8.8.8/x"'))
    assert (done.returncode, "is not of this host or site" in done.stderr) == (2, True)


def test_a_watchman_who_is_not_there_changes_nothing(cli: Cli, see: See, tmp_path: Path) -> None:
    config = configured(tmp_path, 'ping = "http://127.0.0.1:9/x"')
    done = cli("audit", "-i", see({"dev": False}), *ONLY, *config)
    assert (done.returncode, done.stderr.count("127.0.0.1:9")) == (0, 2)
    assert cli("audit", "-i", see({"dev": False}), *ONLY, *config, "--cron").stderr == ""


@pytest.mark.parametrize("line", ["limits = 3", "own = {unknown_most = 1}", 'every = "daily"'])
def test_a_wrong_policy_is_told_with_its_place(cli: Cli, see: See, tmp_path: Path, line: str) -> None:
    done = cli("audit", "-i", see({}), *configured(tmp_path, line))
    assert (done.returncode, "context.lab.audit" in done.stderr) == (2, True)


@pytest.mark.parametrize("key", ["waivers", "checks"])
def test_config_check_misses_a_file(cli: Cli, tmp_path: Path, key: str) -> None:
    done = cli("config", "check", *configured(tmp_path, f'{key} = "/nowhere.yaml"'))
    assert (done.returncode, f"audit.{key}" in done.stderr) == (2, True)


def test_a_deadline_ends_an_audit(home: dict[str, str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = [sys.executable, "-m", "dcctl", "audit", "-i", str(pipe), "--deadline", "1"]
    done = subprocess.run(words, env=home, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "--deadline 1" in done.stderr) == (5, True)


def test_what_ctrl_c_ended_is_told_and_not_kept(cli: Cli, see: See) -> None:
    cli("audit", "-i", see({"dev": True}), *ONLY)
    cut = Gap("ssh", "ssh", "interrupted by Ctrl-C", "interrupted")
    assert cli("audit", "-i", see({"dev": True}, cut), *ONLY).returncode == 130
    assert json.loads(cli("audit", "verify", "-o", "json").stdout)["summary"]["runs"] == 1


def test_jitter_waits(home: dict[str, str]) -> None:
    words = [sys.executable, "-m", "dcctl", "audit", "-i", "demo", "--jitter", "86400"]
    with subprocess.Popen(words, env=home, stdout=subprocess.PIPE) as process:
        time.sleep(2)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.communicate()[0] == b""
    assert process.returncode == 143


def test_the_timer_is_printed_asked_about_and_written(cli: Cli, tmp_path: Path) -> None:
    dry = cli("audit", "install-timer", "--user", "--dry-run", "--options", "-i 'a b%' -o prom=/x/y.prom")
    assert '"a b%%"' in dry.stdout
    assert "ReadWritePaths=-/x\n" in dry.stdout
    assert cli("audit", "install-timer", "--user").returncode == 6
    assert cli("audit", "install-timer", "--user", "--yes").returncode == 0
    folder = tmp_path / "config" / "systemd" / "user"
    assert sorted(path.name for path in folder.iterdir()) == ["dcctl-audit.service", "dcctl-audit.timer"]
    assert cli("audit", "install-timer", "--user").stdout.startswith("nothing to change")
    changed = cli("audit", "install-timer", "--user", "--calendar", "weekly", "--dry-run").stdout
    assert "OnCalendar=weekly" in changed
    assert "[Service]" not in changed, "the service stays as it is"
    assert cli("audit", "install-timer", "--user", "--calendar", "weekly", "--yes").returncode == 0


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("--bogus", "No such option: --bogus"),
        ("--jitter soon", "soon"),
        ("--digest monday", "monday"),
        ("-o tables", "tables"),
        ("--fail-on high", "high"),
        ("gpu001", "gpu001"),
        ("--help", "--help"),
        ("-i 'demo", "quotation"),
    ],
)
def test_options_with_which_no_audit_would_begin_are_refused(cli: Cli, options: str, why: str) -> None:
    done = cli("audit", "install-timer", "--user", "--options", options, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("dcctl: --options")
    assert why in done.stderr


def test_a_service_has_the_time_that_its_options_give_it(cli: Cli) -> None:
    def limit(*words: str) -> str:
        text = cli("audit", "install-timer", "--user", "--dry-run", *words).stdout
        return text.partition("TimeoutStartSec=")[2].partition("\n")[0]

    assert limit() == "3660"
    assert limit("--deadline", "600") == "660"
    assert limit("--options", "--jitter 7200 --deadline 86400") == "93660"
    assert limit("--options", "--deadline=0") == "infinity"


def test_a_unit_of_somebody_else_is_left_alone(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "config" / "systemd" / "user"
    folder.mkdir(parents=True)
    timer, service = folder / "dcctl-audit.timer", folder / "dcctl-audit.service"
    timer.symlink_to("/dev/null")
    _refused(cli, timer)
    timer.unlink()
    service.write_text("[Service]\nExecStart=/bin/true\n")
    _refused(cli, service)
    assert (list(folder.iterdir()), service.read_text()[:9]) == ([service], "[Service]")


def _refused(cli: Cli, path: Path) -> None:
    for more in ("--yes", "--dry-run"):
        done = cli("audit", "install-timer", "--user", more)
        assert (done.returncode, f"{path.name}: is there" in done.stderr) == (6, True)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_a_time_that_systemd_does_not_know(cli: Cli) -> None:
    done = cli("audit", "install-timer", "--user", "--calendar", "at noon", "--dry-run")
    assert (done.returncode, "--calendar at noon" in done.stderr) == (2, True)
